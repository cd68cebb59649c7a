//! `layer_norm`

use super::template::{Fallback, Kind, Parameter, Template, X};
use super::{Bound, Builder};
use crate::ir::Init;
use crate::ops::Sqrt;
use crate::resolve::{Eval, Value};

pub(super) const TEMPLATES: &[Template] = &[Template {
    name: "layer_norm",
    aliases: &["layer_normalization"],
    docs: "Normalises the last axis to mean 0 and variance 1, then applies gamma and beta (Ba et al., 2016, as \
           Keras's LayerNormalization).",
    params: &[
        X,
        Parameter::optional("epsilon", Kind::Positive, Fallback::Float(1e-3), "Added to the variance."),
        Parameter::optional("scale", Kind::Flag, Fallback::Flag(true), "Whether there is a factor gamma."),
        Parameter::optional("center", Kind::Flag, Fallback::Flag(true), "Whether there is a summand beta."),
    ],
    layer: true,
    build,
}];

fn build(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<Value> {
    let x = b.tensor(args, "x")?;
    let dims = b.dims(x);
    let Some((&features, lead)) = dims.split_last() else {
        return b.shape_error(b.span, "`layer_norm` needs an axis, and [] has none", &[x], None);
    };
    let axis = lead.len();
    let mean = b.mean(x, &[axis], false)?;
    let mean = b.spread(mean, axis, x)?;
    let centered = b.sub(x, mean)?;
    let squared = b.mul(centered, centered)?;
    let variance = b.mean(squared, &[axis], false)?;
    let epsilon = b.number(args, "epsilon")?;
    let safe = b.shift(variance, epsilon)?;
    let deviation = b.node(Sqrt, &[safe])?;
    let deviation = b.spread(deviation, axis, x)?;
    let mut result = b.div(centered, deviation)?;
    if b.flag(args, "scale")? {
        let gamma = b.param("gamma", &[features], Init::Ones)?;
        result = b.mul(result, gamma)?;
    }
    if b.flag(args, "center")? {
        let beta = b.param("beta", &[features], Init::Zeros)?;
        result = b.add(result, beta)?;
    }
    Ok(Value::Tensor(result))
}
