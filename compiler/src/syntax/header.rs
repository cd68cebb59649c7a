//! `/// docs`, `pub Name<batch = 128, time = 28>` and the braces of the body.

use std::collections::HashSet;

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};

use super::ast::{Expr, ExprKind, NetworkDecl};
use super::{body, expr, tokens};
use crate::diag::{Diagnostic, Diagnostics};

const SHAPE: &str = "a network reads `pub Name<batch = 128> { … }`";

/// Reads a whole network, or reports that there is no name or no body.
pub(super) fn parse(tokens: TokenStream, errors: &mut Diagnostics) -> Option<NetworkDecl> {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut rest = tokens.as_slice();
    let attributes = attributes(&mut rest, errors);
    let visibility = visibility(&mut rest);
    let name = name(&mut rest, &tokens, errors)?;

    let Some((header, block, after)) = split_at_body(rest) else {
        let last = tokens.last().map_or(name.span(), TokenTree::span);
        errors.push(Diagnostic::new(last, format!("`{name}` has no body")).help(SHAPE));
        return None;
    };
    if let Some(token) = after.first() {
        errors.push(
            Diagnostic::new(token.span(), "nothing may stand after the network's body")
                .help("each network has a `network!` of its own"),
        );
    }
    let header = parameters(header, &name, errors);
    let body = body::network(block, errors);
    Some(NetworkDecl { attributes, visibility, name, header, body })
}

/// Visibility, name and what follows it. Reports nothing.
pub(super) fn type_name(tokens: TokenStream) -> Option<(TokenStream, Ident, Vec<TokenTree>)> {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let (mut rest, mut silent) = (tokens.as_slice(), Diagnostics::default());
    attributes(&mut rest, &mut silent);
    let visibility = visibility(&mut rest);
    let name = name(&mut rest, &tokens, &mut silent)?;
    Some((visibility, name, rest.to_vec()))
}

/// Takes doc comments and other outer attributes.
fn attributes(rest: &mut &[TokenTree], errors: &mut Diagnostics) -> TokenStream {
    let mut attributes = TokenStream::new();
    loop {
        match rest {
            [TokenTree::Punct(hash), TokenTree::Group(group), after @ ..]
                if hash.as_char() == '#' && group.delimiter() == Delimiter::Bracket =>
            {
                attributes.extend([TokenTree::from(hash.clone()), TokenTree::from(group.clone())]);
                *rest = after;
            }
            [TokenTree::Punct(hash), TokenTree::Punct(bang), TokenTree::Group(group), after @ ..]
                if hash.as_char() == '#' && bang.as_char() == '!' && group.delimiter() == Delimiter::Bracket =>
            {
                errors.push(
                    Diagnostic::new(hash.span(), "an inner attribute has nothing to belong to here")
                        .help("doc comments of a network start with `///`"),
                );
                *rest = after;
            }
            _ => return attributes,
        }
    }
}

/// Takes `pub`, `pub(crate)` or nothing.
fn visibility(rest: &mut &[TokenTree]) -> TokenStream {
    match rest {
        [TokenTree::Ident(word), TokenTree::Group(scope), after @ ..]
            if word == "pub" && scope.delimiter() == Delimiter::Parenthesis =>
        {
            let tokens = [TokenTree::from(word.clone()), TokenTree::from(scope.clone())];
            *rest = after;
            tokens.into_iter().collect()
        }
        [TokenTree::Ident(word), after @ ..] if word == "pub" => {
            let tokens = TokenTree::from(word.clone()).into();
            *rest = after;
            tokens
        }
        _ => TokenStream::new(),
    }
}

