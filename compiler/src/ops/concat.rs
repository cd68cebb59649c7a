//! Values one behind the other.

use super::{Lowering, Rules, Slice, check};
use crate::autodiff::Vjp;
use crate::ir::{NodeId, Type};

/// `(a, b, …)`: one or more values, one behind the other along an axis (`numpy.concatenate`). All other axes, the
/// batching and the elements' type are the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Concat {
    /// Along which axis, the batch not counted.
    pub axis: usize,
}

impl Rules for Concat {
    fn name(&self) -> &'static str {
        "concat"
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("axis", self.axis.to_string())]
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Type, String> {
        let Some((&first, rest)) = inputs.split_first() else {
            return Err("`concat` takes at least one value".to_string());
        };
        if self.axis >= first.dims.len() {
            let axes = first.dims.len();
            return Err(format!("`concat` along axis {}, but {} has {axes} axes", self.axis, first.shape()));
        }
        let mut dims = first.dims.clone();
        for (place, ty) in rest.iter().enumerate() {
            // Equal but for the axis itself.
            let fits = ty.dims.len() == dims.len()
                && ty.dims.iter().zip(&first.dims).enumerate().all(|(axis, (a, b))| axis == self.axis || a == b);
            if !fits {
                let (axis, expected, place) = (self.axis, first.shape(), place + 1);
                let found = ty.shape();
                return Err(format!(
                    "`concat` along axis {axis} takes shapes that differ in that axis only: value 0 is {expected}, \
                     value {place} is {found}"
                ));
            }
            check::same_batching("concat", first, ty)?;
            if ty.dtype != first.dtype {
                let (expected, found) = (first.dtype.rust(), ty.dtype.rust());
                return Err(format!("`concat` takes values of one type, but is given {expected} and {found}"));
            }
            dims[self.axis] = match dims[self.axis].checked_add(ty.dims[self.axis]) {
                Some(sum) => sum,
                None => return Err(format!("`concat` makes axis {} too long", self.axis)),
            };
        }
        Ok(first.with_dims(dims))
    }

    fn vjp(&self, cx: &mut Vjp<'_>) -> Vec<Option<NodeId>> {
        let positions = 0..cx.arity();
        let mut from = 0;
        let mut part = |position: usize| {
            let dims = cx.ty(cx.input(position)).dims;
            // A value without elements needs no gradient.
            let length = Some(dims[self.axis]).filter(|&length| length > 0)?;
            let (mut starts, mut ends) = (vec![0; dims.len()], dims.clone());
            (starts[self.axis], ends[self.axis]) = (from, from + length);
            from += length;
            Some(cx.push(Slice { starts, ends, steps: vec![1; dims.len()] }, &[cx.grad()]))
        };
        positions.map(&mut part).collect()
    }

    #[cfg(feature = "eval")]
    fn eval(&self, cx: &crate::eval::Context<'_>, inputs: &[&crate::eval::Array]) -> crate::eval::Array {
        let axis = self.axis + usize::from(cx.operands[0].batched);
        let views: Vec<_> = inputs.iter().map(|input| input.view()).collect();
        ndarray::concatenate(ndarray::Axis(axis), &views)
            .unwrap_or_else(|error| panic!("concat along {}: {error}", self.axis))
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
    use super::super::testing::{Case, Gradient, batched, error, eval, fixed};
    use super::*;
    use crate::ir::DType;

    pub(in crate::ops) fn gradient() -> Gradient {
        let parts: [(usize, &[&[usize]]); 5] = [
            (0, &[&[3]]),
            (0, &[&[1], &[5], &[2]]),
            (1, &[&[2, 3], &[2, 1]]),
            (0, &[&[1, 3], &[2, 3]]),
            (1, &[&[2, 1, 3], &[2, 7, 3], &[2, 2, 3]]),
        ];
        let cases = parts.into_iter().flat_map(|(axis, parts)| {
            [fixed([]), batched([])].map(|ty| Case::real(Concat { axis }, parts.iter().map(|&dims| ty.with_dims(dims))))
        });
        Gradient::Checked(cases.collect())
    }

    #[test]
    fn gradients() {
        gradient().check();
    }

    #[test]
    fn shapes() {
        let along = |axis| Concat { axis };
        assert_eq!(along(1).infer(&[&batched([2, 3]), &batched([2, 1])]), Ok(batched([2, 4])));
        assert_eq!(
            error(along(0), [batched([2, 3]), batched([2, 1])]),
            "`concat` along axis 0 takes shapes that differ in that axis only: value 0 is [2, 3], value 1 is [2, 1]"
        );
        assert_eq!(error(along(2), [batched([2, 3])]), "`concat` along axis 2, but [2, 3] has 2 axes");
        assert!(error(along(0), [batched([2]), batched([])]).contains("value 1 is []"));
        assert!(error(along(0), [batched([2]), fixed([2])]).contains("one for the whole batch"));
        assert!(error(along(0), [fixed([2]), Type::fixed(DType::F32, [2])]).contains("f64 and f32"));
        assert!(error(along(0), [fixed([usize::MAX]), fixed([2])]).contains("too long"));
        assert!(error::<0>(along(0), []).contains("at least one"));
    }

    #[test]
    fn values() {
        let (a, b) = ((batched([1, 2]), vec![1.0, 2.0, 3.0, 4.0]), (batched([1, 1]), vec![5.0, 6.0]));
        let y = eval(Concat { axis: 1 }, 2, &[a, b]);
        assert_eq!(y, check::array(&[2, 1, 3], vec![1.0, 2.0, 5.0, 3.0, 4.0, 6.0]));
    }
}
