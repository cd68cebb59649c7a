//! A part of a value, along each axis from a start to an end by a step.

use super::elementwise::operands;
use super::{Lowering, Pad, Rules};
use crate::autodiff::Vjp;
use crate::ir::{NodeId, Type, shape};

/// `(x)`: along each axis the elements `start, start + step, …` before `end` (`x[start:end:step]` in NumPy). The batch
/// isn't counted and stays whole.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Slice {
    /// The first element, of each axis.
    pub starts: Vec<usize>,
    /// Before which element it ends, of each axis.
    pub ends: Vec<usize>,
    /// From one element to the next, of each axis.
    pub steps: Vec<usize>,
}

impl Rules for Slice {
    fn name(&self) -> &'static str {
        "slice"
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        [("starts", &self.starts), ("ends", &self.ends), ("steps", &self.steps)]
            .map(|(name, values)| (name, format!("{values:?}")))
            .to_vec()
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Type, String> {
        let [x] = operands("slice", inputs)?;
        let rank = x.dims.len();
        for (what, values) in [("starts", &self.starts), ("ends", &self.ends), ("steps", &self.steps)] {
            if values.len() != rank {
                let (dims, found) = (x.shape(), shape(values));
                return Err(format!("`slice` of {dims} takes {what} for {rank} axes, found {found}"));
            }
        }
        let mut dims = Vec::with_capacity(rank);
        for (axis, &dim) in x.dims.iter().enumerate() {
            let (start, end, step) = (self.starts[axis], self.ends[axis], self.steps[axis]);
            if start >= end || end > dim {
                let problem = if start >= end { "is empty" } else { "is out of range" };
                return Err(format!("slice {start}..{end} of axis {axis} of {} {problem}", x.shape()));
            }
            if step == 0 {
                return Err(format!("a step of `slice` is at least 1, found 0 for axis {axis} of {}", x.shape()));
            }
            dims.push((end - start).div_ceil(step));
        }
        Ok(x.with_dims(dims))
    }

    fn vjp(&self, cx: &mut Vjp<'_>) -> Vec<Option<NodeId>> {
        let (whole, part) = (cx.ty(cx.input(0)).dims, cx.ty(cx.output()).dims);
        let last = |axis: usize| self.starts[axis] + (part[axis] - 1) * self.steps[axis];
        let high = (0..whole.len()).map(|axis| whole[axis] - 1 - last(axis)).collect();
        let interior = self.steps.iter().map(|step| step - 1).collect();
        vec![Some(cx.push(Pad { low: self.starts.clone(), high, interior }, &[cx.grad()]))]
    }

    #[cfg(feature = "eval")]
    fn eval(&self, cx: &crate::eval::Context<'_>, inputs: &[&crate::eval::Array]) -> crate::eval::Array {
        let first = usize::from(cx.operands[0].batched);
        let part = inputs[0].slice_each_axis(|axis| match axis.axis.index().checked_sub(first) {
            None => ndarray::Slice::from(..),
            Some(axis) => {
                let (start, end) = (self.starts[axis] as isize, self.ends[axis] as isize);
                ndarray::Slice::new(start, Some(end), self.steps[axis] as isize)
            }
        });
        part.as_standard_layout().into_owned()
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
    use super::super::check;
    use super::super::testing::{Case, Gradient, batched, error, eval, fixed};
    use super::*;

    fn slice(starts: &[usize], ends: &[usize], steps: &[usize]) -> Slice {
        Slice { starts: starts.to_vec(), ends: ends.to_vec(), steps: steps.to_vec() }
    }

    pub(in crate::ops) fn gradient() -> Gradient {
        let parts: [(&[usize], Slice); 7] = [
            (&[], slice(&[], &[], &[])),
            (&[1], slice(&[0], &[1], &[1])),
            (&[7], slice(&[2], &[5], &[1])),
            (&[7], slice(&[1], &[6], &[2])),
            (&[7], slice(&[1], &[7], &[9])),
            (&[3, 5], slice(&[0, 1], &[3, 5], &[2, 3])),
            (&[2, 1, 5], slice(&[1, 0, 0], &[2, 1, 4], &[1, 2, 2])),
        ];
        let case = |(dims, op): (&[usize], Slice)| [fixed(dims), batched(dims)].map(|x| Case::real(op.clone(), [x]));
        Gradient::Checked(parts.into_iter().flat_map(case).collect())
    }

    #[test]
    fn gradients() {
        gradient().check();
    }

    #[test]
    fn shapes() {
        assert_eq!(slice(&[1, 0], &[7, 3], &[2, 4]).infer(&[&batched([7, 3])]), Ok(batched([3, 1])));
        assert_eq!(slice(&[6], &[7], &[usize::MAX]).infer(&[&fixed([7])]), Ok(fixed([1])));
        assert_eq!(error(slice(&[2], &[9], &[1]), [fixed([7])]), "slice 2..9 of axis 0 of [7] is out of range");
        assert_eq!(error(slice(&[3], &[3], &[1]), [fixed([7])]), "slice 3..3 of axis 0 of [7] is empty");
        assert_eq!(
            error(slice(&[1], &[3], &[0]), [fixed([7])]),
            "a step of `slice` is at least 1, found 0 for axis 0 of [7]"
        );
        assert_eq!(
            error(slice(&[1], &[3, 2], &[1]), [fixed([7])]),
            "`slice` of [7] takes ends for 1 axes, found [3, 2]"
        );
        assert!(error(slice(&[0], &[1], &[1]), [fixed([0])]).contains("out of range"));
    }

    #[test]
    fn values() {
        let x = (0..12).map(f64::from).collect();
        let y = eval(slice(&[0, 1], &[2, 3], &[1, 2]), 2, &[(batched([2, 3]), x)]);
        assert_eq!(y, check::array(&[2, 2, 1], vec![1.0, 4.0, 7.0, 10.0]));
        let y = eval(slice(&[1], &[6], &[2]), 1, &[(fixed([7]), (0..7).map(f64::from).collect())]);
        assert_eq!(y, check::array(&[3], vec![1.0, 3.0, 5.0]));
    }
}
