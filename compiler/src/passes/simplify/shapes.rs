//! Chains of shape changes become one, and those that change nothing go.

use crate::ir::{NodeId, Type};
use crate::ops::{Broadcast, Op, Pad, Reshape, Slice, Transpose};
use crate::passes::rewrite::{At, Rewritten};

pub(super) fn broadcast(at: &mut At<'_>) -> Rewritten {
    let x = at.one()?;
    if at.graph.ty(x) == at.ty() {
        return Ok(Some(x));
    }
    let Op::Broadcast(op) = at.op() else { return Ok(None) };
    let op = op.clone();
    if let Some(inner) = at.under(x, |op| matches!(op, Op::Broadcast(_))) {
        return at.push(op, &[inner]).map(Some);
    }
    // Axes of one element in front are what broadcasting adds by itself.
    if let Some(inner) = at.under(x, |op| matches!(op, Op::Reshape(_)))
        && without_leading_ones(at.graph.ty(inner)) == without_leading_ones(at.graph.ty(x))
        && at.graph.ty(inner).dims.len() <= op.dims.len()
    {
        return at.push(op, &[inner]).map(Some);
    }
    Ok(None)
}

pub(super) fn reshape(at: &mut At<'_>) -> Rewritten {
    let x = at.one()?;
    if at.graph.ty(x) == at.ty() {
        return Ok(Some(x));
    }
    if let Some(inner) = at.under(x, |op| matches!(op, Op::Reshape(_))) {
        let dims = at.ty().dims.clone();
        return at.push(Reshape { dims }, &[inner]).map(Some);
    }
    spread_again(at, x)
}

pub(super) fn transpose(at: &mut At<'_>) -> Rewritten {
    let Op::Transpose(op) = at.op() else { return Ok(None) };
    let perm = op.perm.clone();
    let x = at.one()?;
    if let Op::Transpose(first) = at.graph.op(x) {
        let composed: Vec<usize> = perm.iter().map(|&axis| first.perm[axis]).collect();
        let inner = at.graph.input(x, 0);
        return at.push(Transpose { perm: composed }, &[inner]).map(Some);
    }
    // If the axes of more than one element keep their order, so do the bytes.
    let dims = &at.graph.ty(x).dims;
    if perm.iter().filter(|&&axis| dims[axis] != 1).is_sorted() {
        let dims = at.ty().dims.clone();
        return at.push(Reshape { dims }, &[x]).map(Some);
    }
    spread_again(at, x)
}

pub(super) fn slice(at: &mut At<'_>) -> Rewritten {
    let Op::Slice(op) = at.op() else { return Ok(None) };
    let x = at.one()?;
    if at.graph.ty(x) == at.ty() {
        return Ok(Some(x));
    }
    if let Op::Slice(first) = at.graph.op(x) {
        let axes = first.starts.len();
        let starts: Vec<usize> = (0..axes).map(|i| first.starts[i] + op.starts[i] * first.steps[i]).collect();
        let steps: Vec<usize> = (0..axes).map(|i| first.steps[i] * op.steps[i]).collect();
        let ends = (0..axes).map(|i| starts[i] + (at.ty().dims[i] - 1) * steps[i] + 1).collect();
        let inner = at.graph.input(x, 0);
        return at.push(Slice { starts, ends, steps }, &[inner]).map(Some);
    }
    spread_again(at, x)
}

pub(super) fn pad(at: &mut At<'_>) -> Rewritten {
    let Op::Pad(op) = at.op() else { return Ok(None) };
    let Pad { low, high, interior } = op.clone();
    let x = at.one()?;
    if at.graph.ty(x) == at.ty() {
        return Ok(Some(x));
    }
    // Zeros between the elements would part the inner pad's, too.
    if let Op::Pad(first) = at.graph.op(x)
        && interior.iter().all(|&cells| cells == 0)
    {
        let sum = |a: &[usize], b: &[usize]| a.iter().zip(b).map(|(a, b)| a + b).collect();
        let (low, high) = (sum(&low, &first.low), sum(&high, &first.high));
        let both = Pad { low, high, interior: first.interior.clone() };
        let inner = at.graph.input(x, 0);
        return at.push(both, &[inner]).map(Some);
    }
    Ok(None)
}

pub(super) fn concat(at: &mut At<'_>) -> Rewritten {
    Ok(match at.inputs() {
        &[x] => Some(x),
        _ => None,
    })
}

/// A scalar that was broadcast stays the same whatever its elements' places: it is broadcast to the new shape.
fn spread_again(at: &mut At<'_>, x: NodeId) -> Rewritten {
    match at.under(x, |op| matches!(op, Op::Broadcast(_))) {
        Some(scalar) if at.graph.ty(scalar).is_scalar() => {
            let Type { batched, dims, .. } = at.ty().clone();
            at.push(Broadcast { batched, dims }, &[scalar]).map(Some)
        }
        _ => Ok(None),
    }
}

fn without_leading_ones(ty: &Type) -> (bool, &[usize]) {
    let first = ty.dims.iter().position(|&dim| dim != 1).unwrap_or(ty.dims.len());
    (ty.batched, &ty.dims[first..])
}