/// Takes the type's name.
fn name(rest: &mut &[TokenTree], all: &[TokenTree], errors: &mut Diagnostics) -> Option<Ident> {
    if let [TokenTree::Ident(word), TokenTree::Ident(_), after @ ..] = rest
        && (word == "struct" || word == "mod" || word == "fn")
    {
        errors.push(Diagnostic::new(word.span(), format!("a network is declared without `{word}`")).help(SHAPE));
        *rest = &rest[rest.len() - after.len() - 1..];
    }
    match rest {
        [TokenTree::Ident(word), after @ ..] => {
            *rest = after;
            expr::name(word, errors)
        }
        [token, ..] => {
            errors.push(Diagnostic::new(token.span(), "expected the network's name").help(SHAPE));
            None
        }
        [] => {
            let span = all.last().map_or_else(Span::call_site, TokenTree::span);
            errors.push(Diagnostic::new(span, "expected a network").help(SHAPE));
            None
        }
    }
}

/// What stands before, in and after the first braces.
fn split_at_body(tokens: &[TokenTree]) -> Option<(&[TokenTree], &Group, &[TokenTree])> {
    let at = tokens.iter().position(|token| tokens::is_group(token, Delimiter::Brace))?;
    match tokens.split_at(at) {
        (before, [TokenTree::Group(block), after @ ..]) => Some((before, block, after)),
        _ => None,
    }
}

/// `<batch = 128, time = 28, dtype = f64>`. `batch` is always in what comes back.
fn parameters(tokens: &[TokenTree], name: &Ident, errors: &mut Diagnostics) -> Vec<(Ident, Expr)> {
    let mut header = Vec::new();
    let inner = match tokens {
        [] => &[],
        [TokenTree::Punct(open), inner @ .., TokenTree::Punct(close)]
            if open.as_char() == '<' && close.as_char() == '>' =>
        {
            inner
        }
        [TokenTree::Punct(open), .., last] if open.as_char() == '<' => {
            errors.push(Diagnostic::new(last.span(), "expected `>` after this").help(SHAPE));
            &tokens[1..]
        }
        [other, ..] => {
            errors.push(Diagnostic::new(other.span(), "expected `<` or the network's braces").help(SHAPE));
            header.push((Ident::new("batch", name.span()), invalid(name.span())));
            return header;
        }
    };
    let mut seen = HashSet::new();
    for entry in inner.split(|token| tokens::is_punct(token, ',')) {
        let Some((key, value)) = parameter(entry, errors) else { continue };
        if seen.insert(key.to_string()) {
            header.push((key, value));
        } else {
            errors.push(Diagnostic::new(key.span(), format!("`{key}` is given twice")));
        }
    }
    if !seen.contains("batch") {
        if !errors.any() {
            errors.push(
                Diagnostic::new(name.span(), format!("`{name}` has no `batch`, the most rows that it takes at once"))
                    .help(format!("write `{name}<batch = 128>`")),
            );
        }
        header.push((Ident::new("batch", name.span()), invalid(name.span())));
    }
    header
}

/// `key = value`.
fn parameter(entry: &[TokenTree], errors: &mut Diagnostics) -> Option<(Ident, Expr)> {
    match entry {
        // A trailing comma.
        [] => None,
        [TokenTree::Ident(key), TokenTree::Punct(eq), value @ ..] if eq.as_char() == '=' => {
            let key = expr::name(key, errors)?;
            let Some(last) = value.last() else {
                errors.push(Diagnostic::new(eq.span(), format!("`{key}` has no value")));
                return Some((key, invalid(eq.span())));
            };
            let mut value = expr::parse(value, last.span(), errors);
            if key == "batch" && matches!(value.kind, ExprKind::Int(0)) {
                errors.push(
                    Diagnostic::new(value.span, "`batch` is 0").help("it is the most rows of a step, at least 1"),
                );
                value.kind = ExprKind::Invalid;
            }
            Some((key, value))
        }
        [TokenTree::Ident(key), ..] => {
            errors.push(Diagnostic::new(key.span(), format!("expected `{key} = …`")).help(SHAPE));
            Some((key.clone(), invalid(key.span())))
        }
        [other, ..] => {
            errors.push(Diagnostic::new(other.span(), "expected `key = value`").help(SHAPE));
            None
        }
    }
}

fn invalid(span: Span) -> Expr {
    Expr { kind: ExprKind::Invalid, span }
}
