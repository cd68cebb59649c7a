//! The networks of a file.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// What stands in the braces of every `network! { … }` of a Rust program; where there is none, all of the text is taken
/// for what stands between the braces.
///
/// # Errors
/// Where the text stops being tokens.
pub(crate) fn networks(file: &str, source: &str) -> Result<Vec<TokenStream>, String> {
    let tokens: TokenStream = source.parse().map_err(|error: proc_macro2::LexError| {
        let start = error.span().start();
        format!("error: {error}\n--> {file}:{}:{}", start.line, start.column + 1)
    })?;
    let mut networks = Vec::new();
    find(tokens.clone(), &mut networks);
    if networks.is_empty() {
        networks.push(tokens);
    }
    Ok(networks)
}

/// Those at any depth.
fn find(tokens: TokenStream, networks: &mut Vec<TokenStream>) {
    let mut before = [None, None];
    for token in tokens {
        if let TokenTree::Group(group) = &token {
            match &before {
                [Some(TokenTree::Ident(name)), Some(TokenTree::Punct(bang))]
                    if name == "network" && bang.as_char() == '!' && group.delimiter() == Delimiter::Brace =>
                {
                    networks.push(group.stream());
                }
                _ => find(group.stream(), networks),
            }
        }
        let [_, last] = before;
        before = [last, Some(token)];
    }
}
