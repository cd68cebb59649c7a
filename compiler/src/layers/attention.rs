//! Attention.

use super::dropout::drop_by;
use super::template::{Fallback, Kind, Parameter, Template};
use super::{Arg, Bound, Builder, softmax};
use crate::ir::{Init, NodeId, Type, shape};
use crate::ops::{BatchMatMul, Compare, CompareKind, Iota, MatMul, Transpose};
use crate::resolve::{Eval, Value};

/// What a score counts that takes no part: its exponential is 0 beside any other.
const MASKED: f64 = -1e9;

const MASK: Parameter = Parameter::optional(
    "mask",
    Kind::Tensor,
    Fallback::Absent,
    "0 where nobody may look, [source], or [target, source] for each step by itself; mask(tokens) for padding.",
)
.known_as(&["attention_mask", "key_mask", "value_mask"]);
const CAUSAL: Parameter = Parameter::optional(
    "causal",
    Kind::Flag,
    Fallback::Flag(false),
    "Whether each step looks at itself and back only.",
)
.known_as(&["use_causal_mask", "is_causal"]);
const DROPOUT: Parameter = Parameter::optional(
    "dropout",
    Kind::Rate,
    Fallback::Float(0.0),
    "The share of the weights that becomes 0 in training.",
);

pub(super) const TEMPLATES: &[Template] = &[
    Template {
        name: "attention",
        aliases: &["multi_head_attention"],
        docs: "Each step of a sequence looks at all steps of this or another one, by several heads (Vaswani et al., \
               2017, as Keras's MultiHeadAttention): query_weight and key_weight [in, heads, key_dim], value_weight \
               [in, heads, value_dim], output_weight [heads, value_dim, out] and a bias for each. Where every place is \
               masked, all weigh alike, as in Keras.",
        params: &[
            Parameter::required("x", Kind::Tensor, "The sequence that looks, [target, features]."),
            Parameter::required("heads", Kind::Size, "How many heads.").known_as(&["num_heads"]),
            Parameter::optional(
                "key_dim",
                Kind::Size,
                Fallback::Absent,
                "Features of a head's queries and keys; features / heads if left out.",
            ),
            Parameter::optional(
                "value_dim",
                Kind::Size,
                Fallback::Absent,
                "Features of a head's values; key_dim if left out.",
            ),
            Parameter::optional(
                "context",
                Kind::Tensor,
                Fallback::Absent,
                "The sequence that is looked at, [source, features]; x itself if left out.",
            )
            .known_as(&["value", "memory"]),
            Parameter::optional(
                "key",
                Kind::Tensor,
                Fallback::Absent,
                "What the keys are made of, if not of the context, [source, features].",
            ),
            MASK,
            CAUSAL,
            DROPOUT,
            Parameter::optional(
                "units",
                Kind::Size,
                Fallback::Absent,
                "Features of the result; those of x if left out.",
            )
            .known_as(&["output_shape"]),
            Parameter::optional("bias", Kind::Flag, Fallback::Flag(true), "Whether biases are added.")
                .known_as(&["use_bias"]),
            Parameter::optional("init", Kind::Init, Fallback::Word("glorot_uniform"), "How the weights start.")
                .known_as(&["kernel_initializer"]),
            Parameter::optional("bias_init", Kind::Init, Fallback::Word("zeros"), "How the biases start.")
                .known_as(&["bias_initializer"]),
        ],
        layer: true,
        build: attention,
    },
    Template {
        name: "scaled_dot_product_attention",
        aliases: &["dot_product_attention"],
        docs: "softmax(q·kᵀ · scale)·v, with leading axes as heads (Vaswani et al., 2017). Where every place is masked, \
               all weigh alike.",
        params: &[
            Parameter::required("q", Kind::Tensor, "The queries, [.., target, features].").known_as(&["query"]),
            Parameter::required("k", Kind::Tensor, "The keys, [.., source, features].").known_as(&["key"]),
            Parameter::required("v", Kind::Tensor, "The values, [.., source, values].").known_as(&["value"]),
            MASK,
            CAUSAL,
            DROPOUT,
            Parameter::optional(
                "scale",
                Kind::Positive,
                Fallback::Absent,
                "The factor of the scores; 1 / sqrt(features) if left out.",
            ),
        ],
        layer: true,
        build: functional,
    },
];

/// Steps and features of one of the sequences.
fn steps(b: &mut Builder<'_, '_>, args: &Bound, name: &str, x: NodeId) -> Eval<[usize; 2]> {
    let dims = b.dims(x);
    match *dims.as_slice() {
        [.., steps, features] => Ok([steps, features]),
        _ => {
            let what = args.template();
            let message = format!("`{name}` of `{what}` is a sequence [steps, features], and this is {}", shape(&dims));
            b.shape_error(args.span(name), message, &[x], None)
        }
    }
}

