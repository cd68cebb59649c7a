//! The gradient of a convolution by its image, given that by the result of a max-pool behind it.

use super::elementwise::operands;
use super::{Conv2dInputGrad, Conv2dWeightGrad, Lowering, MaxPool2dGrad, MaxPool2dTake, Rules, check};
use crate::autodiff::Vjp;
use crate::ir::{NodeId, Type};

/// `(g, index, w)`: [`Conv2dInputGrad`] of what [`MaxPool2dGrad`] makes of g and index, and of w. What lies between is
/// mostly zeros and is never stored: only the winners of the pool's windows are gone through.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Conv2dPooledInputGrad {
    /// The gradient of the pool.
    pub spread: MaxPool2dGrad,
    /// The gradient of the convolution, of one group and without dilation.
    pub grad: Conv2dInputGrad,
}

impl Rules for Conv2dPooledInputGrad {
    fn name(&self) -> &'static str {
        "conv2d_pooled_input_grad"
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("conv", check::settings(&self.grad)), ("pool", check::settings(&self.spread))]
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Type, String> {
        let [g, index, w] = operands(self.name(), inputs)?;
        check::sparse(self.name(), &self.grad.conv)?;
        let spread = self.spread.infer(&[g, index])?;
        self.grad.infer(&[&spread, w])
    }

    fn vjp(&self, cx: &mut Vjp<'_>) -> Vec<Option<NodeId>> {
        let (g, index, w, by_image) = (cx.input(0), cx.input(1), cx.input(2), cx.grad());
        let kernel = cx.ty(w).dims;
        let spread = cx.push(self.spread.clone(), &[g, index]);
        let by_spread = cx.push(self.grad.conv.clone(), &[by_image, w]);
        let by_g = cx.push(MaxPool2dTake { pool: self.spread.pool.clone() }, &[by_spread, index]);
        let by_w = Conv2dWeightGrad { conv: self.grad.conv.clone(), kernel: [kernel[0], kernel[1]] };
        vec![Some(by_g), None, Some(cx.push(by_w, &[by_image, spread]))]
    }

    #[cfg(feature = "eval")]
    fn eval(&self, cx: &crate::eval::Context<'_>, inputs: &[&crate::eval::Array]) -> crate::eval::Array {
        let spread = self.spread.eval(cx, &inputs[..2]);
        self.grad.eval(cx, &[&spread, inputs[2]])
    }

    fn lowering(&self) -> Lowering {
        Lowering::Product
    }

    /// As if every window had a winner with a gradient.
    fn flops(&self, inputs: &[&Type], _: &Type) -> u64 {
        let [Some(g), Some(w)] = [0, 2].map(|position| inputs.get(position)) else { return 0 };
        check::count([2, g.elements(), w.dims.iter().take(3).product()])
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::testing::{Case, Gradient, Values, batched, fixed};
    use super::*;
    use crate::ir::DType;
    use crate::ops::{Conv2d, MaxPool2d, Op};

    pub(in crate::ops) fn conv() -> Conv2d {
        Conv2d { stride: [1, 1], pad: [[0, 1], [1, 0]], dilation: [1, 1], groups: 1 }
    }

    pub(in crate::ops) fn pool() -> MaxPool2d {
        MaxPool2d { size: [2, 2], stride: [2, 2], pad: [[0, 0], [0, 0]] }
    }

    /// A convolution of a 5 × 4 image of 2 channels by 3 filters, pooled to 2 × 2: image, gradient, winners, kernel.
    pub(in crate::ops) fn case<const N: usize>(
        make: impl Fn(Conv2d, MaxPool2d, [usize; 2], [Type; 4]) -> (Op, [(Type, Values); N]),
    ) -> Gradient {
        let output = conv().output([5, 4], [3, 2]).expect("it fits");
        let g = batched([2, 2, 3]);
        let types = [batched([5, 4, 2]), g.clone(), g.with_dtype(DType::U8), fixed([3, 2, 2, 3])];
        let (op, operands) = make(conv(), pool(), output, types);
        Gradient::Checked(vec![Case::new(op, operands)])
    }

    pub(in crate::ops) fn gradient() -> Gradient {
        case(|conv, pool, [height, width], [_, g, index, w]| {
            let op = Conv2dPooledInputGrad {
                spread: MaxPool2dGrad { pool, input: [height, width] },
                grad: Conv2dInputGrad { conv, input: [5, 4] },
            };
            (op.into(), [(g, Values::Real), (index, Values::Index(4)), (w, Values::Real)])
        })
    }

    #[test]
    fn gradients() {
        gradient().check();
    }

    #[test]
    fn dilation_is_refused() {
        let op = Conv2dPooledInputGrad {
            spread: MaxPool2dGrad { pool: pool(), input: [4, 4] },
            grad: Conv2dInputGrad { conv: Conv2d { dilation: [2, 1], ..conv() }, input: [5, 4] },
        };
        let ty = batched([2, 2, 2]);
        assert!(op.infer(&[&ty, &ty, &ty]).unwrap_err().contains("no dilation"));
        assert!(op.infer(&[&ty]).is_err());
    }
}
