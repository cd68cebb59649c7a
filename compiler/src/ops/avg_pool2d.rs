//! Mean over windows of an image.

use super::elementwise::operands;
use super::{AvgPool2dGrad, Lowering, Rules, check, window};
use crate::autodiff::Vjp;
use crate::ir::{NodeId, Type};

/// `(x)`: x `[H, W, C]` gives `[OH, OW, C]`, in each channel the mean of each window, as Keras's
/// `AveragePooling2D`: padding doesn't count, neither in the sum nor in the divisor. Axes in front
/// count images.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AvgPool2d {
    /// Height and width of a window.
    pub size: [usize; 2],
    /// From one window to the next, vertically and horizontally.
    pub stride: [usize; 2],
    /// Cells in front and behind, of each axis.
    pub pad: [[usize; 2]; 2],
}

impl AvgPool2d {
    /// Height and width of the result.
    ///
    /// # Errors
    /// If a window doesn't fit or lies in padding only.
    pub fn output(&self, image: [usize; 2]) -> Result<[usize; 2], String> {
        window::pool_output("avg_pool2d", window::pool_axes(image, self.size, self.stride, self.pad))
    }

    /// The settings, as printed.
    pub(super) fn settings(&self) -> Vec<(&'static str, String)> {
        vec![
            ("size", format!("{:?}", self.size)),
            ("stride", format!("{:?}", self.stride)),
            ("pad", format!("{:?}", self.pad)),
        ]
    }

    /// The definition: every element that is averaged as its flat places in result and images, with its weight.
    #[cfg(feature = "eval")]
    pub(super) fn weights(
        &self,
        rows: usize,
        [height, width, channels]: [usize; 3],
        mut weight: impl FnMut(usize, usize, f64),
    ) {
        let [vertical, horizontal] = window::pool_axes([height, width], self.size, self.stride, self.pad);
        let [oh, ow] = self.output([height, width]).unwrap_or_default();
        for row in 0..rows {
            for (oy, ox) in (0..oh).flat_map(|oy| (0..ow).map(move |ox| (oy, ox))) {
                let count = vertical.cells(oy).count() * horizontal.cells(ox).count();
                for (y, x) in vertical.cells(oy).flat_map(|(_, y)| horizontal.cells(ox).map(move |(_, x)| (y, x))) {
                    for channel in 0..channels {
                        let result = ((row * oh + oy) * ow + ox) * channels + channel;
                        let image = ((row * height + y) * width + x) * channels + channel;
                        weight(result, image, 1.0 / count as f64);
                    }
                }
            }
        }
    }
}

impl Rules for AvgPool2d {
    fn name(&self) -> &'static str {
        "avg_pool2d"
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        self.settings()
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Type, String> {
        check::floats("avg_pool2d", inputs)?;
        let [x] = operands("avg_pool2d", inputs)?;
        let [height, width, channels] = check::image("the image of `avg_pool2d`", x)?;
        let [oh, ow] = self.output([height, width])?;
        Ok(check::with_image(x, [oh, ow, channels]))
    }

    fn vjp(&self, cx: &mut Vjp<'_>) -> Vec<Option<NodeId>> {
        let input = check::plane(&cx.ty(cx.input(0)).dims);
        let by_x = AvgPool2dGrad { pool: self.clone(), input };
        vec![Some(cx.push(by_x, &[cx.grad()]))]
    }

    #[cfg(feature = "eval")]
    fn eval(&self, _: &crate::eval::Context<'_>, inputs: &[&crate::eval::Array]) -> crate::eval::Array {
        let (rows, [height, width, channels]) = check::rows_and_image(inputs[0].shape());
        let [oh, ow] = self.output([height, width]).unwrap_or_default();
        let x = check::flat(inputs[0]);
        let mut y = vec![0.0; rows * oh * ow * channels];
        self.weights(rows, [height, width, channels], |result, image, weight| y[result] += weight * x[image]);
        check::like_image(inputs[0].shape(), [oh, ow, channels], y)
    }

    fn lowering(&self) -> Lowering {
        Lowering::Whole
    }

    fn flops(&self, _: &[&Type], output: &Type) -> u64 {
        check::count([output.elements(), self.size[0], self.size[1]])
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::max_pool2d::tests::grid;
    use super::super::testing::{Case, Gradient, batched, eval, fixed};
    use super::super::{MaxPool2d, Op};
    use super::*;
    use crate::ir::DType;

    pub(in crate::ops) fn pool(size: [usize; 2], stride: [usize; 2], pad: [[usize; 2]; 2]) -> AvgPool2d {
        AvgPool2d { size, stride, pad }
    }

    /// For each pool and image that it fits, the case that they make.
    pub(in crate::ops) fn cases(op: impl Fn(AvgPool2d, [usize; 3]) -> (Op, [usize; 3])) -> Gradient {
        let cases = grid().into_iter().flat_map(|(MaxPool2d { size, stride, pad }, image)| {
            let (op, operand) = op(pool(size, stride, pad), image);
            let [height, width, channels] = operand;
            [batched(operand), fixed(operand), batched([2, height, width, channels])].map(|ty| Case::real(op.clone(), [ty]))
        });
        Gradient::Checked(cases.collect())
    }

    pub(in crate::ops) fn gradient() -> Gradient {
        cases(|pool, image| (pool.into(), image))
    }

    #[test]
    fn gradients() {
        gradient().check();
    }

    #[test]
    fn shapes() {
        let plain = pool([2, 2], [2, 2], [[0, 0], [0, 0]]);
        let infer = |pool: &AvgPool2d, x: Type| pool.infer(&[&x]);
        assert_eq!(infer(&plain, batched([28, 27, 3])), Ok(batched([14, 13, 3])));
        assert_eq!(
            infer(&plain, batched([7, 7])).unwrap_err(),
            "the image of `avg_pool2d` is [height, width, channels], found [7, 7]"
        );
        assert_eq!(
            infer(&plain, batched([8, 1, 3])).unwrap_err(),
            "`avg_pool2d`: a window of 2 does not fit the width, which is 1"
        );
        let padded = pool([2, 2], [2, 2], [[0, 2], [0, 0]]);
        assert!(infer(&padded, batched([8, 8, 3])).unwrap_err().contains("high padding 2 along the height"));
        assert!(infer(&plain, Type::fixed(DType::U32, [4, 4, 1])).is_err());
        assert!(plain.infer(&[]).is_err());
    }

    #[test]
    fn values() {
        let x = (fixed([3, 3, 1]), (1..10).map(f64::from).collect());
        let y = eval(pool([2, 2], [2, 2], [[0, 1], [0, 1]]), 1, &[x]);
        // The last column averages 2 cells, the corner 1.
        assert_eq!(y, check::array(&[2, 2, 1], vec![3.0, 4.5, 7.5, 9.0]));
    }
}
