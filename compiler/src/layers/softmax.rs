//! `softmax`, `log_softmax`, and the logarithm of a sum of exponentials.

use super::template::{Fallback, Kind, Parameter, Template, X};
use super::{Arg, Bound, Builder};
use crate::ir::NodeId;
use crate::ops::{Exp, Log, ReduceKind, StopGradient};
use crate::resolve::{Eval, Value};

const AXIS: Parameter = Parameter::optional("axis", Kind::Axis, Fallback::Int(-1), "The axis that sums to 1.");

pub(super) const TEMPLATES: &[Template] = &[
    Template {
        name: "softmax",
        aliases: &[],
        docs: "exp(x) / sum(exp(x)) along an axis, computed without overflow.",
        params: &[X, AXIS],
        layer: true,
        build: |b, args| {
            let (x, axis) = operands(b, args)?;
            softmax(b, x, axis).map(Value::Tensor)
        },
    },
    Template {
        name: "log_softmax",
        aliases: &[],
        docs: "log(softmax(x)), computed without overflow.",
        params: &[X, AXIS],
        layer: true,
        build: |b, args| {
            let (x, axis) = operands(b, args)?;
            let parts = parts(b, x, axis)?;
            let log = b.node(Log, &[parts.sum])?;
            let log = b.spread(log, axis, x)?;
            b.sub(parts.shifted, log).map(Value::Tensor)
        },
    },
];

fn operands(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<(NodeId, usize)> {
    let x = b.tensor(args, "x")?;
    let Arg::Int(axis) = args.get("axis") else { return b.missing(args, "axis") };
    let axis = b.axis(*axis, x, args.span("axis"))?;
    Ok((x, axis))
}

/// What every function of this family starts with, alike, so that they share it.
struct Parts {
    /// The largest value, through which no gradient flows: it cancels out.
    max: NodeId,
    /// x - max
    shifted: NodeId,
    /// exp(x - max)
    exp: NodeId,
    /// Its sum, without the axis.
    sum: NodeId,
}

fn parts(b: &mut Builder<'_, '_>, x: NodeId, axis: usize) -> Eval<Parts> {
    let max = b.reduce(ReduceKind::Max, x, &[axis], false)?;
    let max = b.node(StopGradient, &[max])?;
    let wide = b.spread(max, axis, x)?;
    let shifted = b.sub(x, wide)?;
    let exp = b.node(Exp, &[shifted])?;
    let sum = b.reduce(ReduceKind::Sum, exp, &[axis], false)?;
    Ok(Parts { max, shifted, exp, sum })
}

/// softmax(x)
pub(super) fn softmax(b: &mut Builder<'_, '_>, x: NodeId, axis: usize) -> Eval<NodeId> {
    let parts = parts(b, x, axis)?;
    let sum = b.spread(parts.sum, axis, x)?;
    b.div(parts.exp, sum)
}

/// log(sum(exp(x))) along an axis
pub(super) fn log_sum_exp(b: &mut Builder<'_, '_>, x: NodeId, axis: usize) -> Eval<NodeId> {
    let parts = parts(b, x, axis)?;
    let log = b.node(Log, &[parts.sum])?;
    b.add(log, parts.max)
}
