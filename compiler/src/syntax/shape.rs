//! `Tensor<7, 7, {2 * H}>`.

use proc_macro2::{Delimiter, TokenTree};
use syn::Type;
use syn::spanned::Spanned;

use super::ast::{Expr, ExprKind, ShapeDecl};
use super::expr;
use super::tokens::{is_group, is_punct, is_word};
use crate::diag::{Diagnostic, Diagnostics};

/// `Tensor<7, 7, {2 * H}>`; `None` for a plain `Tensor` and for what is refused.
pub(super) fn tensor_type(ty: &Type, errors: &mut Diagnostics) -> Option<ShapeDecl> {
    let Some(arguments) = tensor(ty) else {
        errors.push(
            Diagnostic::new(ty.span(), "a value's type is `Tensor<…>` with its axes, the batch left out")
                .help("leave the type out, or write `Tensor<28, 28, 1>`"),
        );
        return None;
    };
    let arguments = arguments?;
    let dims = arguments.args.iter().filter_map(|argument| axis(argument, errors)).collect();
    Some(ShapeDecl { dims, span: ty.span() })
}

/// The arguments of `Tensor`.
pub(super) fn tensor(ty: &Type) -> Option<Option<&syn::AngleBracketedGenericArguments>> {
    let Type::Path(path) = ty else { return None };
    if path.qself.is_some() || path.path.leading_colon.is_some() || path.path.segments.len() != 1 {
        return None;
    }
    let segment = path.path.segments.first().filter(|segment| segment.ident == "Tensor")?;
    match &segment.arguments {
        syn::PathArguments::None => Some(None),
        syn::PathArguments::AngleBracketed(arguments) => Some(Some(arguments)),
        syn::PathArguments::Parenthesized(_) => None,
    }
}

/// An axis of `Tensor<..>`.
fn axis(argument: &syn::GenericArgument, errors: &mut Diagnostics) -> Option<Expr> {
    use syn::{GenericArgument, Type};
    match argument {
        GenericArgument::Const(syn::Expr::Block(block)) => match block.block.stmts.as_slice() {
            [syn::Stmt::Expr(value, None)] => Some(expr::lower(value, errors)),
            _ => {
                errors.push(Diagnostic::new(block.span(), "an axis is one expression").help("write `{2 * H}`"));
                Some(Expr { kind: ExprKind::Invalid, span: block.span() })
            }
        },
        GenericArgument::Const(value) => Some(expr::lower(value, errors)),
        GenericArgument::Type(Type::Path(path)) if path.qself.is_none() && path.path.get_ident().is_some() => {
            let ident = expr::name(path.path.get_ident()?, errors)?;
            Some(Expr { span: ident.span(), kind: ExprKind::Name(ident) })
        }
        other => {
            errors.push(
                Diagnostic::new(other.span(), "expected an axis: a number or a constant")
                    .help("an expression stands in braces: `Tensor<{2 * H}>`"),
            );
            Some(Expr { kind: ExprKind::Invalid, span: other.span() })
        }
    }
}

/// The error of an axis that is more than one token, which Rust's grammar would misread. Looks at the
/// tokens of a statement and at the parameters of a `fn`.
pub(super) fn bare_axis(tokens: &[TokenTree]) -> Option<Diagnostic> {
    for (at, token) in tokens.iter().enumerate() {
        if let TokenTree::Group(group) = token
            && tokens.iter().take(at).any(|before| is_word(before, "fn"))
        {
            let inside: Vec<TokenTree> = group.stream().into_iter().collect();
            if let Some(error) = bare_axis(&inside) {
                return Some(error);
            }
        }
        let [name, open, axes @ ..] = tokens.get(at..).unwrap_or_default() else { continue };
        if !is_word(name, "Tensor") || !is_punct(open, '<') {
            continue;
        }
        let end = axes.iter().position(|token| is_punct(token, '>')).unwrap_or(axes.len());
        let axes = axes.get(..end).unwrap_or_default();
        for axis in axes.split(|token| is_punct(token, ',')) {
            match axis {
                [] | [TokenTree::Ident(_) | TokenTree::Literal(_)] => {}
                [one] if is_group(one, Delimiter::Brace) || is_group(one, Delimiter::None) => {}
                [TokenTree::Group(shape)] => {
                    return Some(
                        Diagnostic::new(shape.span(), "axes stand directly between `<` and `>`")
                            .help("write `Tensor<28, 28, 1>`"),
                    );
                }
                // A lifetime is `syn`'s to read.
                [quote, ..] if is_punct(quote, '\'') => {}
                [first, ..] => {
                    let written: String = axis.iter().map(|token| format!("{token} ")).collect();
                    return Some(
                        Diagnostic::new(first.span(), "an axis that is an expression stands in braces")
                            .help(format!("write `{{{}}}`", written.trim())),
                    );
                }
            }
        }
    }
    None
}
