//! `repeat`, `split`, `tile`, `flip`, `roll`, `cumsum`: along axes.

use super::resize;
use super::template::{Fallback, Kind, Parameter, Template, X};
use super::{Arg, Bound, Builder};
use crate::ir::{NodeId, shape};
use crate::ops::{Concat, Flip, Pad, Slice};
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
        name: "tile",
        aliases: &[],
        docs: "The whole tensor several times along each axis, as NumPy's tile.",
        params: &[X, Parameter::required("repeats", Kind::PerAxis, "How often, for each axis.")],
        layer: false,
        build: tile,
    },
    Template {
        name: "flip",
        aliases: &[],
        docs: "The order along axes turned round, as NumPy's flip.",
        params: &[
            X,
            Parameter::optional("axis", Kind::Axes, Fallback::Absent, "One axis or a tuple; all if left out."),
        ],
        layer: false,
        build: |b, args| {
            let x = b.tensor(args, "x")?;
            let axes = b.axes(args, "axis", x)?;
            b.node(Flip { axes }, &[x]).map(Value::Tensor)
        },
    },
    Template {
        name: "roll",
        aliases: &[],
        docs: "Elements moved along an axis; those that leave at one end come back at the other, as NumPy's roll.",
        params: &[X, Parameter::required("shift", Kind::Integer, "By how many places, towards the end."), AXIS],
        layer: false,
        build: roll,
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

fn tile(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<Value> {
    let mut x = b.tensor(args, "x")?;
    let mut dims = b.dims(x);
    let Arg::Ints(repeats) = args.get("repeats") else { return b.missing(args, "repeats") };
    if repeats.len() != dims.len() {
        let message = format!("`repeats` needs {} integers, one for each axis of {}", dims.len(), shape(&dims));
        return b.shape_error(args.span("repeats"), message, &[x], None);
    }
    for (axis, &(times, span)) in repeats.iter().enumerate() {
        let Some(times) = usize::try_from(times).ok().filter(|&times| times > 0) else {
            return b.resolver.fail(span, format!("`repeats` must be at least 1, but is {times}"));
        };
        if times == 1 {
            continue;
        }
        let mut apart = dims.clone();
        apart.insert(axis, 1);
        let mut wide = apart.clone();
        if let (Some(dim), Some(many)) = (dims.get_mut(axis), wide.get_mut(axis)) {
            *dim = dim.saturating_mul(times);
            *many = times;
        }
        b.fits(args, "repeats", &dims)?;
        let batched = b.ty(x).batched;
        x = b.reshape(x, &apart)?;
        x = b.resolver.broadcast(x, batched, &wide, b.span)?;
        x = b.reshape(x, &dims)?;
    }
    Ok(Value::Tensor(x))
}

fn roll(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<Value> {
    let whole = b.tensor(args, "x")?;
    let (x, axis) = along(b, args)?;
    let (dims, &Arg::Int(shift)) = (b.dims(x), args.get("shift")) else { return b.missing(args, "shift") };
    let extent = dims.get(axis).copied().unwrap_or(1);
    let shift = usize::try_from(shift.rem_euclid(extent.max(1) as i64)).unwrap_or_default();
    if shift == 0 {
        return Ok(Value::Tensor(whole));
    }
    let (last, first) = (part(b, x, axis, extent - shift, extent)?, part(b, x, axis, 0, extent - shift)?);
    let rolled = b.node(Concat { axis }, &[last, first])?;
    let dims = b.dims(whole);
    b.reshape(rolled, &dims).map(Value::Tensor)
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
