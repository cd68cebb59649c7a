//! Questions about single tokens.

use proc_macro2::{Delimiter, Span, TokenTree};

/// The last character of a token: of a group, its closing delimiter.
pub(super) fn end(token: &TokenTree) -> Span {
    match token {
        TokenTree::Group(group) => group.span_close(),
        other => other.span(),
    }
}

pub(super) fn is_punct(token: &TokenTree, char: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == char)
}

pub(super) fn is_word(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident == word)
}

pub(super) fn is_group(token: &TokenTree, delimiter: Delimiter) -> bool {
    matches!(token, TokenTree::Group(group) if group.delimiter() == delimiter)
}

/// Whether an expression can end in the token, so that what follows is an operator, not a prefix.
pub(super) fn is_operand(token: &TokenTree) -> bool {
    match token {
        TokenTree::Ident(word) => {
            let word = word.to_string();
            matches!(word.as_str(), "true" | "false" | "self" | "_") || !is_keyword(&word)
        }
        TokenTree::Punct(_) => false,
        TokenTree::Group(_) | TokenTree::Literal(_) => true,
    }
}

/// Whether the word is reserved in Rust (<https://doc.rust-lang.org/reference/keywords.html>).
pub(super) fn is_keyword(word: &str) -> bool {
    const KEYWORDS: [&str; 53] = [
        "Self", "_", "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do",
        "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop",
        "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static", "struct",
        "super", "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use", "virtual", "where", "while",
        "yield",
    ];
    KEYWORDS.binary_search(&word).is_ok()
}

/// What follows the attributes (doc comments too) and the label that a statement may start with.
pub(super) fn without_attributes(mut tokens: &[TokenTree]) -> &[TokenTree] {
    loop {
        tokens = match tokens {
            [hash, attribute, rest @ ..] if is_punct(hash, '#') && is_group(attribute, Delimiter::Bracket) => rest,
            [quote, TokenTree::Ident(_), colon, rest @ ..] if is_punct(quote, '\'') && is_punct(colon, ':') => rest,
            _ => return tokens,
        }
    }
}
