//! Kernels that differ only in where their values lie are one function: the layers of a deep network, and what training
//! and inference have in common, are compiled once.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Delimiter, Group, Ident, Literal, Span, TokenStream, TokenTree};
use quote::quote;

use super::names::Names;

/// A kernel's statements without its places: they are elements of `at`, an argument.
pub(super) struct Placeless {
    /// The statements.
    pub code: TokenStream,
    /// What they read of `at`.
    pub places: Vec<Literal>,
    /// The statements as text, whatever their variables are called.
    key: String,
}

impl Placeless {
    /// Takes the places out of a kernel's statements.
    pub(super) fn of(code: TokenStream) -> Self {
        let mut places = Vec::new();
        let code = lift(code, &mut places);
        let mut locals = BTreeSet::new();
        declared(code.clone(), &mut locals);
        let mut key = String::new();
        spell(code.clone(), &locals, &mut BTreeMap::new(), &mut key);
        Self { code, places, key }
    }
}

/// The functions that several kernels of a network share.
#[derive(Default)]
pub(super) struct Shared {
    /// What each is the code of: the documentation of every kernel that has it.
    uses: BTreeMap<String, Vec<String>>,
    known: BTreeMap<String, Ident>,
    names: Names,
    /// The functions that have been asked for.
    pub functions: Vec<TokenStream>,
}

impl Shared {
    /// Notes a kernel.
    pub(super) fn note(&mut self, kernel: &Placeless, doc: String) {
        self.uses.entry(kernel.key.clone()).or_default().push(doc);
    }

