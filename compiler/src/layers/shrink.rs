//! More activations, of Keras's `activations` and `ops.nn`: gates, shrinkages and other functions in pieces.

use super::activation::elu;
use super::math::clip;
use super::template::{Fallback, Kind, Parameter, Template, X};
use super::{Arg, Bound, Builder};
use crate::ir::shape;
use crate::ops::{Abs, CompareKind, Exp, Sigmoid, Slice, Sqrt, Tanh};
use crate::resolve::{Eval, Value};

const BOUND: Parameter =
    Parameter::optional("threshold", Kind::Positive, Fallback::Float(0.5), "The size up to which it is 0.");

const fn activation(
    name: &'static str,
    docs: &'static str,
    params: &'static [Parameter],
    build: fn(&mut Builder<'_, '_>, &Bound) -> Eval<Value>,
) -> Template {
    Template { name, aliases: &[], docs, params, layer: true, build }
}

pub(super) const TEMPLATES: &[Template] = &[
    activation("linear", "x itself.", &[X], |b, args| b.tensor(args, "x").map(Value::Tensor)),
    activation("exponential", "exp(x).", &[X], |b, args| {
        let x = b.tensor(args, "x")?;
        b.node(Exp, &[x]).map(Value::Tensor)
    }),
    activation(
        "celu",
        "max(x, 0) + min(alpha·(exp(x / alpha) - 1), 0) (Barron, 2017).",
        &[X, Parameter::optional("alpha", Kind::Positive, Fallback::Float(1.0), "Where it tends to below 0, negated.")],
        |b, args| {
            let (x, alpha) = (b.tensor(args, "x")?, b.number(args, "alpha")?);
            let scaled = b.scale(x, 1.0 / alpha)?;
            let elu = elu(b, scaled, 1.0)?;
            b.scale(elu, alpha).map(Value::Tensor)
        },
    ),
    activation(
        "glu",
        "The first half along an axis times the sigmoid of the second (Dauphin et al., 2017).",
        &[X, Parameter::optional("axis", Kind::Axis, Fallback::Int(-1), "The axis that is halved.")],
        glu,
    ),
    activation("hard_tanh", "x, but at least -1 and at most 1.", &[X], |b, args| {
        let x = b.tensor(args, "x")?;
        clip(b, x, -1.0, 1.0).map(Value::Tensor)
    }),
    activation("tanh_shrink", "x - tanh(x).", &[X], |b, args| {
        let x = b.tensor(args, "x")?;
        let tanh = b.node(Tanh, &[x])?;
        b.sub(x, tanh).map(Value::Tensor)
    }),
    activation("hard_shrink", "x, but 0 where |x| is at most the threshold.", &[X, BOUND], |b, args| {
        let (x, threshold) = (b.tensor(args, "x")?, b.number(args, "threshold")?);
        let size = b.node(Abs, &[x])?;
        let beyond = b.compare(CompareKind::Gt, size, threshold)?;
        let zero = b.number_like(0.0, x)?;
        b.select(beyond, x, zero).map(Value::Tensor)
    }),
    activation("soft_shrink", "x moved towards 0 by the threshold, 0 where it would cross.", &[X, BOUND], |b, args| {
        let (x, threshold) = (b.tensor(args, "x")?, b.number(args, "threshold")?);
        let (low, high) = (b.shift(x, threshold)?, b.shift(x, -threshold)?);
        let above = b.compare(CompareKind::Gt, x, threshold)?;
        let below = b.compare(CompareKind::Lt, x, -threshold)?;
        let zero = b.number_like(0.0, x)?;
        let rest = b.select(below, low, zero)?;
        b.select(above, high, rest).map(Value::Tensor)
    }),
    activation("sparse_plus", "0 up to -1, x from 1 on, (x + 1)²/4 between.", &[X], |b, args| {
        let x = b.tensor(args, "x")?;
        let root = b.shift(x, 1.0)?;
        let square = b.mul(root, root)?;
        let curve = b.scale(square, 0.25)?;
        let (low, high) = (b.compare(CompareKind::Le, x, -1.0)?, b.compare(CompareKind::Lt, x, 1.0)?);
        let zero = b.number_like(0.0, x)?;
        let rest = b.select(high, curve, x)?;
        b.select(low, zero, rest).map(Value::Tensor)
    }),
    activation(
        "squareplus",
        "(x + √(x² + b))/2 (Barron, 2021).",
        &[X, Parameter::optional("b", Kind::Positive, Fallback::Float(4.0), "How smooth it is.")],
        |b, args| {
            let (x, smoothness) = (b.tensor(args, "x")?, b.number(args, "b")?);
            let square = b.mul(x, x)?;
            let inner = b.shift(square, smoothness)?;
            let root = b.node(Sqrt, &[inner])?;
            let sum = b.add(x, root)?;
            b.scale(sum, 0.5).map(Value::Tensor)
        },
    ),
    activation(
        "threshold",
        "x above the threshold, another value elsewhere.",
        &[
            X,
            Parameter::required("threshold", Kind::Number, "The bound."),
            Parameter::required("value", Kind::Number, "What takes x's place.").known_as(&["default_value"]),
        ],
        |b, args| {
            let (x, threshold, value) = (b.tensor(args, "x")?, b.number(args, "threshold")?, b.number(args, "value")?);
            let above = b.compare(CompareKind::Gt, x, threshold)?;
            let value = b.number_like(value, x)?;
            b.select(above, x, value).map(Value::Tensor)
        },
    ),
];

fn glu(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<Value> {
    let x = b.tensor(args, "x")?;
    let Arg::Int(axis) = *args.get("axis") else { return b.missing(args, "axis") };
    let axis = b.axis(axis, x, args.span("axis"))?;
    let dims = b.dims(x);
    let extent = dims.get(axis).copied().unwrap_or(1);
    if !extent.is_multiple_of(2) {
        let message = format!("axis {axis} of {} can't be halved", shape(&dims));
        return b.shape_error(b.span, message, &[x], None);
    }
    let half = |start: usize, end: usize| {
        let (mut starts, mut ends) = (vec![0; dims.len()], dims.clone());
        if let (Some(first), Some(behind)) = (starts.get_mut(axis), ends.get_mut(axis)) {
            (*first, *behind) = (start, end);
        }
        Slice { starts, ends, steps: vec![1; dims.len()] }
    };
    let (value, gate) = (b.node(half(0, extent / 2), &[x])?, b.node(half(extent / 2, extent), &[x])?);
    let gate = b.node(Sigmoid, &[gate])?;
    b.mul(value, gate).map(Value::Tensor)
}
