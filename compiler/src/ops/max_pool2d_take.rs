//! The elements of an image that won the windows of a pool.

use super::elementwise::operands;
use super::{Lowering, MaxPool2d, MaxPool2dGrad, Rules, check};
use crate::autodiff::Vjp;
use crate::ir::{NodeId, Type};

/// `(x, index)`: of an image x `[H, W, C]` the elements at the places where another image's maxima stood
/// ([`MaxPool2dIndex`](super::MaxPool2dIndex)), `[OH, OW, C]`. With the other image's tangent as x this is
/// [`MaxPool2d`]'s derivative; it is the transpose of [`MaxPool2dGrad`], and second derivatives need it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MaxPool2dTake {
    /// The pool.
    pub pool: MaxPool2d,
}

impl Rules for MaxPool2dTake {
    fn name(&self) -> &'static str {
        "max_pool2d_take"
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        self.pool.settings()
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Type, String> {
        let [x, index] = operands("max_pool2d_take", inputs)?;
        let ty = self.pool.infer(&[x])?;
        check::places(&ty, index)?;
        Ok(ty)
    }

    fn vjp(&self, cx: &mut Vjp<'_>) -> Vec<Option<NodeId>> {
        let (x, index, g) = (cx.input(0), cx.input(1), cx.grad());
        let input = check::plane(&cx.ty(x).dims);
        let by_x = MaxPool2dGrad { pool: self.pool.clone(), input };
        vec![Some(cx.push(by_x, &[g, index])), None]
    }

    #[cfg(feature = "eval")]
    fn eval(&self, _: &crate::eval::Context<'_>, inputs: &[&crate::eval::Array]) -> crate::eval::Array {
        let (_, [height, width, _]) = check::rows_and_image(inputs[0].shape());
        let x = check::flat(inputs[0]);
        let places = MaxPool2dGrad { pool: self.pool.clone(), input: [height, width] }.places(inputs[1]);
        let taken = places.into_iter().map(|place| place.map_or(0.0, |place| x[place])).collect();
        check::array(inputs[1].shape(), taken)
    }

    fn lowering(&self) -> Lowering {
        Lowering::Whole
    }

    fn flops(&self, _: &[&Type], _: &Type) -> u64 {
        0
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::max_pool2d::tests::{grid, pool};
    use super::super::testing::{Case, Gradient, Values, batched, eval, fixed};
    use super::*;
    use crate::ir::DType;

    pub(in crate::ops) fn gradient() -> Gradient {
        let cases = grid().into_iter().flat_map(|(pool, image)| {
            [batched(image), fixed(image)].map(|image| {
                let index = pool.infer(&[&image]).expect("it fits").with_dtype(DType::U8);
                let cells = pool.size[0] * pool.size[1];
                Case::new(
                    MaxPool2dTake { pool: pool.clone() },
                    [(image, Values::Real), (index, Values::Index(cells))],
                )
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
        let op = MaxPool2dTake { pool: pool([2, 2], [2, 2], [[0, 0], [0, 0]]) };
        let (x, index) = (batched([5, 4, 3]), Type::batched(DType::U8, [2, 2, 3]));
        assert_eq!(op.infer(&[&x, &index]), Ok(batched([2, 2, 3])));
        let error = op.infer(&[&x, &index.with_dims([2, 2, 1])]).unwrap_err();
        assert_eq!(error, "the places of `max_pool2d` are u8[B, 2, 2, 3], found u8[B, 2, 2, 1]");
        assert!(op.infer(&[&x]).is_err());
    }

    #[test]
    fn values() {
        let x = (fixed([3, 3, 1]), (1..10).map(f64::from).collect());
        let index = (Type::fixed(DType::U8, [2, 2, 1]), vec![3.0, 2.0, 1.0, 0.0]);
        let op = MaxPool2dTake { pool: pool([2, 2], [1, 1], [[0, 0], [0, 0]]) };
        assert_eq!(eval(op, 1, &[x, index]), check::array(&[2, 2, 1], vec![5.0; 4]));
    }
}
