//! No tokens make the parser panic or overflow the stack: deep and long repetitions of whatever
//! recurses, and random tokens, in a thread with a small stack.

use std::thread;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use proptest::prelude::*;

use super::{parse, skeleton};
use crate::diag::Diagnostics;

/// What a test's thread has.
const STACK: usize = 2 << 20;

fn on_small_stack<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work).unwrap().join().unwrap())
}

/// The first error of a network that has `statement` in its body.
fn first_error(statement: &str) -> Option<String> {
    let source = format!("pub Net<batch = 1> {{ {statement} }}");
    on_small_stack(|| {
        let mut errors = Diagnostics::default();
        let tokens: TokenStream = source.parse().unwrap();
        assert!(skeleton(tokens.clone()).is_some());
        parse(tokens, &mut errors);
        errors.iter().next().map(|error| error.message.clone())
    })
}

/// `let q = OPENx CLOSE;` and other places, each repeated.
const REPEATED: [(&str, &str, &str, &str); 76] = [
    ("let q =", "(", "x", ")"),
    ("let q =", "[", "x", "]"),
    ("let q =", "f(", "x", ")"),
    ("let q =", "x.f(", "x", ")"),
    ("let q =", "f(a = ", "x", ")"),
    ("let q =", "-f(1 + ", "x", ")"),
    ("let q =", "a[1, ", "x", "]"),
    ("let q =", "f(|a| { let b = ", "x", "; b })"),
    ("let q =", "{", "x", "}"),
    ("let q =", "if a {", "x", "}"),
    ("let q =", "match a { b => ", "x", "}"),
    ("let q =", "match a { b if ", "x", "=> 1 }"),
    ("let q =", "S { a: ", "x", "}"),
    ("let q =", "unsafe {", "x", "}"),
    ("let q =", "async move {", "x", "}"),
    ("let q =", "const {", "x", "}"),
    ("let q =", "try {", "x", "}"),
    ("let q =", "a!(", "x", ")"),
    ("let q =", "- ", "x", ""),
    ("let q =", "!", "x", ""),
    ("let q =", "&", "x", ""),
    ("let q =", "*", "x", ""),
    ("let q =", "&raw const ", "x", ""),
    ("let q =", "|a| ", "x", ""),
    ("let q =", "|a, b| ", "x", ""),
    ("let q =", "|| ", "x", ""),
    ("let q =", "move || ", "x", ""),
    ("let q =", "for<'a> || ", "x", ""),
    ("let q =", "static async move || ", "x", ""),
    ("let q =", "return ", "x", ""),
    ("let q =", "return a + ", "x", ""),
    ("let q =", "return {} + ", "x", ""),
    ("let q =", "break 'a ", "x", ""),
    ("let q =", "yield ", "x", ""),
    ("let q =", "a = ", "x", ""),
    ("let q =", "a += ", "x", ""),
    ("let q =", "a + ", "x", ""),
    ("let q =", "a * ", "x", ""),
    ("let q =", "a == ", "x", ""),
    ("let q =", "a || ", "x", ""),
    ("let q =", "a < ", "x", ""),
    ("let q =", "..", "x", ""),
    ("let q =", ".. ", "x", ""),
    ("let q =", "..a + ", "x", ""),
    ("let q =", "a..", "x", ""),
    ("let q = x", ".f()", "", ""),
    ("let q = x", ".f", "", ""),
    ("let q = x", "[0]", "", ""),
    ("let q = x", "()", "", ""),
    ("let q = x", "?", "", ""),
    ("let q = x", " as u8", "", ""),
    ("let q =", "if a {} else ", "{}", ""),
    ("let q =", "if ", "x", "{}"),
    ("let q =", "match ", "x", "{}"),
    ("let q =", "while ", "x", "{}"),
    ("let q =", "for a in ", "x", "{}"),
    ("let q = if", "let a = ", "x {}", ""),
    ("let q =", "'a: ", "{}", ""),
    ("let q =", "#[a] ", "x", ""),
    ("let q =", "f::<", "x", ">()"),
    ("let q =", "x.f::<{", "x", "}>()"),
    ("let q =", "<", "x", " as A>::B"),
    ("let q:", "A<", "x", ">"),
    ("let q:", "A<B, ", "x", ">"),
    ("let q:", "(", "x", ")"),
    ("let q:", "&", "x", ""),
    ("let q:", "*const ", "x", ""),
    ("let q:", "fn() -> ", "x", ""),
    ("let q:", "impl Fn() -> ", "x", ""),
    ("let", "(", "x", ")"),
    ("let", "A(&", "x", ")"),
    ("let", "x @ ", "x", ""),
    ("", "for i in 0..3 {", "", "}"),
    ("", "fn f(x: Tensor) -> Tensor {", "x", "}"),
    ("", "mod a {", "", "}"),
    ("", "impl A { fn a() {", "", "}}"),
];

#[test]
fn repetitions_are_refused_or_fit_the_stack() {
    for (start, open, middle, close) in REPEATED {
        for count in [15, 30, 60, 130, 700, 5000] {
            let statement = format!("{start} {}{middle}{};", open.repeat(count), close.repeat(count));
            let error = first_error(&statement);
            assert!(count < 700 || error.is_some(), "{start} {open}");
        }
    }
}

