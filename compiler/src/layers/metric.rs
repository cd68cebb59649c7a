//! Losses between embeddings, and more of regression.

use super::distance::{PREDICTION, loss};
use super::loss::{EPSILON, TARGET, WEIGHT, mean, pair};
use super::template::{Fallback, Kind, Parameter, Template};
use super::{Bound, Builder};
use crate::ir::NodeId;
use crate::ops::{Abs, Log, ReduceKind, Relu, Sqrt};
use crate::resolve::{Eval, Value};

const MARGIN: Parameter =
    Parameter::optional("margin", Kind::Positive, Fallback::Float(1.0), "By how much they are to differ.");

pub(super) const TEMPLATES: &[Template] = &[
    loss(
        "mape",
        "100·|target - x| / |target|, with |target| at least 1e-7, as Keras's MeanAbsolutePercentageError.",
        &[PREDICTION, TARGET, WEIGHT],
        |b, args| {
            let (x, target) = pair(b, args, "x")?;
            let difference = b.sub(target, x)?;
            let size = b.node(Abs, &[target])?;
            let least = b.number_like(EPSILON, size)?;
            let size = b.maximum(size, least)?;
            let share = b.div(difference, size)?;
            let share = b.node(Abs, &[share])?;
            let terms = b.scale(share, 100.0)?;
            mean(b, args, terms)
        },
    ),
    loss(
        "msle",
        "(log(1 + target) - log(1 + x))², with both at least 1e-7, as Keras's MeanSquaredLogarithmicError.",
        &[PREDICTION, TARGET, WEIGHT],
        |b, args| {
            let (x, target) = pair(b, args, "x")?;
            let (x, target) = (logarithm(b, x)?, logarithm(b, target)?);
            let difference = b.sub(x, target)?;
            let terms = b.mul(difference, difference)?;
            mean(b, args, terms)
        },
    ),
    loss(
        "poisson",
        "x - target·log(x + 1e-7), for counts and their expected number.",
        &[PREDICTION, TARGET, WEIGHT],
        |b, args| {
            let (x, target) = pair(b, args, "x")?;
            let safe = b.shift(x, EPSILON)?;
            let log = b.node(Log, &[safe])?;
            let expected = b.mul(target, log)?;
            let terms = b.sub(x, expected)?;
            mean(b, args, terms)
        },
    ),
    loss(
        "categorical_hinge",
        "max(1 + the largest x of (1 - target) - the sum of target·x, 0) over the last axis.",
        &[PREDICTION, TARGET, WEIGHT],
        categorical_hinge,
    ),
    loss(
        "triplet",
        "max(d(anchor, positive) - d(anchor, negative) + margin, 0) over the last axis, with d the Euclidean distance, or \
         its square (Schroff et al., 2015).",
        &[
            Parameter::required("anchor", Kind::Tensor, "Embeddings."),
            Parameter::required("positive", Kind::Tensor, "What should be near."),
            Parameter::required("negative", Kind::Tensor, "What should be far."),
            MARGIN,
            Parameter::optional("squared", Kind::Flag, Fallback::Flag(false), "Whether d is the square."),
            WEIGHT,
        ],
        triplet,
    ),
    loss(
        "contrastive",
        "target·d² + (1 - target)·max(margin - d, 0)² for a distance d between two embeddings, target being 1 where they \
         are alike (Hadsell et al., 2006).",
        &[
            Parameter::required("x", Kind::Tensor, "Distances."),
            Parameter::required("target", Kind::Tensor, "1 where the two are alike, else 0."),
            MARGIN,
            WEIGHT,
        ],
        |b, args| {
            let (x, target) = pair(b, args, "x")?;
            let margin = b.number(args, "margin")?;
            let square = b.mul(x, x)?;
            let near = b.mul(target, square)?;
            let missing = b.number_minus(margin, x)?;
            let missing = b.node(Relu, &[missing])?;
            let square = b.mul(missing, missing)?;
            let other = b.number_minus(1.0, target)?;
            let far = b.mul(other, square)?;
            let terms = b.add(near, far)?;
            mean(b, args, terms)
        },
    ),
];

/// log(1 + x) for an x kept from 0.
fn logarithm(b: &mut Builder<'_, '_>, x: NodeId) -> Eval<NodeId> {
    let least = b.number_like(EPSILON, x)?;
    let bounded = b.maximum(x, least)?;
    let shifted = b.shift(bounded, 1.0)?;
    b.node(Log, &[shifted])
}

fn categorical_hinge(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<Value> {
    let (x, target) = pair(b, args, "x")?;
    let Some(axis) = b.dims(x).len().checked_sub(1) else {
        return b.shape_error(b.span, "`categorical_hinge` needs an axis of classes, and [] has none", &[x], None);
    };
    let right = b.mul(target, x)?;
    let right = b.reduce(ReduceKind::Sum, right, &[axis], false)?;
    let others = b.number_minus(1.0, target)?;
    let wrong = b.mul(others, x)?;
    let wrong = b.reduce(ReduceKind::Max, wrong, &[axis], false)?;
    let lead = b.sub(wrong, right)?;
    let lead = b.shift(lead, 1.0)?;
    let terms = b.node(Relu, &[lead])?;
    mean(b, args, terms)
}

fn triplet(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<Value> {
    let anchor = b.tensor(args, "anchor")?;
    let (margin, squared) = (b.number(args, "margin")?, b.flag(args, "squared")?);
    let mut distances = Vec::new();
    for name in ["positive", "negative"] {
        let other = b.tensor(args, name)?;
        let (have, want) = (b.ty(other), b.ty(anchor));
        if have.dims != want.dims {
            let message = format!("the anchors are {}, these are {}", want.shape(), have.shape());
            return b.shape_error(args.span(name), message, &[anchor, other], None);
        }
        distances.push(distance(b, anchor, other, squared)?);
    }
    let [near, far] = distances[..] else { return b.missing(args, "negative") };
    let lead = b.sub(near, far)?;
    let lead = b.shift(lead, margin)?;
    let terms = b.node(Relu, &[lead])?;
    mean(b, args, terms)
}

/// The Euclidean distance along the last axis, or its square. The root is taken of at least 1e-12, where it has a
/// gradient.
fn distance(b: &mut Builder<'_, '_>, x: NodeId, y: NodeId, squared: bool) -> Eval<NodeId> {
    let Some(axis) = b.dims(x).len().checked_sub(1) else {
        return b.shape_error(b.span, "`triplet` needs an axis of embeddings, and [] has none", &[x], None);
    };
    let difference = b.sub(x, y)?;
    let square = b.mul(difference, difference)?;
    let sum = b.reduce(ReduceKind::Sum, square, &[axis], false)?;
    if squared {
        return Ok(sum);
    }
    let least = b.number_like(1e-12, sum)?;
    let bounded = b.maximum(least, sum)?;
    b.node(Sqrt, &[bounded])
}
