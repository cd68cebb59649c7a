//! Maximum over windows of an image.

use super::elementwise::operands;
use super::{Lowering, MaxPool2dGrad, MaxPool2dIndex, Rules, check, window};
use crate::autodiff::Vjp;
use crate::ir::{NodeId, Type};

/// The most cells of a window: the winner's place is a byte.
const MAX_CELLS: usize = 256;

/// `(x)`: x `[H, W, C]` gives `[OH, OW, C]`, in each channel the largest element of each window, as Keras's
/// `MaxPooling2D`; axes in front count images. Padding never wins. Among equals the first, row by row, takes the gradient (as in PyTorch).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MaxPool2d {
    /// Height and width of a window.
    pub size: [usize; 2],
    /// From one window to the next, vertically and horizontally.
    pub stride: [usize; 2],
    /// Cells in front and behind, of each axis.
    pub pad: [[usize; 2]; 2],
}

impl MaxPool2d {
    /// Height and width of the result.
    ///
    /// # Errors
    /// If a window doesn't fit, lies in padding only, or is too large.
    pub fn output(&self, image: [usize; 2]) -> Result<[usize; 2], String> {
        let [height, width] = self.size;
        if height.checked_mul(width).is_none_or(|cells| cells > MAX_CELLS) {
            return Err(format!("`max_pool2d`: a window of {height}×{width} is more than {MAX_CELLS} cells"));
        }
        window::pool_output("max_pool2d", window::pool_axes(image, self.size, self.stride, self.pad))
    }

    /// The settings, as printed.
    pub(super) fn settings(&self) -> Vec<(&'static str, String)> {
        vec![
            ("size", format!("{:?}", self.size)),
            ("stride", format!("{:?}", self.stride)),
            ("pad", format!("{:?}", self.pad)),
        ]
    }

    /// The definition: for each element of the result, flat, the place of the winner in its window and in the images.
    #[cfg(feature = "eval")]
    pub(super) fn winners(&self, x: &crate::eval::Array) -> Vec<(usize, usize)> {
        let (rows, [height, width, channels]) = check::rows_and_image(x.shape());
        let [vertical, horizontal] = window::pool_axes([height, width], self.size, self.stride, self.pad);
        let [oh, ow] = self.output([height, width]).unwrap_or_default();
        let x = check::flat(x);
        let mut winners = Vec::with_capacity(rows * oh * ow * channels);
        for (row, oy) in (0..rows).flat_map(|row| (0..oh).map(move |oy| (row, oy))) {
            for (ox, channel) in (0..ow).flat_map(|ox| (0..channels).map(move |channel| (ox, channel))) {
                let mut best: Option<(usize, usize)> = None;
                for (ky, y) in vertical.cells(oy) {
                    for (kx, column) in horizontal.cells(ox) {
                        let place = ((row * height + y) * width + column) * channels + channel;
                        if best.is_none_or(|(_, best)| x[place] > x[best]) {
                            best = Some((ky * self.size[1] + kx, place));
                        }
                    }
                }
                winners.extend(best);
            }
        }
        winners
    }
}

impl Rules for MaxPool2d {
    fn name(&self) -> &'static str {
        "max_pool2d"
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        self.settings()
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Type, String> {
        check::floats("max_pool2d", inputs)?;
        let [x] = operands("max_pool2d", inputs)?;
        let [height, width, channels] = check::image("the image of `max_pool2d`", x)?;
        let [oh, ow] = self.output([height, width])?;
        Ok(check::with_image(x, [oh, ow, channels]))
    }

    fn vjp(&self, cx: &mut Vjp<'_>) -> Vec<Option<NodeId>> {
        let (x, g) = (cx.input(0), cx.grad());
        let input = check::plane(&cx.ty(x).dims);
        let index = cx.push(MaxPool2dIndex { pool: self.clone() }, &[x]);
        let by_x = MaxPool2dGrad { pool: self.clone(), input };
        vec![Some(cx.push(by_x, &[g, index]))]
    }

