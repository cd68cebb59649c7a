//! Takes the gradient of a convolution under a max-pool from the winners of the windows. The image that their
//! gradients would be spread over is mostly zeros; it is neither stored nor multiplied.

use super::rewrite::{At, Rewritten, walk};
use crate::ir::{Graph, NodeId};
use crate::ops::{Conv2d, Conv2dPooledInputGrad, Conv2dPooledWeightGrad, MaxPool2dGrad, Op, Reduce, ReduceKind};

/// Cells of the image for each window from which on the winners are few.
const SPARSE: usize = 2;

/// Gradients of convolutions by kernel and image, and sums over the whole image, of what a max-pool's gradient has
/// spread.
///
/// # Errors
/// If an operand is missing.
pub fn pool_gradient(graph: &mut Graph) -> Result<bool, String> {
    walk(graph, rule)
}

fn rule(at: &mut At<'_>) -> Rewritten {
    match at.op().clone() {
        Op::Conv2dWeightGrad(grad) => {
            let (x, g) = at.two()?;
            let Some((spread, [g, index])) = spread(at, g).filter(|_| takes(&grad.conv)) else { return Ok(None) };
            at.push(Conv2dPooledWeightGrad { spread, grad }, &[x, g, index]).map(Some)
        }
        Op::Conv2dInputGrad(grad) => {
            let (g, w) = at.two()?;
            let Some((spread, [g, index])) = spread(at, g).filter(|_| takes(&grad.conv)) else { return Ok(None) };
            at.push(Conv2dPooledInputGrad { spread, grad }, &[g, index, w]).map(Some)
        }
        Op::Reduce(reduce) => sum(at, &reduce),
        _ => Ok(None),
    }
}

/// Wherever the gradients go to in the image, their sum is the same.
fn sum(at: &mut At<'_>, reduce: &Reduce) -> Rewritten {
    let image = at.one()?;
    let rank = at.graph.ty(image).dims.len();
    let whole = rank >= 3 && [rank - 3, rank - 2].iter().all(|axis| reduce.axes.contains(axis));
    match spread(at, image) {
        Some((_, [g, _])) if whole && reduce.kind == ReduceKind::Sum => at.push(reduce.clone(), &[g]).map(Some),
        _ => Ok(None),
    }
}

fn takes(conv: &Conv2d) -> bool {
    conv.groups == 1 && conv.dilation == [1, 1]
}

/// The gradient of a max-pool that makes `image`, and its operands.
fn spread(at: &At<'_>, image: NodeId) -> Option<(MaxPool2dGrad, [NodeId; 2])> {
    let Op::MaxPool2dGrad(spread) = at.graph.op(image) else { return None };
    let [g, index] = at.graph.inputs(image)[..] else { return None };
    let sparse = at.graph.ty(image).elements() >= at.graph.ty(g).elements().saturating_mul(SPARSE);
    sparse.then(|| (spread.clone(), [g, index]))
}

#[cfg(test)]
mod tests {
    use super::super::testing::Build;
    use super::*;
    use crate::ir::{DType, Type};
    use crate::ops::{Conv2dInputGrad, Conv2dWeightGrad, MaxPool2d, MaxPool2dIndex};

    fn build(groups: usize, stride: usize) -> Build {
        let conv = Conv2d { stride: [1, 1], pad: [[0, 0]; 2], dilation: [1, 1], groups };
        let pool = MaxPool2d { size: [2, 2], stride: [stride, stride], pad: [[0, 0]; 2] };
        let mut build = Build::default();
        let x = build.input(&[5, 5, 2]);
        let y = build.input(&[4, 4, 2]);
        let [oh, ow] = pool.output([4, 4]).unwrap();
        let g = build.input(&[oh, ow, 2]);
        let w = build.param(&[2, 2, 2 / groups, 2]);
        let index = build.op(MaxPool2dIndex { pool: pool.clone() }, &[y]);
        assert_eq!(build.graph.ty(index), &Type::batched(DType::U8, [oh, ow, 2]));
        let spread = build.op(MaxPool2dGrad { pool, input: [4, 4] }, &[g, index]);
        let by_w = build.op(Conv2dWeightGrad { conv: conv.clone(), kernel: [2, 2] }, &[x, spread]);
        let by_x = build.op(Conv2dInputGrad { conv, input: [5, 5] }, &[spread, w]);
        let bias = build.op(Reduce { kind: ReduceKind::Sum, axes: vec![0, 1], batch: true }, &[spread]);
        let columns = build.op(Reduce { kind: ReduceKind::Sum, axes: vec![1], batch: true }, &[spread]);
        for node in [by_w, by_x, bias, columns] {
            build.output(node);
        }
        build
    }

    fn names(build: &mut Build) -> Vec<&'static str> {
        pool_gradient(&mut build.graph).unwrap();
        build.graph.roots.iter().map(|root| build.graph.op(root.node).rules().name()).collect()
    }

    #[test]
    fn gradients_come_from_the_winners() {
        let mut build = build(1, 2);
        assert_eq!(names(&mut build), ["conv2d_pooled_weight_grad", "conv2d_pooled_input_grad", "reduce", "reduce"]);
        let operand = |root: usize| build.graph.input(build.graph.roots[root].node, 0);
        assert_eq!(build.graph.op(operand(2)).rules().name(), "input");
        assert_eq!(build.graph.op(operand(3)).rules().name(), "max_pool2d_grad");
    }

    #[test]
    fn groups_and_dense_windows_stay() {
        let dense = ["conv2d_weight_grad", "conv2d_input_grad", "reduce", "reduce"];
        assert_eq!(names(&mut build(2, 2)), dense);
        assert_eq!(names(&mut build(1, 1)), dense);
    }
}
