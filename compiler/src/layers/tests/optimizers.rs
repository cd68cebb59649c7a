//! Optimisers against Keras's update rules, step by step.

use std::collections::BTreeMap;

use super::*;
use crate::infer;
use crate::ir::{DType, Graph, ParamId, Type};
use crate::ops::Param;
use crate::optimizer::Trained;

/// Gradients of four steps: one is 0, one is large.
const GRADIENTS: [f64; 4] = [0.5, -0.02, 0.0, 3.0];
const START: f64 = 0.7;
const LR: f64 = 0.1;

/// The parameter after each step.
fn trajectory(text: &str) -> Vec<f64> {
    let network = network(&format!("let x = input([1]); loss(mse(x.dense(1), x)); optimizer({text});"));
    let optimizer = network.optimizer.expect("an optimizer");
    let mut graph = Graph::default();
    let mut param = |index| {
        let op = Param { index: ParamId(index), ty: Type::fixed(DType::F64, vec![1]) };
        infer::add(&mut graph, op, &[], proc_macro2::Span::call_site(), None).expect("a parameter")
    };
    let (value, gradient) = (param(0), param(1));
    optimizer.update(&mut graph, &[Trained { index: ParamId(0), param: value, gradient }], &[]);
    let mut states: BTreeMap<(ParamId, usize), Array> =
        (0..optimizer.slots()).map(|slot| ((ParamId(0), slot), array(&[1], &[0.0]))).collect();
    let mut now = START;
    let mut all = Vec::new();
    for (step, gradient) in GRADIENTS.iter().enumerate() {
        let params = [array(&[1], &[now]), array(&[1], &[*gradient])];
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
                _ => now = value.sum(),
            }
        }
        assert_eq!(graph.roots.len(), 1 + optimizer.slots());
        states = next;
        all.push(now);
    }
    all
}

/// Holds an optimiser against `rule`, which is told the step and the gradient, and gives what is taken off.
#[track_caller]
fn expect(text: &str, mut rule: impl FnMut(i32, f64) -> f64) {
    let mut now = START;
    let expected = GRADIENTS.iter().enumerate().map(|(step, &gradient)| {
        now -= rule(step as i32 + 1, gradient);
        now
    });
    for (found, expected) in trajectory(text).into_iter().zip(expected.collect::<Vec<f64>>()) {
        assert!((found - expected).abs() < 1e-12, "{text}: {found} is not {expected}");
    }
}

#[test]
fn adam_and_amsgrad() {
    for amsgrad in [false, true] {
        let (mut m, mut v, mut largest) = (0.0, 0.0, 0.0f64);
        expect(&format!("adam(lr = 0.1, beta2 = 0.5, amsgrad = {amsgrad})"), |t, g| {
            m += (g - m) * (1.0 - 0.9);
            v += (g * g - v) * (1.0 - 0.5);
            largest = largest.max(v);
            let alpha = LR * (1.0 - 0.5f64.powi(t)).sqrt() / (1.0 - 0.9f64.powi(t));
            alpha * m / ((if amsgrad { largest } else { v }).sqrt() + 1e-7)
        });
    }
}

#[test]
fn adamax() {
    let (mut m, mut u) = (0.0, 0.0f64);
    expect("adamax(lr = 0.1)", |t, g| {
        m += (g - m) * (1.0 - 0.9);
        u = (0.999 * u).max(g.abs());
        LR * m / ((1.0 - 0.9f64.powi(t)) * (u + 1e-7))
    });
}

#[test]
fn nadam() {
    let (mut m, mut v, mut product) = (0.0, 0.0, 1.0);
    expect("nadam(lr = 0.1)", |t, g| {
        let schedule = |t: i32| 0.9 * (1.0 - 0.5 * 0.96f64.powi(t));
        let (now, next) = (schedule(t), schedule(t + 1));
        product *= now;
        m += (g - m) * (1.0 - 0.9);
        v += (g * g - v) * (1.0 - 0.999);
        let mean = next * m / (1.0 - product * next) + (1.0 - now) * g / (1.0 - product);
        mean * LR / ((v / (1.0 - 0.999f64.powi(t))).sqrt() + 1e-7)
    });
}

#[test]
fn rmsprop() {
    for (centered, momentum) in [(false, 0.0), (true, 0.0), (false, 0.8), (true, 0.8)] {
        let (mut v, mut a, mut velocity) = (0.0, 0.0, 0.0);
        let text = format!("rmsprop(lr = 0.1, momentum = {momentum:?}, centered = {centered}, epsilon = 0.01)");
        expect(&text, |_, g| {
            v = 0.9 * v + 0.1 * g * g;
            a = 0.9 * a + 0.1 * g;
            let divisor = if centered { v - a * a } else { v } + 0.01;
            velocity = momentum * velocity + LR * g / divisor.sqrt();
            velocity
        });
    }
}

#[test]
fn adagrad() {
    let mut sum = 0.1;
    expect("adagrad(lr = 0.1)", |_, g| {
        sum += g * g;
        LR * g / (sum + 1e-7).sqrt()
    });
}

#[test]
fn adadelta() {
    let (mut squares, mut changes) = (0.0, 0.0);
    expect("adadelta(lr = 0.1)", |_, g| {
        squares = 0.95 * squares + 0.05 * g * g;
        let change: f64 = ((changes + 1e-7) / (squares + 1e-7f64)).sqrt() * g;
        changes = 0.95 * changes + 0.05 * change * change;
        LR * change
    });
}

#[test]
fn lion() {
    let mut m = 0.0;
    expect("lion(lr = 0.1)", |_, g| {
        let direction: f64 = 0.9 * m + 0.1 * g;
        m = 0.99 * m + 0.01 * g;
        if direction == 0.0 { 0.0 } else { LR * direction.signum() }
    });
}

#[test]
fn decay_and_bounds() {
    let mut now = START;
    expect("sgd(lr = 0.1, weight_decay = 0.2, clip_value = 0.3)", |_, g| {
        let step = LR * 0.2 * now + LR * g.clamp(-0.3, 0.3);
        now -= step;
        step
    });
    let decayed = trajectory("adamw(lr = 0.1)");
    let plain = trajectory("adam(lr = 0.1)");
    assert!((plain[0] - decayed[0] - START * LR * 0.004).abs() < 1e-12);
}
