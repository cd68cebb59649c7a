//! `dropout`, of elements or of whole channels.

use super::template::{Kind, Parameter, Template, X};
use super::{Bound, Builder};
use crate::ir::{NodeId, Type};
use crate::ops::{CompareKind, Phase, Random};
use crate::resolve::{Eval, Value};

const RATE: Parameter = Parameter::required("rate", Kind::Rate, "The share that becomes 0.");

pub(super) const TEMPLATES: &[Template] = &[
    Template {
        name: "dropout",
        aliases: &[],
        docs: "In training, sets a share of the elements to 0 and scales the others up to keep the mean; otherwise \
               nothing (Srivastava et al., 2014).",
        params: &[X, RATE],
        layer: true,
        build: |b, args| {
            let x = b.tensor(args, "x")?;
            let ty = b.ty(x);
            drop_by(b, args, x, ty)
        },
    },
    Template {
        name: "spatial_dropout1d",
        aliases: &[],
        docs: "As `dropout`, with whole channels of a sequence at a time (Tompson et al., 2015).",
        params: &[X, RATE],
        layer: true,
        build: |b, args| {
            let x = b.tensor(args, "x")?;
            super::sequence::sequence(b, args, x)?;
            channels(b, args, x, 1)
        },
    },
    Template {
        name: "spatial_dropout2d",
        aliases: &[],
        docs: "As `dropout`, with whole channels of an image at a time (Tompson et al., 2015).",
        params: &[X, RATE],
        layer: true,
        build: |b, args| {
            let x = b.tensor(args, "x")?;
            super::window::image(b, args, x)?;
            channels(b, args, x, 2)
        },
    },
];

/// One number for each channel of each sequence or image, whose axes before the channels are so many.
fn channels(b: &mut Builder<'_, '_>, args: &Bound, x: NodeId, axes: usize) -> Eval<Value> {
    let ty = b.ty(x);
    let lead = ty.dims.len().saturating_sub(axes + 1);
    let within = lead..lead + axes;
    let dims = ty.dims.iter().enumerate().map(|(axis, &dim)| if within.contains(&axis) { 1 } else { dim }).collect();
    drop_by(b, args, x, Type { dims, ..ty })
}

/// Drops by random numbers of a type, which are repeated to the tensor's.
fn drop_by(b: &mut Builder<'_, '_>, args: &Bound, x: NodeId, ty: Type) -> Eval<Value> {
    let rate = b.number(args, "rate")?;
    if rate == 0.0 {
        return Ok(Value::Tensor(x));
    }
    let stream = b.resolver.streams;
    b.resolver.streams += 1;
    let mut random = b.node(Random { stream, ty: ty.clone() }, &[])?;
    if ty != b.ty(x) {
        random = b.like(random, x)?;
    }
    let kept = b.compare(CompareKind::Ge, random, rate)?;
    let scaled = b.scale(x, 1.0 / (1.0 - rate))?;
    let zero = b.number_like(0.0, x)?;
    let train = b.select(kept, scaled, zero)?;
    b.node(Phase, &[train, x]).map(Value::Tensor)
}
