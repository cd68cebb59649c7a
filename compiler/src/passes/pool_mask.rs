//! Takes the gradient of a ReLU under a max-pool before it is spread over the image: where the winner of a window is
//! positive is known from the pool's result. The mask is then as small as the result, and the image itself need not be
//! kept for the backward pass.

use super::rewrite::{At, Rewritten, walk};
use crate::ir::{Graph, NodeId};
use crate::ops::{Compare, CompareKind, MaxPool2dIndex, Op, Select};

/// `select(x > 0, spread(g, index(x)), 0)` as `spread(select(pool(x) > 0, g, 0), index(x))`: a gradient lands on the
/// winner of its window only, whose value is the pool's result.
///
/// # Errors
/// If an operand is missing.
pub fn pool_mask(graph: &mut Graph) -> Result<bool, String> {
    walk(graph, rule)
}

fn rule(at: &mut At<'_>) -> Rewritten {
    if !matches!(at.op(), Op::Select(_)) {
        return Ok(None);
    }
    let (mask, spread, zero) = at.three()?;
    let (Some(0.0), Some(x), Op::MaxPool2dGrad(grad)) =
        (at.constant(zero), positive(at, mask), at.graph.op(spread).clone())
    else {
        return Ok(None);
    };
    let [gradient, index] = at.graph.inputs(spread)[..] else { return Ok(None) };
    let chosen = |graph: &Graph| match graph.op(index) {
        Op::MaxPool2dIndex(MaxPool2dIndex { pool }) => *pool == grad.pool && graph.inputs(index) == [x],
        _ => false,
    };
    if !chosen(at.graph) {
        return Ok(None);
    }
    let winner = at.push_part(grad.pool.clone(), &[x])?;
    let ty = at.graph.ty(winner).clone();
    let zeros = at.splat(0.0, &ty)?;
    let positive = at.push_part(Compare { kind: CompareKind::Gt }, &[winner, zeros])?;
    let kept = at.push_part(Select, &[positive, gradient, zeros])?;
    at.push(grad, &[kept, index]).map(Some)
}

/// `x`, if `mask` is `x > 0`.
fn positive(at: &At<'_>, mask: NodeId) -> Option<NodeId> {
    let compare = match at.graph.op(mask) {
        Op::Compare(compare) => compare.kind,
        _ => return None,
    };
    match at.graph.inputs(mask)[..] {
        [x, zero] if compare == CompareKind::Gt && at.constant(zero) == Some(0.0) => Some(x),
        [zero, x] if compare == CompareKind::Lt && at.constant(zero) == Some(0.0) => Some(x),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Build;
    use super::*;
    use crate::ops::{MaxPool2d, MaxPool2dGrad, Relu};

    #[test]
    fn the_mask_is_taken_where_it_is_small() {
        let pool = MaxPool2d { size: [2, 2], stride: [2, 2], pad: [[0, 0]; 2] };
        let mut build = Build::default();
        let image = build.input(&[4, 4, 3]);
        let gradient = build.input(&[2, 2, 3]);
        let relu = build.op(Relu, &[image]);
        let index = build.op(MaxPool2dIndex { pool: pool.clone() }, &[relu]);
        let spread = build.op(MaxPool2dGrad { pool, input: [4, 4] }, &[gradient, index]);
        let zeros = build.splat(0.0, spread);
        let mask = build.op(Compare { kind: CompareKind::Gt }, &[relu, zeros]);
        let kept = build.op(Select, &[mask, spread, zeros]);
        build.output(kept);
        let text = build.after(pool_mask);
        let last: Vec<&str> = text.lines().rev().take(2).collect();
        assert!(last[1].contains("max_pool2d_grad") && text.contains("select"), "{text}");
        assert!(
            text.lines().filter(|line| line.contains("select")).all(|line| line.contains("[B, 2, 2, 3]")),
            "{text}"
        );
    }
}
