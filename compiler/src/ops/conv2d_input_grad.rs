//! The gradient of a convolution by its image.

use super::conv2d::kernel_axes;
use super::elementwise::operands;
use super::{Conv2d, Conv2dWeightGrad, Lowering, Rules, check};
use crate::autodiff::Vjp;
use crate::ir::{NodeId, Type};

/// `(g, w)`: from the gradient g `[OH, OW, F]` by the result and the kernel w `[kh, kw, C / groups, F]` the gradient
/// `[H, W, C]` by the image. [`Conv2d`] is linear in the image; this is its transpose (Dumoulin and Visin, A guide
/// to convolution arithmetic for deep learning, 2016, chapter 4), so it serves as transposed convolution too. Axes
/// in front count images.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Conv2dInputGrad {
    /// The convolution.
    pub conv: Conv2d,
    /// Height and width of the image: with strides several sizes give the same result.
    pub input: [usize; 2],
}

impl Rules for Conv2dInputGrad {
    fn name(&self) -> &'static str {
        "conv2d_input_grad"
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        let mut settings = self.conv.settings();
        settings.push(("input", format!("{:?}", self.input)));
        settings
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Type, String> {
        check::floats("conv2d_input_grad", inputs)?;
        let [g, w] = operands("conv2d_input_grad", inputs)?;
        let [gh, gw, filters] = check::image("the gradient of `conv2d`", g)?;
        let [kh, kw, group_channels, kernel_filters] = kernel_axes(w)?;
        let Some(channels) = group_channels.checked_mul(self.conv.groups) else {
            return Err(format!("`conv2d`: {} groups of {group_channels} channels are too many", self.conv.groups));
        };
        self.conv.group_channels(channels, kernel_filters)?;
        let [oh, ow] = self.conv.output(self.input, [kh, kw])?;
        if [gh, gw, filters] != [oh, ow, kernel_filters] {
            let expected = check::with_image(g, [oh, ow, kernel_filters]).shape();
            return Err(format!("the gradient of `conv2d` has the shape of its result {expected}, found {}", g.shape()));
        }
        Ok(check::with_image(g, [self.input[0], self.input[1], channels]))
    }

    fn vjp(&self, cx: &mut Vjp<'_>) -> Vec<Option<NodeId>> {
        let (g, w, by_image) = (cx.input(0), cx.input(1), cx.grad());
        let kernel = cx.ty(w).clone().dims;
        let by_w = Conv2dWeightGrad { conv: self.conv.clone(), kernel: [kernel[0], kernel[1]] };
        vec![Some(cx.push(self.conv.clone(), &[by_image, w])), Some(cx.push(by_w, &[by_image, g]))]
    }

    #[cfg(feature = "eval")]
    fn eval(&self, _: &crate::eval::Context<'_>, inputs: &[&crate::eval::Array]) -> crate::eval::Array {
        let (rows, _) = check::rows_and_image(inputs[0].shape());
        let kernel = inputs[1].shape();
        let image = [self.input[0], self.input[1], kernel[2] * self.conv.groups];
        let (g, w) = (check::flat(inputs[0]), check::flat(inputs[1]));
        let mut by_image = vec![0.0; rows * image.iter().product::<usize>()];
        self.conv.products(rows, image, [kernel[0], kernel[1], kernel[3]], |result, image, kernel| {
            by_image[image] += g[result] * w[kernel];
        });
        check::like_image(inputs[0].shape(), image, by_image)
    }

    fn lowering(&self) -> Lowering {
        Lowering::Product
    }

    fn flops(&self, inputs: &[&Type], _: &Type) -> u64 {
        let [Some(g), Some(w)] = [0, 1].map(|position| inputs.get(position)) else { return 0 };
        check::count([2, g.elements(), w.dims.iter().take(3).product()])
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::conv2d::tests::cases;
    use super::super::testing::{Gradient, eval, fixed};
    use super::*;
    use crate::ir::DType::F32;

    pub(in crate::ops) fn gradient() -> Gradient {
        cases(|(conv, [height, width, _], _), [_, w, g]| {
            (Conv2dInputGrad { conv, input: [height, width] }.into(), [g, w])
        })
    }

    #[test]
    fn gradients() {
        gradient().check();
    }

    #[test]
    fn values() {
        let conv = Conv2d { stride: [2, 1], pad: [[1, 0], [0, 0]], dilation: [1, 1], groups: 1 };
        let g = (fixed([2, 1, 1]), vec![1.0, 2.0]);
        let w = (fixed([2, 2, 1, 1]), vec![1.0, 10.0, 100.0, 1000.0]);
        let y = eval(Conv2dInputGrad { conv, input: [3, 2] }, 1, &[g, w]);
        assert_eq!(y, check::array(&[3, 2, 1], vec![100.0, 1000.0, 2.0, 20.0, 200.0, 2000.0]));
    }

    fn infer(input: [usize; 2], groups: usize, g: &[usize], w: &[usize]) -> Result<Vec<usize>, String> {
        let conv = Conv2d { stride: [2, 2], pad: [[0, 0], [0, 0]], dilation: [1, 1], groups };
        let op = Conv2dInputGrad { conv, input };
        op.infer(&[&Type::batched(F32, g), &Type::fixed(F32, w)]).map(|ty| ty.dims)
    }

    #[test]
    fn shapes() {
        assert_eq!(infer([7, 8], 2, &[3, 3, 4], &[3, 3, 1, 4]), Ok(vec![7, 8, 2]));
        assert_eq!(
            infer([9, 8], 1, &[3, 3, 4], &[3, 3, 1, 4]).unwrap_err(),
            "the gradient of `conv2d` has the shape of its result [4, 3, 4], found [3, 3, 4]"
        );
        assert!(infer([7, 8], 2, &[3, 3, 3], &[3, 3, 1, 3]).unwrap_err().contains("3 filters"));
        assert!(infer([7, 8], 2, &[3, 3], &[3, 3, 1, 3]).unwrap_err().contains("found [3, 3]"));
        assert!(infer([7, 8], 3, &[3, 3, 3], &[3, 3, usize::MAX, 3]).unwrap_err().contains("too many"));
        assert!(infer([7, 8], 0, &[3, 3, 3], &[3, 3, 1, 3]).unwrap_err().contains("at least 1"));
    }
}
