//! Identifiers of generated code.

use std::collections::BTreeMap;

use proc_macro2::{Ident, Span};

/// What is no identifier though it is spelled like one (the Rust reference, "Keywords"), sorted.
const KEYWORDS: [&str; 52] = [
    "Self", "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn",
    "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro",
    "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static", "struct", "super",
    "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// `hidden.weight` as `hidden_weight`; never a keyword, never empty.
pub fn snake(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars() {
        if c.is_alphanumeric() {
            text.extend(c.to_lowercase());
        } else if !text.ends_with('_') {
            text.push('_');
        }
    }
    if text.is_empty() || text == "_" || text.starts_with(|c: char| c.is_ascii_digit()) {
        text.insert_str(0, "value_");
    }
    // To ask the parser of each name takes a good part of the compiler's time.
    let is_keyword = KEYWORDS.binary_search(&text.as_str()).is_ok();
    if text.is_ascii() && !is_keyword {
        return text;
    }
    let is_identifier = |text: &str| !is_keyword && syn::parse_str::<Ident>(text).is_ok();
    if is_identifier(&text) {
        return text;
    }
    text.push('_');
    // A letter or digit that Rust does not take: a parameter's name may be any text.
    if is_identifier(&text) { text } else { snake(&text.replace(|c: char| !c.is_ascii(), "_")) }
}

/// A variable of the generated entry points, which are the user's own methods: no argument of the user's has its name,
/// even if it is spelled alike.
pub(super) fn local(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

/// An identifier of the generated code: hygiene as in the user's own code.
pub(super) fn ident(name: &str) -> Ident {
    Ident::new(&snake(name), Span::call_site())
}

/// Gives each identifier once.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    taken: BTreeMap<String, usize>,
}

impl Names {
    /// A set of names in which some are taken.
    pub(super) fn without(taken: &[&str]) -> Self {
        Self { taken: taken.iter().map(|name| ((*name).to_string(), 1)).collect() }
    }

    /// The name, or the name with a number if it is taken.
    pub(super) fn fresh(&mut self, name: &str) -> Ident {
        let base = snake(name);
        let mut candidate = base.clone();
        loop {
            let count = self.taken.entry(candidate.clone()).or_default();
            *count += 1;
            if *count == 1 {
                return Ident::new(&candidate, Span::call_site());
            }
            candidate = format!("{base}_{count}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_becomes_an_identifier() {
        assert_eq!(snake("features.0.weight"), "features_0_weight");
        assert_eq!(snake("match"), "match_");
        assert_eq!(snake("3d"), "value_3d");
        assert_eq!(snake(""), "value_");
        assert_eq!(snake("β.größe"), "β_größe");
        assert_eq!(snake("½"), "value__");
        assert_eq!(snake("x½"), "x_");
    }

    #[test]
    fn keywords_are_sorted_and_never_left_as_they_are() {
        assert!(KEYWORDS.is_sorted());
        for keyword in KEYWORDS.iter().filter(|keyword| **keyword != "Self") {
            assert_eq!(snake(keyword), format!("{keyword}_"));
        }
        for name in ["x", "weight", "union", "auto", "matches"] {
            assert_eq!(snake(name), name);
        }
    }

    #[test]
    fn names_are_given_once() {
        let mut names = Names::without(&["s"]);
        assert_eq!(names.fresh("x").to_string(), "x");
        assert_eq!(names.fresh("x").to_string(), "x_2");
        assert_eq!(names.fresh("s").to_string(), "s_2");
    }
}
