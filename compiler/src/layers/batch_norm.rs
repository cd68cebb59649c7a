//! `batch_norm`

use super::template::{Fallback, Kind, Parameter, Template, X};
use super::{Bound, Builder};
use crate::ir::{Init, NodeId, ParamId};
use crate::ops::{Hyper, HyperKind, Phase, Reduce, ReduceKind, Sqrt};
use crate::resolve::{Eval, Value};

pub(super) const TEMPLATES: &[Template] = &[Template {
    name: "batch_norm",
    aliases: &["batch_normalization"],
    docs: "Normalises each channel of the last axis: in training by the batch's own mean and biased variance, \
           which moving averages follow; otherwise by these (Ioffe and Szegedy, 2015, as Keras's \
           BatchNormalization).",
    params: &[
        X,
        Parameter::optional(
            "momentum",
            Kind::Rate,
            Fallback::Float(0.99),
            "What the moving averages keep of themselves.",
        ),
        Parameter::optional("epsilon", Kind::Positive, Fallback::Float(1e-3), "Added to the variance."),
        Parameter::optional("scale", Kind::Flag, Fallback::Flag(true), "Whether there is a factor gamma."),
        Parameter::optional("center", Kind::Flag, Fallback::Flag(true), "Whether there is a summand beta."),
    ],
    layer: true,
    build,
}];

fn build(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<Value> {
    let x = b.tensor(args, "x")?;
    let ty = b.ty(x);
    let (Some(&channels), true) = (ty.dims.last(), ty.batched) else {
        let message = format!("`batch_norm` needs channels in the last axis of a batch, and this is {}", ty.shape());
        return b.shape_error(b.span, message, &[x], None);
    };
    let (momentum, epsilon) = (b.number(args, "momentum")?, b.number(args, "epsilon")?);
    let gamma = match b.flag(args, "scale")? {
        true => Some(b.param("gamma", &[channels], Init::Ones)?),
        false => None,
    };
    let beta = match b.flag(args, "center")? {
        true => Some(b.param("beta", &[channels], Init::Zeros)?),
        false => None,
    };
    let moving_mean = b.statistic("moving_mean", &[channels], Init::Zeros)?;
    let moving_variance = b.statistic("moving_variance", &[channels], Init::Ones)?;
    let [mean, variance] = match b.frozen() {
        // As Keras: what is not to change is not to depend on the batch either.
        true => [moving_mean.1, moving_variance.1],
        false => statistics(b, x, [moving_mean, moving_variance], momentum)?,
    };
    let safe = b.shift(variance, epsilon)?;
    let deviation = b.node(Sqrt, &[safe])?;
    let gamma = match gamma {
        Some(gamma) => gamma,
        None => b.number_like(1.0, deviation)?,
    };
    let factor = b.div(gamma, deviation)?;
    let centered = b.sub(x, mean)?;
    let scaled = b.mul(centered, factor)?;
    match beta {
        Some(beta) => b.add(scaled, beta).map(Value::Tensor),
        None => Ok(Value::Tensor(scaled)),
    }
}

/// Mean and variance: the batch's own in training, which move the averages, otherwise these.
fn statistics(
    b: &mut Builder<'_, '_>,
    x: NodeId,
    [moving_mean, moving_variance]: [(ParamId, NodeId); 2],
    momentum: f64,
) -> Eval<[NodeId; 2]> {
    let ty = b.ty(x);

    let axes: Vec<usize> = (0..ty.dims.len().saturating_sub(1)).collect();
    let cells: f64 = ty.dims[..axes.len()].iter().map(|&dim| dim as f64).product();
    let rows = b.node(Hyper { kind: HyperKind::Rows, dtype: ty.dtype }, &[])?;
    let count = b.scale(rows, cells)?;
    let mean = average(b, x, &axes, count)?;
    let centered = b.sub(x, mean)?;
    let squared = b.mul(centered, centered)?;
    let variance = average(b, squared, &axes, count)?;
    follow(b, moving_mean, mean, momentum)?;
    follow(b, moving_variance, variance, momentum)?;

    let mean = b.node(Phase, &[mean, moving_mean.1])?;
    Ok([mean, b.node(Phase, &[variance, moving_variance.1])?])
}

/// The mean over the batch and the axes.
fn average(b: &mut Builder<'_, '_>, x: NodeId, axes: &[usize], count: NodeId) -> Eval<NodeId> {
    let sum = b.node(Reduce { kind: ReduceKind::Sum, axes: axes.to_vec(), batch: true }, &[x])?;
    b.div(sum, count)
}

/// Moves an average towards this batch's value. A shared layer moves it once for each call.
fn follow(b: &mut Builder<'_, '_>, (param, node): (ParamId, NodeId), value: NodeId, momentum: f64) -> Eval<()> {
    let before = b.resolver.net.updates.iter().position(|(other, _)| *other == param);
    let old = before.and_then(|index| b.resolver.net.updates.get(index)).map_or(node, |(_, node)| *node);
    let kept = b.scale(old, momentum)?;
    let new = b.scale(value, 1.0 - momentum)?;
    let moved = b.add(kept, new)?;
    match before {
        Some(index) => b.resolver.net.updates[index].1 = moved,
        None => b.resolver.net.updates.push((param, moved)),
    }
    Ok(())
}
