//! Where the largest element stands.

#[cfg(feature = "eval")]
use super::check;
use super::elementwise::operands;
use super::{Lowering, Rules};
use crate::autodiff::Vjp;
use crate::ir::{DType, NodeId, Type};

/// `(x)`: for each vector of the last axis of x `[.., K]` the place of its largest element, `u32[..]` (`numpy.argmax`).
/// Among equals the first wins; a NaN is larger than nothing. No gradient flows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ArgMax;

impl Rules for ArgMax {
    fn name(&self) -> &'static str {
        "argmax"
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Type, String> {
        let [x] = operands("argmax", inputs)?;
        super::elementwise::float("argmax", x)?;
        match x.dims.split_last() {
            Some((1.., leading)) => Ok(x.with_dims(leading).with_dtype(DType::U32)),
            _ => Err(format!("`argmax` chooses along the last axis, found {}", x.shape())),
        }
    }

    /// A place is a whole number: nothing flows.
    fn vjp(&self, _: &mut Vjp<'_>) -> Vec<Option<NodeId>> {
        vec![None]
    }

    #[cfg(feature = "eval")]
    fn eval(&self, _: &crate::eval::Context<'_>, inputs: &[&crate::eval::Array]) -> crate::eval::Array {
        let shape = inputs[0].shape();
        let (&extent, leading) = shape.split_last().expect("the shape rule asks for an axis");
        let place = |vector: &[f64]| {
            let better = |best: usize, at: usize| if vector[at] > vector[best] { at } else { best };
            (1..vector.len()).fold(0, better) as f64
        };
        check::array(leading, check::flat(inputs[0]).chunks(extent).map(place).collect())
    }

    fn lowering(&self) -> Lowering {
        Lowering::Whole
    }

    /// A comparison for each element.
    fn flops(&self, inputs: &[&Type], _: &Type) -> u64 {
        inputs.first().map_or(0, |x| x.elements() as u64)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::testing::{Case, Gradient, batched, error, eval, fixed};
    use super::*;

    pub(in crate::ops) fn gradient() -> Gradient {
        Gradient::Checked(vec![Case::real(ArgMax, [batched([5])]), Case::real(ArgMax, [fixed([2, 3])])])
    }

    #[test]
    fn gradients() {
        gradient().check();
    }

    #[test]
    fn shapes() {
        assert_eq!(ArgMax.infer(&[&batched([4, 10])]), Ok(Type::batched(DType::U32, [4])));
        assert_eq!(ArgMax.infer(&[&fixed([3])]), Ok(Type::fixed(DType::U32, [])));
        assert_eq!(error(ArgMax, [batched([])]), "`argmax` chooses along the last axis, found []");
        assert!(error(ArgMax, [Type::batched(DType::U32, [4])]).contains("floats"));
    }

    #[test]
    fn the_first_of_equals() {
        let x = (batched([3]), vec![1.0, 5.0, 5.0, 2.0, 2.0, 2.0, -3.0, -2.0, -1.0]);
        assert_eq!(eval(ArgMax, 3, &[x]), check::array(&[3], vec![1.0, 0.0, 2.0]));
    }
}
