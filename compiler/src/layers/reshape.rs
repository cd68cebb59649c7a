//! The same elements in another shape or order.

use super::template::{Fallback, Kind, Parameter, Template};
use super::{Arg, Bound, Builder};
use crate::ir::shape;
use crate::ops::Transpose;
use crate::resolve::{Effect, Eval, Trace, Value};

const X: Parameter = Parameter::required("x", Kind::AnyTensor, "The tensor.");

pub(super) const TEMPLATES: &[Template] = &[
    Template {
        name: "flatten",
        aliases: &[],
        docs: "All axes as one, row-major.",
        params: &[X],
        layer: true,
        build: flatten,
    },
    Template {
        name: "reshape",
        aliases: &[],
        docs: "The same elements, row-major, under another shape.",
        params: &[X, Parameter::required("shape", Kind::NewShape, "The new axes; -1 for one that follows.")],
        layer: true,
        build: reshape,
    },
    Template {
        name: "transpose",
        aliases: &["permute"],
        docs: "The axes in another order.",
        params: &[
            X,
            Parameter::optional(
                "axes",
                Kind::Axes,
                Fallback::Absent,
                "The old axes in their new order; reversed if left out.",
            ),
        ],
        layer: true,
        build: transpose,
    },
];

fn flatten(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<Value> {
    let x = b.tensor(args, "x")?;
    let dims = b.dims(x);
    let elements: usize = dims.iter().product();
    let result = b.reshape(x, &[elements])?;
    let factors: Vec<String> = dims.iter().map(usize::to_string).collect();
    let text = match factors.is_empty() {
        true => "flatten gives 1".to_string(),
        false => format!("flatten gives {} = {elements}", factors.join("*")),
    };
    b.story = Some((Trace::Gives(text), Effect::Flatten));
    Ok(Value::Tensor(result))
}

fn reshape(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<Value> {
    let x = b.tensor(args, "x")?;
    let Arg::Ints(values) = args.get("shape") else { return b.missing(args, "shape") };
    let before = b.dims(x);
    let elements: usize = before.iter().product();
    let mut dims = Vec::new();
    let mut open = None;
    let mut known = 1usize;
    for &(value, span) in values {
        match usize::try_from(value) {
            Ok(0) => return b.resolver.fail(span, "an axis in `shape` of `reshape` is 0: it must be at least 1"),
            Ok(dim) => {
                dims.push(dim);
                known = known.saturating_mul(dim);
            }
            Err(_) if value == -1 && open.is_none() => {
                open = Some((dims.len(), span));
                dims.push(1);
            }
            Err(_) if value == -1 => return b.resolver.fail(span, "only one axis can be -1"),
            Err(_) => return b.resolver.fail(span, format!("an axis in `shape` of `reshape` is {value}")),
        }
    }
    if let Some((position, span)) = open {
        if !elements.is_multiple_of(known) {
            let message = format!("{elements} elements of {} can't be split into parts of {known}", shape(&before));
            return b.shape_error(span, message, &[x], None);
        }
        dims[position] = elements / known;
    } else if known != elements {
        let message = format!("{} has {elements} elements, but {} would have {known}", shape(&before), shape(&dims));
        return b.shape_error(b.span, message, &[x], None);
    }
    b.reshape(x, &dims).map(Value::Tensor)
}

fn transpose(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<Value> {
    let x = b.tensor(args, "x")?;
    let rank = b.dims(x).len();
    let mut perm = Vec::new();
    match args.get("axes") {
        Arg::Ints(values) => {
            for &(value, span) in values {
                let axis = b.axis(value, x, span)?;
                if perm.contains(&axis) {
                    return b.resolver.fail(span, format!("axis {value} is given twice"));
                }
                perm.push(axis);
            }
            if perm.len() != rank {
                let message = format!("{} has {rank} axes, but {} are given", b.ty(x).shape(), perm.len());
                return b.shape_error(args.span("axes"), message, &[x], None);
            }
        }
        _ => perm.extend((0..rank).rev()),
    }
    if perm.iter().enumerate().all(|(position, &axis)| position == axis) {
        return Ok(Value::Tensor(x));
    }
    b.node(Transpose { perm }, &[x]).map(Value::Tensor)
}
