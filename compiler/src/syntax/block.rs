//! `fn block(x: Tensor, filters: usize) -> Tensor { … }`.

use proc_macro2::{Group, Ident, Span};
use syn::spanned::Spanned;
use syn::{FnArg, ReturnType, Safety, Type};

use super::ast::{FnDecl, FnParam};
use super::shape::{tensor, tensor_type};
use super::stmt::{is_type, single_name};
use super::{body, expr, refuse};
use crate::diag::{Diagnostic, Diagnostics};

/// Translates a block whose braces `syn` saw empty. `None` if it can't be told how it is called.
pub(super) fn lower(item: &syn::ItemFn, braces: &Group, errors: &mut Diagnostics) -> Option<FnDecl> {
    refuse::attributes(&item.attrs, errors);
    let sig = &item.sig;
    let name = expr::name(&sig.ident, errors);
    let mut refuse = |span: Span, what: &str| {
        errors.push(Diagnostic::new(span, format!("a block has no {what}")).help("leave this out"));
    };
    if !matches!(item.vis, syn::Visibility::Inherited) {
        refuse(item.vis.span(), "visibility");
    }
    if let Some(token) = &sig.constness {
        refuse(token.span, "`const`");
    }
    if let Some(token) = &sig.asyncness {
        refuse(token.span, "`async`");
    }
    if let Safety::Safe(_) | Safety::Unsafe(_) = sig.safety {
        refuse(sig.safety.span(), "`unsafe`");
    }
    if let Some(abi) = &sig.abi {
        refuse(abi.extern_token.span, "`extern`");
    }
    if !sig.generics.params.is_empty() {
        refuse(sig.generics.span(), "generic parameters");
    }
    if let Some(clause) = &sig.generics.where_clause {
        refuse(clause.where_token.span, "`where`");
    }
    if let Some(variadic) = &sig.variadic {
        refuse(variadic.dots.span(), "variable number of parameters");
    }
    match &sig.output {
        ReturnType::Type(_, ty) if returns_tensors(ty) => {}
        ReturnType::Type(_, ty) => errors.push(
            Diagnostic::new(ty.span(), "a block returns `Tensor`, or a tuple of them")
                .help("write `-> Tensor`; a `let` with a type checks the shape"),
        ),
        ReturnType::Default => errors.push(
            Diagnostic::new(sig.ident.span(), format!("`{}` returns nothing", sig.ident))
                .help("write `-> Tensor` after the parameters"),
        ),
    }
    let params: Vec<Option<_>> = sig.inputs.iter().map(|input| parameter(input, errors)).collect();
    let (body, result) = body::with_result(braces, &format!("`{}`", sig.ident), errors);
    Some(FnDecl { name: name?, params: params.into_iter().collect::<Option<_>>()?, body, result: Box::new(result) })
}

fn returns_tensors(ty: &Type) -> bool {
    match ty {
        Type::Tuple(tuple) => !tuple.elems.is_empty() && tuple.elems.iter().all(returns_tensors),
        ty => matches!(tensor(ty), Some(None)),
    }
}

fn parameter(input: &FnArg, errors: &mut Diagnostics) -> Option<(Ident, FnParam)> {
    let typed = match input {
        FnArg::Typed(typed) => typed,
        FnArg::Receiver(receiver) => {
            errors.push(
                Diagnostic::new(receiver.self_token.span, "a block has no `self`")
                    .help("take the value by name: `x: Tensor`"),
            );
            return None;
        }
    };
    let name = single_name(&typed.pat, &mut false, errors);
    let kind = match &*typed.ty {
        ty if tensor(ty).is_some() => FnParam::Tensor(tensor_type(ty, errors)),
        ty if is_type(ty, &["usize"]) => FnParam::Integer,
        ty if is_type(ty, &["f32", "f64"]) => FnParam::Float,
        ty if is_type(ty, &["bool"]) => FnParam::Bool,
        ty => {
            errors.push(
                Diagnostic::new(ty.span(), "a block's parameter is a `Tensor`, `usize`, `f32` or `bool`")
                    .help("a tensor of any shape is `Tensor`, of one shape `Tensor<28, 28>`"),
            );
            return None;
        }
    };
    Some((name?, kind))
}
