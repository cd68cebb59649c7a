//! Images and sequences made larger by repetition, or smaller by their edges.

use super::sequence::{ends, sequence};
use super::template::{Fallback, Kind, Parameter, Template};
use super::{Bound, Builder, window};
use crate::ir::{NodeId, shape};
use crate::ops::{Concat, Pad, Slice};
use crate::resolve::{Eval, Padding, Value};

const IMAGE: Parameter = Parameter::required("x", Kind::Tensor, "The image.");
const SEQUENCE: Parameter = Parameter::required("x", Kind::Tensor, "The sequence.");

const fn layer(
    name: &'static str,
    docs: &'static str,
    params: &'static [Parameter],
    build: fn(&mut Builder<'_, '_>, &Bound) -> Eval<Value>,
) -> Template {
    Template { name, aliases: &[], docs, params, layer: true, build }
}

pub(super) const TEMPLATES: &[Template] = &[
    layer(
        "upsampling2d",
        "Each cell repeated along height and width, or what lies between cells, as Keras's UpSampling2D.",
        &[
            IMAGE,
            Parameter::optional("size", Kind::Pair, Fallback::Int(2), "How often along height and width."),
            Parameter::optional(
                "bilinear",
                Kind::Flag,
                Fallback::Flag(false),
                "Whether new cells lie on the lines between old ones: Keras's interpolation bilinear.",
            ),
        ],
        |b, args| {
            let x = b.tensor(args, "x")?;
            window::image(b, args, x)?;
            let [height, width] = b.pair(args, "size")?;
            let lead = b.dims(x).len().saturating_sub(3);
            if b.flag(args, "bilinear")? {
                let high = between(b, args, x, lead, height)?;
                return between(b, args, high, lead + 1, width).map(Value::Tensor);
            }
            let high = repeat(b, args, "size", x, lead, height)?;
            repeat(b, args, "size", high, lead + 1, width).map(Value::Tensor)
        },
    ),
    layer(
        "upsampling1d",
        "Each step repeated, as Keras's UpSampling1D.",
        &[SEQUENCE, Parameter::optional("size", Kind::Size, Fallback::Int(2), "How often.")],
        |b, args| {
            let x = b.tensor(args, "x")?;
            sequence(b, args, x)?;
            let size = b.size(args, "size")?;
            let lead = b.dims(x).len().saturating_sub(2);
            repeat(b, args, "size", x, lead, size).map(Value::Tensor)
        },
    ),
    layer(
        "cropping2d",
        "An image without its edges, as Keras's Cropping2D.",
        &[
            IMAGE,
            Parameter::optional(
                "cropping",
                Kind::Padding,
                Fallback::Int(0),
                "Cells that go: 1, (1, 2) or ((0, 1), (0, 1)).",
            ),
        ],
        |b, args| {
            let x = b.tensor(args, "x")?;
            window::image(b, args, x)?;
            match b.padding(args, "cropping")? {
                Padding::Explicit(edges) => crop(b, args, x, &edges),
                Padding::Valid | Padding::Same => {
                    b.fail_at(args, "cropping", "`cropping` is a number of cells: 1, (1, 2) or ((0, 1), (0, 1))")
                }
            }
        },
    ),
    layer(
        "cropping1d",
        "A sequence without its ends, as Keras's Cropping1D.",
        &[SEQUENCE, Parameter::optional("cropping", Kind::Padding, Fallback::Int(1), "Steps that go: 1 or (0, 1).")],
        |b, args| {
            let x = b.tensor(args, "x")?;
            sequence(b, args, x)?;
            match ends(b, args, "cropping")? {
                Some(ends) => crop(b, args, x, &[ends]),
                None => b.fail_at(args, "cropping", "`cropping` is a number of steps: 1 or (0, 1)"),
            }
        },
    ),
    layer(
        "zero_padding1d",
        "Zeros before and after a sequence, as Keras's ZeroPadding1D.",
        &[
            SEQUENCE,
            Parameter::optional("padding", Kind::Padding, Fallback::Int(1), "How many: 1 or (0, 1).")
                .known_as(&["pad"]),
        ],
        |b, args| {
            let x = b.tensor(args, "x")?;
            sequence(b, args, x)?;
            match ends(b, args, "padding")? {
                Some(ends) => pad(b, x, &[ends]),
                None => b.fail_at(args, "padding", "`padding` is a number of zeros: 1 or (0, 1)"),
            }
        },
    ),
];

