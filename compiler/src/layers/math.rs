//! Functions of each element, with broadcasting where there are several operands.

use super::template::{Kind, Parameter, Template, X};
use super::{Bound, Builder};
use crate::ir::NodeId;
use crate::ops::{Abs, CompareKind, Cos, Erf, Exp, Log, Log1p, Op, Pow, Select, Sin, Sqrt, StopGradient};
use crate::resolve::{Eval, Value};

const A: Parameter = Parameter::required("a", Kind::Operand, "A tensor or a number.");
const B: Parameter = Parameter::required("b", Kind::Operand, "A tensor or a number.");

const fn unary(
    name: &'static str,
    docs: &'static str,
    build: fn(&mut Builder<'_, '_>, &Bound) -> Eval<Value>,
) -> Template {
    Template { name, aliases: &[], docs, params: &[X], layer: false, build }
}

const fn binary(
    name: &'static str,
    docs: &'static str,
    build: fn(&mut Builder<'_, '_>, &Bound) -> Eval<Value>,
) -> Template {
    Template { name, aliases: &[], docs, params: &[A, B], layer: false, build }
}

pub(super) const TEMPLATES: &[Template] = &[
    unary("exp", "The exponential.", |b, args| map(b, args, Exp)),
    unary("log", "The natural logarithm.", |b, args| map(b, args, Log)),
    unary("sqrt", "The square root.", |b, args| map(b, args, Sqrt)),
    unary("abs", "The absolute value; its gradient at 0 is 0.", |b, args| map(b, args, Abs)),
    unary("erf", "The error function, 2/√π times the integral of exp(-t²) from 0 to x.", |b, args| {
        map(b, args, Erf)
    }),
    unary("sin", "The sine, of radians.", |b, args| map(b, args, Sin)),
    unary("cos", "The cosine, of radians.", |b, args| map(b, args, Cos)),
    unary("stop_gradient", "x itself, through which no gradient flows.", |b, args| map(b, args, StopGradient)),
    unary("sign", "-1, 0 or 1, by the sign; its gradient is 0.", |b, args| {
        let x = b.tensor(args, "x")?;
        let (above, below) = (b.compare(CompareKind::Gt, x, 0.0)?, b.compare(CompareKind::Lt, x, 0.0)?);
        let (zero, one, minus) = (b.number_like(0.0, x)?, b.number_like(1.0, x)?, b.number_like(-1.0, x)?);
        let rest = b.select(below, minus, zero)?;
        b.select(above, one, rest).map(Value::Tensor)
    }),
    unary("log1p", "log(1 + x), exact near 0.", |b, args| map(b, args, Log1p)),
    unary("reciprocal", "1 / x.", |b, args| {
        let x = b.tensor(args, "x")?;
        let one = b.number_like(1.0, x)?;
        b.div(one, x).map(Value::Tensor)
    }),
    unary("square", "x·x.", |b, args| {
        let x = b.tensor(args, "x")?;
        b.mul(x, x).map(Value::Tensor)
    }),
    binary("add", "a + b.", |b, args| zip(b, args, |b, x, y| b.add(x, y))),
    binary("maximum", "The larger of both; the gradient at ties goes to `a`.", |b, args| {
        zip(b, args, |b, x, y| b.maximum(x, y))
    }),
    binary("minimum", "The smaller of both; the gradient at ties goes to `a`.", |b, args| {
        zip(b, args, |b, x, y| b.minimum(x, y))
    }),
    binary("pow", "a to the power of b.", |b, args| {
        zip(b, args, |b, x, y| b.resolver.binary(Pow, x, y, "raise", b.span))
    }),
    Template {
        name: "clip",
        aliases: &[],
        docs: "x, but at least `low` and at most `high`.",
        params: &[
            X,
            Parameter::required("low", Kind::Number, "The least value."),
            Parameter::required("high", Kind::Number, "The largest value."),
        ],
        layer: false,
        build: |b, args| {
            let (x, low, high) = (b.tensor(args, "x")?, b.number(args, "low")?, b.number(args, "high")?);
            if low > high {
                return b.fail_at(args, "high", format!("`high` is {high:?}, below `low`, which is {low:?}"));
            }
            clip(b, x, low, high).map(Value::Tensor)
        },
    },
    Template {
        name: "select",
        aliases: &[],
        docs: "`a` where the condition holds, `b` elsewhere.",
        params: &[Parameter::required("condition", Kind::Condition, "A comparison such as x > 0.0."), A, B],
        layer: false,
        build: choose,
    },
];

fn map(b: &mut Builder<'_, '_>, args: &Bound, op: impl Into<Op>) -> Eval<Value> {
    let x = b.tensor(args, "x")?;
    b.node(op, &[x]).map(Value::Tensor)
}

fn zip(
    b: &mut Builder<'_, '_>,
    args: &Bound,
    f: fn(&mut Builder<'_, '_>, NodeId, NodeId) -> Eval<NodeId>,
) -> Eval<Value> {
    let (x, y) = (b.tensor(args, "a")?, b.tensor(args, "b")?);
    f(b, x, y).map(Value::Tensor)
}

/// Bounded on both sides.
pub(super) fn clip(b: &mut Builder<'_, '_>, x: NodeId, low: f64, high: f64) -> Eval<NodeId> {
    let low = b.number_like(low, x)?;
    let bounded = b.maximum(x, low)?;
    let high = b.number_like(high, x)?;
    b.minimum(bounded, high)
}

fn choose(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<Value> {
    let condition = b.tensor(args, "condition")?;
    let (x, y) = (b.tensor(args, "a")?, b.tensor(args, "b")?);
    let (x, y) = b.resolver.aligned(x, y, "choose between", b.span)?;
    // The condition and the choices take the shape of all three.
    let (condition, x) = b.resolver.aligned(condition, x, "choose by", b.span)?;
    let y = b.like(y, x)?;
    b.node(Select, &[condition, x, y]).map(Value::Tensor)
}
