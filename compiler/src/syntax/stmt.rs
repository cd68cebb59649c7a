//! Statements.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenTree};
use syn::spanned::Spanned;
use syn::{FnArg, Item, Pat, ReturnType, Safety, Type};

use super::ast::{Expr, ExprKind, FnDecl, FnParam, Stmt};
use super::body::{self, Chunk};
use super::shape::{self, tensor, tensor_type};
use super::tokens::without_attributes;
use super::{expr, refuse, tokens};
use crate::diag::{Diagnostic, Diagnostics};

/// What a statement's first words say that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    For,
    Fn,
    /// Ends in braces: `if`, `struct`.
    Braces,
    /// Ends in a `;`: `let`, `use`.
    Semicolon,
    Expression,
}

fn kind(tokens: &[TokenTree]) -> Kind {
    let mut tokens = without_attributes(tokens);
    loop {
        let [TokenTree::Ident(word), rest @ ..] = tokens else { return Kind::Expression };
        let word = word.to_string();
        let qualifies = match rest.first() {
            Some(TokenTree::Ident(next)) => {
                ["fn", "unsafe", "async", "extern", "const"].iter().any(|word| next == word)
            }
            Some(TokenTree::Literal(_)) => true,
            _ => false,
        };
        tokens = match (word.as_str(), rest) {
            ("for", _) => return Kind::For,
            ("fn", _) => return Kind::Fn,
            ("pub", [scope, rest @ ..]) if tokens::is_group(scope, Delimiter::Parenthesis) => rest,
            ("pub", rest) => rest,
            ("extern", [TokenTree::Literal(_), rest @ ..]) => rest,
            ("const" | "async" | "unsafe" | "extern", rest) if qualifies => rest,
            ("let" | "const" | "use" | "type" | "static", _) => return Kind::Semicolon,
            (
                "if" | "match" | "while" | "loop" | "struct" | "enum" | "trait" | "impl" | "mod" | "unsafe" | "extern",
                _,
            ) => {
                return Kind::Braces;
            }
            ("macro_rules" | "union", [TokenTree::Ident(_) | TokenTree::Punct(_), ..]) => return Kind::Braces,
            // A macro call whose arguments stand in braces.
            (_, [bang, TokenTree::Group(_)]) if tokens::is_punct(bang, '!') => return Kind::Braces,
            _ => return Kind::Expression,
        }
    }
}

/// Whether the tokens are a statement, not an expression.
pub(super) fn is_statement(tokens: &[TokenTree]) -> bool {
    kind(tokens) != Kind::Expression
}

/// Whether the statement needs no `;`: its last token is the braces of a `for`, a `fn` or an item.
pub(super) fn ends_in_braces(tokens: &[TokenTree]) -> bool {
    let [.., before, last] = tokens else { return false };
    tokens::is_group(last, Delimiter::Brace)
        // `Tensor<{2 * H}>`
        && !tokens::is_punct(before, '<')
        && !tokens::is_punct(before, ',')
        && matches!(kind(tokens), Kind::For | Kind::Fn | Kind::Braces)
}

/// The error of a statement whose first word has no use here; nothing more is said of it then.
pub(super) fn refused(tokens: &[TokenTree]) -> Option<Diagnostic> {
    let mut tokens = without_attributes(tokens);
    loop {
        tokens = match tokens {
            [word, scope, rest @ ..]
                if tokens::is_word(word, "pub") && tokens::is_group(scope, Delimiter::Parenthesis) =>
            {
                rest
            }
            [word, rest @ ..] if tokens::is_word(word, "pub") => rest,
            // Names elsewhere.
            [TokenTree::Ident(word), TokenTree::Punct(_) | TokenTree::Group(_), ..]
                if word == "union" || word == "macro_rules" =>
            {
                return None;
            }
            [TokenTree::Ident(word), ..] if kind(tokens) != Kind::Fn => {
                return refuse::word(&word.to_string(), word.span());
            }
            _ => return None,
        }
    }
}

/// Reads one statement. A broken `let` still declares its names.
pub(super) fn parse(chunk: &Chunk<'_>, errors: &mut Diagnostics, out: &mut Vec<Stmt>) {
    if let Some(error) = refused(chunk.tokens) {
        return errors.push(error);
    }
    if chunk.semicolon.is_none() && !ends_in_braces(chunk.tokens) {
        errors.push(Diagnostic::new(chunk.last, "expected `;` after this"));
    }
    let kind = kind(chunk.tokens);
    let (head, block) = match chunk.tokens {
        [head @ .., TokenTree::Group(block)]
            if matches!(kind, Kind::For | Kind::Fn) && block.delimiter() == Delimiter::Brace =>
        {
            (head, Some(block))
        }
        tokens => (tokens, None),
    };
    if let Some(axis) = shape::bare_axis(head) {
        errors.push(axis);
        return recover(chunk.tokens, kind, block, errors, out);
    }
    // A `;` for what lacks it is reported already; an item has none.
    let semicolon = chunk.semicolon.unwrap_or(chunk.last);
    let end = match (block, kind) {
        (Some(block), _) => Some(body::emptied(block)),
        (None, Kind::Braces) if chunk.semicolon.is_none() => None,
        (None, _) => Some(body::semicolon(semicolon)),
    };
    let tokens = head.iter().cloned().chain(end);
    match body::syn_parse(tokens, semicolon, |input| input.parse(), errors) {
        Some(parsed) => lower(&parsed, block, errors, out),
        None => recover(chunk.tokens, kind, block, errors, out),
    }
}

