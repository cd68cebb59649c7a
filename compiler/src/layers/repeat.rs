//! `repeat`, `split`, `cumsum`: along one axis.

use super::resize;
use super::template::{Fallback, Kind, Parameter, Template, X};
use super::{Arg, Bound, Builder};
use crate::ir::{NodeId, shape};
use crate::ops::{Pad, Slice};
use crate::resolve::{Eval, Value};

const AXIS: Parameter =
    Parameter::optional("axis", Kind::Axis, Fallback::Absent, "The axis; all as one, row-major, if left out.");

pub(super) const TEMPLATES: &[Template] = &[
    Template {
        name: "repeat",
        aliases: &[],
        docs: "Each element several times, one behind the other, as NumPy's repeat.",
        params: &[X, Parameter::required("repeats", Kind::Size, "How often."), AXIS],
        layer: false,
        build: |b, args| {
            let repeats = b.size(args, "repeats")?;
            let (x, axis) = along(b, args)?;
            resize::repeat(b, args, "repeats", x, axis, repeats).map(Value::Tensor)
        },
    },
    Template {
        name: "repeat_vector",
        aliases: &[],
        docs: "The same value in each of some steps, along a new first axis, as Keras's RepeatVector.",
        params: &[X, Parameter::required("steps", Kind::Size, "How many steps.").known_as(&["n"])],
        layer: true,
        build: |b, args| {
            let (x, steps) = (b.tensor(args, "x")?, b.size(args, "steps")?);
            let ty = b.ty(x);
            let dims = [&[steps], ty.dims.as_slice()].concat();
            b.fits(args, "steps", &dims)?;
            b.resolver.broadcast(x, ty.batched, &dims, b.span).map(Value::Tensor)
        },
    },
    Template {
        name: "split",
        aliases: &[],
        docs: "Equal parts along an axis, as a tuple: `let (a, b) = split(x, 2);`.",
        params: &[
            X,
            Parameter::required("sections", Kind::Size, "How many parts.").known_as(&["indices_or_sections"]),
            Parameter::optional("axis", Kind::Axis, Fallback::Int(0), "The axis."),
        ],
        layer: false,
        build: split,
    },
    Template {
        name: "cumsum",
        aliases: &[],
        docs: "The sum of each element and those before it along an axis.",
        params: &[X, AXIS],
        layer: false,
        build: cumsum,
    },
];

/// The tensor and the axis; flat without one.
fn along(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<(NodeId, usize)> {
    let x = b.tensor(args, "x")?;
    match *args.get("axis") {
        Arg::Int(axis) => Ok((x, b.axis(axis, x, args.span("axis"))?)),
        _ => {
            let elements = b.dims(x).iter().product();
            Ok((b.reshape(x, &[elements])?, 0))
        }
    }
}

/// From `start` to before `end` along an axis.
fn part(b: &mut Builder<'_, '_>, x: NodeId, axis: usize, start: usize, end: usize) -> Eval<NodeId> {
    let mut ends = b.dims(x);
    let mut starts = vec![0; ends.len()];
    let steps = vec![1; ends.len()];
    if let (Some(first), Some(behind)) = (starts.get_mut(axis), ends.get_mut(axis)) {
        (*first, *behind) = (start, end);
    }
    b.node(Slice { starts, ends, steps }, &[x])
}

fn split(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<Value> {
    let (x, axis) = along(b, args)?;
    let sections = b.size(args, "sections")?;
    let dims = b.dims(x);
    let extent = dims.get(axis).copied().unwrap_or(1);
    if !extent.is_multiple_of(sections) {
        let message = format!("axis {axis} of {} can't be split into {sections} equal parts", shape(&dims));
        return b.shape_error(args.span("sections"), message, &[x], None);
    }
    let size = extent / sections;
    let parts = (0..sections).map(|at| part(b, x, axis, at * size, (at + 1) * size).map(Value::Tensor));
    parts.collect::<Eval<Vec<Value>>>().map(Value::Tuple)
}

/// Sums of 1, 2, 4, … neighbours, each from two of the last (W. Hillis, G. Steele, "Data parallel algorithms", 1986).
fn cumsum(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<Value> {
    let (mut x, axis) = along(b, args)?;
    let dims = b.dims(x);
    let extent = dims.get(axis).copied().unwrap_or(1);
    let mut shift = 1;
    while shift < extent {
        let before = part(b, x, axis, 0, extent - shift)?;
        let mut low = vec![0; dims.len()];
        if let Some(low) = low.get_mut(axis) {
            *low = shift;
        }
        let zeros = vec![0; dims.len()];
        let moved = b.node(Pad { low, high: zeros.clone(), interior: zeros }, &[before])?;
        x = b.add(x, moved)?;
        shift *= 2;
    }
    Ok(Value::Tensor(x))
}
