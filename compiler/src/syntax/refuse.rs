//! What Rust has and the language does not: what to write instead.

use proc_macro2::Span;
use quote::ToTokens;
use syn::spanned::Spanned;
use syn::{BinOp, Expr, Item, Pat};

use crate::diag::{Diagnostic, Diagnostics};

/// Attributes inside the body.
pub(super) fn attributes(attributes: &[syn::Attribute], errors: &mut Diagnostics) {
    // Doc comments do no harm.
    for attribute in attributes.iter().filter(|attribute| !attribute.path().is_ident("doc")) {
        errors.push(
            Diagnostic::new(attribute.pound_token.span, "a network's statements have no attributes")
                .help("attributes of the generated type stand before its name"),
        );
    }
}

/// A word of Rust that has no use here.
pub(super) fn word(word: &str, span: Span) -> Option<Diagnostic> {
    let outside = "declare it outside `network!`";
    let choose = "`select(condition, a, b)` chooses element by element";
    let repeat = "write `for i in 0..LAYERS { … }`";
    let whole = "a loop runs over its whole range";
    let (what, help) = match word {
        "struct" | "enum" | "union" | "trait" | "macro_rules" | "extern" => (format!("`{word}`"), outside),
        "impl" => (format!("`{word}`"), "the generated type can have one outside `network!`"),
        "mod" => (format!("`{word}`"), "each network has a `network!` of its own"),
        "use" => (format!("`{word}`"), "layers need no import; constants are declared in the body"),
        "type" => (format!("`{word}`"), "shapes are written out: `Tensor<28, 28, 1>`"),
        "static" => (format!("`{word}`"), "write `const NAME: usize = …;`"),
        "if" | "match" => (format!("`{word}`: its graph is the same for all data"), choose),
        "while" | "loop" => (format!("`{word}`"), repeat),
        "break" | "continue" => (format!("`{word}`"), whole),
        "return" => (format!("`{word}`"), "a block's last expression is its result"),
        "unsafe" | "async" | "await" | "yield" => (format!("`{word}`"), "leave this out"),
        _ => return None,
    };
    Some(Diagnostic::new(span, format!("a network has no {what}")).help(help))
}

/// `struct`, `use` and the like.
pub(super) fn item(item: &Item) -> Diagnostic {
    let (name, span) = match item {
        Item::Struct(item) => ("struct", item.struct_token.span),
        Item::Enum(item) => ("enum", item.enum_token.span),
        Item::Union(item) => ("union", item.union_token.span),
        Item::Trait(item) => ("trait", item.trait_token.span),
        Item::Impl(item) => ("impl", item.impl_token.span),
        Item::Mod(item) => ("mod", item.mod_token.span),
        Item::Use(item) => ("use", item.use_token.span),
        Item::Type(item) => ("type", item.type_token.span),
        Item::Static(item) => ("static", item.static_token.span),
        Item::Macro(item) => return macro_call(&item.mac),
        other => ("", other.span()),
    };
    let other = || Diagnostic::new(span, "a network has no such items").help("declare it outside `network!`");
    word(name, span).unwrap_or_else(other)
}

/// `name!(…)`.
pub(super) fn macro_call(mac: &syn::Macro) -> Diagnostic {
    Diagnostic::new(mac.bang_token.span, "macros can't be called in a network")
        .help("write out what it would expand to")
}

/// Patterns other than a name.
pub(super) fn pattern(pattern: &Pat) -> Diagnostic {
    let error = Diagnostic::new(pattern.span(), "expected a name");
    match pattern {
        Pat::Ident(ident) if ident.by_ref.is_some() => {
            Diagnostic::new(ident.by_ref.span(), "a network has no references").help("leave `ref` out")
        }
        Pat::Type(typed) => Diagnostic::new(typed.ty.span(), "the type is inferred here").help("leave it out"),
        Pat::Tuple(_) => error.help("name the tuple, and take it apart with a `let` of its own"),
        Pat::Reference(reference) => {
            Diagnostic::new(reference.and_token.span, "a network has no references").help("leave `&` out")
        }
        _ => error,
    }
}

/// `a::b` and `f::<T>`.
pub(super) fn path(path: &syn::Path) -> Diagnostic {
    let arguments = path.segments.iter().map(|segment| &segment.arguments).find(|arguments| !arguments.is_empty());
    if let Some(arguments) = arguments {
        return Diagnostic::new(arguments.span(), "a network has no type arguments").help("leave this out");
    }
    let last = path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default();
    Diagnostic::new(path.span(), "the compiler of networks can't look outside the network")
        .help(format!("declare `const {last}: usize = …;` in the body, or `{last} = …` in the header"))
}

/// `x.f::<T>()`.
pub(super) fn turbofish(arguments: &syn::AngleBracketedGenericArguments) -> Diagnostic {
    let span = arguments.colon2_token.map_or(arguments.lt_token.span(), |token| token.span());
    Diagnostic::new(span, "a network has no type arguments").help("leave this out")
}

