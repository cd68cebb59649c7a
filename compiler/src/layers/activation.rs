//! Activations: functions of each element.

use super::template::{Fallback, Kind, Parameter, Template, X};
use super::{Arg, Bound, Builder};
use crate::ir::NodeId;
use crate::ops::{Abs, CompareKind, Erf, Exp, Log1p, Neg, Relu, Sigmoid, Tanh};
use crate::resolve::{Eval, Value};

/// The two numbers of Klambauer et al., "Self-normalizing neural networks" (2017).
const SELU_SCALE: f64 = 1.050_700_987_355_480_5;
const SELU_ALPHA: f64 = 1.673_263_242_354_377_2;

pub(super) const TEMPLATES: &[Template] = &[
    Template {
        name: "relu",
        aliases: &[],
        docs: "max(x, 0); its gradient at 0 is 0. With settings as Keras's: x from the threshold up to max_value, which \
               it keeps past that, and negative_slope·(x - threshold) below.",
        params: &[
            X,
            Parameter::optional("max_value", Kind::Number, Fallback::Absent, "The bound above; none if left out."),
            Parameter::optional("negative_slope", Kind::Number, Fallback::Float(0.0), "The slope below.")
                .known_as(&["alpha", "slope"]),
            Parameter::optional("threshold", Kind::Number, Fallback::Float(0.0), "Where it bends."),
        ],
        layer: true,
        build: relu,
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
        build: |b, args| {
            let (x, alpha) = (b.tensor(args, "x")?, b.number(args, "alpha")?);
            elu(b, x, alpha).map(Value::Tensor)
        },
    },
    Template {
        name: "selu",
        aliases: &[],
        docs: "scale·elu(x, alpha) with scale 1.05070098 and alpha 1.67326324, which keep mean 0 and variance 1 \
               (Klambauer et al., 2017).",
        params: &[X],
        layer: true,
        build: |b, args| {
            map(b, args, |b, x| {
                let elu = elu(b, x, SELU_ALPHA)?;
                b.scale(elu, SELU_SCALE)
            })
        },
    },
    Template {
        name: "prelu",
        aliases: &[],
        docs: "x above 0, alpha·x below; alpha is a parameter with a number for each element of a row (He et al., \
               2015, as Keras's PReLU).",
        params: &[
            X,
            Parameter::optional("init", Kind::Init, Fallback::Word("zeros"), "How alpha starts.")
                .known_as(&["alpha_initializer"]),
            Parameter::optional(
                "shared_axes",
                Kind::Axes,
                Fallback::Absent,
                "Axes along which alpha is one number; none if left out.",
            ),
        ],
        layer: true,
        build: prelu,
    },
    Template {
        name: "softsign",
        aliases: &[],
        docs: "x / (1 + |x|).",
        params: &[X],
        layer: true,
        build: |b, args| {
            map(b, args, |b, x| {
                let size = b.node(Abs, &[x])?;
                let divisor = b.shift(size, 1.0)?;
                b.div(x, divisor)
            })
        },
    },
    Template {
        name: "hard_sigmoid",
        aliases: &[],
        docs: "x/6 + 1/2, but at least 0 and at most 1, as Keras 3's.",
        params: &[X],
        layer: true,
        build: |b, args| map(b, args, hard_sigmoid),
    },
    Template {
        name: "hard_silu",
        aliases: &["hard_swish"],
        docs: "x·hard_sigmoid(x) (Howard et al., 2019).",
        params: &[X],
        layer: true,
        build: |b, args| {
            map(b, args, |b, x| {
                let gate = hard_sigmoid(b, x)?;
                b.mul(x, gate)
            })
        },
    },
    Template {
        name: "relu6",
        aliases: &[],
        docs: "max(x, 0), but at most 6; its gradient is 0 at both ends.",
        params: &[X],
        layer: true,
        build: |b, args| map(b, args, relu6),
    },
    Template {
        name: "mish",
        aliases: &[],
        docs: "x·tanh(softplus(x)) (Misra, 2019).",
        params: &[X],
        layer: true,
        build: |b, args| {
            map(b, args, |b, x| {
                let soft = softplus(b, x)?;
                let gate = b.node(Tanh, &[soft])?;
                b.mul(x, gate)
            })
        },
    },
    Template {
        name: "log_sigmoid",
        aliases: &[],
        docs: "log(sigmoid(x)) = -softplus(-x), computed without overflow.",
        params: &[X],
        layer: true,
        build: |b, args| {
            map(b, args, |b, x| {
                let negated = b.node(Neg, &[x])?;
                let soft = softplus(b, negated)?;
                b.node(Neg, &[soft])
            })
        },
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
        docs: "x·Φ(x), with Φ the normal distribution's (Hendrycks and Gimpel, 2016), exactly or by the approximation \
               x/2·(1 + tanh(√(2/π)·(x + 0.044715·x³))).",
        params: &[
            X,
            Parameter::optional("approximate", Kind::Flag, Fallback::Flag(false), "Whether to approximate, by tanh."),
        ],
        layer: true,
        build: |b, args| {
            let x = b.tensor(args, "x")?;
            let gelu = if b.flag(args, "approximate")? { tanh_gelu(b, x)? } else { gelu(b, x)? };
            Ok(Value::Tensor(gelu))
        },
    },
];

