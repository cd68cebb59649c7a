//! Where in its window a maximum stands.

#[cfg(feature = "eval")]
use super::check;
use super::{Lowering, MaxPool2d, Rules};
use crate::autodiff::Vjp;
use crate::ir::{DType, NodeId, Type};

/// `(x)`: for each element of [`MaxPool2d`]'s result the place of the maximum in its window, a byte: row of the
/// window times its width plus column, padding counted. Among equals the first wins. A step that saves this need not
/// keep the image for its gradient.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MaxPool2dIndex {
    /// The pool.
    pub pool: MaxPool2d,
}

impl Rules for MaxPool2dIndex {
    fn name(&self) -> &'static str {
        "max_pool2d_index"
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        self.pool.settings()
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Type, String> {
        Ok(self.pool.infer(inputs)?.with_dtype(DType::U8))
    }

    /// A place is a whole number: nothing flows.
    fn vjp(&self, _: &mut Vjp<'_>) -> Vec<Option<NodeId>> {
        vec![None]
    }

    #[cfg(feature = "eval")]
    fn eval(&self, _: &crate::eval::Context<'_>, inputs: &[&crate::eval::Array]) -> crate::eval::Array {
        let (_, [height, width, channels]) = check::rows_and_image(inputs[0].shape());
        let [oh, ow] = self.pool.output([height, width]).unwrap_or_default();
        let index = self.pool.winners(inputs[0]).into_iter().map(|(cell, _)| cell as f64).collect();
        check::like_image(inputs[0].shape(), [oh, ow, channels], index)
    }

    fn lowering(&self) -> Lowering {
        Lowering::Whole
    }

    fn flops(&self, inputs: &[&Type], output: &Type) -> u64 {
        self.pool.flops(inputs, output)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::max_pool2d::tests::{grid, pool};
    use super::super::testing::{Case, Gradient, batched, eval, fixed};
    use super::*;

    pub(in crate::ops) fn gradient() -> Gradient {
        let case = |(pool, image): (MaxPool2d, [usize; 3])| Case::real(MaxPool2dIndex { pool }, [batched(image)]);
        Gradient::Checked(grid().into_iter().map(case).collect())
    }

    #[test]
    fn gradients() {
        gradient().check();
    }

    #[test]
    fn shapes() {
        let op = MaxPool2dIndex { pool: pool([2, 2], [2, 2], [[0, 0], [0, 0]]) };
        assert_eq!(op.infer(&[&batched([5, 4, 3])]), Ok(Type::batched(DType::U8, [2, 2, 3])));
        assert!(op.infer(&[&fixed([5, 4])]).is_err());
    }

    #[test]
    fn values() {
        let x = (fixed([3, 3, 1]), vec![1.0, 2.0, 3.0, 2.0, 2.0, 9.0, 0.0, 0.0, -1.0]);
        let y = eval(MaxPool2dIndex { pool: pool([2, 2], [1, 1], [[0, 0], [0, 0]]) }, 1, std::slice::from_ref(&x));
        assert_eq!(y, check::array(&[2, 2, 1], vec![1.0, 3.0, 0.0, 1.0]));
        // Padding in front counts as places 0 to 2.
        let y = eval(MaxPool2dIndex { pool: pool([2, 2], [2, 2], [[1, 0], [1, 0]]) }, 1, &[x]);
        assert_eq!(y, check::array(&[2, 2, 1], vec![3.0, 3.0, 1.0, 1.0]));
    }
}