/// What is called, if it is no name.
pub(super) fn callee(callee: &Expr) -> Diagnostic {
    match callee {
        Expr::Path(callee) => {
            let mut error = path(&callee.path);
            if callee.path.segments.len() > 1 {
                error = error.help("blocks are declared in the body: `fn block(x: Tensor) -> Tensor { … }`");
            }
            error
        }
        Expr::Closure(closure) => Diagnostic::new(closure.inputs_begin.span, "a closure can't be called")
            .help("declare a block: `fn block(x: Tensor) -> Tensor { … }`"),
        other => Diagnostic::new(other.span(), "only a name can be called"),
    }
}

/// Bit operators and compound assignment.
pub(super) fn operator(binary: &syn::ExprBinary) -> Diagnostic {
    let op = binary.op.to_token_stream().to_string();
    let span = binary.op.span();
    match binary.op {
        BinOp::AddAssign(_) | BinOp::SubAssign(_) | BinOp::MulAssign(_) | BinOp::DivAssign(_) | BinOp::RemAssign(_) => {
            let plain = op.trim_end_matches('=');
            let error = Diagnostic::new(span, format!("a network has no `{op}`"));
            match super::expr::plain_name(&binary.left) {
                Some(name) => error.help(format!("write `{name} = {name} {plain} …`")),
                None => error.help(format!("write `x = x {plain} …`")),
            }
        }
        BinOp::BitXor(_) => Diagnostic::new(span, "a network has no `^`").help("a power is `pow(x, 2)`"),
        BinOp::BitAnd(_) | BinOp::BitOr(_) => {
            Diagnostic::new(span, format!("a network has no `{op}`")).help(format!("write `{op}{op}`"))
        }
        BinOp::Shl(_) => Diagnostic::new(span, "a network has no `<<`").help("multiply by a power of two"),
        BinOp::Shr(_) => Diagnostic::new(span, "a network has no `>>`").help("divide by a power of two"),
        _ => Diagnostic::new(span, format!("a network has no `{op}`")),
    }
}

/// Everything else.
pub(super) fn expression(expr: &Expr) -> Diagnostic {
    let no = |span: Span, what: &str| Diagnostic::new(span, format!("a network has no {what}"));
    let keyword = match expr {
        Expr::If(expr) => ("if", expr.if_token.span),
        Expr::Match(expr) => ("match", expr.match_token.span),
        Expr::While(expr) => ("while", expr.while_token.span),
        Expr::Loop(expr) => ("loop", expr.loop_token.span),
        Expr::Break(expr) => ("break", expr.break_token.span),
        Expr::Continue(expr) => ("continue", expr.continue_token.span),
        Expr::Return(expr) => ("return", expr.return_token.span),
        Expr::Await(expr) => ("await", expr.await_token.span),
        Expr::Async(expr) => ("async", expr.async_token.span),
        Expr::Unsafe(expr) => ("unsafe", expr.unsafe_token.span),
        Expr::Yield(expr) => ("yield", expr.yield_token.span),
        other => ("", other.span()),
    };
    if let Some(error) = word(keyword.0, keyword.1) {
        return error;
    }
    match expr {
        Expr::ForLoop(expr) => Diagnostic::new(expr.for_token.span, "a `for` is a statement and has no value"),
        Expr::Macro(expr) => macro_call(&expr.mac),
        Expr::Reference(expr) => no(expr.and_token.span, "references").help("leave `&` out: values are never consumed"),
        Expr::RawAddr(expr) => no(expr.and_token.span, "references").help("leave this out: values are never consumed"),
        Expr::Cast(expr) => no(expr.as_token.span, "`as`")
            .help("integers in arithmetic with tensors are converted; `dtype = f64` in the header sets the type"),
        Expr::Try(expr) => no(expr.question_token.span, "`?`").help("nothing fails here: leave it out"),
        Expr::Const(expr) => no(expr.const_token.span, "`const` blocks").help("write `const NAME: usize = …;`"),
        Expr::Assign(expr) => Diagnostic::new(expr.eq_token.span, "an assignment is a statement and has no value")
            .help("keyword arguments stand directly in the call; equality is `==`"),
        Expr::Field(expr) => field(expr),
        Expr::Struct(expr) => no(expr.path.span(), "structs"),
        Expr::Repeat(expr) => Diagnostic::new(expr.semi_token.span, "a list is written out").help("write `[a, a, a]`"),
        Expr::Block(expr) => Diagnostic::new(expr.span(), "a block in braces is no value here")
            .help("group with parentheses; `fn block(x: Tensor) -> Tensor { … }` declares a block"),
        Expr::Let(expr) => Diagnostic::new(expr.let_token.span, "a `let` is a statement and has no value"),
        Expr::Infer(expr) => Diagnostic::new(expr.underscore_token.span, "`_` has no value"),
        other => Diagnostic::new(other.span(), "expected an expression"),
    }
}

fn field(expr: &syn::ExprField) -> Diagnostic {
    match &expr.member {
        syn::Member::Named(name) => {
            Diagnostic::new(name.span(), "values have no fields").help(format!("a call has parentheses: `{name}()`"))
        }
        syn::Member::Unnamed(index) => {
            Diagnostic::new(index.span, "values have no fields").help("a tuple is taken apart by `let (a, b) = …;`")
        }
    }
}
