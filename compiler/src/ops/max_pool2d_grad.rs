//! The gradient of maximum pooling.

use super::elementwise::operands;
use super::{Lowering, MaxPool2d, MaxPool2dTake, Rules, check};
use crate::autodiff::Vjp;
use crate::ir::{NodeId, Type};

/// `(g, index)`: from the gradient g `[OH, OW, C]` by the result of [`MaxPool2d`] and the winners' places
/// ([`MaxPool2dIndex`](super::MaxPool2dIndex)) the gradient `[H, W, C]` by the image: each element of g is added to
/// the winner of its window.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MaxPool2dGrad {
    /// The pool.
    pub pool: MaxPool2d,
    /// Height and width of the image.
    pub input: [usize; 2],
}

impl MaxPool2dGrad {
    /// The definition: for each element of the result, flat, the place of its winner in the images.
    #[cfg(feature = "eval")]
    pub(super) fn places(&self, index: &crate::eval::Array) -> Vec<Option<usize>> {
        let (_, [oh, ow, channels]) = check::rows_and_image(index.shape());
        let [height, width] = self.input;
        let MaxPool2d { size, stride, pad } = self.pool;
        let place = |(result, cell): (usize, f64)| {
            let (channel, ox, oy) = (result % channels, result / channels % ow, result / channels / ow % oh);
            let row = result / channels / ow / oh;
            let cell = [cell as usize / size[1], cell as usize % size[1]];
            // A winner lies inside the image; of other places there is none.
            let y = (oy * stride[0] + cell[0]).checked_sub(pad[0][0]).filter(|&y| y < height)?;
            let x = (ox * stride[1] + cell[1]).checked_sub(pad[1][0]).filter(|&x| x < width)?;
            Some(((row * height + y) * width + x) * channels + channel)
        };
        check::flat(index).into_iter().enumerate().map(place).collect()
    }
}

impl Rules for MaxPool2dGrad {
    fn name(&self) -> &'static str {
        "max_pool2d_grad"
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        let mut settings = self.pool.settings();
        settings.push(("input", format!("{:?}", self.input)));
        settings
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Type, String> {
        let [g, index] = operands("max_pool2d_grad", inputs)?;
        check::floats("max_pool2d_grad", &[g])?;
        let [gh, gw, channels] = check::image("the gradient of `max_pool2d`", g)?;
        let [oh, ow] = self.pool.output(self.input)?;
        if [gh, gw] != [oh, ow] {
            let (expected, found) = (check::with_image(g, [oh, ow, channels]).shape(), g.shape());
            return Err(format!("the gradient of `max_pool2d` has the shape of its result {expected}, found {found}"));
        }
        check::places(g, index)?;
        Ok(check::with_image(g, [self.input[0], self.input[1], channels]))
    }

    fn vjp(&self, cx: &mut Vjp<'_>) -> Vec<Option<NodeId>> {
        let (index, by_image) = (cx.input(1), cx.grad());
        vec![Some(cx.push(MaxPool2dTake { pool: self.pool.clone() }, &[by_image, index])), None]
    }

    #[cfg(feature = "eval")]
    fn eval(&self, _: &crate::eval::Context<'_>, inputs: &[&crate::eval::Array]) -> crate::eval::Array {
        let (rows, [_, _, channels]) = check::rows_and_image(inputs[0].shape());
        let [height, width] = self.input;
        let mut by_image = vec![0.0; rows * height * width * channels];
        for (g, place) in inputs[0].iter().zip(self.places(inputs[1])) {
            if let Some(place) = place {
                by_image[place] += g;
            }
        }
        check::like_image(inputs[0].shape(), [height, width, channels], by_image)
    }

    fn lowering(&self) -> Lowering {
        Lowering::Whole
    }

    fn flops(&self, inputs: &[&Type], _: &Type) -> u64 {
        inputs.first().map_or(0, |g| g.elements() as u64)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::max_pool2d::tests::{grid, pool};
    use super::super::testing::{Case, Gradient, Values, batched, eval, fixed};
    use super::*;
    use crate::ir::DType;

    pub(in crate::ops) fn gradient() -> Gradient {
        let cases = grid().into_iter().flat_map(|(pool, [height, width, channels])| {
            let [oh, ow] = pool.output([height, width]).expect("it fits");
            let cells = pool.size[0] * pool.size[1];
            [batched([oh, ow, channels]), fixed([oh, ow, channels])].map(|g| {
                let index = (g.with_dtype(DType::U8), Values::Index(cells));
                let op = MaxPool2dGrad { pool: pool.clone(), input: [height, width] };
                Case::new(op, [(g, Values::Real), index])
            })
        });
        Gradient::Checked(cases.collect())
    }

    #[test]
    fn gradients() {
        gradient().check();
    }

    #[test]
    fn shapes() {
        let op = MaxPool2dGrad { pool: pool([2, 2], [2, 2], [[0, 0], [0, 0]]), input: [5, 4] };
        let (g, index) = (batched([2, 2, 3]), Type::batched(DType::U8, [2, 2, 3]));
        assert_eq!(op.infer(&[&g, &index]), Ok(batched([5, 4, 3])));
        let error = op.infer(&[&g, &index.with_dims([2, 2, 1])]).unwrap_err();
        assert_eq!(error, "the places of `max_pool2d` are u8[B, 2, 2, 3], found u8[B, 2, 2, 1]");
        let error = op.infer(&[&g.with_dims([2, 3, 3]), &index]).unwrap_err();
        assert_eq!(error, "the gradient of `max_pool2d` has the shape of its result [2, 2, 3], found [2, 3, 3]");
        assert!(op.infer(&[&g]).is_err());
        assert!(op.infer(&[&index, &index]).is_err());
    }

    #[test]
    fn values() {
        let g = (fixed([2, 2, 1]), vec![1.0, 2.0, 3.0, 4.0]);
        let index = (Type::fixed(DType::U8, [2, 2, 1]), vec![3.0, 2.0, 1.0, 0.0]);
        let op = MaxPool2dGrad { pool: pool([2, 2], [1, 1], [[0, 0], [0, 0]]), input: [3, 3] };
        let expected = vec![0.0, 0.0, 0.0, 0.0, 10.0, 0.0, 0.0, 0.0, 0.0];
        assert_eq!(eval(op, 1, &[g, index]), check::array(&[3, 3, 1], expected));
    }
}
