//! Losses: the mean over all elements, rows included. Weights multiply and leave the divisor alone.

use super::activation::softplus;
use super::math::clip;
use super::softmax::log_sum_exp;
use super::template::{Fallback, Kind, Parameter, Template};
use super::{Arg, Bound, Builder, constant};
use crate::ir::{DType, NodeId, shape};
use crate::ops::{Abs, Gather, Hyper, HyperKind, Log, Neg, OneHot, Reduce, ReduceKind, Slice};
use crate::resolve::{Eval, Value};

/// What Keras keeps probabilities away from 0 and 1 by.
pub(super) const EPSILON: f64 = 1e-7;

pub(super) const TARGET: Parameter =
    Parameter::required("target", Kind::Tensor, "What it is compared with, in the same shape.");
pub(super) const WEIGHT: Parameter =
    Parameter::optional("weight", Kind::Tensor, Fallback::Absent, "A factor for each row, or for each step.")
        .known_as(&["sample_weight"]);
pub(super) const FROM_LOGITS: Parameter = Parameter::optional(
    "from_logits",
    Kind::Flag,
    Fallback::Flag(true),
    "Whether the values are logits; probabilities otherwise.",
);

pub(super) const SMOOTHING: Parameter = Parameter::optional(
    "label_smoothing",
    Kind::Rate,
    Fallback::Float(0.0),
    "The share of the target that is spread evenly over all classes (Szegedy et al., 2016).",
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
            SMOOTHING,
            Parameter::optional(
                "ignore_class",
                Kind::Integer,
                Fallback::Absent,
                "The class whose rows or steps count neither in the sum nor in the divisor.",
            )
            .known_as(&["ignore_index"]),
            Parameter::optional(
                "class_weights",
                Kind::Tensor,
                Fallback::Absent,
                "A factor for each class, [classes]: of indices that of their class, of dense targets their mean.",
            )
            .known_as(&["class_weight"]),
        ],
        layer: false,
        build: cross_entropy,
    },
    Template {
        name: "binary_cross_entropy",
        aliases: &[],
        docs: "-(z·log(p) + (1 - z)·log(1 - p)) with p = sigmoid(x), from logits as \
               max(x, 0) - x·z + log(1 + exp(-|x|)).",
        params: &[
            Parameter::required("x", Kind::Tensor, "Logits, or probabilities."),
            TARGET,
            FROM_LOGITS,
            WEIGHT,
            SMOOTHING,
        ],
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
pub(super) fn pair(b: &mut Builder<'_, '_>, args: &Bound, name: &str) -> Eval<(NodeId, NodeId)> {
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
    let classes = classes(b, args, logits, target)?;
    let axis = b.dims(logits).len().saturating_sub(1);
    let (from_logits, smoothing) = (b.flag(args, "from_logits")?, b.number(args, "label_smoothing")?);
    if b.ty(target).dtype != DType::U32 {
        if let Arg::Int(_) = args.get("ignore_class") {
            return b.fail_at(args, "ignore_class", "`ignore_class` needs class indices, and the target is dense");
        }
        let (logits, dense) = pair(b, args, "logits")?;
        let mut target = dense;
        if smoothing != 0.0 {
            let kept = b.scale(target, 1.0 - smoothing)?;
            target = b.shift(kept, smoothing / classes as f64)?;
        }
        let log = surprise(b, logits, axis, from_logits)?;
        let terms = b.mul(target, log)?;
        let rows = b.reduce(ReduceKind::Sum, terms, &[axis], false)?;
        let rows = by_class(b, args, rows, dense, classes)?;
        return mean(b, args, rows);
    }
    let mut rows = if from_logits {
        let total = log_sum_exp(b, logits, axis)?;
        let picked = pick(b, logits, target)?;
        b.sub(total, picked)?
    } else {
        let safe = probabilities(b, logits, axis)?;
        let picked = pick(b, safe, target)?;
        let log = b.node(Log, &[picked])?;
        b.node(Neg, &[log])?
    };
    if smoothing != 0.0 {
        let all = surprise(b, logits, axis, from_logits)?;
        let all = b.mean(all, &[axis], false)?;
        let all = b.scale(all, smoothing)?;
        let kept = b.scale(rows, 1.0 - smoothing)?;
        rows = b.add(kept, all)?;
    }
    let rows = by_class(b, args, rows, target, classes)?;
    match *args.get("ignore_class") {
        Arg::Int(class) => match usize::try_from(class).ok().filter(|&class| class < classes) {
            Some(class) => mean_of_others(b, args, rows, target, (class, classes)),
            None => {
                b.fail_at(args, "ignore_class", format!("`ignore_class` is {class}, but there are {classes} classes"))
            }
        },
        _ => mean(b, args, rows),
    }
}

/// Each element times the weight of its target's class.
fn by_class(b: &mut Builder<'_, '_>, args: &Bound, rows: NodeId, target: NodeId, classes: usize) -> Eval<NodeId> {
    let Some(weights) = b.optional_tensor(args, "class_weights")? else { return Ok(rows) };
    let have = b.dims(weights);
    if have != [classes] {
        let message = format!("`class_weights` must be [{classes}], one for each class, but is {}", shape(&have));
        return b.shape_error(args.span("class_weights"), message, &[weights], None);
    }
    let ty = b.ty(target);
    if ty.dtype != DType::U32 {
        let factors = b.mul(target, weights)?;
        let factors = b.reduce(ReduceKind::Sum, factors, &[ty.dims.len().saturating_sub(1)], false)?;
        return b.mul(rows, factors);
    }
    let dims = [ty.dims.as_slice(), &[classes]].concat();
    let batched = ty.batched || b.ty(weights).batched;
    let wide = b.resolver.broadcast(weights, batched, &dims, b.span)?;
    let factors = pick(b, wide, target)?;
    b.mul(rows, factors)
}

/// How many classes there are. Targets that are indices must fit them, and the other axes.
pub(super) fn classes(b: &mut Builder<'_, '_>, args: &Bound, logits: NodeId, target: NodeId) -> Eval<usize> {
    let dims = b.dims(logits);
    let Some((&classes, steps)) = dims.split_last() else {
        return b.shape_error(
            args.span("logits"),
            "`logits` need an axis of classes, and [] has none",
            &[logits],
            None,
        );
    };
    let index = b.ty(target);
    if index.dtype != DType::U32 {
        return Ok(classes);
    }
    if let Some(count) = constant::classes(b, target).filter(|&count| count != classes) {
        let message = format!("the logits {} have {classes} classes, the target has {count}", shape(&dims));
        return b.shape_error(args.span("logits"), message, &[logits], None);
    }
    if index.dims != steps {
        let message =
            format!("the logits {} are for targets {}, but these are {}", shape(&dims), shape(steps), index.shape());
        return b.shape_error(args.span("target"), message, &[logits, target], None);
    }
    Ok(classes)
}

/// -log(p) of every class.
fn surprise(b: &mut Builder<'_, '_>, x: NodeId, axis: usize, from_logits: bool) -> Eval<NodeId> {
    if from_logits {
        let total = log_sum_exp(b, x, axis)?;
        let total = b.spread(total, axis, x)?;
        return b.sub(total, x);
    }
    let safe = probabilities(b, x, axis)?;
    let log = b.node(Log, &[safe])?;
    b.node(Neg, &[log])
}

/// The weighted sum of the elements that are not of a class, divided by how many they are; 0 if there are none.
fn mean_of_others(
    b: &mut Builder<'_, '_>,
    args: &Bound,
    rows: NodeId,
    target: NodeId,
    (class, classes): (usize, usize),
) -> Eval<Value> {
    let ty = b.ty(rows);
    let hot = b.node(OneHot { classes, dtype: ty.dtype }, &[target])?;
    let dims = b.dims(hot);
    let (mut starts, mut ends) = (vec![0; dims.len()], dims.clone());
    if let (Some(start), Some(end)) = (starts.last_mut(), ends.last_mut()) {
        (*start, *end) = (class, class + 1);
    }
    let hit = b.node(Slice { starts, ends, steps: vec![1; dims.len()] }, &[hot])?;
    let hit = b.reshape(hit, &ty.dims)?;
    let others = b.number_minus(1.0, hit)?;
    let others = b.like(others, rows)?;
    let terms = b.mul(rows, others)?;
    let terms = weighted(b, args, terms)?;
    let sum = total(b, terms)?;
    let count = total(b, others)?;
    let one = b.scalar(1.0)?;
    let count = b.maximum(count, one)?;
    b.div(sum, count).map(Value::Tensor)
}

/// The value at each index.
pub(super) fn pick(b: &mut Builder<'_, '_>, x: NodeId, index: NodeId) -> Eval<NodeId> {
    let dims = b.dims(x);
    let batched = b.ty(index).batched || b.ty(x).batched;
    let x = b.resolver.broadcast(x, batched, &dims, b.span)?;
    b.node(Gather, &[x, index])
}

/// Probabilities as Keras takes them: scaled to sum 1, away from 0 and 1.
pub(super) fn probabilities(b: &mut Builder<'_, '_>, x: NodeId, axis: usize) -> Eval<NodeId> {
    let sum = b.reduce(ReduceKind::Sum, x, &[axis], false)?;
    let sum = b.spread(sum, axis, x)?;
    let scaled = b.div(x, sum)?;
    clip(b, scaled, EPSILON, 1.0 - EPSILON)
}

fn binary_cross_entropy(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<Value> {
    let (x, target) = pair(b, args, "x")?;
    let target = smooth(b, args, target)?;
    let terms = binary_terms(b, args, x, target)?;
    mean(b, args, terms)
}

/// Two classes' targets with a share spread over both.
pub(super) fn smooth(b: &mut Builder<'_, '_>, args: &Bound, target: NodeId) -> Eval<NodeId> {
    let smoothing = b.number(args, "label_smoothing")?;
    if smoothing == 0.0 {
        return Ok(target);
    }
    let kept = b.scale(target, 1.0 - smoothing)?;
    b.shift(kept, 0.5 * smoothing)
}

/// The cross entropy of each element.
pub(super) fn binary_terms(b: &mut Builder<'_, '_>, args: &Bound, x: NodeId, target: NodeId) -> Eval<NodeId> {
    if b.flag(args, "from_logits")? {
        let total = softplus(b, x)?;
        let product = b.mul(x, target)?;
        b.sub(total, product)
    } else {
        let safe = clip(b, x, EPSILON, 1.0 - EPSILON)?;
        let log = b.node(Log, &[safe])?;
        let hit = b.mul(target, log)?;
        let rest = b.number_minus(1.0, safe)?;
        let log = b.node(Log, &[rest])?;
        let other = b.number_minus(1.0, target)?;
        let miss = b.mul(other, log)?;
        let sum = b.add(hit, miss)?;
        b.node(Neg, &[sum])
    }
}

/// The mean of all elements, weighted.
pub(super) fn mean(b: &mut Builder<'_, '_>, args: &Bound, terms: NodeId) -> Eval<Value> {
    let terms = weighted(b, args, terms)?;
    total_mean(b, terms).map(Value::Tensor)
}

/// Each element times its row's or step's weight.
fn weighted(b: &mut Builder<'_, '_>, args: &Bound, terms: NodeId) -> Eval<NodeId> {
    let Some(weight) = b.optional_tensor(args, "weight")? else { return Ok(terms) };
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
    b.mul(terms, weight)
}

/// The sum of all elements of all rows.
fn total(b: &mut Builder<'_, '_>, x: NodeId) -> Eval<NodeId> {
    let ty = b.ty(x);
    let axes: Vec<usize> = (0..ty.dims.len()).collect();
    if !ty.batched {
        return b.reduce(ReduceKind::Sum, x, &axes, false);
    }
    b.node(Reduce { kind: ReduceKind::Sum, axes, batch: true }, &[x])
}

/// The mean over all elements and rows.
pub(super) fn total_mean(b: &mut Builder<'_, '_>, x: NodeId) -> Eval<NodeId> {
    let ty = b.ty(x);
    if !ty.batched {
        let axes: Vec<usize> = (0..ty.dims.len()).collect();
        return b.mean(x, &axes, false);
    }
    let sum = total(b, x)?;
    let rows = b.node(Hyper { kind: HyperKind::Rows, dtype: ty.dtype }, &[])?;
    let elements = ty.elements();
    let count = if elements == 1 { rows } else { b.scale(rows, elements as f64)? };
    b.div(sum, count)
}