fn attention(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<Value> {
    let x = b.tensor(args, "x")?;
    let [target, features] = steps(b, args, "x", x)?;
    let given = b.optional_tensor(args, "context")?;
    let context = given.unwrap_or(x);
    let [source, context_features] = steps(b, args, "context", context)?;
    let key = b.optional_tensor(args, "key")?.unwrap_or(context);
    let [key_steps, key_features] = steps(b, args, "key", key)?;
    if key_steps != source {
        let message = format!("{key_steps} keys of {} for {source} steps of the context", shape(&b.dims(key)));
        return b.shape_error(args.span("key"), message, &[key, context], None);
    }
    let heads = b.size(args, "heads")?;
    let key_dim = match args.get("key_dim") {
        Arg::Absent if !features.is_multiple_of(heads) => {
            let message = format!("{features} features of {} can't be split into {heads} heads", shape(&b.dims(x)));
            let help = "key_dim = … says how many features a head has".to_string();
            return b.shape_error(args.span("heads"), message, &[x], Some(help));
        }
        Arg::Absent => features / heads,
        _ => b.size(args, "key_dim")?,
    };
    let value_dim = if let Arg::Absent = args.get("value_dim") { key_dim } else { b.size(args, "value_dim")? };
    let units = if let Arg::Absent = args.get("units") { features } else { b.size(args, "units")? };
    for (argument, dims) in [
        ("heads", [features, heads, key_dim]),
        ("heads", [key_features, heads, key_dim]),
        ("heads", [context_features, heads, value_dim]),
        ("units", [heads, value_dim, units]),
    ] {
        b.fits(args, argument, &dims)?;
    }
    // The queries are fewer than the scores.
    let scale = 1.0 / (key_dim as f64).sqrt();
    let q = project(b, args, (x, scale), ["query_weight", "query_bias"], [features, heads, key_dim])?;
    let k = project(b, args, (key, 1.0), ["key_weight", "key_bias"], [key_features, heads, key_dim])?;
    let v = project(b, args, (context, 1.0), ["value_weight", "value_bias"], [context_features, heads, value_dim])?;
    let mixed = weigh(b, args, [q, k, v])?;
    // [.., heads, target, value_dim] to [.., target, heads · value_dim]
    let mixed = swap(b, mixed)?;
    let mut dims = b.dims(x);
    dims.truncate(dims.len().saturating_sub(2));
    dims.extend([target, heads * value_dim]);
    let mixed = b.reshape(mixed, &dims)?;
    let init = b.init(args, "init")?;
    let weight = b.param("output_weight", &[heads, value_dim, units], init)?;
    let weight = b.reshape(weight, &[heads * value_dim, units])?;
    let result = b.node(MatMul { transpose: false }, &[mixed, weight])?;
    if !b.flag(args, "bias")? {
        return Ok(Value::Tensor(result));
    }
    let init = b.init(args, "bias_init")?;
    let bias = b.param("output_bias", &[units], init)?;
    b.add(result, bias).map(Value::Tensor)
}

/// A sequence `[.., steps, in]` as `[.., heads, steps, out]`, times a factor.
fn project(
    b: &mut Builder<'_, '_>,
    args: &Bound,
    (x, factor): (NodeId, f64),
    [weight, bias]: [&'static str; 2],
    [features, heads, out]: [usize; 3],
) -> Eval<NodeId> {
    let init: Init = b.init(args, "init")?;
    let weight = b.param(weight, &[features, heads, out], init)?;
    let weight = b.reshape(weight, &[features, heads * out])?;
    let mut result = b.node(MatMul { transpose: false }, &[x, weight])?;
    if b.flag(args, "bias")? {
        let init = b.init(args, "bias_init")?;
        let bias = b.param(bias, &[heads, out], init)?;
        let bias = b.reshape(bias, &[heads * out])?;
        result = b.add(result, bias)?;
    }
    if factor != 1.0 {
        result = b.scale(result, factor)?;
    }
    let mut dims = b.dims(result);
    dims.pop();
    dims.extend([heads, out]);
    let apart = b.reshape(result, &dims)?;
    swap(b, apart)
}

/// The last axis but one and the one before it in each other's place.
fn swap(b: &mut Builder<'_, '_>, x: NodeId) -> Eval<NodeId> {
    let dims = b.dims(x);
    let mut perm: Vec<usize> = (0..dims.len()).collect();
    let Some(first) = perm.len().checked_sub(3) else { return Ok(x) };
    perm.swap(first, first + 1);
    // Past an axis of one element nothing moves.
    if dims.iter().skip(first).take(2).any(|&dim| dim == 1) {
        let dims: Vec<usize> = perm.iter().filter_map(|&axis| dims.get(axis)).copied().collect();
        return b.reshape(x, &dims);
    }
    b.node(Transpose { perm }, &[x])
}

fn functional(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<Value> {
    let (q, k, v) = (b.tensor(args, "q")?, b.tensor(args, "k")?, b.tensor(args, "v")?);
    let [_, features] = steps(b, args, "q", q)?;
    let [source, key_features] = steps(b, args, "k", k)?;
    let [value_steps, _] = steps(b, args, "v", v)?;
    let all = [q, k, v].map(|x| b.dims(x));
    let lead = |dims: &[usize]| dims.iter().rev().skip(2).copied().collect::<Vec<_>>();
    if key_features != features
        || value_steps != source
        || lead(&all[0]) != lead(&all[1])
        || lead(&all[1]) != lead(&all[2])
    {
        let [q_dims, k_dims, v_dims] = all.map(|dims| shape(&dims));
        let message = format!(
            "queries [.., target, features], keys [.., source, features] and values [.., source, values] do not fit: \
             {q_dims}, {k_dims} and {v_dims}"
        );
        return b.shape_error(b.span, message, &[q, k, v], None);
    }
    let scale = match args.get("scale") {
        Arg::Float(scale) => *scale,
        _ => 1.0 / (features as f64).sqrt(),
    };
    let q = b.scale(q, scale)?;
    weigh(b, args, [q, k, v]).map(Value::Tensor)
}

/// The values, weighted by how well their keys fit the (scaled) queries.
fn weigh(b: &mut Builder<'_, '_>, args: &Bound, [q, k, v]: [NodeId; 3]) -> Eval<NodeId> {
    let mask = b.optional_tensor(args, "mask")?;
    let batched = mask.into_iter().chain([q, k, v]).any(|x| b.ty(x).batched);
    let [q, k, v] = [alike(b, q, batched)?, alike(b, k, batched)?, alike(b, v, batched)?];
    let mut scores = b.node(BatchMatMul { ta: false, tb: true }, &[q, k])?;
    if let Some(allowed) = allowed(b, args, scores)? {
        let masked = b.number_like(MASKED, scores)?;
        scores = b.select(allowed, scores, masked)?;
    }
    let last = b.dims(scores).len().saturating_sub(1);
    let weights = softmax::softmax(b, scores, last)?;
    let (rate, ty) = (b.number(args, "dropout")?, b.ty(weights));
    let weights = drop_by(b, rate, weights, ty)?;
    b.node(BatchMatMul { ta: false, tb: false }, &[weights, v])
}

/// Products in bulk take operands that all come once per row of the batch, or none does.
fn alike(b: &mut Builder<'_, '_>, x: NodeId, batched: bool) -> Eval<NodeId> {
    let dims = b.dims(x);
    b.resolver.broadcast(x, batched, &dims, b.span)
}

/// Where a score `[.., target, source]` takes part; `None` if everywhere.
fn allowed(b: &mut Builder<'_, '_>, args: &Bound, scores: NodeId) -> Eval<Option<NodeId>> {
    let ty = b.ty(scores);
    let [.., target, source] = *ty.dims.as_slice() else { return Ok(None) };
    let back = if b.flag(args, "causal")? { Some(causal(b, &ty, target, source)?) } else { None };
    let Some(given) = b.optional_tensor(args, "mask")? else { return Ok(back) };
    let mut mask = mask(b, args, given, &ty)?;
    if let Some(back) = back {
        let zero = b.number_like(0.0, mask)?;
        mask = b.select(back, mask, zero)?;
    }
    b.compare(CompareKind::Ne, mask, 0.0).map(Some)
}

/// Whether the source's place is not behind the target's, for each score.
fn causal(b: &mut Builder<'_, '_>, ty: &Type, target: usize, source: usize) -> Eval<NodeId> {
    let from = b.node(Iota { length: target, dtype: ty.dtype }, &[])?;
    let from = b.reshape(from, &[target, 1])?;
    let from = b.resolver.broadcast(from, ty.batched, &ty.dims, b.span)?;
    let to = b.node(Iota { length: source, dtype: ty.dtype }, &[])?;
    let to = b.resolver.broadcast(to, ty.batched, &ty.dims, b.span)?;
    b.node(Compare { kind: CompareKind::Le }, &[to, from])
}

/// The user's mask in the shape of the scores: `[source]` and `[target, source]` stand for every head.
fn mask(b: &mut Builder<'_, '_>, args: &Bound, mask: NodeId, scores: &Type) -> Eval<NodeId> {
    let given = b.ty(mask);
    let wide = match (given.dims.as_slice(), scores.dims.as_slice()) {
        ([from], [.., to]) if from == to => Some(vec![*from]),
        ([rows, from], [.., target, to]) if from == to && (rows == target || *rows == 1) => Some(given.dims.clone()),
        (dims, all) if dims == all => Some(given.dims.clone()),
        _ => None,
    };
    let Some(dims) = wide else {
        let [.., target, source] = *scores.dims.as_slice() else { return b.missing(args, "mask") };
        let message = format!("`mask` is [{source}] or [{target}, {source}], and this is {}", shape(&given.dims));
        return b.shape_error(args.span("mask"), message, &[mask], None);
    };
    let mask = b.reshape(mask, &dims)?;
    b.resolver.broadcast(mask, scores.batched, &scores.dims, b.span)
}
