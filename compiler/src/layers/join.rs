//! Several tensors as one.

use super::template::{Fallback, Kind, Parameter, Template};
use super::{Arg, Bound, Builder};
use crate::ir::{NodeId, shape};
use crate::ops::Concat;
use crate::resolve::{Eval, Value};

pub(super) const TEMPLATES: &[Template] = &[
    Template {
        name: "concat",
        aliases: &["concatenate"],
        docs: "Tensors one behind the other along an axis; the other axes are alike.",
        params: &[
            Parameter::required("a", Kind::Tensors, "The tensors in their order."),
            Parameter::optional("axis", Kind::Axis, Fallback::Int(-1), "The axis that grows."),
        ],
        layer: true,
        build,
    },
    Template {
        name: "stack",
        aliases: &[],
        docs: "Tensors of one shape as one tensor with a new axis, as Keras's `ops.stack`.",
        params: &[
            Parameter::required("a", Kind::Tensors, "The tensors in their order."),
            Parameter::optional("axis", Kind::Axis, Fallback::Int(0), "Where the new axis stands in the result."),
        ],
        layer: false,
        build: stack,
    },
    Template {
        name: "multiply",
        aliases: &[],
        docs: "The product of tensors, broadcast, as Keras's Multiply.",
        params: &[Parameter::required("a", Kind::Tensors, "The tensors.")],
        layer: true,
        build: |b, args| merge(b, args, true).map(Value::Tensor),
    },
    Template {
        name: "average",
        aliases: &[],
        docs: "The mean of tensors, broadcast, as Keras's Average.",
        params: &[Parameter::required("a", Kind::Tensors, "The tensors.")],
        layer: true,
        build: |b, args| {
            let Arg::Nodes(parts) = args.get("a") else { return b.missing(args, "a") };
            let share = 1.0 / parts.len().max(1) as f64;
            let sum = merge(b, args, false)?;
            b.scale(sum, share).map(Value::Tensor)
        },
    },
];

/// The product of all tensors, or their sum.
fn merge(b: &mut Builder<'_, '_>, args: &Bound, product: bool) -> Eval<NodeId> {
    let Arg::Nodes(parts) = args.get("a") else { return b.missing(args, "a") };
    let mut parts = parts.iter().map(|&(part, _)| part);
    let Some(mut all) = parts.next() else { return b.fail(format!("`{}` needs a tensor", args.template())) };
    for part in parts {
        all = if product { b.mul(all, part)? } else { b.add(all, part)? };
    }
    Ok(all)
}

fn stack(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<Value> {
    let (Arg::Nodes(parts), Arg::Int(axis)) = (args.get("a"), args.get("axis")) else {
        return b.missing(args, "a");
    };
    let Some(&(first, _)) = parts.first() else { return b.fail("`stack` needs a tensor") };
    let dims = b.dims(first);
    let rank = dims.len() + 1;
    let position = if *axis < 0 { axis.saturating_add(rank as i64) } else { *axis };
    let Some(axis) = usize::try_from(position).ok().filter(|&axis| axis < rank) else {
        let message = format!("there is no axis {axis} in the result, which has {rank}");
        return b.shape_error(args.span("axis"), message, &[first], None);
    };
    let batched = parts.iter().any(|&(part, _)| b.ty(part).batched);
    let mut wide = dims.clone();
    wide.insert(axis, 1);
    let mut nodes = Vec::new();
    for &(part, span) in parts {
        let other = b.ty(part);
        if other.dims != dims {
            let message = format!("can't stack {} on {}", other.shape(), shape(&dims));
            return b.shape_error(span, message, &[first, part], None);
        }
        let part = b.resolver.broadcast(part, batched, &dims, b.span)?;
        nodes.push(b.reshape(part, &wide)?);
    }
    match nodes.as_slice() {
        [only] => Ok(Value::Tensor(*only)),
        nodes => b.node(Concat { axis }, nodes).map(Value::Tensor),
    }
}

fn build(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<Value> {
    let (Arg::Nodes(parts), Arg::Int(axis)) = (args.get("a"), args.get("axis")) else {
        return b.missing(args, "a");
    };
    let Some(&(first, _)) = parts.first() else { return b.fail("`concat` needs a tensor") };
    let axis = b.axis(*axis, first, args.span("axis"))?;
    let dims = b.dims(first);
    let mut batched = false;
    for &(part, span) in parts {
        let other = b.ty(part);
        batched |= other.batched;
        let alike = other.dims.len() == dims.len()
            && dims.iter().zip(&other.dims).enumerate().all(|(at, (a, b))| at == axis || a == b);
        if !alike {
            let message = format!("can't put {} behind {} along axis {axis}", other.shape(), shape(&dims));
            return b.shape_error(span, message, &[first, part], None);
        }
    }
    let mut nodes = Vec::new();
    for &(part, _) in parts {
        let dims = b.dims(part);
        nodes.push(b.resolver.broadcast(part, batched, &dims, b.span)?);
    }
    match nodes.as_slice() {
        [only] => Ok(Value::Tensor(*only)),
        nodes => b.node(Concat { axis }, nodes).map(Value::Tensor),
    }
}
