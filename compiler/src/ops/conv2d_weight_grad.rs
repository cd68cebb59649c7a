//! The gradient of a convolution by its kernel.

use super::elementwise::operands;
use super::{Conv2d, Conv2dInputGrad, Lowering, Rules, check};
use crate::autodiff::Vjp;
use crate::ir::{NodeId, Type};

/// `(x, g)`: from the image x `[H, W, C]` and the gradient g `[OH, OW, F]` by the result the gradient
/// `[kh, kw, C / groups, F]` by the kernel of [`Conv2d`], summed over the rows of the batch
/// and over axes in front of the images.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Conv2dWeightGrad {
    /// The convolution.
    pub conv: Conv2d,
    /// Height and width of the kernel.
    pub kernel: [usize; 2],
}

impl Rules for Conv2dWeightGrad {
    fn name(&self) -> &'static str {
        "conv2d_weight_grad"
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        let mut settings = self.conv.settings();
        settings.push(("kernel", format!("{:?}", self.kernel)));
        settings
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Type, String> {
        check::floats("conv2d_weight_grad", inputs)?;
        let [x, g] = operands("conv2d_weight_grad", inputs)?;
        let [height, width, channels] = check::image("the image of `conv2d`", x)?;
        let [gh, gw, filters] = check::image("the gradient of `conv2d`", g)?;
        let group_channels = self.conv.group_channels(channels, filters)?;
        let [oh, ow] = self.conv.output([height, width], self.kernel)?;
        let expected = check::with_image(x, [oh, ow, filters]);
        if [gh, gw] != [oh, ow] || g.dims != expected.dims {
            let expected = g.with_dims(expected.dims).shape();
            return Err(format!("the gradient of `conv2d` has the shape of its result {expected}, found {}", g.shape()));
        }
        check::same_batching("conv2d_weight_grad", x, g)?;
        Ok(Type::fixed(x.dtype, [self.kernel[0], self.kernel[1], group_channels, filters]))
    }

    fn vjp(&self, cx: &mut Vjp<'_>) -> Vec<Option<NodeId>> {
        let (x, g, by_kernel) = (cx.input(0), cx.input(1), cx.grad());
        let by_x = Conv2dInputGrad { conv: self.conv.clone(), input: check::plane(&cx.ty(x).dims) };
        vec![Some(cx.push(by_x, &[g, by_kernel])), Some(cx.push(self.conv.clone(), &[x, by_kernel]))]
    }

    #[cfg(feature = "eval")]
    fn eval(&self, _: &crate::eval::Context<'_>, inputs: &[&crate::eval::Array]) -> crate::eval::Array {
        let (rows, image) = check::rows_and_image(inputs[0].shape());
        let (_, [_, _, filters]) = check::rows_and_image(inputs[1].shape());
        let [kh, kw] = self.kernel;
        let kernel_shape = [kh, kw, image[2] / self.conv.groups, filters];
        let (x, g) = (check::flat(inputs[0]), check::flat(inputs[1]));
        let mut by_kernel = vec![0.0; kernel_shape.iter().product()];
        self.conv.products(rows, image, [kh, kw, filters], |result, image, kernel| {
            by_kernel[kernel] += x[image] * g[result];
        });
        check::array(&kernel_shape, by_kernel)
    }

    fn lowering(&self) -> Lowering {
        Lowering::Product
    }

    fn flops(&self, inputs: &[&Type], output: &Type) -> u64 {
        let result = inputs.get(1).map_or(0, |g| g.elements());
        check::count([2, result, output.dims.iter().take(3).product()])
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::conv2d::tests::cases;
    use super::super::testing::{Gradient, batched, eval};
    use super::*;
    use crate::ir::DType::F32;

    pub(in crate::ops) fn gradient() -> Gradient {
        cases(|(conv, _, [kh, kw, ..]), [x, _, g]| (Conv2dWeightGrad { conv, kernel: [kh, kw] }.into(), [x, g]))
    }

    #[test]
    fn gradients() {
        gradient().check();
    }

    #[test]
    fn values() {
        let conv = Conv2d { stride: [1, 1], pad: [[0, 0], [1, 0]], dilation: [1, 1], groups: 1 };
        // Rows of images 1 2 and 3 4, each with a zero in front.
        let x = (batched([1, 2, 1]), vec![1.0, 2.0, 3.0, 4.0]);
        let g = (batched([1, 2, 1]), vec![1.0, 10.0, 100.0, 1000.0]);
        let y = eval(Conv2dWeightGrad { conv, kernel: [1, 2] }, 2, &[x, g]);
        assert_eq!(y, check::array(&[1, 2, 1, 1], vec![3010.0, 4321.0]));
    }

    #[test]
    fn shapes() {
        let conv = Conv2d { stride: [2, 2], pad: [[0, 0], [0, 0]], dilation: [1, 1], groups: 2 };
        let op = Conv2dWeightGrad { conv, kernel: [3, 2] };
        let infer = |x: &[usize], g: &[usize]| op.infer(&[&Type::batched(F32, x), &Type::batched(F32, g)]);
        assert_eq!(infer(&[7, 8, 4], &[3, 4, 6]), Ok(Type::fixed(F32, [3, 2, 2, 6])));
        assert_eq!(
            infer(&[7, 8, 4], &[4, 4, 6]).unwrap_err(),
            "the gradient of `conv2d` has the shape of its result [3, 4, 6], found [4, 4, 6]"
        );
        assert!(infer(&[7, 8, 3], &[3, 4, 6]).unwrap_err().contains("3 channels"));
        assert!(infer(&[7, 8, 4], &[3, 4, 5]).unwrap_err().contains("5 filters"));
        let unbatched = op.infer(&[&Type::batched(F32, [7, 8, 4]), &Type::fixed(F32, [3, 4, 6])]);
        assert!(unbatched.unwrap_err().contains("and one for the whole batch"));
    }
}