fn map(b: &mut Builder<'_, '_>, args: &Bound, f: fn(&mut Builder<'_, '_>, NodeId) -> Eval<NodeId>) -> Eval<Value> {
    let x = b.tensor(args, "x")?;
    f(b, x).map(Value::Tensor)
}

/// A bend at the threshold first, then the bound: what Keras computes.
fn relu(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<Value> {
    let x = b.tensor(args, "x")?;
    let (slope, threshold) = (b.number(args, "negative_slope")?, b.number(args, "threshold")?);
    let mut above = if threshold == 0.0 {
        b.node(Relu, &[x])?
    } else {
        let reached = b.compare(CompareKind::Gt, x, threshold)?;
        let zero = b.number_like(0.0, x)?;
        b.select(reached, x, zero)?
    };
    if let Arg::Float(bound) = *args.get("max_value") {
        if bound < 0.0 {
            return b.fail_at(args, "max_value", format!("`max_value` can't be negative, but is {bound:?}"));
        }
        if threshold < 0.0 {
            above = b.node(Relu, &[above])?;
        }
        let bound = b.number_like(bound, x)?;
        above = b.minimum(bound, above)?;
    }
    if slope == 0.0 {
        return Ok(Value::Tensor(above));
    }
    let missing = b.number_minus(threshold, x)?;
    let below = b.node(Relu, &[missing])?;
    let below = b.scale(below, slope)?;
    b.sub(above, below).map(Value::Tensor)
}

fn leaky_relu(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<Value> {
    let (x, slope) = (b.tensor(args, "x")?, b.number(args, "slope")?);
    let positive = b.compare(CompareKind::Gt, x, 0.0)?;
    let below = b.scale(x, slope)?;
    b.select(positive, x, below).map(Value::Tensor)
}

pub(super) fn elu(b: &mut Builder<'_, '_>, x: NodeId, alpha: f64) -> Eval<NodeId> {
    let positive = b.compare(CompareKind::Gt, x, 0.0)?;
    // Bounded before the exponential: an infinity that is not chosen would still spoil the gradient.
    let zero = b.number_like(0.0, x)?;
    let low = b.minimum(x, zero)?;
    let exp = b.node(Exp, &[low])?;
    let below = b.shift(exp, -1.0)?;
    let below = b.scale(below, alpha)?;
    b.select(positive, x, below)
}

/// max(x, 0) - alpha·max(-x, 0)
fn prelu(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<Value> {
    let (x, init) = (b.tensor(args, "x")?, b.init(args, "init")?);
    let mut dims = b.dims(x);
    if let Arg::Ints(_) = args.get("shared_axes") {
        for axis in b.axes(args, "shared_axes", x)? {
            if let Some(dim) = dims.get_mut(axis) {
                *dim = 1;
            }
        }
    }
    let alpha = b.param("alpha", &dims, init)?;
    let alpha = b.like(alpha, x)?;
    let above = b.node(Relu, &[x])?;
    let negated = b.node(Neg, &[x])?;
    let below = b.node(Relu, &[negated])?;
    let below = b.mul(alpha, below)?;
    b.sub(above, below).map(Value::Tensor)
}

/// min(max(x, 0), 6). A minimum's gradient at ties goes to its first operand: the bound.
fn relu6(b: &mut Builder<'_, '_>, x: NodeId) -> Eval<NodeId> {
    let ramp = b.node(Relu, &[x])?;
    let six = b.number_like(6.0, x)?;
    b.minimum(six, ramp)
}

/// relu6(x + 3) / 6
fn hard_sigmoid(b: &mut Builder<'_, '_>, x: NodeId) -> Eval<NodeId> {
    let shifted = b.shift(x, 3.0)?;
    let ramp = relu6(b, shifted)?;
    b.scale(ramp, 1.0 / 6.0)
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

/// x/2 · (1 + erf(x/√2))
fn gelu(b: &mut Builder<'_, '_>, x: NodeId) -> Eval<NodeId> {
    let inner = b.scale(x, std::f64::consts::FRAC_1_SQRT_2)?;
    let erf = b.node(Erf, &[inner])?;
    let gate = b.shift(erf, 1.0)?;
    let half = b.scale(x, 0.5)?;
    b.mul(half, gate)
}

/// x/2 · (1 + tanh(√(2/π) · (x + 0.044715·x³)))
fn tanh_gelu(b: &mut Builder<'_, '_>, x: NodeId) -> Eval<NodeId> {
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
