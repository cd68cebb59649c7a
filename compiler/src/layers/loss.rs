//! Losses: the mean over all elements, rows included. Weights multiply and leave the divisor alone.

use super::activation::softplus;
use super::math::clip;
use super::softmax::log_sum_exp;
use super::template::{Fallback, Kind, Parameter, Template};
use super::{Bound, Builder, constant};
use crate::ir::{DType, NodeId, shape};
use crate::ops::{Abs, Gather, Hyper, HyperKind, Log, Neg, Reduce, ReduceKind};
use crate::resolve::{Eval, Value};

/// What Keras keeps probabilities away from 0 and 1 by.
const EPSILON: f64 = 1e-7;

const TARGET: Parameter = Parameter::required("target", Kind::Tensor, "What it is compared with, in the same shape.");
const WEIGHT: Parameter =
    Parameter::optional("weight", Kind::Tensor, Fallback::Absent, "A factor for each row, or for each step.")
        .known_as(&["sample_weight"]);
const FROM_LOGITS: Parameter = Parameter::optional(
    "from_logits",
    Kind::Flag,
    Fallback::Flag(true),
    "Whether the values are logits; probabilities otherwise.",
);

pub(super) const TEMPLATES: &[Template] = &[
    Template {
        name: "cross_entropy",
        aliases: &[],
        docs: "-log(softmax(logits)) at the class, or summed with dense targets as weights.",
        params: &[
            Parameter::required("logits", Kind::Tensor, "One number per class in the last axis."),
            Parameter::required("target", Kind::AnyTensor, "Class indices, or probabilities in the logits' shape."),
            FROM_LOGITS,
            WEIGHT,
        ],
        layer: false,
        build: cross_entropy,
    },
    Template {
        name: "binary_cross_entropy",
        aliases: &[],
        docs: "-(z·log(p) + (1 - z)·log(1 - p)) with p = sigmoid(x), from logits as \
               max(x, 0) - x·z + log(1 + exp(-|x|)).",
        params: &[Parameter::required("x", Kind::Tensor, "Logits, or probabilities."), TARGET, FROM_LOGITS, WEIGHT],
        layer: false,
        build: binary_cross_entropy,
    },
    Template {
        name: "mse",
        aliases: &["mean_squared_error"],
        docs: "The mean of the squared differences.",
        params: &[Parameter::required("x", Kind::Tensor, "The prediction."), TARGET, WEIGHT],
        layer: false,
        build: |b, args| {
            let (x, target) = pair(b, args, "x")?;
            let difference = b.sub(x, target)?;
            let squared = b.mul(difference, difference)?;
            mean(b, args, squared)
        },
    },
    Template {
        name: "mae",
        aliases: &["mean_absolute_error"],
        docs: "The mean of the absolute differences.",
        params: &[Parameter::required("x", Kind::Tensor, "The prediction."), TARGET, WEIGHT],
        layer: false,
        build: |b, args| {
            let (x, target) = pair(b, args, "x")?;
            let difference = b.sub(x, target)?;
            let distance = b.node(Abs, &[difference])?;
            mean(b, args, distance)
        },
    },
];

/// A prediction and its target, of one shape.
fn pair(b: &mut Builder<'_, '_>, args: &Bound, name: &str) -> Eval<(NodeId, NodeId)> {
    let (x, target) = (b.tensor(args, name)?, b.tensor(args, "target")?);
    let (have, want) = (b.ty(x), b.ty(target));
    if have.dims != want.dims {
        let message = format!("{} is compared with a target {}", have.shape(), want.shape());
        return b.shape_error(args.span("target"), message, &[x, target], None);
    }
    let batched = have.batched || want.batched;
    let x = b.resolver.broadcast(x, batched, &have.dims, b.span)?;
    let target = b.resolver.broadcast(target, batched, &have.dims, b.span)?;
    Ok((x, target))
}

