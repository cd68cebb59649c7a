//! `x[1..3, ..]`: Rust's grammar has one expression between an index's brackets, so several become a
//! tuple before `syn` reads them.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

use super::tokens::{is_group, is_operand, is_punct};

/// The same tokens, each index list in parentheses. Groups without one are left as they are, spans of
/// their delimiters included.
pub(super) fn tuples(tokens: TokenStream) -> TokenStream {
    rewrite(tokens.clone(), false).unwrap_or(tokens)
}

/// The tokens of a group rewritten; `None` if nothing in them changes. `index` says that the group is
/// an index.
fn rewrite(tokens: TokenStream, index: bool) -> Option<TokenStream> {
    let mut out = Vec::new();
    let (mut changed, mut list) = (false, false);
    for token in tokens {
        let indexed = out.last().is_some_and(|last| is_operand(last) && !is_group(last, Delimiter::Brace));
        list |= is_punct(&token, ',');
        out.push(match token {
            TokenTree::Group(group) => {
                let index = indexed && group.delimiter() == Delimiter::Bracket;
                match rewrite(group.stream(), index) {
                    Some(inner) => {
                        changed = true;
                        TokenTree::Group(regrouped(group.delimiter(), inner, &group))
                    }
                    None => TokenTree::Group(group),
                }
            }
            token => token,
        });
    }
    if index && list {
        let first = out.first()?.span();
        let span = out.last().and_then(|last| first.join(last.span())).unwrap_or(first);
        let mut tuple = Group::new(Delimiter::Parenthesis, out.into_iter().collect());
        tuple.set_span(span);
        return Some(TokenTree::Group(tuple).into());
    }
    changed.then(|| out.into_iter().collect())
}

fn regrouped(delimiter: Delimiter, inner: TokenStream, like: &Group) -> Group {
    let mut group = Group::new(delimiter, inner);
    group.set_span(like.span());
    group
}
