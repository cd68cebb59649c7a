//! Statements.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::spanned::Spanned;
use syn::{Item, Pat, Type};

use super::ast::{Expr, ExprKind, Stmt};
use super::body::{self, Chunk};
use super::kind::{Kind, ends_in_braces, kind, refused};
use super::shape::{self, tensor_type};
use super::tokens::without_attributes;
use super::{block, expr, refuse, tokens};
use crate::diag::{Diagnostic, Diagnostics};

/// Reads one statement. A broken `let` still declares its names.
pub(super) fn parse(chunk: &Chunk<'_>, errors: &mut Diagnostics, out: &mut Vec<Stmt>) {
    if let Some(error) = refused(chunk.tokens) {
        return errors.push(error);
    }
    if chunk.semicolon.is_none() && !ends_in_braces(chunk.tokens) {
        errors.push(Diagnostic::new(chunk.last, "expected `;` after this"));
    }
    let kind = kind(chunk.tokens);
    let (head, braces) = match chunk.tokens {
        [head @ .., TokenTree::Group(braces)]
            if matches!(kind, Kind::For | Kind::Fn) && braces.delimiter() == Delimiter::Brace =>
        {
            (head, Some(braces))
        }
        tokens => (tokens, None),
    };
    if let Some(axis) = shape::bare_axis(head) {
        errors.push(axis);
        return recover(chunk.tokens, kind, braces, errors, out);
    }
    // A `;` for what lacks it is reported already; an item has none.
    let semicolon = chunk.semicolon.unwrap_or(chunk.last);
    let end = match (braces, kind) {
        (Some(braces), _) => Some(body::emptied(braces)),
        (None, Kind::Braces) if chunk.semicolon.is_none() => None,
        (None, _) => Some(body::semicolon(semicolon)),
    };
    let tokens = head.iter().cloned().chain(end);
    match body::syn_parse(tokens, semicolon, |input| input.parse(), errors) {
        Some(parsed) => lower(&parsed, braces, errors, out),
        None => recover(chunk.tokens, kind, braces, errors, out),
    }
}

/// What can be saved of a statement that `syn` refused: the name that it declares, its block's errors.
fn recover(tokens: &[TokenTree], kind: Kind, block: Option<&Group>, errors: &mut Diagnostics, out: &mut Vec<Stmt>) {
    match (kind, block) {
        (Kind::For, Some(block)) => drop(body::network(block, errors)),
        (_, Some(block)) => drop(body::with_result(block, "a block", errors)),
        _ => {}
    }
    if kind == Kind::Fn {
        let name = tokens.iter().skip_while(|token| !tokens::is_word(token, "fn")).nth(1);
        if let Some(TokenTree::Ident(name)) = name {
            poison(name, out);
        }
        return;
    }
    match without_attributes(tokens) {
        [word, pattern @ ..] if tokens::is_word(word, "let") => {
            let end = |token: &TokenTree| tokens::is_punct(token, '=') || tokens::is_punct(token, ':');
            let pattern: TokenStream = pattern.iter().take_while(|token| !end(token)).cloned().collect();
            out.extend(broken_let(pattern));
        }
        [word, TokenTree::Ident(name), ..] if tokens::is_word(word, "const") => {
            out.push(Stmt::Const { name: name.clone(), value: invalid(name.span()) });
        }
        _ => {}
    }
}

/// All names of a pattern, without values.
fn broken_let(pattern: TokenStream) -> Option<Stmt> {
    let mut pending: Vec<TokenTree> = pattern.into_iter().collect();
    let (mut pattern, mut mutable) = (Vec::new(), false);
    while let Some(token) = pending.pop() {
        match token {
            TokenTree::Group(group) => pending.extend(group.stream()),
            TokenTree::Ident(word) if word == "mut" => mutable = true,
            TokenTree::Ident(word) if !tokens::is_keyword(&word.to_string()) => pattern.push(word),
            _ => {}
        }
    }
    let value = invalid(pattern.first()?.span());
    Some(Stmt::Let { pattern, mutable, shape: None, value })
}