#[test]
fn each_bound_is_exact() {
    let chain = |count| format!("let q = x{};", ".f()".repeat(count));
    assert_eq!(first_error(&chain(128)), None);
    assert_eq!(first_error(&chain(129)).unwrap(), "more than 128 method calls in one chain");
    let sum = |count| format!("let q = x{};", " + x".repeat(count));
    assert_eq!(first_error(&sum(128)), None);
    assert_eq!(first_error(&sum(129)).unwrap(), "more than 128 operators in one expression");
    let negated = |count| format!("let q = {}x;", "-".repeat(count));
    assert_eq!(first_error(&negated(32)), None);
    assert_eq!(first_error(&negated(33)).unwrap(), "more than 32 prefix operators in a row");
    // The body's braces are a level.
    let nested = |count: usize| format!("let q = {}x{};", "(".repeat(count), ")".repeat(count));
    assert_eq!(first_error(&nested(63)), None);
    assert_eq!(first_error(&nested(64)).unwrap(), "nested deeper than 64 levels");
}

#[test]
fn long_bodies_are_no_deep_ones() {
    let body = "for i in 0..3 { h = block(h, |a| a + 1, kernel = 3, size = [0..1, 2..3]); }
        fn f(x: Tensor, y: Tensor<3, {2 * H}>) -> Tensor { x.relu() }
        let q: Tensor<3, {2 * H}> = -x + f(x, x < y, x > z);";
    assert_eq!(first_error(&body.repeat(300)), None);
}

/// Words that mean something to a parser.
const WORDS: [&str; 62] = [
    "let",
    "mut",
    "for",
    "in",
    "fn",
    "const",
    "if",
    "else",
    "match",
    "while",
    "loop",
    "return",
    "break",
    "move",
    "as",
    "struct",
    "impl",
    "mod",
    "unsafe",
    "ref",
    "Tensor",
    "usize",
    "x",
    "input",
    "batch",
    "dtype",
    "pub",
    "self",
    "_",
    "0",
    "1",
    "28",
    "0.5",
    "1e400",
    "3usize",
    "99999999999999999999",
    "true",
    "\"text\"",
    "'a'",
    "'l",
    "+",
    "-",
    "*",
    "/",
    "%",
    "=",
    "==",
    "<",
    ">",
    "->",
    "=>",
    "..",
    "..=",
    "::",
    ":",
    ";",
    ",",
    ".",
    "|",
    "&&",
    "!",
    "#",
];

fn soup() -> impl Strategy<Value = TokenStream> {
    let word = proptest::sample::select(&WORDS[..]).prop_map(|word| word.parse().unwrap());
    word.prop_recursive(6, 200, 12, |inner| {
        let delimiter = proptest::sample::select(vec![
            Delimiter::Parenthesis,
            Delimiter::Bracket,
            Delimiter::Brace,
            Delimiter::None,
        ]);
        (delimiter, proptest::collection::vec(inner, 0..12)).prop_map(|(delimiter, parts)| {
            let parts: TokenStream = parts.into_iter().collect();
            TokenTree::Group(Group::new(delimiter, parts)).into()
        })
    })
}

/// Statements of which a few tokens are lost, doubled or swapped.
fn damaged() -> impl Strategy<Value = TokenStream> {
    const SOURCE: &str = "
        /// Docs.
        pub Net<batch = 128, time = 2 * 14, dtype = f64> {
            const H: usize = 64;
            fn block(x: Tensor, n: usize) -> Tensor { let y = x.dense(n); y + x }
            let x: Tensor<7, {2 * H}> = input([7, 2 * H]);
            for i in 0..3 { x = block(x, -4); }
            let (a, _) = scan(x, h = zeros([H]), |x_t, h| { let b = x_t * h; b }, reverse = true);
            loss(cross_entropy(a[1..3, ..], x));
        }";
    proptest::collection::vec((0..200_usize, 0..3_u8), 1..6).prop_map(|damages| {
        let mut tokens = SOURCE.parse().unwrap();
        for (at, kind) in damages {
            let mut left = at;
            tokens = damage(tokens, &mut left, kind);
        }
        tokens
    })
}

fn damage(tokens: TokenStream, left: &mut usize, kind: u8) -> TokenStream {
    let mut out: Vec<TokenTree> = Vec::new();
    for token in tokens {
        let hit = *left == 0;
        *left = left.wrapping_sub(1);
        match (&token, hit) {
            (_, true) if kind == 0 => {}
            (token, true) if kind == 1 => out.extend([token.clone(), token.clone()]),
            (token, true) => out.insert(out.len().saturating_sub(1), token.clone()),
            (TokenTree::Group(group), false) => {
                out.push(Group::new(group.delimiter(), damage(group.stream(), left, kind)).into());
            }
            (token, false) => out.push(token.clone()),
        }
    }
    out.into_iter().collect()
}

/// Parses in a small thread; tokens can't cross threads, so their text does.
fn survives(tokens: &TokenStream) -> (bool, bool) {
    let source = tokens.to_string();
    on_small_stack(move || {
        let Ok(tokens) = source.parse::<TokenStream>() else { return (true, true) };
        let mut errors = Diagnostics::default();
        skeleton(tokens.clone());
        let decl = parse(tokens, &mut errors);
        (decl.is_some(), errors.any())
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn any_tokens(tokens in proptest::collection::vec(soup(), 0..30)) {
        let tokens: TokenStream = tokens.into_iter().collect();
        let (accepted, failed) = survives(&tokens);
        prop_assert!(accepted || failed);
    }

    #[test]
    fn any_body(tokens in proptest::collection::vec(soup(), 0..60)) {
        let body: TokenStream = tokens.into_iter().collect();
        let (accepted, failed) = survives(&quote::quote!(pub Net<batch = 1> { #body }));
        prop_assert!(accepted || failed);
    }

    #[test]
    fn damaged_networks(tokens in damaged()) {
        let (accepted, failed) = survives(&tokens);
        prop_assert!(accepted || failed);
    }
}
