//! No network makes the resolver panic or overflow the stack, and what it accepts is a sound graph: the fixtures,
//! with random numbers, names and parts of others in their places.

use std::fs;
use std::thread;

use kiln_compiler::diag::Diagnostics;
use kiln_compiler::ir::verify::{Scope, Stage, verify};
use kiln_compiler::{layers, resolve, syntax};
use proc_macro2::{Group, Ident, Literal, Span, TokenStream, TokenTree};
use proptest::prelude::*;

/// What rustc's own thread has is four times as much.
const STACK: usize = 2 << 20;

const NUMBERS: [u64; 14] = [0, 1, 2, 3, 5, 8, 28, 255, 257, 1 << 20, 1 << 30, 1 << 40, i64::MAX as u64, u64::MAX];

/// Words that no template is called.
const WORDS: [&str; 18] = [
    "valid", "same", "zeros", "normal", "output", "method", "shared", "x", "y", "h", "image", "logits", "target",
    "weight", "axis", "pad", "kernel", "shape",
];

/// One change: which token, counted across groups, and what becomes of it.
#[derive(Clone, Copy, Debug)]
struct Change {
    at: usize,
    kind: u8,
    choice: usize,
}

fn change(tokens: TokenStream, change: Change, position: &mut usize) -> TokenStream {
    let mut result: Vec<TokenTree> = Vec::new();
    for token in tokens {
        let here = *position == change.at;
        *position += 1;
        let token = match token {
            TokenTree::Group(group) => {
                let inner = self::change(group.stream(), change, position);
                if here && change.kind == 0 {
                    continue;
                }
                TokenTree::Group(Group::new(group.delimiter(), inner))
            }
            TokenTree::Literal(_) if here => TokenTree::Literal(match change.kind {
                0 => Literal::f64_unsuffixed([0.0, 0.5, 1e300, 2.5][change.choice % 4]),
                _ => Literal::u64_unsuffixed(NUMBERS[change.choice % NUMBERS.len()]),
            }),
            TokenTree::Ident(_) if here => {
                let names: Vec<&str> = layers::all().map(|template| template.name).chain(WORDS).collect();
                TokenTree::Ident(Ident::new(names[change.choice % names.len()], Span::call_site()))
            }
            _ if here && change.kind == 0 => continue,
            token => token,
        };
        if here && change.kind == 1 {
            result.push(token.clone());
        }
        result.push(token);
    }
    result.into_iter().collect()
}

/// Resolves a network; what comes of it is sound or there is an error.
fn try_resolve(tokens: TokenStream) {
    let mut errors = Diagnostics::default();
    let network = syntax::parse(tokens, &mut errors).and_then(|decl| resolve::resolve(&decl, &mut errors));
    assert!(network.is_some() != errors.any());
    assert!(!errors.iter().any(|error| error.message.contains("own mistake")), "{errors:?}");
    if let Some(network) = network {
        verify(&network.graph, &Scope { inputs: &network.inputs, params: &network.params }, Stage::Network).unwrap();
    }
}

fn on_small_stack<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work).unwrap().join().unwrap())
}

fn fixtures() -> Vec<String> {
    let mut paths: Vec<_> = glob::glob("fixtures/*/*.kiln").unwrap().map(Result::unwrap).collect();
    paths.sort();
    paths.into_iter().map(|path| fs::read_to_string(path).unwrap()).collect()
}

#[test]
fn fixtures_resolve_to_sound_graphs_or_errors() {
    on_small_stack(|| fixtures().into_iter().for_each(|source| try_resolve(source.parse().unwrap())));
}

#[test]
fn blocks_in_blocks_do_not_overflow_the_stack() {
    let nest = |depth: usize, inner: &str| format!("{}{inner}{}", "relu(".repeat(depth), ")".repeat(depth));
    let mut source = String::from("Net<batch = 1> { let x = input([2]); fn f0(x: Tensor) -> Tensor { x }");
    for level in 1..60 {
        let body = nest(40, &format!("f{}(x)", level - 1));
        source += &format!("fn f{level}(x: Tensor) -> Tensor {{ {body} }}");
    }
    source += "output(f59(x)); }";
    on_small_stack(|| try_resolve(source.parse().unwrap()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn changed_fixtures_resolve_to_sound_graphs_or_errors(
        which in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0u8..6, any::<usize>()), 1..5),
    ) {
        let sources = fixtures();
        let source = &sources[which.index(sources.len())];
        on_small_stack(|| {
            let mut tokens: TokenStream = source.parse().unwrap();
            for (at, kind, choice) in changes {
                let mut count = 0;
                self::change(tokens.clone(), Change { at: usize::MAX, kind, choice }, &mut count);
                tokens = self::change(tokens, Change { at: at.index(count.max(1)), kind, choice }, &mut 0);
            }
            try_resolve(tokens);
        });
    }
}
