//! Optimisers and what layers set of them against Keras 3.15: values that it gives in f64 for the same gradients.

use std::collections::BTreeMap;

use super::*;
use crate::ir::{DType, Graph, ParamId, Type};
use crate::ops::Param;
use crate::optimizer::Trained;
use crate::{functions, infer};

const WEIGHT: [f64; 4] = [0.7, -0.4, 0.2, 0.9];
const BIAS: [f64; 2] = [0.1, -0.3];

/// The gradients by weight and bias of four steps.
const GRADIENTS: [([f64; 4], [f64; 2]); 4] = [
    ([0.5, -0.02, 0.0, 3.0], [0.4, -0.1]),
    ([-0.3, 0.4, 0.2, -1.0], [0.0, 2.0]),
    ([0.1, 0.1, -2.0, 0.6], [-0.6, 0.3]),
    ([1.5, -0.7, 0.3, 0.2], [0.2, -0.9]),
];

/// What Keras's optimiser makes of them: a line for each, the optimiser, then weight and bias after each step, then the
/// moving average where there is one. Its numbers are such as f32 holds, to which Keras rounds them.
const OPTIMIZERS: &str = include_str!("keras_optimizers.txt");

/// Three steps of SGD on a dense layer, mean squared error: what the layer sets, the losses of the steps and then of
/// inference, weight and bias afterwards.
const LAYERS: &str = include_str!("keras_layer_settings.txt");

/// The lines of a file of goldens: a text and its numbers.
fn goldens(file: &'static str) -> impl Iterator<Item = (&'static str, Vec<f64>)> {
    file.lines().map(|line| {
        let (text, numbers) = line.split_once(':').expect("a text and numbers");
        (text, numbers.split_whitespace().map(|number| number.parse().expect("a number")).collect())
    })
}

fn node(graph: &mut Graph, index: usize, dims: &[usize]) -> NodeId {
    let op = Param { index: ParamId(index), ty: Type::fixed(DType::F64, dims) };
    infer::add(graph, op, &[], proc_macro2::Span::call_site(), None).expect("a parameter")
}

#[track_caller]
fn near(what: &str, found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < 1e-7 * expected.abs().max(1.0), "{what}: {found} is not {expected}");
    }
}

#[test]
fn optimisers_step_as_keras_does() {
    for (text, golden) in goldens(OPTIMIZERS) {
        let network = network(&format!("let x = input([2]); loss(mse(x.dense(2), x)); optimizer({text});"));
        let optimizer = network.optimizer.expect("an optimizer");
        let mut graph = Graph::default();
        let trained: Vec<Trained> = [[2, 2].as_slice(), &[2]]
            .iter()
            .enumerate()
            .map(|(index, dims)| {
                let (param, gradient) = (node(&mut graph, index, dims), node(&mut graph, index + 2, dims));
                Trained { index: ParamId(index), param, gradient }
            })
            .collect();
        optimizer.update(&mut graph, &trained, &network.params);
        let shapes = [[2, 2].as_slice(), &[2]];
        let mut states = BTreeMap::new();
        for (index, shape) in shapes.iter().enumerate() {
            for slot in 0..optimizer.slots() {
                states.insert((ParamId(index), slot), Array::zeros(*shape));
            }
        }
        let mut now = [array(&[2, 2], &WEIGHT), array(&[2], &BIAS)];
        for (step, (weight, bias)) in GRADIENTS.iter().enumerate() {
            let params = [now[0].clone(), now[1].clone(), array(&[2, 2], weight), array(&[2], bias)];
            let cx = Context {
                params: &params,
                states: &states,
                learning_rate: optimizer.learning_rate(),
                step: step as u64 + 1,
                ..Context::new(1)
            };
            let values = eval::run(&graph, &cx);
            let mut next = states.clone();
            for root in &graph.roots {
                let value = values[&root.node].clone();
                match root.kind {
                    RootKind::State(param, slot) => drop(next.insert((param, slot), value)),
                    RootKind::Param(param) => now[param.0] = value,
                    _ => unreachable!("an update"),
                }
            }
            assert_eq!(graph.roots.len(), 2 * (1 + optimizer.slots()), "{text}");
            states = next;
            let found: Vec<f64> = now.iter().flatten().copied().collect();
            near(&format!("{text}, step {}", step + 1), &found, &golden[step * 6..][..6]);
        }
        if let Some(slot) = optimizer.average_slot() {
            let average = (0..2).flat_map(|index| states[&(ParamId(index), slot)].iter().copied());
            near(text, &average.collect::<Vec<f64>>(), &golden[24..]);
        }
    }
}

/// Losses of some training steps, then the parameters.
fn train(text: &str, inputs: &[Array], params: &[Array], steps: usize) -> (Vec<f64>, Vec<Array>) {
    let network = network(text);
    let functions = functions::functions(&network, false).expect("sound passes");
    let graph =
        |name: &str| &functions.iter().find(|found| found.function.name == name).expect("it is there").function.graph;
    let optimizer = network.optimizer.expect("an optimizer");
    let mut states = BTreeMap::new();
    for (index, param) in network.params.iter().enumerate() {
        for slot in 0..optimizer.slots() {
            states.insert((ParamId(index), slot), Array::zeros(param.ty.dims.as_slice()));
        }
    }
    let mut params = params.to_vec();
    let mut losses = Vec::new();
    for step in 1..=steps {
        let before = params.clone();
        let old = states.clone();
        let cx = Context {
            inputs,
            params: &before,
            states: &old,
            learning_rate: optimizer.learning_rate(),
            step: step as u64,
            ..Context::new(inputs[0].shape()[0])
        };
        let values = eval::run(graph("step"), &cx);
        for root in &graph("step").roots {
            let value = values[&root.node].clone();
            match root.kind {
                RootKind::State(param, slot) => drop(states.insert((param, slot), value)),
                RootKind::Param(param) => params[param.0] = value,
                RootKind::Loss => losses.push(value.sum()),
                _ => {}
            }
        }
    }
    let cx = Context { inputs, params: &params, training: false, ..Context::new(inputs[0].shape()[0]) };
    let values = eval::run(graph("loss"), &cx);
    losses.push(values[&graph("loss").roots[0].node].sum());
    (losses, params)
}

