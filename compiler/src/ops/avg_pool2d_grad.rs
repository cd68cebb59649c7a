//! The gradient of average pooling.

use super::elementwise::operands;
use super::{AvgPool2d, Lowering, Rules, check};
use crate::autodiff::Vjp;
use crate::ir::{NodeId, Type};

/// `(g)`: from the gradient g `[OH, OW, C]` by the result of [`AvgPool2d`] the gradient `[H, W, C]` by the image: each
/// element of g goes in equal parts to the cells that its window averages. The transpose of the pool, which is linear.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AvgPool2dGrad {
    /// The pool.
    pub pool: AvgPool2d,
    /// Height and width of the image.
    pub input: [usize; 2],
}

impl Rules for AvgPool2dGrad {
    fn name(&self) -> &'static str {
        "avg_pool2d_grad"
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        let mut settings = self.pool.settings();
        settings.push(("input", format!("{:?}", self.input)));
        settings
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Type, String> {
        check::floats("avg_pool2d_grad", inputs)?;
        let [g] = operands("avg_pool2d_grad", inputs)?;
        let [gh, gw, channels] = check::image("the gradient of `avg_pool2d`", g)?;
        let [oh, ow] = self.pool.output(self.input)?;
        if [gh, gw] != [oh, ow] {
            let (expected, found) = (check::with_image(g, [oh, ow, channels]).shape(), g.shape());
            return Err(format!("the gradient of `avg_pool2d` has the shape of its result {expected}, found {found}"));
        }
        Ok(check::with_image(g, [self.input[0], self.input[1], channels]))
    }

    fn vjp(&self, cx: &mut Vjp<'_>) -> Vec<Option<NodeId>> {
        vec![Some(cx.push(self.pool.clone(), &[cx.grad()]))]
    }

    #[cfg(feature = "eval")]
    fn eval(&self, _: &crate::eval::Context<'_>, inputs: &[&crate::eval::Array]) -> crate::eval::Array {
        let (rows, [_, _, channels]) = check::rows_and_image(inputs[0].shape());
        let image = [self.input[0], self.input[1], channels];
        let g = check::flat(inputs[0]);
        let mut by_image = vec![0.0; rows * image.iter().product::<usize>()];
        self.pool.weights(rows, image, |result, image, weight| by_image[image] += weight * g[result]);
        check::like_image(inputs[0].shape(), image, by_image)
    }

    fn lowering(&self) -> Lowering {
        Lowering::Whole
    }

    fn flops(&self, inputs: &[&Type], _: &Type) -> u64 {
        let [height, width] = self.pool.size;
        check::count([inputs.first().map_or(0, |g| g.elements()), height, width])
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::avg_pool2d::tests::{cases, pool};
    use super::super::testing::{Gradient, batched, eval, fixed};
    use super::*;

    pub(in crate::ops) fn gradient() -> Gradient {
        cases(|pool, [height, width, channels]| {
            let [oh, ow] = pool.output([height, width]).expect("it fits");
            (AvgPool2dGrad { pool, input: [height, width] }.into(), [oh, ow, channels])
        })
    }

    #[test]
    fn gradients() {
        gradient().check();
    }

    #[test]
    fn shapes() {
        let op = AvgPool2dGrad { pool: pool([2, 2], [2, 2], [[0, 0], [0, 0]]), input: [5, 4] };
        assert_eq!(op.infer(&[&batched([2, 2, 3])]), Ok(batched([5, 4, 3])));
        assert_eq!(
            op.infer(&[&fixed([2, 3, 3])]).unwrap_err(),
            "the gradient of `avg_pool2d` has the shape of its result [2, 2, 3], found [2, 3, 3]"
        );
        assert!(op.infer(&[]).is_err());
    }

    #[test]
    fn values() {
        let op = AvgPool2dGrad { pool: pool([2, 2], [2, 2], [[0, 1], [0, 1]]), input: [3, 3] };
        let y = eval(op, 1, &[(fixed([2, 2, 1]), vec![4.0, 2.0, 6.0, 5.0])]);
        let expected = vec![1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 3.0, 3.0, 5.0];
        assert_eq!(y, check::array(&[3, 3, 1], expected));
    }
}
