//! The product that makes a weight gradient.

use super::elementwise::operands;
use super::{Lowering, MatMul, Rules, check};
use crate::autodiff::Vjp;
use crate::ir::{NodeId, Type};

/// `(lhs, rhs)`: lhs `[.., K]` and rhs `[.., N]` with the same leading axes and batching give `[K, N]`, unbatched:
/// `y[k, n] = Σ lhs[.., k] · rhs[.., n]` over the rows of the batch and all leading axes. This is the gradient of
/// [`MatMul`] by its matrix (Rumelhart, Hinton and Williams, 1986: input times error, summed over examples).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Contract;

impl Rules for Contract {
    fn name(&self) -> &'static str {
        "contract"
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Type, String> {
        check::floats("contract", inputs)?;
        let [lhs, rhs] = operands("contract", inputs)?;
        let (Some((&k, left)), Some((&n, right))) = (lhs.dims.split_last(), rhs.dims.split_last()) else {
            return Err(format!("`contract` takes at least one axis each, found {} and {}", lhs.shape(), rhs.shape()));
        };
        if left != right {
            let (lhs, rhs) = (lhs.shape(), rhs.shape());
            return Err(format!("`contract` takes axes that differ in the last one only, found {lhs} and {rhs}"));
        }
        check::same_batching("contract", lhs, rhs)?;
        Ok(Type::fixed(lhs.dtype, [k, n]))
    }

    fn vjp(&self, cx: &mut Vjp<'_>) -> Vec<Option<NodeId>> {
        let (lhs, rhs, g) = (cx.input(0), cx.input(1), cx.grad());
        let by_lhs = cx.push(MatMul { transpose: true }, &[rhs, g]);
        let by_rhs = cx.push(MatMul { transpose: false }, &[lhs, g]);
        vec![Some(by_lhs), Some(by_rhs)]
    }

    #[cfg(feature = "eval")]
    fn eval(&self, _: &crate::eval::Context<'_>, inputs: &[&crate::eval::Array]) -> crate::eval::Array {
        let [k, n] = [0, 1].map(|operand: usize| inputs[operand].shape().last().copied().unwrap_or(1));
        let rows: usize = inputs[0].shape().iter().rev().skip(1).product();
        let (lhs, rhs) = (check::flat(inputs[0]), check::flat(inputs[1]));
        let mut y = vec![0.0; k * n];
        for (inner, column) in (0..k).flat_map(|inner| (0..n).map(move |column| (inner, column))) {
            y[inner * n + column] = (0..rows).map(|row| lhs[row * k + inner] * rhs[row * n + column]).sum();
        }
        check::array(&[k, n], y)
    }

    fn lowering(&self) -> Lowering {
        Lowering::Product
    }

    fn flops(&self, inputs: &[&Type], _: &Type) -> u64 {
        let [Some(lhs), Some(rhs)] = [0, 1].map(|position| inputs.get(position)) else { return 0 };
        check::count([2, lhs.elements(), rhs.last()])
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::testing::{Gradient, batched, eval, fixed};
    use super::*;

    pub(in crate::ops) fn gradient() -> Gradient {
        Gradient::real(
            Contract,
            [
                [batched([3]), batched([5])],
                [batched([1]), batched([1])],
                [fixed([2]), fixed([3])],
                [batched([2, 3]), batched([2, 1])],
                [fixed([7, 1, 2]), fixed([7, 1, 5])],
            ],
        )
    }

    #[test]
    fn gradients() {
        gradient().check();
    }

    #[test]
    fn shapes() {
        let infer = |lhs: Type, rhs: Type| Contract.infer(&[&lhs, &rhs]);
        assert_eq!(infer(batched([4, 3]), batched([4, 2])), Ok(fixed([3, 2])));
        assert_eq!(
            infer(batched([4, 3]), batched([5, 2])).unwrap_err(),
            "`contract` takes axes that differ in the last one only, found [4, 3] and [5, 2]"
        );
        assert!(infer(batched([]), batched([5])).unwrap_err().contains("found [] and [5]"));
        assert!(infer(batched([4]), fixed([5])).unwrap_err().contains("found one per row of the batch and one for"));
        assert!(Contract.infer(&[]).is_err());
    }

    #[test]
    fn values() {
        let lhs = (batched([3]), vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let rhs = (batched([2]), vec![1.0, 2.0, 3.0, 4.0]);
        let expected = check::array(&[3, 2], vec![13.0, 18.0, 17.0, 24.0, 21.0, 30.0]);
        assert_eq!(eval(Contract, 2, &[lhs, rhs]), expected);
    }

    #[test]
    fn work() {
        assert_eq!(Contract.flops(&[&batched([4, 3]), &batched([4, 2])], &fixed([3, 2])), 48);
    }
}
