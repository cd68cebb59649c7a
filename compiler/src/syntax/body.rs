//! Splits a body into statements on its tokens, so that a broken one costs nothing but itself.

use proc_macro2::{Delimiter, Group, Punct, Spacing, Span, TokenStream, TokenTree};

use super::ast::{Expr, ExprKind, Stmt};
use super::tokens::{end, is_keyword, is_operand, is_punct, is_word, without_attributes};
use super::{expr, kind, stmt};
use crate::diag::{Diagnostic, Diagnostics};

/// The tokens of one statement, without its `;`.
pub(super) struct Chunk<'a> {
    /// Never empty.
    pub tokens: &'a [TokenTree],
    /// Its `;`.
    pub semicolon: Option<Span>,
    /// The last of its tokens.
    pub last: Span,
}

/// The statements of the network itself.
pub(super) fn network(block: &Group, errors: &mut Diagnostics) -> Vec<Stmt> {
    let tokens: Vec<TokenTree> = block.stream().into_iter().collect();
    let mut body = Vec::new();
    for chunk in chunks(&tokens) {
        stmt::parse(&chunk, errors, &mut body);
    }
    body
}

/// The statements of a block, and the expression that it ends in.
pub(super) fn with_result(block: &Group, what: &str, errors: &mut Diagnostics) -> (Vec<Stmt>, Expr) {
    let tokens: Vec<TokenTree> = block.stream().into_iter().collect();
    let mut chunks = chunks(&tokens);
    let result = match chunks.pop() {
        Some(chunk) if chunk.semicolon.is_none() && !kind::is_statement(chunk.tokens) => {
            expr::parse(chunk.tokens, chunk.last, errors)
        }
        last => {
            let span = last.as_ref().and_then(|chunk| chunk.semicolon).unwrap_or(block.span_close());
            let mut error = Diagnostic::new(span, format!("{what} must end in an expression, its result"));
            if last.as_ref().is_some_and(|chunk| chunk.semicolon.is_some() && !kind::is_statement(chunk.tokens)) {
                error = error.help("leave out this `;`");
            }
            if last.as_ref().is_none_or(|chunk| kind::refused(chunk.tokens).is_none()) {
                errors.push(error);
            }
            chunks.extend(last);
            Expr { kind: ExprKind::Invalid, span }
        }
    };
    let mut body = Vec::new();
    for chunk in &chunks {
        stmt::parse(chunk, errors, &mut body);
    }
    (body, result)
}

/// Cuts at each `;`, after the braces of a `for` or `fn`, and where a `;` was evidently forgotten.
fn chunks(tokens: &[TokenTree]) -> Vec<Chunk<'_>> {
    let mut chunks = Vec::new();
    let mut start = 0;
    let mut cut = |from: &mut usize, to: usize, semicolon: Option<Span>, next: usize| {
        let tokens = tokens.get(*from..to).unwrap_or_default();
        if let Some(last) = tokens.last() {
            chunks.push(Chunk { tokens, semicolon, last: end(last) });
        }
        *from = next;
    };
    for (at, token) in tokens.iter().enumerate() {
        let before = tokens.get(start..at).unwrap_or_default();
        // Attributes and labels alone are no statement.
        if let Some(previous) = without_attributes(before).last()
            && starts_statement(previous, token)
        {
            cut(&mut start, at, None, at);
        }
        let so_far = tokens.get(start..=at).unwrap_or_default();
        if is_punct(token, ';') {
            cut(&mut start, at, Some(token.span()), at + 1);
        } else if kind::ends_in_braces(so_far) && !tokens.get(at + 1).is_some_and(|next| is_word(next, "else")) {
            cut(&mut start, at + 1, None, at + 1);
        }
    }
    cut(&mut start, tokens.len(), None, tokens.len());
    chunks
}

/// Whether a statement starts at `token` although no `;` ended the one that `previous` belongs to.
fn starts_statement(previous: &TokenTree, token: &TokenTree) -> bool {
    let ended = is_operand(previous) || is_punct(previous, '?');
    let TokenTree::Ident(word) = token else { return false };
    let word = word.to_string();
    let later_line = token.span().start().line > previous.span().end().line;
    ended && (matches!(word.as_str(), "let" | "for" | "fn" | "const") || later_line && !is_keyword(&word))
}

/// Parses with `syn` what the tokens hold. What is missing at their end is reported at `last`.
pub(super) fn syn_parse<T>(
    tokens: impl IntoIterator<Item = TokenTree>,
    last: Span,
    parser: impl FnOnce(syn::parse::ParseStream<'_>) -> syn::Result<T>,
    errors: &mut Diagnostics,
) -> Option<T> {
    // `syn` reports the end of its input at the closing delimiter.
    let mut group = Group::new(Delimiter::Brace, tokens.into_iter().collect());
    group.set_span(last);
    let inside = |input: syn::parse::ParseStream<'_>| {
        let content;
        syn::braced!(content in input);
        let value = parser(&content)?;
        if content.is_empty() { Ok(value) } else { Err(content.error("unexpected token")) }
    };
    match syn::parse::Parser::parse2(inside, TokenTree::from(group).into()) {
        Ok(value) => Some(value),
        Err(error) => {
            // `syn` tells tokens and the end of its input apart, users see where the error stands.
            let message = error.to_string();
            let plain = ["unexpected token, ", "unexpected end of input, "];
            let message = plain.iter().find_map(|prefix| message.strip_prefix(prefix)).unwrap_or(&message);
            // A list of all that Rust would take here helps nobody.
            let message = if message.starts_with("expected one of") { "this is not expected here" } else { message };
            errors.push(Diagnostic::new(error.span(), message));
            None
        }
    }
}

/// A `;` for a statement that lacks it.
pub(super) fn semicolon(span: Span) -> TokenTree {
    let mut semicolon = Punct::new(';', Spacing::Alone);
    semicolon.set_span(span);
    semicolon.into()
}

/// The same braces without content.
pub(super) fn emptied(block: &Group) -> TokenTree {
    let mut empty = Group::new(block.delimiter(), TokenStream::new());
    empty.set_span(block.span_close());
    empty.into()
}
