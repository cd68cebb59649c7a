//! Expressions.

use proc_macro2::{Ident, Span, TokenTree};
use syn::spanned::Spanned;
use syn::{BinOp, UnOp};

use super::ast::{BinaryOp, Expr, ExprKind};
use super::{body, literal, refuse, stmt, tokens};
use crate::diag::{Diagnostic, Diagnostics};

/// Reads an expression from tokens; what is missing at their end is reported at `last`.
pub(super) fn parse(tokens: &[TokenTree], last: Span, errors: &mut Diagnostics) -> Expr {
    match body::syn_parse(tokens.iter().cloned(), last, |input| input.parse::<syn::Expr>(), errors) {
        Some(expr) => lower(&expr, errors),
        None => Expr { kind: ExprKind::Invalid, span: tokens.first().map_or(last, TokenTree::span) },
    }
}

/// A name that can be declared or used.
pub(super) fn name(ident: &Ident, errors: &mut Diagnostics) -> Option<Ident> {
    let text = ident.to_string();
    if let Some(plain) = text.strip_prefix("r#") {
        errors.push(Diagnostic::new(ident.span(), format!("`{text}` can't be a name here")).help("leave `r#` out"));
        (!tokens::is_keyword(plain)).then(|| Ident::new(plain, ident.span()))
    } else if tokens::is_keyword(&text) {
        errors.push(Diagnostic::new(ident.span(), format!("`{text}` is a word of Rust and can't be a name")));
        None
    } else {
        Some(ident.clone())
    }
}

/// The name that an expression consists of.
pub(super) fn plain_name(expr: &syn::Expr) -> Option<&Ident> {
    match expr {
        syn::Expr::Path(path) if path.qself.is_none() && path.attrs.is_empty() => path.path.get_ident(),
        syn::Expr::Group(group) => plain_name(&group.expr),
        _ => None,
    }
}

/// Translates an expression; what the language lacks is reported and becomes `Invalid`.
pub(super) fn lower(expr: &syn::Expr, errors: &mut Diagnostics) -> Expr {
    let span = expr.span();
    let kind = match expr {
        // Parentheses and the groups of `macro_rules!` variables leave no trace.
        syn::Expr::Paren(paren) => return Expr { span, ..lower(&paren.expr, errors) },
        syn::Expr::Group(group) => return lower(&group.expr, errors),
        syn::Expr::Lit(lit) => literal::lower(&lit.lit, errors),
        syn::Expr::Path(path) => match plain_name(expr) {
            Some(ident) => name(ident, errors).map_or(ExprKind::Invalid, ExprKind::Name),
            None => report(refuse::path(&path.path), errors),
        },
        syn::Expr::Call(call) => match plain_name(&call.func) {
            Some(callee) => {
                let arguments = arguments(&call.args, errors);
                match (name(callee, errors), arguments) {
                    (Some(callee), Some((args, named))) => ExprKind::Call { callee, args, named },
                    _ => ExprKind::Invalid,
                }
            }
            None => report(refuse::callee(&call.func), errors),
        },
        syn::Expr::MethodCall(call) => {
            let receiver = Box::new(lower(&call.receiver, errors));
            if let Some(turbofish) = &call.turbofish {
                errors.push(refuse::turbofish(turbofish));
            }
            let arguments = arguments(&call.args, errors);
            match (name(&call.method, errors), arguments) {
                (Some(method), Some((args, named))) => ExprKind::Method { receiver, method, args, named },
                _ => ExprKind::Invalid,
            }
        }
        syn::Expr::Unary(unary) => {
            let operand = Box::new(lower(&unary.expr, errors));
            match unary.op {
                UnOp::Neg(_) => ExprKind::Neg(operand),
                UnOp::Not(_) => ExprKind::Not(operand),
                _ => report(
                    Diagnostic::new(unary.op.span(), "a network has no references to follow").help("leave `*` out"),
                    errors,
                ),
            }
        }
        syn::Expr::Binary(binary) => {
            let left = Box::new(lower(&binary.left, errors));
            let right = Box::new(lower(&binary.right, errors));
            match operator(&binary.op) {
                Some(op) => ExprKind::Binary { op, op_span: binary.op.span(), left, right },
                None => report(refuse::operator(binary), errors),
            }
        }
        syn::Expr::Tuple(tuple) => ExprKind::Tuple(lower_each(&tuple.elems, errors)),
        syn::Expr::Array(array) => ExprKind::Array(lower_each(&array.elems, errors)),
        syn::Expr::Index(index) => {
            let base = Box::new(lower(&index.expr, errors));
            let indices = match &*index.index {
                syn::Expr::Tuple(tuple) => lower_each(&tuple.elems, errors),
                one => vec![lower(one, errors)],
            };
            ExprKind::Index { base, indices }
        }
        syn::Expr::Range(range) => {
            let mut end = |end: &Option<Box<syn::Expr>>| end.as_ref().map(|end| Box::new(lower(end, errors)));
            ExprKind::Range {
                from: end(&range.start),
                to: end(&range.end),
                inclusive: matches!(range.limits, syn::RangeLimits::Closed(_)),
            }
        }
        syn::Expr::Closure(closure) => lower_closure(closure, errors),
        other => report(refuse::expression(other), errors),
    };
    Expr { kind, span }
}