fn invalid(span: Span) -> Expr {
    Expr { kind: ExprKind::Invalid, span }
}

/// Binds the name of a block that is broken, from the start: a block may be used before its declaration.
fn poison(name: &Ident, out: &mut Vec<Stmt>) {
    let (pattern, value) = (vec![name.clone()], invalid(name.span()));
    out.insert(0, Stmt::Let { pattern, mutable: false, shape: None, value });
}

/// Statements of a block that `syn` has read as part of an expression: a closure's.
pub(super) fn lower_all(statements: &[syn::Stmt], errors: &mut Diagnostics) -> Vec<Stmt> {
    let mut out = Vec::new();
    for statement in statements {
        lower(statement, None, errors, &mut out);
    }
    out
}

/// `braces` holds the content of a `for` or `fn` whose braces `syn` saw empty.
fn lower(statement: &syn::Stmt, braces: Option<&Group>, errors: &mut Diagnostics, out: &mut Vec<Stmt>) {
    match statement {
        syn::Stmt::Local(local) => out.extend(lower_let(local, errors)),
        syn::Stmt::Item(Item::Const(item)) => out.push(lower_const(item, errors)),
        syn::Stmt::Item(Item::Fn(item)) => match braces {
            Some(braces) => match block::lower(item, braces, errors) {
                Some(declared) => out.push(Stmt::Fn(declared)),
                None => poison(&item.sig.ident, out),
            },
            None => errors.push(
                Diagnostic::new(item.sig.fn_token.span, "a block can't be declared here")
                    .help("declare it in the network's body"),
            ),
        },
        syn::Stmt::Item(item) => errors.push(refuse::item(item)),
        syn::Stmt::Macro(mac) => errors.push(refuse::macro_call(&mac.mac)),
        syn::Stmt::Expr(syn::Expr::ForLoop(repeat), _) => out.extend(lower_for(repeat, braces, errors)),
        syn::Stmt::Expr(syn::Expr::Assign(assign), _) => {
            refuse::attributes(&assign.attrs, errors);
            let value = expr::lower(&assign.right, errors);
            match expr::plain_name(&assign.left) {
                Some(name) => out.extend(expr::name(name, errors).map(|name| Stmt::Assign { name, value })),
                None => errors.push(
                    Diagnostic::new(assign.left.span(), "only a name can be assigned to")
                        .help("`let mut h = …;` declares one, `h = …;` gives it a new value"),
                ),
            }
        }
        syn::Stmt::Expr(syn::Expr::Verbatim(tokens), _) if tokens.is_empty() => {}
        syn::Stmt::Expr(value, _) => out.push(Stmt::Expr(expr::lower(value, errors))),
    }
}

fn lower_let(local: &syn::Local, errors: &mut Diagnostics) -> Option<Stmt> {
    refuse::attributes(&local.attrs, errors);
    let (pattern, shape) = match &local.pat {
        Pat::Type(typed) => (&*typed.pat, tensor_type(&typed.ty, errors)),
        pattern => (pattern, None),
    };
    let mut mutable = false;
    let bound = names(pattern, &mut mutable, errors);
    let mut value = match &local.init {
        Some(init) => expr::lower(&init.expr, errors),
        None => {
            let error = Diagnostic::new(local.let_token.span, "this `let` has no value");
            errors.push(error.help("write `let name = …;`"));
            invalid(local.semi_token.span)
        }
    };
    if let Some((else_token, _)) = local.init.as_ref().and_then(|init| init.diverge.as_ref()) {
        errors
            .push(Diagnostic::new(else_token.span, "a network has no `let … else`").help("every `let` gets its value"));
    }
    let Some(bound) = bound else { return broken_let(pattern.to_token_stream()) };
    if shape.is_some() && bound.len() > 1 {
        errors.push(Diagnostic::new(local.pat.span(), "a shape describes one value, not several"));
        value.kind = ExprKind::Invalid;
        return Some(Stmt::Let { pattern: bound, mutable, shape: None, value });
    }
    Some(Stmt::Let { pattern: bound, mutable, shape, value })
}

