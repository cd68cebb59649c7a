//! Whatever the tokens, the compiler answers: with code or with errors, never with a panic, in a thread
//! with a small stack.

use std::thread;

use kiln_compiler::diag::Diagnostics;
use proc_macro2::{Group, TokenStream, TokenTree};
use proptest::prelude::*;

const NETWORKS: [&str; 3] = [
    "/// Docs.
    pub Net<batch = 4, side = 2 * 3, dtype = f64> {
        const H: usize = 5;
        fn block(x: Tensor, n: usize) -> Tensor { let y = x.dense(n).relu(); x + y }
        let image = input([side, side, 1]);
        let digit = class(3);
        let f: Tensor<{side - 2}, 4, 2> = image.conv2d(2, kernel = 3).relu();
        let mut h = f.max_pool2d(2).flatten();
        for i in 0..2 { h = block(h, 8); }
        let (a, b) = (h.dense(H), h * -2.0);
        let logits = concat(a, b, axis = -1).dropout(0.5).dense(3);
        output(softmax(logits));
        loss(cross_entropy(logits, digit));
        optimizer(adam(lr = 1e-3));
        method(encode, from = image, to = h);
    }",
    "Auto<batch = 4> {
        let x = input([6]);
        let w = param([6, 2], init = glorot_uniform);
        let z = matmul(x, w);
        let y = z.dense(6).sigmoid();
        output(y);
        loss(mse(y, x));
        optimizer(sgd(lr = 0.1, momentum = 0.9));
    }",
    "pub(crate) Parts<batch = 2, n = 4> {
        let x = input([n, n]);
        let t = target([n]);
        let s = x[1..3, ..];
        let r = reshape(s, [2 * n]).batch_norm();
        let y = select(r > 0.5, r, exp(r) - 1.0).dense(n);
        output(y, r);
        loss(mse(y, t));
        optimizer(adamw(lr = 1e-3, weight_decay = 0.01));
    }",
];

/// Numbers and words to put in the place of others.
const WORDS: [&str; 24] = [
    "0",
    "1",
    "3",
    "7",
    "255",
    "65536",
    "4294967296",
    "18446744073709551615",
    "-",
    "0.5",
    "1e300",
    "true",
    "\"x\"",
    "x",
    "h",
    "image",
    "dense",
    "conv2d",
    "same",
    "[0]",
    "()",
    "(1, 2, 3)",
    "..",
    "|a| a",
];

/// How a network is damaged: which of its tokens, what happens to it, what comes in its place.
type Damage = (usize, u8, &'static str);

fn damages() -> impl Strategy<Value = Vec<Damage>> {
    proptest::collection::vec((0..250_usize, 0..4_u8, proptest::sample::select(&WORDS[..])), 0..4)
}

fn damaged(tokens: TokenStream, left: &mut usize, kind: u8, word: &str) -> TokenStream {
    let mut out: Vec<TokenTree> = Vec::new();
    for token in tokens {
        let hit = *left == 0;
        *left = left.wrapping_sub(1);
        match (token, hit, kind) {
            (_, true, 0) => {}
            (token, true, 1) => out.extend([token.clone(), token]),
            (token, true, 2) => out.insert(out.len().saturating_sub(1), token),
            (_, true, _) => out.extend(word.parse::<TokenStream>().unwrap()),
            (TokenTree::Group(group), false, _) => {
                let inner = damaged(group.stream(), left, kind, word);
                out.push(Group::new(group.delimiter(), inner).into());
            }
            (token, false, _) => out.push(token),
        }
    }
    out.into_iter().collect()
}

/// Compiles in a thread with the stack of a test's thread.
fn compile(source: &str) -> Result<bool, String> {
    let work = || {
        let Ok(tokens) = source.parse::<TokenStream>() else { return Ok(false) };
        let mut errors = Diagnostics::default();
        let code = kiln_compiler::compile(tokens.clone(), &mut errors);
        kiln_compiler::expand(tokens);
        match errors.iter().find(|error| error.message.contains("bug in kiln")) {
            Some(bug) => Err(bug.text()),
            None if code.is_none() && !errors.any() => Err("neither code nor errors".into()),
            None => Ok(!errors.any()),
        }
    };
    thread::scope(|scope| thread::Builder::new().stack_size(2 << 20).spawn_scoped(scope, work).unwrap().join().unwrap())
}

#[test]
fn the_networks_are_accepted() {
    for source in NETWORKS {
        assert_eq!(compile(source), Ok(true), "{source}");
    }
}

#[test]
fn expressions_at_the_bounds_fit_the_stack() {
    let expressions = [
        format!("x{}", ".relu()".repeat(128)),
        format!("x{}", " + 1.0".repeat(128)),
        format!("1.0{}", " + 1".repeat(128)),
        format!("{}x", "-".repeat(32)),
        format!("{}x{}", "(".repeat(62), ")".repeat(62)),
        format!("{}x{}", "relu(".repeat(60), ")".repeat(60)),
        format!("{}x{}", "1.0 - relu(".repeat(45), ")".repeat(45)),
        format!("x[{}0{}]", "0 * (".repeat(40), ")".repeat(40)),
    ];
    for expression in expressions {
        let source = format!("Net<batch = 2> {{ let x = input([3]); let y = {expression}; output(y * x); }}");
        assert_eq!(compile(&source), Ok(true), "{source}");
    }
}

#[test]
fn blocks_and_loops_without_end_are_refused() {
    let blocks = (0..3000).map(|i| format!("fn f{}(x: Tensor) -> Tensor {{ f{i}(x).relu() }}", i + 1));
    let blocks: String = blocks.collect();
    for body in [
        &format!("fn f0(x: Tensor) -> Tensor {{ -x }} {blocks} y = f3000(x);"),
        "fn f(x: Tensor) -> Tensor { f(x) } y = f(x);",
        "for i in 0..1000000000 { y = y.relu(); }",
        "for i in 0..100000 { for j in 0..100000 { } }",
    ] {
        let source = format!("Net<batch = 2> {{ let x = input([3]); let mut y = x; {body} output(y); }}");
        assert_eq!(compile(&source), Ok(false), "{body}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(100) })]

    #[test]
    fn damaged_networks_have_an_answer(which in 0..NETWORKS.len(), damages in damages()) {
        let mut tokens: TokenStream = NETWORKS[which].parse().unwrap();
        for (at, kind, word) in damages {
            let mut left = at;
            tokens = damaged(tokens, &mut left, kind, word);
        }
        let source = tokens.to_string();
        prop_assert!(compile(&source).is_ok(), "{}\n{:?}", source, compile(&source));
    }
}
