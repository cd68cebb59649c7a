//! More losses: of regression, of margins, between distributions and directions. Each is the mean over all that is
//! left of its elements, rows included.

use super::activation::softplus;
use super::loss::{EPSILON, FROM_LOGITS, SMOOTHING, TARGET, WEIGHT};
use super::loss::{binary_terms, classes, mean, pair, pick, probabilities, smooth};
use super::math::clip;
use super::softmax::log_sum_exp;
use super::template::{Fallback, Kind, Parameter, Template};
use super::{Arg, Bound, Builder};
use crate::ir::{DType, NodeId};
use crate::ops::{Abs, CompareKind, Exp, Log, Mul, Neg, Pow, ReduceKind, Relu, Sigmoid, Sqrt};
use crate::resolve::{Eval, Value};

pub(super) const PREDICTION: Parameter = Parameter::required("x", Kind::Tensor, "The prediction.");
const MARGIN_TARGET: Parameter = Parameter::required("target", Kind::Tensor, "-1 or 1; 0 counts as -1, as in Keras.");
const GAMMA: Parameter =
    Parameter::optional("gamma", Kind::Number, Fallback::Float(2.0), "How much less a good answer counts.");
const ALPHA: Parameter = Parameter::optional("alpha", Kind::Number, Fallback::Float(0.25), "A factor.");

/// What Keras keeps squared lengths above.
const LENGTH: f64 = 1e-12;

pub(super) const fn loss(
    name: &'static str,
    docs: &'static str,
    params: &'static [Parameter],
    build: fn(&mut Builder<'_, '_>, &Bound) -> Eval<Value>,
) -> Template {
    Template { name, aliases: &[], docs, params, layer: false, build }
}

pub(super) const TEMPLATES: &[Template] = &[
    loss(
        "huber",
        "d²/2 for differences d up to delta, delta·|d| - delta²/2 past it (Huber, 1964).",
        &[
            PREDICTION,
            TARGET,
            Parameter::optional("delta", Kind::Positive, Fallback::Float(1.0), "Where the square ends."),
            WEIGHT,
        ],
        huber,
    ),
    loss("log_cosh", "The logarithm of the differences' hyperbolic cosine.", &[PREDICTION, TARGET, WEIGHT], log_cosh),
    loss("hinge", "max(1 - target·x, 0).", &[PREDICTION, MARGIN_TARGET, WEIGHT], |b, args| {
        let margin = margin(b, args)?;
        mean(b, args, margin)
    }),
    loss("squared_hinge", "max(1 - target·x, 0)².", &[PREDICTION, MARGIN_TARGET, WEIGHT], |b, args| {
        let margin = margin(b, args)?;
        let squared = b.mul(margin, margin)?;
        mean(b, args, squared)
    }),
    loss(
        "kl_divergence",
        "target·log(target / x) summed over the last axis, of probabilities, which are kept from 0 as Keras does.",
        &[PREDICTION, TARGET, WEIGHT],
        kl_divergence,
    ),
    loss(
        "cosine_similarity",
        "The cosine between prediction and target along an axis, negated, so that -1 is best.",
        &[
            PREDICTION,
            TARGET,
            Parameter::optional("axis", Kind::Axis, Fallback::Int(-1), "The axis of the vectors."),
            WEIGHT,
        ],
        cosine_similarity,
    ),
    loss(
        "binary_focal_cross_entropy",
        "(1 - p)^gamma times the binary cross entropy, p being the probability of the target (Lin et al., 2017).",
        &[
            Parameter::required("x", Kind::Tensor, "Logits, or probabilities."),
            TARGET,
            FROM_LOGITS,
            WEIGHT,
            Parameter::optional(
                "apply_class_balancing",
                Kind::Flag,
                Fallback::Flag(false),
                "Whether alpha is the factor of targets of 1, and 1 - alpha that of targets of 0.",
            ),
            ALPHA,
            GAMMA,
            SMOOTHING,
        ],
        binary_focal,
    ),
    loss(
        "categorical_focal_cross_entropy",
        "-alpha·(1 - p)^gamma·log(p) at the class, or summed with dense targets as weights (Lin et al., 2017).",
        &[
            Parameter::required("logits", Kind::Tensor, "One number per class in the last axis."),
            Parameter::required("target", Kind::AnyTensor, "Class indices, or probabilities in the logits' shape."),
            FROM_LOGITS,
            WEIGHT,
            ALPHA,
            GAMMA,
        ],
        categorical_focal,
    ),
];

