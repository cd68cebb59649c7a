//! Parts of a tensor, and zeros around it.

use super::template::{Fallback, Kind, Parameter, Template};
use super::{Arg, Bound, Builder};
use crate::ir::{NodeId, shape};
use crate::ops::{Pad, Slice};
use crate::resolve::{Eval, Padding, Value};

pub(super) const TEMPLATES: &[Template] = &[
    Template {
        name: "slice",
        aliases: &[],
        docs: "The elements from `starts` to before `ends` along each axis, every `steps`-th of them.",
        params: &[
            Parameter::required("x", Kind::AnyTensor, "The tensor."),
            Parameter::required("starts", Kind::PerAxis, "The first index along each axis."),
            Parameter::required("ends", Kind::PerAxis, "The index behind the last along each axis."),
            Parameter::optional("steps", Kind::PerAxis, Fallback::Absent, "Steps along each axis; 1 if left out."),
        ],
        layer: false,
        build: slice,
    },
    Template {
        name: "pad",
        aliases: &[],
        docs: "Zeros before and after along each axis.",
        params: &[
            Parameter::required("x", Kind::Tensor, "The tensor."),
            Parameter::required("low", Kind::PerAxis, "How many before, along each axis."),
            Parameter::optional("high", Kind::PerAxis, Fallback::Absent, "How many after; as before if left out."),
        ],
        layer: false,
        build: pad,
    },
    Template {
        name: "zero_padding2d",
        aliases: &[],
        docs: "Zeros around an image, as Keras's ZeroPadding2D.",
        params: &[
            Parameter::required("x", Kind::Tensor, "The image."),
            Parameter::optional("padding", Kind::Padding, Fallback::Int(1), "How many.").known_as(&["pad"]),
        ],
        layer: true,
        build: zero_padding2d,
    },
];

/// One setting for each axis of `x`, none negative.
fn per_axis(b: &mut Builder<'_, '_>, args: &Bound, name: &str, x: NodeId) -> Eval<Option<Vec<usize>>> {
    let Arg::Ints(values) = args.get(name) else { return Ok(None) };
    let dims = b.dims(x);
    if values.len() != dims.len() {
        let message = format!("`{name}` needs {} integers, one for each axis of {}", dims.len(), shape(&dims));
        return b.shape_error(args.span(name), message, &[x], None);
    }
    let mut settings = Vec::new();
    for &(value, span) in values {
        match usize::try_from(value) {
            Ok(value) => settings.push(value),
            Err(_) => return b.resolver.fail(span, format!("`{name}` can't be negative, but is {value}")),
        }
    }
    Ok(Some(settings))
}

fn slice(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<Value> {
    let x = b.tensor(args, "x")?;
    let dims = b.dims(x);
    let (Some(starts), Some(ends)) = (per_axis(b, args, "starts", x)?, per_axis(b, args, "ends", x)?) else {
        return b.missing(args, "starts");
    };
    let steps = per_axis(b, args, "steps", x)?.unwrap_or_else(|| vec![1; dims.len()]);
    for (axis, &dim) in dims.iter().enumerate() {
        let (start, end, step) = (starts[axis], ends[axis], steps[axis]);
        if start >= end || end > dim {
            let message = format!("{start} to {end} is no part of axis {axis} of {}", shape(&dims));
            return b.shape_error(args.span("ends"), message, &[x], None);
        }
        if step == 0 {
            return b.fail_at(args, "steps", "a step must be at least 1");
        }
    }
    b.node(Slice { starts, ends, steps }, &[x]).map(Value::Tensor)
}

fn pad(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<Value> {
    let x = b.tensor(args, "x")?;
    let Some(low) = per_axis(b, args, "low", x)? else { return b.missing(args, "low") };
    let high = per_axis(b, args, "high", x)?.unwrap_or_else(|| low.clone());
    around(b, x, low, high)
}

fn zero_padding2d(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<Value> {
    let x = b.tensor(args, "x")?;
    super::window::image(b, args, x)?;
    match b.padding(args, "padding")? {
        Padding::Explicit([height, width]) => around(b, x, vec![height[0], width[0], 0], vec![height[1], width[1], 0]),
        Padding::Valid | Padding::Same => b.fail_at(
            args,
            "padding",
            "`padding` of `zero_padding2d` is a number of zeros: 1, (1, 2) or ((0, 1), (0, 1))",
        ),
    }
}

fn around(b: &mut Builder<'_, '_>, x: NodeId, low: Vec<usize>, high: Vec<usize>) -> Eval<Value> {
    if low.iter().chain(&high).all(|&cells| cells == 0) {
        return Ok(Value::Tensor(x));
    }
    let interior = vec![0; low.len()];
    b.node(Pad { low, high, interior }, &[x]).map(Value::Tensor)
}
