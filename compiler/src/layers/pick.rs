//! Elements by their indices.

use super::template::{Fallback, Kind, Parameter, Template, X};
use super::{Arg, Bound, Builder, constant, loss, matmul};
use crate::ir::{NodeId, shape};
use crate::ops::{ArgMax, Neg, OneHot, Transpose};
use crate::resolve::{Eval, Value};

const AXIS: Parameter = Parameter::optional("axis", Kind::Axis, Fallback::Int(-1), "The axis that is chosen along.");
const INDEX: Parameter = Parameter::required("index", Kind::Indices, "Class indices.");

pub(super) const TEMPLATES: &[Template] = &[
    Template {
        name: "gather",
        aliases: &[],
        docs: "One element of the last axis for each index, as NumPy's take_along_axis: x [.., K] and indices [..] give \
               [..].",
        params: &[X, INDEX],
        layer: false,
        build: gather,
    },
    Template {
        name: "take",
        aliases: &[],
        docs: "The parts of an axis that indices name, as NumPy's take: the indices' axes stand in place of that axis.",
        params: &[X, INDEX, Parameter::optional("axis", Kind::Axis, Fallback::Int(0), "The axis that they count.")],
        layer: false,
        build: take,
    },
    Template {
        name: "argmax",
        aliases: &[],
        docs: "Where the largest element of an axis stands, the first among equals, as NumPy's argmax: indices (u32) \
               without that axis. No gradient flows.",
        params: &[X, AXIS],
        layer: false,
        build: |b, args| {
            let x = b.tensor(args, "x")?;
            choose(b, args, x)
        },
    },
    Template {
        name: "argmin",
        aliases: &[],
        docs: "Where the smallest element of an axis stands, the first among equals: indices (u32) without that axis. \
               No gradient flows.",
        params: &[X, AXIS],
        layer: false,
        build: |b, args| {
            let x = b.tensor(args, "x")?;
            let x = b.node(Neg, &[x])?;
            choose(b, args, x)
        },
    },
];

/// The place of the largest element along `axis`.
fn choose(b: &mut Builder<'_, '_>, args: &Bound, x: NodeId) -> Eval<Value> {
    let Arg::Int(axis) = *args.get("axis") else { return b.missing(args, "axis") };
    let axis = b.axis(axis, x, args.span("axis"))?;
    let rank = b.dims(x).len();
    let perm: Vec<usize> = (0..rank).filter(|&other| other != axis).chain([axis]).collect();
    let x = if perm.is_sorted() { x } else { b.node(Transpose { perm }, &[x])? };
    b.node(ArgMax, &[x]).map(Value::Tensor)
}

fn gather(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<Value> {
    let (x, index) = (b.tensor(args, "x")?, b.tensor(args, "index")?);
    let dims = b.dims(x);
    let Some((&extent, lead)) = dims.split_last() else {
        return b.shape_error(args.span("x"), "`gather` picks along the last axis, and [] has none", &[x], None);
    };
    let have = b.ty(index);
    if have.dims != lead {
        let message =
            format!("{} takes indices {}, one for each vector, not {}", shape(&dims), shape(lead), have.shape());
        let help = "`take(table, index)` gives the rows that indices name".to_string();
        return b.shape_error(args.span("index"), message, &[x, index], Some(help));
    }
    if let Some(classes) = constant::classes(b, index).filter(|&classes| classes > extent) {
        let message = format!("the last axis of {} ends before the index {}", shape(&dims), classes - 1);
        return b.shape_error(args.span("index"), message, &[x], None);
    }
    let batched = b.ty(x).batched || have.batched;
    if !have.batched && batched {
        return b.fail_at(args, "index", "the indices have no batch, but what they pick from has");
    }
    loss::pick(b, x, index).map(Value::Tensor)
}

/// A product with vectors that are 1 at the index.
fn take(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<Value> {
    let (x, index) = (b.tensor(args, "x")?, b.tensor(args, "index")?);
    let Arg::Int(axis) = *args.get("axis") else { return b.missing(args, "axis") };
    let axis = b.axis(axis, x, args.span("axis"))?;
    let (dims, places) = (b.dims(x), b.dims(index));
    let extent = dims.get(axis).copied().unwrap_or(1);
    if let Some(classes) = constant::classes(b, index).filter(|&classes| classes > extent) {
        let message = format!("axis {axis} of {} ends before the index {}", shape(&dims), classes - 1);
        return b.shape_error(args.span("index"), message, &[x], None);
    }
    let count = |dims: &[usize]| dims.iter().product::<usize>();
    let others: Vec<usize> = (0..dims.len()).filter(|&other| other != axis).collect();
    let left: Vec<usize> = others.iter().filter_map(|&other| dims.get(other).copied()).collect();
    let dtype = b.resolver.net.dtype;
    let hot = b.node(OneHot { classes: extent, dtype }, &[index])?;
    let hot = b.reshape(hot, &[count(&places), extent])?;
    let perm: Vec<usize> = std::iter::once(axis).chain(others).collect();
    let x = if perm.is_sorted() { x } else { b.node(Transpose { perm }, &[x])? };
    let x = b.reshape(x, &[extent, count(&left)])?;
    let product = matmul::multiply(b, hot, x)?;
    let product = b.reshape(product, &[places.as_slice(), &left].concat())?;
    // The indices' axes go where the axis was.
    let before: Vec<usize> = (0..axis).map(|at| places.len() + at).collect();
    let behind: Vec<usize> = (axis..left.len()).map(|at| places.len() + at).collect();
    let perm = [before, (0..places.len()).collect(), behind].concat();
    if perm.is_sorted() {
        return Ok(Value::Tensor(product));
    }
    b.node(Transpose { perm }, &[product]).map(Value::Tensor)
}
