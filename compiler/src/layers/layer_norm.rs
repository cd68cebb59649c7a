//! `layer_norm`

use super::template::{Fallback, Kind, Parameter, Template, X};
use super::{Bound, Builder};
use crate::ir::Init;
use crate::ops::Sqrt;
use crate::resolve::{Eval, Value};

pub(super) const TEMPLATES: &[Template] = &[Template {
    name: "layer_norm",
    aliases: &["layer_normalization"],
    docs: "Normalises the last axis (or others) to mean 0 and variance 1, then applies gamma and beta (Ba et al., 2016, as \
           Keras's LayerNormalization).",
    params: &[
        X,
        Parameter::optional("axis", Kind::Axes, Fallback::Int(-1), "The axes that are normalised together."),
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
    if dims.is_empty() {
        return b.shape_error(b.span, "`layer_norm` needs an axis, and [] has none", &[x], None);
    }
    let axes = b.axes(args, "axis", x)?;
    let last = axes == [dims.len() - 1];
    let lead = dims.len() - 1;
    // gamma and beta have the normalised axes; the others are 1 beside x.
    let shape: Vec<usize> = axes.iter().filter_map(|&axis| dims.get(axis)).copied().collect();
    let first = axes.first().copied().unwrap_or(lead);
    let beside = dims.iter().enumerate().skip(first);
    let features: Vec<usize> = beside.map(|(axis, &dim)| if axes.contains(&axis) { dim } else { 1 }).collect();
    let mean = b.mean(x, &axes, !last)?;
    let mean = if last { b.spread(mean, lead, x)? } else { b.like(mean, x)? };
    let centered = b.sub(x, mean)?;
    let squared = b.mul(centered, centered)?;
    let variance = b.mean(squared, &axes, !last)?;
    let epsilon = b.number(args, "epsilon")?;
    let safe = b.shift(variance, epsilon)?;
    let deviation = b.node(Sqrt, &[safe])?;
    let deviation = if last { b.spread(deviation, lead, x)? } else { b.like(deviation, x)? };
    let mut result = b.div(centered, deviation)?;
    if b.flag(args, "scale")? {
        let gamma = b.param("gamma", &shape, Init::Ones)?;
        let gamma = b.reshape(gamma, &features)?;
        result = b.mul(result, gamma)?;
    }
    if b.flag(args, "center")? {
        let beta = b.param("beta", &shape, Init::Zeros)?;
        let beta = b.reshape(beta, &features)?;
        result = b.add(result, beta)?;
    }
    Ok(Value::Tensor(result))
}
