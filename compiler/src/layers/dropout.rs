//! `dropout`

use super::template::{Kind, Parameter, Template, X};
use super::{Bound, Builder};
use crate::ops::{CompareKind, Phase, Random};
use crate::resolve::{Eval, Value};

pub(super) const TEMPLATES: &[Template] = &[Template {
    name: "dropout",
    aliases: &[],
    docs: "In training, sets a share of the elements to 0 and scales the others up to keep the mean; otherwise \
           nothing (Srivastava et al., 2014).",
    params: &[X, Parameter::required("rate", Kind::Rate, "The share that becomes 0.")],
    layer: true,
    build,
}];

fn build(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<Value> {
    let (x, rate) = (b.tensor(args, "x")?, b.number(args, "rate")?);
    if rate == 0.0 {
        return Ok(Value::Tensor(x));
    }
    let stream = b.resolver.streams;
    b.resolver.streams += 1;
    let ty = b.ty(x);
    let random = b.node(Random { stream, ty }, &[])?;
    let kept = b.compare(CompareKind::Ge, random, rate)?;
    let scaled = b.scale(x, 1.0 / (1.0 - rate))?;
    let zero = b.number_like(0.0, x)?;
    let train = b.select(kept, scaled, zero)?;
    b.node(Phase, &[train, x]).map(Value::Tensor)
}