fn report(error: Diagnostic, errors: &mut Diagnostics) -> ExprKind {
    errors.push(error);
    ExprKind::Invalid
}

fn lower_each<'a>(exprs: impl IntoIterator<Item = &'a syn::Expr>, errors: &mut Diagnostics) -> Vec<Expr> {
    exprs.into_iter().map(|expr| lower(expr, errors)).collect()
}

type Arguments = (Vec<Expr>, Vec<(Ident, Expr)>);

/// Positional and keyword arguments, each kind in its order; `None` if a keyword is lost.
fn arguments<'a>(all: impl IntoIterator<Item = &'a syn::Expr>, errors: &mut Diagnostics) -> Option<Arguments> {
    let mut lost = false;
    let (mut args, mut named): (_, Vec<(Ident, Expr)>) = (Vec::new(), Vec::new());
    for argument in all {
        let syn::Expr::Assign(assign) = argument else {
            args.push(lower(argument, errors));
            continue;
        };
        let value = lower(&assign.right, errors);
        let Some(key) = plain_name(&assign.left) else {
            errors.push(
                Diagnostic::new(assign.left.span(), "expected a keyword before `=`")
                    .help("a keyword argument reads `kernel = 3`; equality is `==`"),
            );
            lost = true;
            continue;
        };
        let Some(key) = name(key, errors) else {
            lost = true;
            continue;
        };
        if named.iter().any(|(other, _)| *other == key) {
            errors.push(Diagnostic::new(key.span(), format!("`{key}` is given twice")));
        } else {
            named.push((key, value));
        }
    }
    (!lost).then_some((args, named))
}

fn lower_closure(closure: &syn::ExprClosure, errors: &mut Diagnostics) -> ExprKind {
    if let Some(token) = &closure.capture {
        errors.push(Diagnostic::new(token.span, "a network has no `move`").help("leave this out"));
    }
    if let Some(token) = &closure.asyncness {
        errors.push(Diagnostic::new(token.span, "a network has no `async`").help("leave this out"));
    }
    if let Some(token) = &closure.constness {
        errors.push(Diagnostic::new(token.span, "a closure has no `const`").help("leave this out"));
    }
    if let Some(lifetimes) = &closure.lifetimes {
        errors.push(Diagnostic::new(lifetimes.span(), "a network has no lifetimes").help("leave this out"));
    }
    if let syn::ReturnType::Type(_, ty) = &closure.output {
        errors.push(Diagnostic::new(ty.span(), "a closure's type is inferred").help("leave this out"));
    }
    let count = closure.inputs.len();
    let params: Vec<Vec<Ident>> = closure.inputs.iter().filter_map(|input| parameter(input, errors)).collect();
    let (statements, result) = match &*closure.body {
        syn::Expr::Block(block) if block.label.is_none() => match block.block.stmts.split_last() {
            Some((syn::Stmt::Expr(result, None), statements)) => (statements, result),
            _ => {
                let span = block.block.brace_token.span.close();
                errors.push(Diagnostic::new(span, "a closure must end in an expression, its result"));
                stmt::lower_all(&block.block.stmts, errors);
                return ExprKind::Invalid;
            }
        },
        result => (&[][..], result),
    };
    let body = stmt::lower_all(statements, errors);
    let result = Box::new(lower(result, errors));
    if params.len() < count { ExprKind::Invalid } else { ExprKind::Closure { params, body, result } }
}

/// `h` or `(x_t, m_t)` between a closure's bars; `None` if a name is lost.
fn parameter(pattern: &syn::Pat, errors: &mut Diagnostics) -> Option<Vec<Ident>> {
    match pattern {
        syn::Pat::Paren(paren) => parameter(&paren.pat, errors),
        syn::Pat::Tuple(tuple) => {
            let names: Vec<Option<Ident>> =
                tuple.elems.iter().map(|name| stmt::single_name(name, &mut false, errors)).collect();
            names.into_iter().collect()
        }
        name => stmt::single_name(name, &mut false, errors).map(|name| vec![name]),
    }
}

fn operator(op: &BinOp) -> Option<BinaryOp> {
    Some(match op {
        BinOp::Add(_) => BinaryOp::Add,
        BinOp::Sub(_) => BinaryOp::Sub,
        BinOp::Mul(_) => BinaryOp::Mul,
        BinOp::Div(_) => BinaryOp::Div,
        BinOp::Rem(_) => BinaryOp::Rem,
        BinOp::Lt(_) => BinaryOp::Lt,
        BinOp::Le(_) => BinaryOp::Le,
        BinOp::Gt(_) => BinaryOp::Gt,
        BinOp::Ge(_) => BinaryOp::Ge,
        BinOp::Eq(_) => BinaryOp::Eq,
        BinOp::Ne(_) => BinaryOp::Ne,
        BinOp::And(_) => BinaryOp::And,
        BinOp::Or(_) => BinaryOp::Or,
        _ => return None,
    })
}
