//! Zeros around elements and between them.

use super::elementwise::operands;
use super::{Lowering, Rules, Slice};
use crate::autodiff::Vjp;
use crate::ir::{NodeId, Type, shape};

/// `(x)`: along each axis `low` zeros, then the elements with `interior` zeros from one to the next, then `high` zeros
/// (as `Pad` in XLA's operation semantics). The batch isn't counted and stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pad {
    /// Zeros in front, of each axis.
    pub low: Vec<usize>,
    /// Zeros behind, of each axis.
    pub high: Vec<usize>,
    /// Zeros between neighbours, of each axis.
    pub interior: Vec<usize>,
}

/// What an axis becomes.
fn padded(dim: usize, low: usize, high: usize, interior: usize) -> Option<usize> {
    let between = dim.checked_sub(1)?.checked_mul(interior)?;
    dim.checked_add(between)?.checked_add(low)?.checked_add(high)
}

impl Rules for Pad {
    fn name(&self) -> &'static str {
        "pad"
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        [("low", &self.low), ("high", &self.high), ("interior", &self.interior)]
            .map(|(name, values)| (name, format!("{values:?}")))
            .to_vec()
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Type, String> {
        let [x] = operands("pad", inputs)?;
        let rank = x.dims.len();
        if !x.dtype.is_float() {
            return Err(format!("`pad` fills with zeros of floats, but is given {x}"));
        }
        for (what, values) in [("low", &self.low), ("high", &self.high), ("interior", &self.interior)] {
            if values.len() != rank {
                let (dims, found) = (x.shape(), shape(values));
                return Err(format!("`pad` of {dims} takes {what} padding for {rank} axes, found {found}"));
            }
        }
        let mut dims = Vec::with_capacity(rank);
        for (axis, &dim) in x.dims.iter().enumerate() {
            let (low, high, interior) = (self.low[axis], self.high[axis], self.interior[axis]);
            let Some(padded) = padded(dim, low, high, interior) else {
                let problem = if dim == 0 { "has no elements" } else { "is padded too much" };
                return Err(format!("`pad`: axis {axis} of {} {problem}", x.shape()));
            };
            dims.push(padded);
        }
        Ok(x.with_dims(dims))
    }

    fn vjp(&self, cx: &mut Vjp<'_>) -> Vec<Option<NodeId>> {
        let dims = cx.ty(cx.output()).dims;
        let ends = dims.iter().zip(&self.high).map(|(dim, high)| dim - high).collect();
        let steps = self.interior.iter().map(|interior| interior + 1).collect();
        vec![Some(cx.push(Slice { starts: self.low.clone(), ends, steps }, &[cx.grad()]))]
    }

    #[cfg(feature = "eval")]
    fn eval(&self, cx: &crate::eval::Context<'_>, inputs: &[&crate::eval::Array]) -> crate::eval::Array {
        let first = usize::from(cx.operands[0].batched);
        let mut dims = inputs[0].shape().to_vec();
        for (axis, dim) in dims.iter_mut().skip(first).enumerate() {
            *dim = padded(*dim, self.low[axis], self.high[axis], self.interior[axis]).unwrap_or(0);
        }
        let mut y = crate::eval::Array::zeros(dims);
        let mut elements = y.slice_each_axis_mut(|axis| match axis.axis.index().checked_sub(first) {
            None => ndarray::Slice::from(..),
            Some(at) => {
                let (start, end) = (self.low[at] as isize, (axis.len - self.high[at]) as isize);
                ndarray::Slice::new(start, Some(end), (self.interior[at] + 1) as isize)
            }
        });
        elements.assign(inputs[0]);
        y
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
    use crate::ir::DType;

    fn pad(low: &[usize], high: &[usize], interior: &[usize]) -> Pad {
        Pad { low: low.to_vec(), high: high.to_vec(), interior: interior.to_vec() }
    }

    pub(in crate::ops) fn gradient() -> Gradient {
        let pads: [(&[usize], Pad); 6] = [
            (&[], pad(&[], &[], &[])),
            (&[1], pad(&[0], &[0], &[3])),
            (&[5], pad(&[2], &[1], &[0])),
            (&[5], pad(&[0], &[3], &[2])),
            (&[3, 2], pad(&[0, 1], &[1, 0], &[1, 0])),
            (&[2, 1, 3], pad(&[1, 0, 0], &[0, 2, 1], &[0, 7, 1])),
        ];
        let case = |(dims, op): (&[usize], Pad)| [fixed(dims), batched(dims)].map(|x| Case::real(op.clone(), [x]));
        Gradient::Checked(pads.into_iter().flat_map(case).collect())
    }

    #[test]
    fn gradients() {
        gradient().check();
    }

    #[test]
    fn shapes() {
        assert_eq!(pad(&[1, 0], &[2, 0], &[0, 3]).infer(&[&batched([2, 3])]), Ok(batched([5, 9])));
        assert_eq!(error(pad(&[1], &[2, 0], &[0]), [fixed([2])]), "`pad` of [2] takes high padding for 1 axes, found [2, 0]");
        assert_eq!(error(pad(&[0], &[0], &[usize::MAX]), [fixed([3])]), "`pad`: axis 0 of [3] is padded too much");
        assert!(error(pad(&[usize::MAX], &[0], &[0]), [fixed([3])]).contains("too much"));
        assert!(error(pad(&[1], &[0], &[0]), [fixed([0])]).contains("no elements"));
        assert!(error(pad(&[1], &[0], &[0]), [Type::fixed(DType::U32, [1])]).contains("u32[1]"));
    }

    #[test]
    fn values() {
        let y = eval(pad(&[1], &[2], &[1]), 2, &[(batched([2]), vec![1.0, 2.0, 3.0, 4.0])]);
        assert_eq!(y, check::array(&[2, 6], vec![0.0, 1.0, 0.0, 2.0, 0.0, 0.0, 0.0, 3.0, 0.0, 4.0, 0.0, 0.0]));
    }
}
