//! Products read a transposed matrix as it is.

use crate::ir::NodeId;
use crate::ops::{BatchMatMul, MatMul, Op};
use crate::passes::rewrite::{At, Rewritten};

/// `x · transpose(w)` reads `w` by its other axis.
pub(super) fn matmul(at: &mut At<'_>) -> Rewritten {
    let Op::MatMul(op) = at.op() else { return Ok(None) };
    let transpose = !op.transpose;
    let (x, w) = at.two()?;
    match last_two_swapped(at, w) {
        Some(w) => at.push(MatMul { transpose }, &[x, w]).map(Some),
        None => Ok(None),
    }
}

/// Each operand is read by its other axis, if its last two are swapped.
pub(super) fn batch_matmul(at: &mut At<'_>) -> Rewritten {
    let Op::BatchMatMul(op) = at.op() else { return Ok(None) };
    let (ta, tb) = (op.ta, op.tb);
    let (a, b) = at.two()?;
    if let Some(a) = last_two_swapped(at, a) {
        return at.push(BatchMatMul { ta: !ta, tb }, &[a, b]).map(Some);
    }
    if let Some(b) = last_two_swapped(at, b) {
        return at.push(BatchMatMul { ta, tb: !tb }, &[a, b]).map(Some);
    }
    Ok(None)
}

/// What `id` is the transpose of, if only its last two axes changed places.
fn last_two_swapped(at: &At<'_>, id: NodeId) -> Option<NodeId> {
    at.under(id, |op| match op {
        Op::Transpose(transpose) => match transpose.perm[..] {
            [ref lead @ .., a, b] => lead.iter().enumerate().all(|(i, &p)| i == p) && a == lead.len() + 1 && b + 1 == a,
            _ => false,
        },
        _ => false,
    })
}
