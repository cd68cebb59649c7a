//! `rms_norm` and `group_norm`

use super::template::{Fallback, Kind, Parameter, Template, X};
use super::{Arg, Bound, Builder};
use crate::ir::{Init, shape};
use crate::ops::{ReduceKind, Sqrt};
use crate::resolve::{Eval, Value};

pub(super) const TEMPLATES: &[Template] = &[
    Template {
        name: "unit_norm",
        aliases: &["unit_normalization"],
        docs: "Divides by the root of the sum of squares, so that vectors have length 1, as Keras's UnitNormalization.",
        params: &[X, Parameter::optional("axis", Kind::Axes, Fallback::Int(-1), "The axes of a vector.")],
        layer: true,
        build: |b, args| {
            let x = b.tensor(args, "x")?;
            let axes = b.axes(args, "axis", x)?;
            let squared = b.mul(x, x)?;
            let sum = b.reduce(ReduceKind::Sum, squared, &axes, true)?;
            // Keras's least length is 1e-12; below it the root has no slope.
            let least = b.number_like(1e-24, sum)?;
            let safe = b.maximum(sum, least)?;
            let length = b.node(Sqrt, &[safe])?;
            b.div(x, length).map(Value::Tensor)
        },
    },
    Template {
        name: "rms_norm",
        aliases: &["rms_normalization"],
        docs: "Divides the last axis by the root of its mean square, then applies a factor for each feature: scale \
               (Zhang and Sennrich, 2019, as Keras's RMSNormalization).",
        params: &[
            X,
            Parameter::optional("epsilon", Kind::Positive, Fallback::Float(1e-6), "Added to the mean square."),
        ],
        layer: true,
        build: rms_norm,
    },
    Template {
        name: "group_norm",
        aliases: &["group_normalization"],
        docs: "Normalises groups of channels, each over all cells of a row, to mean 0 and variance 1, then applies \
               gamma and beta (Wu and He, 2018, as Keras's GroupNormalization).",
        params: &[
            X,
            Parameter::optional(
                "groups",
                Kind::Integer,
                Fallback::Int(32),
                "Parts that the channels, the last axis, are split into; -1 for one of each channel.",
            ),
            Parameter::optional("epsilon", Kind::Positive, Fallback::Float(1e-3), "Added to the variance."),
            Parameter::optional("center", Kind::Flag, Fallback::Flag(true), "Whether there is a summand beta."),
            Parameter::optional("scale", Kind::Flag, Fallback::Flag(true), "Whether there is a factor gamma."),
        ],
        layer: true,
        build: group_norm,
    },
];

fn rms_norm(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<Value> {
    let x = b.tensor(args, "x")?;
    let dims = b.dims(x);
    let Some((&features, lead)) = dims.split_last() else {
        return b.shape_error(b.span, "`rms_norm` needs an axis, and [] has none", &[x], None);
    };
    let axis = lead.len();
    let squared = b.mul(x, x)?;
    let square = b.mean(squared, &[axis], false)?;
    let epsilon = b.number(args, "epsilon")?;
    let safe = b.shift(square, epsilon)?;
    let root = b.node(Sqrt, &[safe])?;
    let root = b.spread(root, axis, x)?;
    let result = b.div(x, root)?;
    let scale = b.param("scale", &[features], Init::Ones)?;
    b.mul(result, scale).map(Value::Tensor)
}

fn group_norm(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<Value> {
    let x = b.tensor(args, "x")?;
    let dims = b.dims(x);
    let Some((&channels, lead)) = dims.split_last() else {
        return b.shape_error(b.span, "`group_norm` needs channels in the last axis, and [] has none", &[x], None);
    };
    let groups = match *args.get("groups") {
        Arg::Int(-1) => channels,
        Arg::Int(groups) => match usize::try_from(groups) {
            Ok(groups @ 1..) if channels.is_multiple_of(groups) => groups,
            Ok(1..) => {
                let message = format!("{channels} channels of {} can't be split into {groups} groups", shape(&dims));
                return b.shape_error(args.span("groups"), message, &[x], None);
            }
            _ => return b.fail_at(args, "groups", format!("`groups` is {groups}: it must be at least 1, or -1")),
        },
        _ => return b.missing(args, "groups"),
    };
    let mut split = lead.to_vec();
    split.extend([groups, channels / groups]);
    let grouped = b.reshape(x, &split)?;
    let axes: Vec<usize> = (0..split.len()).filter(|&axis| axis != lead.len()).collect();
    let mean = b.mean(grouped, &axes, true)?;
    let centered = b.sub(grouped, mean)?;
    let squared = b.mul(centered, centered)?;
    let variance = b.mean(squared, &axes, true)?;
    let epsilon = b.number(args, "epsilon")?;
    let safe = b.shift(variance, epsilon)?;
    let deviation = b.node(Sqrt, &[safe])?;
    let normal = b.div(centered, deviation)?;
    let mut result = b.reshape(normal, &dims)?;
    if b.flag(args, "scale")? {
        let gamma = b.param("gamma", &[channels], Init::Ones)?;
        result = b.mul(result, gamma)?;
    }
    if b.flag(args, "center")? {
        let beta = b.param("beta", &[channels], Init::Zeros)?;
        result = b.add(result, beta)?;
    }
    Ok(Value::Tensor(result))
}
