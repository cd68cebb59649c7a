//! The same elements under another shape.

use super::{Lowering, Rules, elementwise};
use crate::autodiff::Vjp;
#[cfg(feature = "eval")]
use crate::eval::{Array, Context};
use crate::ir::{NodeId, Type, shape};

/// The operand's elements, in row-major order, under another shape. The batch stays.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reshape {
    /// The shape of the result.
    pub dims: Vec<usize>,
}

impl Rules for Reshape {
    fn name(&self) -> &'static str {
        "reshape"
    }

    /// None: the shape is in the type that the line in the printed graph ends with.
    fn attributes(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Type, String> {
        let [a] = elementwise::operands(self.name(), inputs)?;
        let elements = self.dims.iter().try_fold(1usize, |product, &dim| product.checked_mul(dim));
        match elements {
            Some(elements) if elements == a.elements() => Ok(a.with_dims(self.dims.clone())),
            Some(elements) => {
                Err(format!("{} has {} elements, but {} has {elements}", a.shape(), a.elements(), shape(&self.dims)))
            }
            None => Err(format!("{} has too many elements", shape(&self.dims))),
        }
    }

    fn vjp(&self, cx: &mut Vjp<'_>) -> Vec<Option<NodeId>> {
        let dims = cx.ty(cx.input(0)).dims;
        let gradient = cx.push(Reshape { dims }, &[cx.grad()]);
        vec![Some(gradient)]
    }

    #[cfg(feature = "eval")]
    fn eval(&self, cx: &Context<'_>, inputs: &[&Array]) -> Array {
        let dims = cx.shape(&cx.operands[0].with_dims(self.dims.clone()));
        inputs[0].to_shape(dims).expect("as many elements").to_owned()
    }

    fn lowering(&self) -> Lowering {
        Lowering::Alias
    }

    fn flops(&self, _: &[&Type], _: &Type) -> u64 {
        0
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::ops::testing::{Case, Gradient, batched, error, eval, fixed};

    pub(in crate::ops) fn gradient() -> Gradient {
        let case = |from: Type, dims: &[usize]| Case::real(Reshape { dims: dims.to_vec() }, [from]);
        Gradient::Checked(vec![
            case(fixed([]), &[1, 1]),
            case(fixed([1]), &[]),
            case(fixed([2, 3]), &[3, 2]),
            case(batched([]), &[1]),
            case(batched([2, 3, 5]), &[30]),
            case(batched([7]), &[1, 7]),
        ])
    }

    #[test]
    fn gradient_matches_differences() {
        gradient().check();
    }

    #[test]
    fn definition() {
        let found = eval(Reshape { dims: vec![2, 1] }, 2, &[(batched([2]), vec![1.0, 2.0, 3.0, 4.0])]);
        assert_eq!(found, ndarray::arr3(&[[[1.0], [2.0]], [[3.0], [4.0]]]).into_dyn());
    }

    #[test]
    fn shape_rule() {
        let to = |dims: &[usize]| Reshape { dims: dims.to_vec() };
        assert_eq!(error(to(&[7]), [fixed([2, 3])]), "[2, 3] has 6 elements, but [7] has 7");
        assert_eq!(error(to(&[usize::MAX, 2]), [fixed([2])]), format!("[{}, 2] has too many elements", usize::MAX));
    }
}
