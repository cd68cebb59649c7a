//! The gradient of a convolution by its kernel, given that by the result of a max-pool behind it.

use super::elementwise::operands;
use super::{Conv2dInputGrad, Conv2dWeightGrad, Lowering, MaxPool2dGrad, MaxPool2dTake, Rules, check};
use crate::autodiff::Vjp;
use crate::ir::{NodeId, Type};

/// `(x, g, index)`: [`Conv2dWeightGrad`] of x and of what [`MaxPool2dGrad`] makes of g and index, which is mostly
/// zeros and is never stored: only the winners of the pool's windows are gone through.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Conv2dPooledWeightGrad {
    /// The gradient of the pool.
    pub spread: MaxPool2dGrad,
    /// The gradient of the convolution, of one group and without dilation.
    pub grad: Conv2dWeightGrad,
}

impl Rules for Conv2dPooledWeightGrad {
    fn name(&self) -> &'static str {
        "conv2d_pooled_weight_grad"
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("conv", check::settings(&self.grad)), ("pool", check::settings(&self.spread))]
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Type, String> {
        let [x, g, index] = operands(self.name(), inputs)?;
        check::sparse(self.name(), &self.grad.conv)?;
        let spread = self.spread.infer(&[g, index])?;
        self.grad.infer(&[x, &spread])
    }

    fn vjp(&self, cx: &mut Vjp<'_>) -> Vec<Option<NodeId>> {
        let (x, g, index, by_kernel) = (cx.input(0), cx.input(1), cx.input(2), cx.grad());
        let input = check::plane(&cx.ty(x).dims);
        let spread = cx.push(self.spread.clone(), &[g, index]);
        let by_x = cx.push(Conv2dInputGrad { conv: self.grad.conv.clone(), input }, &[spread, by_kernel]);
        let by_spread = cx.push(self.grad.conv.clone(), &[x, by_kernel]);
        let by_g = cx.push(MaxPool2dTake { pool: self.spread.pool.clone() }, &[by_spread, index]);
        vec![Some(by_x), Some(by_g), None]
    }

    #[cfg(feature = "eval")]
    fn eval(&self, cx: &crate::eval::Context<'_>, inputs: &[&crate::eval::Array]) -> crate::eval::Array {
        let spread = self.spread.eval(cx, &inputs[1..]);
        self.grad.eval(cx, &[inputs[0], &spread])
    }

    fn lowering(&self) -> Lowering {
        Lowering::Product
    }

    /// As if every window had a winner with a gradient.
    fn flops(&self, inputs: &[&Type], output: &Type) -> u64 {
        let windows = inputs.get(1).map_or(0, |g| g.elements());
        check::count([2, windows, output.dims.iter().take(3).product()])
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::conv2d_pooled_input_grad::tests::{case, conv, pool};
    use super::super::testing::{Gradient, Values};
    use super::*;

    pub(in crate::ops) fn gradient() -> Gradient {
        case(|conv, pool, [height, width], [x, g, index, w]| {
            let kernel = [w.dims[0], w.dims[1]];
            let op = Conv2dPooledWeightGrad {
                spread: MaxPool2dGrad { pool, input: [height, width] },
                grad: Conv2dWeightGrad { conv, kernel },
            };
            (op.into(), [(x, Values::Real), (g, Values::Real), (index, Values::Index(4))])
        })
    }

    #[test]
    fn gradients() {
        gradient().check();
    }

    #[test]
    fn groups_are_refused() {
        let op = Conv2dPooledWeightGrad {
            spread: MaxPool2dGrad { pool: pool(), input: [4, 4] },
            grad: Conv2dWeightGrad { conv: crate::ops::Conv2d { groups: 2, ..conv() }, kernel: [1, 1] },
        };
        let ty = super::super::testing::batched([4, 4, 2]);
        assert!(op.infer(&[&ty, &ty, &ty]).unwrap_err().contains("one group"));
        assert!(op.infer(&[&ty]).is_err());
    }
}
