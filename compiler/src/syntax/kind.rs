//! What a statement is, told from its first tokens alone.

use proc_macro2::{Delimiter, TokenTree};

use super::tokens::without_attributes;
use super::{refuse, tokens};
use crate::diag::Diagnostic;

/// What a statement's first words say that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    For,
    Fn,
    /// Ends in braces: `if`, `struct`.
    Braces,
    /// Ends in a `;`: `let`, `use`.
    Semicolon,
    Expression,
}

/// What the tokens of a statement are, by its first words.
pub(super) fn kind(tokens: &[TokenTree]) -> Kind {
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