#[test]
fn penalties_and_constraints_are_keras_s() {
    let inputs =
        [array(&[3, 2], &[0.5, -1.0, 1.5, 0.25, -0.75, 2.0]), array(&[3, 2], &[1.0, 0.0, -0.5, 0.5, 0.25, 2.0])];
    for (settings, golden) in goldens(LAYERS) {
        let text = format!(
            "let x = input([2]); let y = target([2]); let w = x.dense(2, {settings}); loss(mse(w, y)); \
             optimizer(sgd(lr = 0.125));"
        );
        let (found, params) = train(&text, &inputs, &[array(&[2, 2], &WEIGHT), array(&[2], &BIAS)], 3);
        near(settings, &found, &golden[..4]);
        near(settings, &params.iter().flatten().copied().collect::<Vec<f64>>(), &golden[4..]);
    }
}

#[test]
fn layers_have_rates_and_decays_of_their_own() {
    let inputs = [array(&[1, 2], &[0.5, -1.0]), array(&[1, 2], &[1.0, 0.0])];
    let start = [array(&[2, 2], &WEIGHT), array(&[2], &BIAS)];
    let after = |settings: &str, optimizer: &str| {
        let text = format!(
            "let x = input([2]); let y = target([2]); loss(mse(x.dense(2{settings}), y)); optimizer({optimizer});"
        );
        let params = train(&text, &inputs, &start, 1).1;
        params.iter().flatten().copied().collect::<Vec<f64>>()
    };
    let before: Vec<f64> = start.iter().flatten().copied().collect();
    let step: Vec<f64> = after("", "sgd(lr = 0.1)").iter().zip(&before).map(|(after, before)| after - before).collect();
    let expected = |scale: f64, decay: f64, bias: f64| -> Vec<f64> {
        let factor = |place: usize| 0.1 * scale * if place < 4 { decay } else { bias };
        before.iter().zip(&step).enumerate().map(|(place, (p, step))| p - factor(place) * p + scale * step).collect()
    };
    near("scale", &after(", lr_scale = 0.5", "sgd(lr = 0.1)"), &expected(0.5, 0.0, 0.0));
    near("both", &after(", lr_scale = 0.5", "sgd(lr = 0.1, weight_decay = 0.2)"), &expected(0.5, 0.2, 0.2));
    near("none", &after(", weight_decay = 0", "sgd(lr = 0.1, weight_decay = 0.2)"), &expected(1.0, 0.0, 0.0));
    near("own", &after(", weight_decay = 0.3", "sgd(lr = 0.1, weight_decay = 0.2)"), &expected(1.0, 0.3, 0.3));
    let spared = "sgd(lr = 0.1, weight_decay = 0.2, decay_vectors = false)";
    near("spared", &after("", spared), &expected(1.0, 0.2, 0.0));
}

#[test]
fn what_is_frozen_has_no_update_and_no_penalty() {
    let frozen = [
        "let h = x.dense(2, trainable = false, l2 = 0.5); loss(mse(h.dense(2), x));",
        "fn f(x: Tensor) -> Tensor { x.dense(2, l2 = 0.5) } let h = f(x, trainable = false); loss(mse(h.dense(2), x));",
        "fn f(x: Tensor) -> Tensor { x.dense(2, l1 = 1) } let f = shared(f, trainable = false); let h = f(f(x)); \
         loss(mse(h.dense(2), x));",
    ];
    for text in frozen {
        let network = network(&format!("let x = input([2]); {text} optimizer(adam);"));
        let trainable: Vec<bool> = network.params.iter().map(|param| param.trainable).collect();
        assert_eq!(trainable, [false, false, true, true], "{text}");
        let functions = functions::functions(&network, false).expect("sound passes");
        let step = &functions[0].function.graph;
        let updated = |root: &crate::ir::Root| match root.kind {
            RootKind::Param(param) | RootKind::State(param, _) => Some(param.0),
            _ => None,
        };
        let updated: std::collections::BTreeSet<usize> = step.roots.iter().filter_map(updated).collect();
        assert_eq!(updated, [2, 3].into(), "{text}");
        // Nothing flows back past the last layer.
        let products =
            step.ids().into_iter().filter(|&id| matches!(step.op(id), Op::MatMul(product) if product.transpose));
        assert_eq!(products.count(), 0, "{text}");
    }
}

#[test]
fn a_frozen_batch_norm_keeps_to_its_averages() {
    let network = network("let x = input([3]); output(x.batch_norm(trainable = false));");
    assert!(network.updates.is_empty());
    assert!(network.params.iter().all(|param| !param.trainable));
    assert!(!network.graph.ids().into_iter().any(|id| matches!(network.graph.op(id), Op::Phase(_))));
}
