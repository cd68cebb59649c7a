//! Reductions over axes. The batch is none of them.

use super::template::{Fallback, Kind, Parameter, Template, X};
use super::{Bound, Builder};
use crate::ir::NodeId;
use crate::ops::{Exp, Log, ReduceKind, Sqrt, StopGradient};
use crate::resolve::{Eval, Value};

const PARAMS: &[Parameter] = &[
    X,
    Parameter::optional("axis", Kind::Axes, Fallback::Absent, "One axis or a tuple; all but the batch if left out."),
    Parameter::optional("keepdims", Kind::Flag, Fallback::Flag(false), "Whether the axes stay, with extent 1."),
];

const fn reduction(
    name: &'static str,
    docs: &'static str,
    build: fn(&mut Builder<'_, '_>, &Bound) -> Eval<Value>,
) -> Template {
    Template { name, aliases: &[], docs, params: PARAMS, layer: false, build }
}

pub(super) const TEMPLATES: &[Template] = &[
    reduction("sum", "The sum over axes.", |b, args| reduce(b, args, ReduceKind::Sum)),
    reduction("mean", "The mean over axes.", |b, args| {
        let x = b.tensor(args, "x")?;
        let axes = b.axes(args, "axis", x)?;
        let keep = b.flag(args, "keepdims")?;
        b.mean(x, &axes, keep).map(Value::Tensor)
    }),
    reduction("max", "The largest value over axes.", |b, args| reduce(b, args, ReduceKind::Max)),
    reduction("min", "The smallest value over axes.", |b, args| reduce(b, args, ReduceKind::Min)),
    reduction("prod", "The product over axes.", |b, args| reduce(b, args, ReduceKind::Prod)),
    reduction("var", "The variance over axes: the mean squared distance from the mean.", |b, args| {
        variance(b, args).map(Value::Tensor)
    }),
    reduction("std", "The root of the variance over axes.", |b, args| {
        let variance = variance(b, args)?;
        b.node(Sqrt, &[variance]).map(Value::Tensor)
    }),
    reduction("logsumexp", "log(sum(exp(x))) over axes, computed without overflow.", |b, args| {
        let x = b.tensor(args, "x")?;
        let axes = b.axes(args, "axis", x)?;
        let max = b.reduce(ReduceKind::Max, x, &axes, true)?;
        // No gradient flows through the largest value: it cancels out.
        let max = b.node(StopGradient, &[max])?;
        let shifted = b.sub(x, max)?;
        let exp = b.node(Exp, &[shifted])?;
        let sum = b.reduce(ReduceKind::Sum, exp, &axes, true)?;
        let log = b.node(Log, &[sum])?;
        let result = b.add(log, max)?;
        finish(b, args, result, &axes).map(Value::Tensor)
    }),
];

fn variance(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<NodeId> {
    let x = b.tensor(args, "x")?;
    let axes = b.axes(args, "axis", x)?;
    let mean = b.mean(x, &axes, true)?;
    let centered = b.sub(x, mean)?;
    let squared = b.mul(centered, centered)?;
    let variance = b.mean(squared, &axes, true)?;
    finish(b, args, variance, &axes)
}

/// Without the axes of extent 1, unless they are to stay.
fn finish(b: &mut Builder<'_, '_>, args: &Bound, x: NodeId, axes: &[usize]) -> Eval<NodeId> {
    if b.flag(args, "keepdims")? {
        return Ok(x);
    }
    let dims = b.dims(x);
    let left: Vec<usize> =
        dims.iter().enumerate().filter(|(axis, _)| !axes.contains(axis)).map(|(_, &dim)| dim).collect();
    b.reshape(x, &left)
}

fn reduce(b: &mut Builder<'_, '_>, args: &Bound, kind: ReduceKind) -> Eval<Value> {
    let x = b.tensor(args, "x")?;
    let axes = b.axes(args, "axis", x)?;
    let keep = b.flag(args, "keepdims")?;
    b.reduce(kind, x, &axes, keep).map(Value::Tensor)
}
