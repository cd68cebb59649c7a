//! Reductions over axes. The batch is none of them.

use super::template::{Fallback, Kind, Parameter, Template, X};
use super::{Bound, Builder};
use crate::ops::ReduceKind;
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
];

fn reduce(b: &mut Builder<'_, '_>, args: &Bound, kind: ReduceKind) -> Eval<Value> {
    let x = b.tensor(args, "x")?;
    let axes = b.axes(args, "axis", x)?;
    let keep = b.flag(args, "keepdims")?;
    b.reduce(kind, x, &axes, keep).map(Value::Tensor)
}
