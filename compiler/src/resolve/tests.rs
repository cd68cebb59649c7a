//! Whole networks, from tokens to names and shapes.

use proc_macro2::TokenStream;

use crate::diag::Diagnostics;
use crate::ir::{Network, Optimizer, Rule};
use crate::syntax;

fn outcome(text: &str) -> Result<Network, String> {
    let tokens = text.parse::<TokenStream>().map_err(|error| error.to_string())?;
    let mut errors = Diagnostics::default();
    let network = syntax::parse(tokens, &mut errors).and_then(|decl| super::resolve(&decl, &mut errors));
    match network {
        Some(network) if !errors.any() => Ok(network),
        _ => Err(errors.iter().map(|error| error.text()).collect::<Vec<_>>().join("\n")),
    }
}

#[track_caller]
fn network(text: &str) -> Network {
    outcome(text).unwrap_or_else(|errors| panic!("{errors}"))
}

#[track_caller]
fn body(text: &str) -> Network {
    network(&format!("pub N<batch = 8> {{ let x = input([4]); {text} }}"))
}

#[track_caller]
fn errors(text: &str) -> String {
    match outcome(&format!("pub N<batch = 8> {{ let x = input([4]); {text} output(x); }}")) {
        Ok(_) => panic!("no mistake was found"),
        Err(errors) => errors,
    }
}

fn names(network: &Network) -> Vec<&str> {
    network.params.iter().map(|param| param.name.as_str()).collect()
}

#[test]
fn the_convolutional_network_of_the_language() {
    let network = network(
        "pub MnistCnn<batch = 128> {
            let image = input([28, 28, 1]);
            let digit = class(10);
            let features = image
                .conv2d(32, kernel = 3).relu().max_pool2d(2)
                .conv2d(64, kernel = 3).relu().max_pool2d(2)
                .flatten();
            let hidden = features.dense(128).relu().dropout(0.5);
            let logits = hidden.dense(10);
            output(softmax(logits));
            loss(cross_entropy(logits, digit));
            optimizer(adam(lr = 1e-3));
        }",
    );
    assert_eq!(network.batch, 128);
    let params: Vec<String> =
        network.params.iter().map(|param| format!("{} {}", param.name, param.ty.shape())).collect();
    assert_eq!(
        params,
        [
            "features.0.weight [3, 3, 1, 32]",
            "features.0.bias [32]",
            "features.1.weight [3, 3, 32, 64]",
            "features.1.bias [64]",
            "hidden.weight [1600, 128]",
            "hidden.bias [128]",
            "logits.weight [128, 10]",
            "logits.bias [10]",
        ]
    );
    let rule = Rule::Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-7, amsgrad: false };
    let optimizer =
        Optimizer { rule, lr: 1e-3, weight_decay: 0.0, decay_vectors: true, clip: None, ema: None, accumulate: 1 };
    assert_eq!(network.optimizer, Some(optimizer));
    let output = network.outputs.first().map(|(name, node)| (name.as_str(), network.graph.ty(*node).to_string()));
    assert_eq!(output, Some(("output", "f32[B, 10]".to_string())));
    assert!(network.loss.is_some_and(|loss| network.graph.ty(loss).is_scalar()));
    let rows: Vec<String> = network.layers.iter().map(|row| format!("{} {}", row.name, row.kind)).collect();
    assert_eq!(
        rows,
        [
            "features.0 conv2d(32, kernel = 3)",
            "features relu",
            "features max_pool2d(size = 2)",
            "features.1 conv2d(64, kernel = 3)",
            "features relu",
            "features max_pool2d(size = 2)",
            "features flatten",
            "hidden dense(128)",
            "hidden relu",
            "hidden dropout(0.5)",
            "logits dense(10)",
            "softmax softmax",
        ]
    );
}