    /// The function that the kernel shares with others, if there are any.
    pub(super) fn function(&mut self, kernel: &Placeless, name: &str, float: &Ident) -> Option<Ident> {
        let docs = self.uses.get(&kernel.key).filter(|docs| docs.len() > 1)?;
        if let Some(known) = self.known.get(&kernel.key) {
            return Some(known.clone());
        }
        let name = self.names.fresh(name);
        let mut docs = docs.clone();
        docs.dedup();
        let (code, count) = (&kernel.code, Literal::usize_unsuffixed(kernel.places.len()));
        self.functions.push(quote! {
            #(#[doc = #docs])*
            #[inline(never)]
            pub(super) unsafe fn #name<S: Simd<#float>>(
                s: S,
                m: &Memory<'_, #float>,
                part: &Part<'_>,
                at: [usize; #count],
            ) {
                // SAFETY: every place is the planner's, and the validator has seen it.
                s.vectorize(#[inline(always)] || unsafe { #code })
            }
        });
        self.known.insert(kernel.key.clone(), name.clone());
        Some(name)
    }
}

/// The methods of a call's memory that take a place.
const PLACED: [&str; 5] = ["arena", "input", "param", "state", "uniform"];

/// Puts elements of `at` where a place is said, and notes what they are.
fn lift(code: TokenStream, places: &mut Vec<Literal>) -> TokenStream {
    let mut trees: Vec<TokenTree> = Vec::new();
    // Behind `m.arena`, up to its argument.
    let mut placed = false;
    for tree in code {
        let tree = match tree {
            TokenTree::Group(group) => {
                let only = group.stream().into_iter().collect::<Vec<_>>();
                match only.as_slice() {
                    [TokenTree::Literal(place)] if placed && group.delimiter() == Delimiter::Parenthesis => {
                        let index = Literal::usize_unsuffixed(places.len());
                        places.push(place.clone());
                        placed = false;
                        TokenTree::Group(Group::new(Delimiter::Parenthesis, quote!(at[#index])))
                    }
                    _ => {
                        placed = false;
                        let mut inner = Group::new(group.delimiter(), lift(group.stream(), places));
                        inner.set_span(group.span());
                        TokenTree::Group(inner)
                    }
                }
            }
            TokenTree::Ident(ident) => {
                placed = is_memory(&trees) && PLACED.iter().any(|name| ident == name) || placed && is_type(&ident);
                TokenTree::Ident(ident)
            }
            TokenTree::Punct(punct) => {
                placed &= matches!(punct.as_char(), ':' | '<' | '>');
                TokenTree::Punct(punct)
            }
            TokenTree::Literal(literal) => {
                placed = false;
                TokenTree::Literal(literal)
            }
        };
        trees.push(tree);
    }
    trees.into_iter().collect()
}

/// Whether what comes next is a method of the call's memory.
fn is_memory(before: &[TokenTree]) -> bool {
    match before {
        [.., TokenTree::Ident(name), TokenTree::Punct(dot)] => name == "m" && dot.as_char() == '.',
        _ => false,
    }
}

fn is_type(name: &Ident) -> bool {
    ["f32", "f64", "u32", "u8"].iter().any(|known| name == known)
}

/// The variables that the statements declare: behind `let`, and between the bars of closures.
fn declared(code: TokenStream, locals: &mut BTreeSet<String>) {
    let (mut pattern, mut bars) = (false, false);
    for tree in code {
        match tree {
            TokenTree::Group(group) => {
                if pattern || bars {
                    group.stream().into_iter().for_each(|inner| {
                        if let TokenTree::Ident(name) = inner {
                            locals.insert(name.to_string());
                        }
                    });
                }
                declared(group.stream(), locals);
            }
            TokenTree::Ident(name) if name == "let" => pattern = true,
            TokenTree::Ident(name) if pattern || bars => {
                locals.insert(name.to_string());
            }
            TokenTree::Punct(punct) => match punct.as_char() {
                '|' => bars = !bars,
                '=' | ';' => pattern = false,
                _ => {}
            },
            _ => {}
        }
    }
}

/// Writes the statements down with numbers for the variables' names.
fn spell(code: TokenStream, locals: &BTreeSet<String>, numbers: &mut BTreeMap<String, usize>, text: &mut String) {
    // A name behind one dot is a method's or a field's; behind two it ends a range.
    let mut dots = 0;
    for tree in code {
        let is_member = std::mem::take(&mut dots) == 1;
        match tree {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ('(', ')'),
                    Delimiter::Brace => ('{', '}'),
                    Delimiter::Bracket => ('[', ']'),
                    Delimiter::None => (' ', ' '),
                };
                text.push(open);
                spell(group.stream(), locals, numbers, text);
                text.push(close);
            }
            TokenTree::Ident(name) => {
                let name = name.to_string();
                if !is_member && locals.contains(&name) {
                    let next = numbers.len();
                    text.push_str(" $");
                    text.push_str(&numbers.entry(name).or_insert(next).to_string());
                } else {
                    text.push(' ');
                    text.push_str(&name);
                }
            }
            TokenTree::Punct(punct) => {
                dots = if punct.as_char() == '.' { usize::from(is_member) + 1 } else { 0 };
                text.push(' ');
                text.push(punct.as_char());
            }
            TokenTree::Literal(literal) => {
                text.push(' ');
                text.push_str(&literal.to_string());
            }
        }
    }
}

/// The argument of a shared function.
pub(super) fn places(kernel: &Placeless) -> TokenStream {
    let places = kernel.places.iter().map(|place| {
        let mut place = place.clone();
        place.set_span(Span::call_site());
        place
    });
    quote!([#(#places),*])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placeless(code: &str) -> Placeless {
        Placeless::of(code.parse().unwrap())
    }

    #[test]
    fn places_become_arguments() {
        let found =
            placeless("let x_at = m.arena::<f32>(64); let w_at = m.param(0); f(x_at.add(64), w_at, m.rows, 7);");
        let places: Vec<String> = found.places.iter().map(ToString::to_string).collect();
        assert_eq!(places, ["64", "0"]);
        let text = found.code.to_string().replace(' ', "");
        assert_eq!(text, "letx_at=m.arena::<f32>(at[0]);letw_at=m.param(at[1]);f(x_at.add(64),w_at,m.rows,7);");
    }

    #[test]
    fn names_of_variables_and_places_do_not_matter() {
        let key = |code: &str| placeless(code).key;
        let one = key("let a = m.param(0); g(a, |sum, row| { let b = s.add(sum, a); b });");
        assert_eq!(one, key("let x = m.param(9); g(x, |v, row| { let add = s.add(v, x); add });"));
        for other in [
            "let a = m.param(0); g(a, |sum, row| { let b = s.sub(sum, a); b });",
            "let a = m.param(0); g(a, |sum, row| { let b = s.add(a, sum); b });",
            "let a = m.state(0); g(a, |sum, row| { let b = s.add(sum, a); b });",
            "let a = m.param(0); h(a, |sum, row| { let b = s.add(sum, a); b });",
        ] {
            assert_ne!(one, key(other), "{other}");
        }
    }
}