/// Each element along an axis several times.
pub(super) fn repeat(
    b: &mut Builder<'_, '_>,
    args: &Bound,
    name: &str,
    x: NodeId,
    axis: usize,
    times: usize,
) -> Eval<NodeId> {
    if times == 1 {
        return Ok(x);
    }
    let mut dims = b.dims(x);
    let mut split = dims.clone();
    split.insert(axis + 1, 1);
    let mut wide = split.clone();
    if let (Some(dim), Some(many)) = (dims.get_mut(axis), wide.get_mut(axis + 1)) {
        *dim = dim.saturating_mul(times);
        *many = times;
    }
    b.fits(args, name, &dims)?;
    let apart = b.reshape(x, &split)?;
    let batched = b.ty(x).batched;
    let many = b.resolver.broadcast(apart, batched, &wide, b.span)?;
    b.reshape(many, &dims)
}

/// An axis so many times as long, by lines between the middles of neighbouring cells; the outermost cells go on flat
/// (as TensorFlow's `resize` with half-pixel centers).
fn between(b: &mut Builder<'_, '_>, args: &Bound, x: NodeId, axis: usize, times: usize) -> Eval<NodeId> {
    if times == 1 {
        return Ok(x);
    }
    let mut dims = b.dims(x);
    let Some(&extent) = dims.get(axis) else { return Ok(x) };
    let cells = |b: &mut Builder<'_, '_>, x: NodeId, from: usize, to: usize| {
        let mut ends = b.dims(x);
        let mut starts = vec![0; ends.len()];
        if let (Some(start), Some(end)) = (starts.get_mut(axis), ends.get_mut(axis)) {
            (*start, *end) = (from, to);
        }
        b.node(Slice { steps: vec![1; starts.len()], starts, ends }, &[x])
    };
    let mut large = dims.clone();
    if let Some(dim) = large.get_mut(axis) {
        *dim = dim.saturating_mul(times);
    }
    b.fits(args, "size", &large)?;
    let (first, last) = (cells(b, x, 0, 1)?, cells(b, x, extent - 1, extent)?);
    let (before, after) = match extent {
        1 => (x, x),
        _ => {
            let (front, back) = (cells(b, x, 0, extent - 1)?, cells(b, x, 1, extent)?);
            (b.node(Concat { axis }, &[first, front])?, b.node(Concat { axis }, &[back, last])?)
        }
    };
    let mut parts = Vec::new();
    dims.insert(axis + 1, 1);
    for place in 0..times {
        // How far the new cell's middle lies behind the old one's.
        let behind = (place as f64 + 0.5) / times as f64 - 0.5;
        let neighbour = if behind < 0.0 { before } else { after };
        let near = b.scale(x, 1.0 - behind.abs())?;
        let far = b.scale(neighbour, behind.abs())?;
        let part = b.add(near, far)?;
        parts.push(b.reshape(part, &dims)?);
    }
    let all = b.node(Concat { axis: axis + 1 }, &parts)?;
    b.reshape(all, &large)
}

/// With zeros at the ends of the axes before the channels.
fn pad(b: &mut Builder<'_, '_>, x: NodeId, edges: &[[usize; 2]]) -> Eval<Value> {
    if edges.iter().all(|edge| *edge == [0, 0]) {
        return Ok(Value::Tensor(x));
    }
    let rank = b.dims(x).len();
    let lead = rank.saturating_sub(edges.len() + 1);
    let along = |side: fn(&[usize; 2]) -> usize| -> Vec<usize> {
        let edges = edges.iter().map(side);
        std::iter::repeat_n(0, lead).chain(edges).chain([0]).collect()
    };
    let (low, high) = (along(|edge| edge[0]), along(|edge| edge[1]));
    b.node(Pad { low, high, interior: vec![0; rank] }, &[x]).map(Value::Tensor)
}

/// Without cells at the ends of the axes before the channels.
fn crop(b: &mut Builder<'_, '_>, args: &Bound, x: NodeId, edges: &[[usize; 2]]) -> Eval<Value> {
    let dims = b.dims(x);
    let (mut starts, mut after) = (vec![0; dims.len()], dims.clone());
    let lead = dims.len().saturating_sub(edges.len() + 1);
    for (axis, &[low, high]) in edges.iter().enumerate().map(|(axis, edge)| (lead + axis, edge)) {
        let (Some(start), Some(end)) = (starts.get_mut(axis), after.get_mut(axis)) else { continue };
        match end.checked_sub(high) {
            Some(left) if left > low => (*start, *end) = (low, left),
            _ => {
                let message =
                    format!("cropping {low} and {high} cells leaves nothing of axis {axis} of {}", shape(&dims));
                return b.shape_error(args.span("cropping"), message, &[x], None);
            }
        }
    }
    if after == dims && starts.iter().all(|&start| start == 0) {
        return Ok(Value::Tensor(x));
    }
    b.node(Slice { starts, ends: after, steps: vec![1; dims.len()] }, &[x]).map(Value::Tensor)
}
