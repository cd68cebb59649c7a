//! The elements along some axes from the last to the first.

use super::elementwise::operands;
use super::{Lowering, Rules, check};
use crate::autodiff::Vjp;
use crate::ir::{NodeId, Type};

/// `(x)`: the order along the axes turned round (`numpy.flip`). The batch isn't counted and keeps its order. The
/// gradient is turned round alike.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Flip {
    /// Ascending, each once.
    pub axes: Vec<usize>,
}

impl Rules for Flip {
    fn name(&self) -> &'static str {
        "flip"
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("axes", format!("{:?}", self.axes))]
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Type, String> {
        let [x] = operands("flip", inputs)?;
        check::floats("flip", &[x])?;
        if self.axes.iter().any(|&axis| axis >= x.dims.len()) || !self.axes.is_sorted_by(|a, b| a < b) {
            return Err(format!("`flip` takes axes of {} in their order, found {:?}", x.shape(), self.axes));
        }
        Ok(x.clone())
    }

    fn vjp(&self, cx: &mut Vjp<'_>) -> Vec<Option<NodeId>> {
        let grad = cx.grad();
        vec![Some(cx.push(self.clone(), &[grad]))]
    }

    #[cfg(feature = "eval")]
    fn eval(&self, cx: &crate::eval::Context<'_>, inputs: &[&crate::eval::Array]) -> crate::eval::Array {
        let first = usize::from(cx.operands[0].batched);
        let mut view = inputs[0].view();
        self.axes.iter().for_each(|axis| view.invert_axis(ndarray::Axis(axis + first)));
        view.as_standard_layout().into_owned()
    }

    fn lowering(&self) -> Lowering {
        Lowering::Move
    }

    fn flops(&self, _: &[&Type], _: &Type) -> u64 {
        0
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::ops::testing::{Case, Gradient, batched, error, eval, fixed};

    fn flip(axes: &[usize]) -> Flip {
        Flip { axes: axes.to_vec() }
    }

    pub(in crate::ops) fn gradient() -> Gradient {
        let parts: [(&[usize], Flip); 5] =
            [(&[], flip(&[])), (&[1], flip(&[0])), (&[7], flip(&[0])), (&[3, 5], flip(&[1])), (&[2, 1, 3], flip(&[0, 2]))];
        let case = |(dims, op): (&[usize], Flip)| [fixed(dims), batched(dims)].map(|x| Case::real(op.clone(), [x]));
        Gradient::Checked(parts.into_iter().flat_map(case).collect())
    }

    #[test]
    fn gradients() {
        gradient().check();
    }

    #[test]
    fn shapes() {
        assert_eq!(flip(&[1]).infer(&[&batched([2, 3])]), Ok(batched([2, 3])));
        assert_eq!(error(flip(&[2]), [fixed([2, 3])]), "`flip` takes axes of [2, 3] in their order, found [2]");
        assert!(error(flip(&[1, 0]), [fixed([2, 3])]).contains("in their order"));
    }

    #[test]
    fn values() {
        let x = (batched([2, 2]), (0..8).map(f64::from).collect());
        let found = eval(flip(&[1]), 2, std::slice::from_ref(&x));
        assert_eq!(found, check::array(&[2, 2, 2], vec![1.0, 0.0, 3.0, 2.0, 5.0, 4.0, 7.0, 6.0]));
        let found = eval(flip(&[0, 1]), 2, &[x]);
        assert_eq!(found, check::array(&[2, 2, 2], vec![3.0, 2.0, 1.0, 0.0, 7.0, 6.0, 5.0, 4.0]));
    }
}
