//! Random numbers, and noise on tensors. Each number is a function of seed, step and place, so nothing is stored; a
//! trainer draws others in each step.

use super::Builder;
use super::template::{Fallback, Kind, Parameter, Template, X};
use crate::ir::{NodeId, Type};
use crate::ops::{Cos, Log, Phase, Random, Sqrt};
use crate::resolve::{Eval, Value};

const SHAPE: Parameter =
    Parameter::required("shape", Kind::Shape, "The axes of one row, which has numbers of its own.");

pub(super) const TEMPLATES: &[Template] = &[
    Template {
        name: "random_normal",
        aliases: &[],
        docs: "Normal random numbers, in training and outside: a trainer's are others in each step, a predictor's the \
               same in each call.",
        params: &[
            SHAPE,
            Parameter::optional("mean", Kind::Number, Fallback::Float(0.0), "The mean."),
            Parameter::optional("deviation", Kind::Positive, Fallback::Float(1.0), "The standard deviation.")
                .known_as(&["stddev"]),
        ],
        layer: false,
        build: |b, args| {
            let (mean, deviation) = (b.number(args, "mean")?, b.number(args, "deviation")?);
            let dims = b.shape(args, "shape")?;
            let normal = normal(b, &dims)?;
            let scaled = b.scale(normal, deviation)?;
            b.shift(scaled, mean).map(Value::Tensor)
        },
    },
    Template {
        name: "random_uniform",
        aliases: &[],
        docs: "Random numbers from `low` to below `high`, in training and outside as `random_normal`.",
        params: &[
            SHAPE,
            Parameter::optional("low", Kind::Number, Fallback::Float(0.0), "The least value.").known_as(&["minval"]),
            Parameter::optional("high", Kind::Number, Fallback::Float(1.0), "The bound above.").known_as(&["maxval"]),
        ],
        layer: false,
        build: |b, args| {
            let (low, high) = (b.number(args, "low")?, b.number(args, "high")?);
            if low > high {
                return b.fail_at(args, "high", format!("`high` is {high:?}, below `low`, which is {low:?}"));
            }
            let dims = b.shape(args, "shape")?;
            let uniform = uniform(b, &dims)?;
            let scaled = b.scale(uniform, high - low)?;
            b.shift(scaled, low).map(Value::Tensor)
        },
    },
    Template {
        name: "gaussian_noise",
        aliases: &[],
        docs: "In training, adds normal random numbers of mean 0; otherwise nothing, as Keras's GaussianNoise.",
        params: &[X, Parameter::required("deviation", Kind::Positive, "The standard deviation.").known_as(&["stddev"])],
        layer: true,
        build: |b, args| {
            let (x, deviation) = (b.tensor(args, "x")?, b.number(args, "deviation")?);
            let dims = b.dims(x);
            let normal = normal(b, &dims)?;
            let noise = b.scale(normal, deviation)?;
            let noisy = b.add(x, noise)?;
            in_training(b, noisy, x)
        },
    },
    Template {
        name: "gaussian_dropout",
        aliases: &[],
        docs: "In training, multiplies with normal random numbers of mean 1 and variance rate / (1 - rate); otherwise \
               nothing (Srivastava et al., 2014, as Keras's GaussianDropout).",
        params: &[X, Parameter::required("rate", Kind::Rate, "As that of `dropout`.")],
        layer: true,
        build: |b, args| {
            let (x, rate) = (b.tensor(args, "x")?, b.number(args, "rate")?);
            if rate == 0.0 {
                return Ok(Value::Tensor(x));
            }
            let dims = b.dims(x);
            let normal = normal(b, &dims)?;
            let scaled = b.scale(normal, (rate / (1.0 - rate)).sqrt())?;
            let factor = b.shift(scaled, 1.0)?;
            let noisy = b.mul(x, factor)?;
            in_training(b, noisy, x)
        },
    },
];

fn in_training(b: &mut Builder<'_, '_>, noisy: NodeId, x: NodeId) -> Eval<Value> {
    let x = b.like(x, noisy)?;
    b.node(Phase, &[noisy, x]).map(Value::Tensor)
}

/// On [0, 1), of a stream of its own.
fn uniform(b: &mut Builder<'_, '_>, dims: &[usize]) -> Eval<NodeId> {
    let stream = b.resolver.streams;
    b.resolver.streams += 1;
    let ty = Type::batched(b.resolver.net.dtype, dims);
    b.node(Random { stream, ty }, &[])
}

/// Standard normal (G. Box, M. Muller, "A note on the generation of random normal deviates", 1958).
fn normal(b: &mut Builder<'_, '_>, dims: &[usize]) -> Eval<NodeId> {
    let (length, angle) = (uniform(b, dims)?, uniform(b, dims)?);
    // Above 0: the logarithm is finite.
    let length = b.number_minus(1.0, length)?;
    let log = b.node(Log, &[length])?;
    let square = b.scale(log, -2.0)?;
    let radius = b.node(Sqrt, &[square])?;
    let angle = b.scale(angle, std::f64::consts::TAU)?;
    let cos = b.node(Cos, &[angle])?;
    b.mul(radius, cos)
}
