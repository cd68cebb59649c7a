//! The element of a class.

use super::elementwise::operands;
use super::{Broadcast, Lowering, Mul, OneHot, Reshape, Rules, check};
use crate::autodiff::Vjp;
use crate::ir::{DType, NodeId, Type};

/// `(x, index)`: x `[.., K]` and class indices `u32[..]` of the same leading axes and batching give `[..]`, the
/// element of x's last axis that the index names (`numpy.take_along_axis` along the last axis): the log-probability
/// of the right class in a cross entropy.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Gather;

impl Rules for Gather {
    fn name(&self) -> &'static str {
        "gather"
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Type, String> {
        let [x, index] = operands("gather", inputs)?;
        check::floats("gather", &[x])?;
        if index.dtype != DType::U32 {
            return Err(format!("`gather` takes class indices, but is given {index}"));
        }
        let Some((_, leading)) = x.dims.split_last() else {
            return Err("`gather` picks along the last axis, found []".to_string());
        };
        if leading != index.dims {
            let (x, index) = (x.shape(), index.shape());
            return Err(format!("`gather` picks one element of {x} per index along its last axis, found indices {index}"));
        }
        check::same_batching("gather", x, index)?;
        Ok(x.with_dims(leading))
    }

    fn vjp(&self, cx: &mut Vjp<'_>) -> Vec<Option<NodeId>> {
        let (x, index, g) = (cx.input(0), cx.input(1), cx.grad());
        let Type { dtype, batched, dims } = cx.ty(x);
        let chosen = cx.push(OneHot { classes: cx.ty(x).last(), dtype }, &[index]);
        let column = cx.ty(index).dims.into_iter().chain([1]).collect();
        let g = cx.push(Reshape { dims: column }, &[g]);
        let g = cx.push(Broadcast { batched, dims }, &[g]);
        vec![Some(cx.push(Mul, &[chosen, g])), None]
    }

    /// # Panics
    /// If an index is out of range.
    #[cfg(feature = "eval")]
    fn eval(&self, _: &crate::eval::Context<'_>, inputs: &[&crate::eval::Array]) -> crate::eval::Array {
        let x = check::flat(inputs[0]);
        let classes = inputs[0].shape().last().copied().unwrap_or(1);
        let pick = |(vector, &index): (usize, &f64)| {
            let index = index as usize;
            assert!(index < classes, "index {index} of {classes} classes");
            x[vector * classes + index]
        };
        check::array(inputs[1].shape(), inputs[1].iter().enumerate().map(pick).collect())
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
    use super::super::testing::{Case, Gradient, Values, batched, error, eval, fixed};
    use super::*;

    pub(in crate::ops) fn gradient() -> Gradient {
        let shapes: [&[usize]; 5] = [&[1], &[7], &[3, 2], &[2, 1, 5], &[2, 3, 1]];
        let cases = shapes.into_iter().flat_map(|dims| {
            [fixed(dims), batched(dims)].map(|x| {
                let index = x.with_dims(&dims[..dims.len() - 1]).with_dtype(DType::U32);
                let classes = Values::Index(x.last());
                Case::new(Gather, [(x, Values::Real), (index, classes)])
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
        let index = |dims: &[usize]| Type::batched(DType::U32, dims);
        assert_eq!(Gather.infer(&[&batched([4, 10]), &index(&[4])]), Ok(batched([4])));
        assert_eq!(
            error(Gather, [batched([4, 10]), index(&[10])]),
            "`gather` picks one element of [4, 10] per index along its last axis, found indices [10]"
        );
        assert!(error(Gather, [batched([]), index(&[])]).contains("found []"));
        assert!(error(Gather, [fixed([4]), index(&[])]).contains("one per row of the batch"));
        assert!(error(Gather, [batched([4]), batched([])]).contains("f64[B]"));
        assert!(error(Gather, [index(&[4]), index(&[])]).contains("floats"));
    }

    #[test]
    fn values() {
        let x = (batched([2, 3]), (0..12).map(f64::from).collect());
        let index = (Type::batched(DType::U32, [2]), vec![2.0, 0.0, 1.0, 1.0]);
        assert_eq!(eval(Gather, 2, &[x, index]), check::array(&[2, 2], vec![2.0, 3.0, 7.0, 10.0]));
    }
}