    #[cfg(feature = "eval")]
    fn eval(&self, _: &crate::eval::Context<'_>, inputs: &[&crate::eval::Array]) -> crate::eval::Array {
        let (_, [height, width, channels]) = check::rows_and_image(inputs[0].shape());
        let [oh, ow] = self.output([height, width]).unwrap_or_default();
        let x = check::flat(inputs[0]);
        let y = self.winners(inputs[0]).into_iter().map(|(_, place)| x[place]).collect();
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
    use super::super::testing::{Case, Gradient, batched, eval, fixed};
    use super::*;
    use crate::ir::DType;

    pub(in crate::ops) fn pool(size: [usize; 2], stride: [usize; 2], pad: [[usize; 2]; 2]) -> MaxPool2d {
        MaxPool2d { size, stride, pad }
    }

    /// Pools and images that they fit.
    pub(in crate::ops) fn grid() -> Vec<(MaxPool2d, [usize; 3])> {
        vec![
            (pool([2, 2], [2, 2], [[0, 0], [0, 0]]), [4, 6, 2]),
            (pool([2, 2], [2, 2], [[0, 0], [0, 0]]), [5, 7, 1]),
            (pool([2, 2], [2, 2], [[0, 1], [0, 1]]), [5, 7, 3]),
            (pool([3, 3], [2, 1], [[1, 1], [1, 1]]), [5, 3, 2]),
            (pool([3, 2], [1, 3], [[1, 1], [0, 1]]), [1, 7, 1]),
            (pool([1, 1], [2, 2], [[0, 0], [0, 0]]), [3, 3, 1]),
            (pool([1, 1], [1, 1], [[0, 0], [0, 0]]), [1, 1, 1]),
            (pool([4, 3], [1, 2], [[3, 2], [2, 2]]), [2, 3, 5]),
        ]
    }

    pub(in crate::ops) fn gradient() -> Gradient {
        let cases = grid().into_iter().flat_map(|(pool, image)| {
            let [height, width, channels] = image;
            [batched(image), fixed(image), batched([2, height, width, channels])].map(|image| Case::real(pool.clone(), [image]))
        });
        Gradient::Checked(cases.collect())
    }

    #[test]
    fn gradients() {
        gradient().check();
    }

    #[test]
    fn shapes() {
        let plain = pool([2, 2], [2, 2], [[0, 0], [0, 0]]);
        let infer = |pool: &MaxPool2d, x: Type| pool.infer(&[&x]);
        assert_eq!(infer(&plain, batched([28, 27, 3])), Ok(batched([14, 13, 3])));
        assert_eq!(
            infer(&plain, batched([784])).unwrap_err(),
            "the image of `max_pool2d` is [height, width, channels], found [784]"
        );
        assert_eq!(
            infer(&plain, batched([1, 8, 3])).unwrap_err(),
            "`max_pool2d`: a window of 2 does not fit the height, which is 1"
        );
        let padded = pool([2, 2], [2, 2], [[0, 0], [2, 0]]);
        assert!(infer(&padded, batched([8, 8, 3])).unwrap_err().contains("padding only: low padding 2 along the width"));
        let large = pool([16, 17], [1, 1], [[0, 0], [0, 0]]);
        let error = infer(&large, batched([20, 20, 1])).unwrap_err();
        assert_eq!(error, "`max_pool2d`: a window of 16×17 is more than 256 cells");
        assert!(infer(&pool([usize::MAX, 2], [1, 1], [[0, 0], [0, 0]]), batched([20, 20, 1])).is_err());
        assert!(infer(&plain, Type::fixed(DType::U32, [4, 4, 1])).is_err());
        assert!(plain.infer(&[]).is_err());
    }

    #[test]
    fn values() {
        // Negative everywhere: padding, were it 0, would win.
        let x = (fixed([3, 3, 1]), vec![-1.0, -2.0, -3.0, -4.0, -5.0, -6.0, -7.0, -8.0, -0.5]);
        let y = eval(pool([2, 2], [2, 2], [[0, 1], [0, 1]]), 1, std::slice::from_ref(&x));
        assert_eq!(y, check::array(&[2, 2, 1], vec![-1.0, -3.0, -7.0, -0.5]));
        let y = eval(pool([2, 2], [2, 2], [[1, 0], [1, 0]]), 1, &[x]);
        assert_eq!(y, check::array(&[2, 2, 1], vec![-1.0, -2.0, -4.0, -0.5]));
        let rows = (batched([1, 2, 2]), vec![1.0, 8.0, 2.0, 7.0, 3.0, 6.0, 4.0, 5.0]);
        let y = eval(pool([1, 2], [1, 2], [[0, 0], [0, 0]]), 2, &[rows]);
        assert_eq!(y, check::array(&[2, 1, 1, 2], vec![2.0, 8.0, 4.0, 6.0]));
    }
}