fn huber(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<Value> {
    let (x, target) = pair(b, args, "x")?;
    let delta = b.number(args, "delta")?;
    let difference = b.sub(x, target)?;
    let distance = b.node(Abs, &[difference])?;
    let square = b.mul(difference, difference)?;
    let square = b.scale(square, 0.5)?;
    let line = b.scale(distance, delta)?;
    let line = b.shift(line, -0.5 * delta * delta)?;
    let near = b.compare(CompareKind::Le, distance, delta)?;
    let terms = b.select(near, square, line)?;
    mean(b, args, terms)
}

/// d + softplus(-2·d) - log(2)
fn log_cosh(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<Value> {
    let (x, target) = pair(b, args, "x")?;
    let difference = b.sub(x, target)?;
    let twice = b.scale(difference, -2.0)?;
    let soft = softplus(b, twice)?;
    let sum = b.add(difference, soft)?;
    let terms = b.shift(sum, -std::f64::consts::LN_2)?;
    mean(b, args, terms)
}

fn margin(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<NodeId> {
    let (x, target) = pair(b, args, "x")?;
    let zero = b.compare(CompareKind::Eq, target, 0.0)?;
    let minus = b.number_like(-1.0, target)?;
    let sign = b.select(zero, minus, target)?;
    let product = b.mul(sign, x)?;
    let missing = b.number_minus(1.0, product)?;
    b.node(Relu, &[missing])
}

fn kl_divergence(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<Value> {
    let (x, target) = pair(b, args, "x")?;
    let Some(axis) = b.dims(x).len().checked_sub(1) else {
        return b.shape_error(b.span, "`kl_divergence` needs an axis of probabilities, and [] has none", &[x], None);
    };
    let x = clip(b, x, EPSILON, 1.0)?;
    let target = clip(b, target, EPSILON, 1.0)?;
    let ratio = b.div(target, x)?;
    let log = b.node(Log, &[ratio])?;
    let terms = b.mul(target, log)?;
    let rows = b.reduce(ReduceKind::Sum, terms, &[axis], false)?;
    mean(b, args, rows)
}

fn cosine_similarity(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<Value> {
    let (x, target) = pair(b, args, "x")?;
    let Arg::Int(axis) = *args.get("axis") else { return b.missing(args, "axis") };
    let axis = b.axis(axis, x, args.span("axis"))?;
    let x = unit(b, x, axis)?;
    let target = unit(b, target, axis)?;
    let product = b.mul(x, target)?;
    let cosine = b.reduce(ReduceKind::Sum, product, &[axis], false)?;
    let terms = b.node(Neg, &[cosine])?;
    mean(b, args, terms)
}

/// Vectors along an axis at length 1.
fn unit(b: &mut Builder<'_, '_>, x: NodeId, axis: usize) -> Eval<NodeId> {
    let square = b.mul(x, x)?;
    let sum = b.reduce(ReduceKind::Sum, square, &[axis], false)?;
    let least = b.number_like(LENGTH, sum)?;
    let sum = b.maximum(sum, least)?;
    let length = b.node(Sqrt, &[sum])?;
    let length = b.spread(length, axis, x)?;
    b.div(x, length)
}

fn binary_focal(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<Value> {
    let (x, target) = pair(b, args, "x")?;
    let (alpha, gamma) = (b.number(args, "alpha")?, b.number(args, "gamma")?);
    let target = smooth(b, args, target)?;
    let terms = binary_terms(b, args, x, target)?;
    let p = if b.flag(args, "from_logits")? { b.node(Sigmoid, &[x])? } else { x };
    // The probability of the other answer: z·(1 - p) + (1 - z)·p.
    let opposite = b.number_minus(1.0, target)?;
    let rest = b.number_minus(1.0, p)?;
    let missed = b.mul(target, rest)?;
    let wrong = b.mul(opposite, p)?;
    let miss = b.add(missed, wrong)?;
    let factor = power(b, miss, gamma)?;
    let mut terms = b.mul(factor, terms)?;
    if b.flag(args, "apply_class_balancing")? {
        let of_one = b.scale(target, alpha)?;
        let of_zero = b.scale(opposite, 1.0 - alpha)?;
        let balance = b.add(of_one, of_zero)?;
        terms = b.mul(terms, balance)?;
    }
    mean(b, args, terms)
}

fn categorical_focal(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<Value> {
    let (logits, target) = (b.tensor(args, "logits")?, b.tensor(args, "target")?);
    let (alpha, gamma) = (b.number(args, "alpha")?, b.number(args, "gamma")?);
    classes(b, args, logits, target)?;
    let axis = b.dims(logits).len().saturating_sub(1);
    let dense = b.ty(target).dtype != DType::U32;
    let (x, target) = if dense { pair(b, args, "logits")? } else { (logits, target) };
    let log = if b.flag(args, "from_logits")? {
        let total = log_sum_exp(b, x, axis)?;
        let total = b.spread(total, axis, x)?;
        b.sub(x, total)?
    } else {
        let safe = probabilities(b, x, axis)?;
        b.node(Log, &[safe])?
    };
    let log = if dense { log } else { pick(b, log, target)? };
    let p = b.node(Exp, &[log])?;
    let miss = b.number_minus(1.0, p)?;
    let factor = power(b, miss, gamma)?;
    let terms = b.mul(factor, log)?;
    let mut terms = b.scale(terms, -alpha)?;
    if dense {
        terms = b.node(Mul, &[terms, target])?;
        terms = b.reduce(ReduceKind::Sum, terms, &[axis], false)?;
    }
    mean(b, args, terms)
}

/// x^gamma, without a power where a product does.
fn power(b: &mut Builder<'_, '_>, x: NodeId, gamma: f64) -> Eval<NodeId> {
    if gamma == 2.0 {
        return b.mul(x, x);
    }
    let exponent = b.number_like(gamma, x)?;
    b.node(Pow, &[x, exponent])
}