fn cross_entropy(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<Value> {
    let (logits, target) = (b.tensor(args, "logits")?, b.tensor(args, "target")?);
    let dims = b.dims(logits);
    let Some((&classes, steps)) = dims.split_last() else {
        return b.shape_error(
            args.span("logits"),
            "`logits` need an axis of classes, and [] has none",
            &[logits],
            None,
        );
    };
    let from_logits = b.flag(args, "from_logits")?;
    let axis = steps.len();
    if b.ty(target).dtype != DType::U32 {
        let (logits, target) = pair(b, args, "logits")?;
        let log = match from_logits {
            true => {
                let total = log_sum_exp(b, logits, axis)?;
                let total = b.spread(total, axis, logits)?;
                b.sub(total, logits)?
            }
            false => {
                let safe = probabilities(b, logits, axis)?;
                let log = b.node(Log, &[safe])?;
                b.node(Neg, &[log])?
            }
        };
        let terms = b.mul(target, log)?;
        let rows = b.reduce(ReduceKind::Sum, terms, &[axis], false)?;
        return mean(b, args, rows);
    }
    if let Some(count) = constant::classes(b, target).filter(|&count| count != classes) {
        let message = format!("the logits {} have {classes} classes, the target has {count}", shape(&dims));
        return b.shape_error(args.span("logits"), message, &[logits], None);
    }
    let index = b.ty(target);
    if index.dims != steps {
        let message =
            format!("the logits {} are for targets {}, but these are {}", shape(&dims), shape(steps), index.shape());
        return b.shape_error(args.span("target"), message, &[logits, target], None);
    }
    let rows = if from_logits {
        let total = log_sum_exp(b, logits, axis)?;
        let picked = pick(b, logits, target)?;
        b.sub(total, picked)?
    } else {
        let safe = probabilities(b, logits, axis)?;
        let picked = pick(b, safe, target)?;
        let log = b.node(Log, &[picked])?;
        b.node(Neg, &[log])?
    };
    mean(b, args, rows)
}

/// The value at each index.
fn pick(b: &mut Builder<'_, '_>, x: NodeId, index: NodeId) -> Eval<NodeId> {
    let dims = b.dims(x);
    let batched = b.ty(index).batched || b.ty(x).batched;
    let x = b.resolver.broadcast(x, batched, &dims, b.span)?;
    b.node(Gather, &[x, index])
}

/// Probabilities as Keras takes them: scaled to sum 1, away from 0 and 1.
fn probabilities(b: &mut Builder<'_, '_>, x: NodeId, axis: usize) -> Eval<NodeId> {
    let sum = b.reduce(ReduceKind::Sum, x, &[axis], false)?;
    let sum = b.spread(sum, axis, x)?;
    let scaled = b.div(x, sum)?;
    clip(b, scaled, EPSILON, 1.0 - EPSILON)
}

fn binary_cross_entropy(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<Value> {
    let (x, target) = pair(b, args, "x")?;
    let terms = if b.flag(args, "from_logits")? {
        let total = softplus(b, x)?;
        let product = b.mul(x, target)?;
        b.sub(total, product)?
    } else {
        let safe = clip(b, x, EPSILON, 1.0 - EPSILON)?;
        let log = b.node(Log, &[safe])?;
        let hit = b.mul(target, log)?;
        let rest = b.number_minus(1.0, safe)?;
        let log = b.node(Log, &[rest])?;
        let other = b.number_minus(1.0, target)?;
        let miss = b.mul(other, log)?;
        let sum = b.add(hit, miss)?;
        b.node(Neg, &[sum])?
    };
    mean(b, args, terms)
}

/// The mean of all elements, weighted.
fn mean(b: &mut Builder<'_, '_>, args: &Bound, mut terms: NodeId) -> Eval<Value> {
    if let Some(weight) = b.optional_tensor(args, "weight")? {
        let (ty, mut dims) = (b.ty(terms), b.dims(weight));
        if !ty.dims.starts_with(&dims) {
            let message = format!(
                "`weight` {} does not fit the loss's elements {}: it gives one factor for each row or step",
                shape(&dims),
                ty.shape()
            );
            return b.shape_error(args.span("weight"), message, &[weight], None);
        }
        dims.resize(ty.dims.len(), 1);
        let weight = b.reshape(weight, &dims)?;
        terms = b.mul(terms, weight)?;
    }
    total_mean(b, terms).map(Value::Tensor)
}

/// The mean over all elements and rows.
pub(super) fn total_mean(b: &mut Builder<'_, '_>, x: NodeId) -> Eval<NodeId> {
    let ty = b.ty(x);
    if !ty.batched {
        let axes: Vec<usize> = (0..ty.dims.len()).collect();
        return b.mean(x, &axes, false);
    }
    let axes: Vec<usize> = (0..ty.dims.len()).collect();
    let sum = b.node(Reduce { kind: ReduceKind::Sum, axes, batch: true }, &[x])?;
    let rows = b.node(Hyper { kind: HyperKind::Rows, dtype: ty.dtype }, &[])?;
    let elements = ty.elements();
    let count = if elements == 1 { rows } else { b.scale(rows, elements as f64)? };
    b.div(sum, count)
}
