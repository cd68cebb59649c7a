//! Repetition along axes.

use super::{Lowering, Reduce, ReduceKind, Reshape, Rules, elementwise};
use crate::autodiff::Vjp;
#[cfg(feature = "eval")]
use crate::eval::{Array, Context};
use crate::ir::{NodeId, Type, shape};

/// The operand repeated to a shape by NumPy's rule: aligned from the right, axes of size 1 stretch, missing ones are
/// put in front. A value without a batch may be repeated for each row.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Broadcast {
    /// Whether the result has a batch.
    pub batched: bool,
    /// The shape of the result.
    pub dims: Vec<usize>,
}

impl Rules for Broadcast {
    fn name(&self) -> &'static str {
        "broadcast"
    }

    /// None: both settings are the type that the line in the printed graph ends with.
    fn attributes(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Type, String> {
        let [a] = elementwise::operands(self.name(), inputs)?;
        if a.batched && !self.batched {
            return Err(format!("`broadcast` can't take the batch out of {a}"));
        }
        let aligned = a.dims.iter().rev().zip(self.dims.iter().rev());
        if a.dims.len() > self.dims.len() || aligned.into_iter().any(|(from, to)| from != to && *from != 1) {
            return Err(format!("{} can't be broadcast to {}", a.shape(), shape(&self.dims)));
        }
        Ok(Type { dtype: a.dtype, batched: self.batched, dims: self.dims.clone() })
    }

    fn vjp(&self, cx: &mut Vjp<'_>) -> Vec<Option<NodeId>> {
        let from = cx.ty(cx.input(0));
        let batch = self.batched && !from.batched;
        let added = self.dims.len() - from.dims.len();
        let stretched = |axis: usize| axis < added || from.dims[axis - added] != self.dims[axis];
        let axes: Vec<usize> = (0..self.dims.len()).filter(|&axis| stretched(axis)).collect();
        let mut gradient = cx.grad();
        if batch || !axes.is_empty() {
            gradient = cx.push(Reduce { kind: ReduceKind::Sum, axes, batch }, &[gradient]);
        }
        if cx.ty(gradient).dims != from.dims {
            gradient = cx.push(Reshape { dims: from.dims }, &[gradient]);
        }
        vec![Some(gradient)]
    }

    #[cfg(feature = "eval")]
    fn eval(&self, cx: &Context<'_>, inputs: &[&Array]) -> Array {
        let mut array = inputs[0].view();
        // The batch stays in front of the axes that are put in.
        let from = cx.operands[0];
        for _ in from.dims.len()..self.dims.len() {
            array = array.insert_axis(ndarray::Axis(usize::from(from.batched)));
        }
        let to = self.batched.then_some(cx.rows).into_iter().chain(self.dims.iter().copied());
        array.broadcast(to.collect::<Vec<usize>>()).expect("the shapes fit").to_owned()
    }

    fn lowering(&self) -> Lowering {
        Lowering::Broadcast
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
        let case = |from: Type, to: Type| Case::real(Broadcast { batched: to.batched, dims: to.dims }, [from]);
        Gradient::Checked(vec![
            case(fixed([]), fixed([])),
            case(fixed([]), fixed([3])),
            case(fixed([]), batched([])),
            case(fixed([]), batched([2, 3])),
            case(fixed([3]), fixed([3])),
            case(fixed([3]), batched([3])),
            case(fixed([3]), fixed([2, 3])),
            case(fixed([3, 1]), fixed([3, 5])),
            case(fixed([1, 5]), batched([7, 5])),
            case(fixed([1]), batched([1, 1])),
            case(fixed([2, 1, 3]), batched([5, 2, 7, 3])),
            case(batched([]), batched([3])),
            case(batched([]), batched([3, 1])),
            case(batched([3]), batched([2, 3])),
            case(batched([3, 1]), batched([3, 2])),
            case(batched([1, 1]), batched([1, 1])),
        ])
    }

    #[test]
    fn gradient_matches_differences() {
        gradient().check();
    }

    #[test]
    fn definition() {
        let row = eval(Broadcast { batched: true, dims: vec![2] }, 2, &[(batched([]), vec![1.0, 2.0])]);
        assert_eq!(row, ndarray::arr2(&[[1.0, 1.0], [2.0, 2.0]]).into_dyn());
        let all = eval(Broadcast { batched: true, dims: vec![2] }, 2, &[(fixed([2]), vec![1.0, 2.0])]);
        assert_eq!(all, ndarray::arr2(&[[1.0, 2.0], [1.0, 2.0]]).into_dyn());
    }

    #[test]
    fn shape_rule() {
        let to = |batched, dims: &[usize]| Broadcast { batched, dims: dims.to_vec() };
        assert_eq!(error(to(false, &[2, 3]), [fixed([2])]), "[2] can't be broadcast to [2, 3]");
        assert_eq!(error(to(false, &[3]), [fixed([1, 3])]), "[1, 3] can't be broadcast to [3]");
        assert_eq!(error(to(false, &[3]), [batched([3])]), "`broadcast` can't take the batch out of f64[B, 3]");
    }
}