/// `x`, `mut x`, `_` or `(a, b)`; `None` if the pattern is refused.
fn names(pattern: &Pat, mutable: &mut bool, errors: &mut Diagnostics) -> Option<Vec<Ident>> {
    match pattern {
        Pat::Tuple(tuple) if !tuple.elems.is_empty() => {
            let names: Vec<_> = tuple.elems.iter().map(|element| single_name(element, mutable, errors)).collect();
            names.into_iter().collect()
        }
        Pat::Paren(paren) => names(&paren.pat, mutable, errors),
        pattern => single_name(pattern, mutable, errors).map(|name| vec![name]),
    }
}

/// `x`, `mut x` or `_`.
pub(super) fn single_name(pattern: &Pat, mutable: &mut bool, errors: &mut Diagnostics) -> Option<Ident> {
    match pattern {
        Pat::Ident(ident) if ident.by_ref.is_none() && ident.subpat.is_none() => {
            *mutable |= ident.mutability.is_some();
            expr::name(&ident.ident, errors)
        }
        Pat::Wild(wild) => Some(Ident::new("_", wild.underscore_token.span)),
        other => {
            errors.push(refuse::pattern(other));
            None
        }
    }
}

fn lower_const(item: &syn::ItemConst, errors: &mut Diagnostics) -> Stmt {
    refuse::attributes(&item.attrs, errors);
    if !matches!(item.vis, syn::Visibility::Inherited) {
        errors.push(Diagnostic::new(item.vis.span(), "a network's constants are its own").help("leave this out"));
    }
    if !is_type(&item.ty, &["usize"]) {
        errors.push(Diagnostic::new(item.ty.span(), "a constant's type is `usize`"));
    }
    Stmt::Const { name: item.ident.clone(), value: expr::lower(&item.expr, errors) }
}

pub(super) fn is_type(ty: &Type, names: &[&str]) -> bool {
    matches!(ty, Type::Path(path) if names.iter().any(|name| path.path.is_ident(name)))
}

fn lower_for(repeat: &syn::ExprForLoop, block: Option<&Group>, errors: &mut Diagnostics) -> Option<Stmt> {
    refuse::attributes(&repeat.attrs, errors);
    if let Some(label) = &repeat.label {
        errors.push(Diagnostic::new(label.name.span(), "loops have no labels here"));
    }
    let body = match block {
        Some(block) => body::network(block, errors),
        None => lower_all(&repeat.body.stmts, errors),
    };
    let variable = match &*repeat.pat {
        Pat::Tuple(tuple) => {
            errors
                .push(Diagnostic::new(tuple.span(), "a loop has one counter").help("write `for i in 0..LAYERS { … }`"));
            return None;
        }
        pattern => single_name(pattern, &mut false, errors)?,
    };
    let range = match &*repeat.expr {
        syn::Expr::Range(range) => Some(range),
        syn::Expr::Paren(paren) => match &*paren.expr {
            syn::Expr::Range(range) => Some(range),
            _ => None,
        },
        _ => None,
    };
    let Some((range, from, to)) = range.and_then(|range| Some((range, range.start.as_deref()?, range.end.as_deref()?)))
    else {
        errors.push(
            Diagnostic::new(repeat.expr.span(), "a loop runs over a range with both ends")
                .help("write `for i in 0..LAYERS { … }`"),
        );
        return None;
    };
    Some(Stmt::For {
        variable: (variable != "_").then_some(variable),
        from: expr::lower(from, errors),
        to: expr::lower(to, errors),
        inclusive: matches!(range.limits, syn::RangeLimits::Closed(_)),
        body,
        span: repeat.for_token.span,
    })
}