#[test]
fn blocks_loops_and_shadowing_name_parameters() {
    let network = body(
        "fn residual(x: Tensor, units: usize) -> Tensor {
            let inner = x.dense(units).relu();
            x + inner.dense(4, bias = false)
        }
        let mut h = x.dense(4);
        for i in 0..2 { h = residual(h, 3 + i); }
        let once = residual(h, 2);
        let once = once.dense(1, name = \"head\");
        let x = x.dense(2);
        let x = x.dense(2);
        output(once, x.dense(3).dense(3));",
    );
    assert_eq!(
        names(&network),
        [
            "h.0.weight",
            "h.0.bias",
            "h.1.inner.weight",
            "h.1.inner.bias",
            "h.1.dense.weight",
            "h.2.inner.weight",
            "h.2.inner.bias",
            "h.2.dense.weight",
            "once.inner.weight",
            "once.inner.bias",
            "once.dense.weight",
            "head.weight",
            "head.bias",
            "x.0.weight",
            "x.0.bias",
            "x.1.weight",
            "x.1.bias",
            "dense.0.weight",
            "dense.0.bias",
            "dense.1.weight",
            "dense.1.bias",
        ]
    );
}

#[test]
fn a_shared_layer_has_one_set_of_parameters() {
    let network = network(
        "pub N<batch = 8, width = 3> {
            let a = tokens([5], 10);
            let b = tokens([5], 10);
            let embed = shared(embedding(4));
            let encode = shared(bidirectional(lstm(width)));
            let logit = concat(encode(embed(a)), encode(embed(b))).dense(1);
            output(logit);
        }",
    );
    let cells = ["forward", "backward"]
        .map(|way| ["weight", "recurrent_weight", "bias"].map(|part| format!("encode.bidirectional.{way}.{part}")));
    let [logit, bias] = ["logit.weight", "logit.bias"].map(str::to_string);
    let expected = ["embed.embedding.weight".to_string()].into_iter().chain(cells.concat()).chain([logit, bias]);
    assert_eq!(names(&network), expected.collect::<Vec<_>>());
}

#[test]
fn a_shared_block_has_one_set_of_parameters() {
    let network = body(
        "fn encode(x: Tensor) -> Tensor { x.dense(3).tanh() }
        let y = input([4]);
        let f = shared(encode);
        let (a, b) = (f(x), y.f());
        output(a - b);",
    );
    assert_eq!(names(&network), ["f.dense.weight", "f.dense.bias"]);
    let message = errors("fn f(x: Tensor) -> Tensor { x.dense(3) } let g = shared(f); let a = g(x); let b = g(a);");
    assert!(message.contains("needs a parameter [3, 3], but the first call made it [4, 3]"), "{message}");
}

#[test]
fn mistakes_come_all_at_once_and_without_followers() {
    let message = errors("let a = y.dense(3); let b = a.dense(0); let c = x.dense(2.5).relu(); let d = b + c + x;");
    let lines: Vec<&str> = message.lines().filter(|line| !line.starts_with('=')).collect();
    assert_eq!(
        lines,
        [
            "the name `y` is not known",
            "`units` of `dense` must be a positive integer, not the integer 0",
            "`units` of `dense` must be a positive integer, not the number 2.5",
        ]
    );
}

#[test]
fn evaluation_is_bounded() {
    let mut text = String::from("fn f0(x: Tensor) -> Tensor { x.relu().relu() }");
    for level in 1..20 {
        let below = level - 1;
        text += &format!("fn f{level}(x: Tensor) -> Tensor {{ f{below}(f{below}(x)) }}");
    }
    let message = errors(&format!("{text} let y = f19(x);"));
    assert!(message.contains("unroll without end"), "{message}");
    assert!(errors("for i in 0..1000000 { let y = x; }").contains("more than 1024 rounds"));
    assert!(
        errors("fn f(x: Tensor) -> Tensor { g(x) } fn g(x: Tensor) -> Tensor { f(x) } let y = f(x);")
            .contains("calls itself")
    );
}