/// What can be saved of a statement that `syn` refused: the name that it declares, its block's errors.
fn recover(tokens: &[TokenTree], kind: Kind, block: Option<&Group>, errors: &mut Diagnostics, out: &mut Vec<Stmt>) {
    let invalid = |span| Expr { kind: ExprKind::Invalid, span };
    match (kind, block) {
        (Kind::For, Some(block)) => drop(body::network(block, errors)),
        (_, Some(block)) => drop(body::with_result(block, "a block", errors)),
        _ => {}
    }
    match without_attributes(tokens) {
        [TokenTree::Ident(word), TokenTree::Ident(mutable), TokenTree::Ident(name), ..]
            if word == "let" && mutable == "mut" =>
        {
            let (pattern, value) = (vec![name.clone()], invalid(name.span()));
            out.push(Stmt::Let { pattern, mutable: true, shape: None, value });
        }
        [TokenTree::Ident(word), TokenTree::Ident(name), ..] if word == "let" => {
            let (pattern, value) = (vec![name.clone()], invalid(name.span()));
            out.push(Stmt::Let { pattern, mutable: false, shape: None, value });
        }
        [TokenTree::Ident(word), TokenTree::Ident(name), ..] if word == "const" => {
            out.push(Stmt::Const { name: name.clone(), value: invalid(name.span()) });
        }
        _ => {}
    }
}

/// Statements of a block that `syn` has read as part of an expression: a closure's.
pub(super) fn lower_all(statements: &[syn::Stmt], errors: &mut Diagnostics) -> Vec<Stmt> {
    let mut out = Vec::new();
    for statement in statements {
        lower(statement, None, errors, &mut out);
    }
    out
}

/// `block` holds the content of a `for` or `fn` whose braces `syn` saw empty.
fn lower(statement: &syn::Stmt, block: Option<&Group>, errors: &mut Diagnostics, out: &mut Vec<Stmt>) {
    match statement {
        syn::Stmt::Local(local) => out.extend(lower_let(local, errors)),
        syn::Stmt::Item(Item::Const(item)) => out.push(lower_const(item, errors)),
        syn::Stmt::Item(Item::Fn(item)) => match block {
            Some(block) => out.extend(lower_fn(item, block, errors)),
            None => errors.push(
                Diagnostic::new(item.sig.fn_token.span, "a block can't be declared here")
                    .help("declare it in the network's body"),
            ),
        },
        syn::Stmt::Item(item) => errors.push(refuse::item(item)),
        syn::Stmt::Macro(mac) => errors.push(refuse::macro_call(&mac.mac)),
        syn::Stmt::Expr(syn::Expr::ForLoop(repeat), _) => out.extend(lower_for(repeat, block, errors)),
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
    let pattern = names(pattern, &mut mutable, errors);
    let Some(init) = &local.init else {
        let span = local.semi_token.span;
        errors.push(Diagnostic::new(local.let_token.span, "this `let` has no value").help("write `let name = …;`"));
        let value = Expr { kind: ExprKind::Invalid, span };
        return (!pattern.is_empty()).then_some(Stmt::Let { pattern, mutable, shape, value });
    };
    if let Some((else_token, _)) = &init.diverge {
        errors
            .push(Diagnostic::new(else_token.span, "a network has no `let … else`").help("every `let` gets its value"));
    }
    let mut value = expr::lower(&init.expr, errors);
    if pattern.is_empty() {
        return None;
    }
    if shape.is_some() && pattern.len() > 1 {
        errors.push(Diagnostic::new(local.pat.span(), "a shape describes one value, not several"));
        value.kind = ExprKind::Invalid;
        return Some(Stmt::Let { pattern, mutable, shape: None, value });
    }
    Some(Stmt::Let { pattern, mutable, shape, value })
}

/// `x`, `mut x`, `_` or `(a, b)`; none if the pattern is refused.
fn names(pattern: &Pat, mutable: &mut bool, errors: &mut Diagnostics) -> Vec<Ident> {
    match pattern {
        Pat::Tuple(tuple) if !tuple.elems.is_empty() => {
            tuple.elems.iter().filter_map(|element| single_name(element, mutable, errors)).collect()
        }
        Pat::Paren(paren) => names(&paren.pat, mutable, errors),
        pattern => single_name(pattern, mutable, errors).into_iter().collect(),
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

fn is_type(ty: &Type, names: &[&str]) -> bool {
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

fn lower_fn(item: &syn::ItemFn, block: &Group, errors: &mut Diagnostics) -> Option<Stmt> {
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
    let params = sig.inputs.iter().filter_map(|input| parameter(input, errors)).collect();
    let (body, result) = body::with_result(block, &format!("`{}`", sig.ident), errors);
    Some(Stmt::Fn(FnDecl { name: name?, params, body, result: Box::new(result) }))
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
            FnParam::Tensor(None)
        }
    };
    Some((single_name(&typed.pat, &mut false, errors)?, kind))
}
