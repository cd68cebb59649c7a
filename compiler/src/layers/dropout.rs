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
            let (ty, rate) = (b.ty(x), b.number(args, "rate")?);
            drop_by(b, rate, x, ty).map(Value::Tensor)
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
    Template {
        name: "alpha_dropout",
        aliases: &[],
        docs: "In training, sets a share of the elements to what SELU gives far below 0 and moves all so that mean and \
               variance stay; otherwise nothing (Klambauer et al., 2017, as Keras's AlphaDropout).",
        params: &[X, Parameter::required("rate", Kind::Rate, "The share that is dropped.")],
        layer: true,
        build: alpha_dropout,
    },
];

/// What SELU gives far below 0, at which alpha dropout keeps mean and variance.
const ALPHA: f64 = -1.758_099_340_847_376_6;

fn alpha_dropout(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<Value> {
    let (x, rate) = (b.tensor(args, "x")?, b.number(args, "rate")?);
    if rate == 0.0 {
        return Ok(Value::Tensor(x));
    }
    let ty = b.ty(x);
    let random = noise(b, ty)?;
    let kept = b.compare(CompareKind::Ge, random, rate)?;
    let dropped = b.number_like(ALPHA, x)?;
    let mixed = b.select(kept, x, dropped)?;
    let factor = 1.0 / ((1.0 - rate) * (1.0 + rate * ALPHA * ALPHA)).sqrt();
    let scaled = b.scale(mixed, factor)?;
    let train = b.shift(scaled, -factor * ALPHA * rate)?;
    b.node(Phase, &[train, x]).map(Value::Tensor)
}

/// One number for each channel of each sequence or image, whose axes before the channels are so many.
fn channels(b: &mut Builder<'_, '_>, args: &Bound, x: NodeId, axes: usize) -> Eval<Value> {
    let ty = b.ty(x);
    let lead = ty.dims.len().saturating_sub(axes + 1);
    let within = lead..lead + axes;
    let dims = ty.dims.iter().enumerate().map(|(axis, &dim)| if within.contains(&axis) { 1 } else { dim }).collect();
    let rate = b.number(args, "rate")?;
    drop_by(b, rate, x, Type { dims, ..ty }).map(Value::Tensor)
}

/// Drops by random numbers of a type, which are repeated to the tensor's.
pub(super) fn drop_by(b: &mut Builder<'_, '_>, rate: f64, x: NodeId, ty: Type) -> Eval<NodeId> {
    if rate == 0.0 {
        return Ok(x);
    }
    let random = noise(b, ty)?;
    drop_where(b, rate, x, random)
}

/// Random numbers of a type.
pub(super) fn noise(b: &mut Builder<'_, '_>, ty: Type) -> Eval<NodeId> {
    let stream = b.resolver.streams;
    b.resolver.streams += 1;
    b.node(Random { stream, ty }, &[])
}

/// Drops where the random numbers are below the rate.
pub(super) fn drop_where(b: &mut Builder<'_, '_>, rate: f64, x: NodeId, mut random: NodeId) -> Eval<NodeId> {
    if b.ty(random) != b.ty(x) {
        random = b.like(random, x)?;
    }
    let kept = b.compare(CompareKind::Ge, random, rate)?;
    let scaled = b.scale(x, 1.0 / (1.0 - rate))?;
    let zero = b.number_like(0.0, x)?;
    let train = b.select(kept, scaled, zero)?;
    b.node(Phase, &[train, x])
}
