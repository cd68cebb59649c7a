//! Activations: functions of each element.

use super::template::{Fallback, Kind, Parameter, Template, X};
use super::{Bound, Builder};
use crate::ir::NodeId;
use crate::ops::{CompareKind, Exp, Log1p, Neg, Relu, Sigmoid, Tanh};
use crate::resolve::{Eval, Value};

pub(super) const TEMPLATES: &[Template] = &[
    Template {
        name: "relu",
        aliases: &[],
        docs: "max(x, 0); its gradient at 0 is 0.",
        params: &[X],
        layer: true,
        build: |b, args| map(b, args, |b, x| b.node(Relu, &[x])),
    },
    Template {
        name: "sigmoid",
        aliases: &[],
        docs: "1 / (1 + exp(-x)).",
        params: &[X],
        layer: true,
        build: |b, args| map(b, args, |b, x| b.node(Sigmoid, &[x])),
    },
    Template {
        name: "tanh",
        aliases: &[],
        docs: "The hyperbolic tangent.",
        params: &[X],
        layer: true,
        build: |b, args| map(b, args, |b, x| b.node(Tanh, &[x])),
    },
    Template {
        name: "leaky_relu",
        aliases: &[],
        docs: "x above 0, slope·x below (Maas et al., 2013); Keras's default slope.",
        params: &[
            X,
            Parameter::optional("slope", Kind::Number, Fallback::Float(0.3), "The slope below 0.")
                .known_as(&["negative_slope", "alpha"]),
        ],
        layer: true,
        build: leaky_relu,
    },
    Template {
        name: "elu",
        aliases: &[],
        docs: "x above 0, alpha·(exp(x) - 1) below (Clevert et al., 2016).",
        params: &[
            X,
            Parameter::optional("alpha", Kind::Number, Fallback::Float(1.0), "Where it tends to below 0, negated."),
        ],
        layer: true,
        build: elu,
    },
    Template {
        name: "softplus",
        aliases: &[],
        docs: "log(1 + exp(x)), computed without overflow.",
        params: &[X],
        layer: true,
        build: |b, args| map(b, args, softplus),
    },
    Template {
        name: "silu",
        aliases: &["swish"],
        docs: "x·sigmoid(x) (Elfwing et al., 2018).",
        params: &[X],
        layer: true,
        build: |b, args| {
            map(b, args, |b, x| {
                let gate = b.node(Sigmoid, &[x])?;
                b.mul(x, gate)
            })
        },
    },
    Template {
        name: "gelu",
        aliases: &[],
        docs: "x·Φ(x), with Φ by its approximation through tanh (Hendrycks and Gimpel, 2016).",
        params: &[X],
        layer: true,
        build: |b, args| map(b, args, gelu),
    },
];

fn map(b: &mut Builder<'_, '_>, args: &Bound, f: fn(&mut Builder<'_, '_>, NodeId) -> Eval<NodeId>) -> Eval<Value> {
    let x = b.tensor(args, "x")?;
    f(b, x).map(Value::Tensor)
}

fn leaky_relu(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<Value> {
    let (x, slope) = (b.tensor(args, "x")?, b.number(args, "slope")?);
    let positive = b.compare(CompareKind::Gt, x, 0.0)?;
    let below = b.scale(x, slope)?;
    b.select(positive, x, below).map(Value::Tensor)
}

fn elu(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<Value> {
    let (x, alpha) = (b.tensor(args, "x")?, b.number(args, "alpha")?);
    let positive = b.compare(CompareKind::Gt, x, 0.0)?;
    // Bounded before the exponential: an infinity that is not chosen would still spoil the gradient.
    let zero = b.number_like(0.0, x)?;
    let low = b.minimum(x, zero)?;
    let exp = b.node(Exp, &[low])?;
    let below = b.shift(exp, -1.0)?;
    let below = b.scale(below, alpha)?;
    b.select(positive, x, below).map(Value::Tensor)
}

/// max(x, 0) + log1p(exp(-|x|)). With -|x| as min(x, -x) the gradient is sigmoid(x) at 0 too: ReLU gives 0
/// there, and a minimum's gradient goes to its first operand.
pub(super) fn softplus(b: &mut Builder<'_, '_>, x: NodeId) -> Eval<NodeId> {
    let ramp = b.node(Relu, &[x])?;
    let negated = b.node(Neg, &[x])?;
    let low = b.minimum(x, negated)?;
    let exp = b.node(Exp, &[low])?;
    let tail = b.node(Log1p, &[exp])?;
    b.add(ramp, tail)
}

/// x/2 · (1 + tanh(√(2/π) · (x + 0.044715·x³)))
fn gelu(b: &mut Builder<'_, '_>, x: NodeId) -> Eval<NodeId> {
    let square = b.mul(x, x)?;
    let cube = b.mul(square, x)?;
    let cube = b.scale(cube, 0.044715)?;
    let inner = b.add(x, cube)?;
    let inner = b.scale(inner, std::f64::consts::FRAC_2_PI.sqrt())?;
    let tanh = b.node(Tanh, &[inner])?;
    let gate = b.shift(tanh, 1.0)?;
    let half = b.scale(x, 0.5)?;
    b.mul(half, gate)
}
