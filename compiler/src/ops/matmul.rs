//! Matrix product with a parameter.

use super::elementwise::operands;
use super::{Contract, Lowering, Rules, check};
use crate::autodiff::Vjp;
use crate::ir::{NodeId, Type};

/// `(lhs, rhs)`: lhs `[.., K]`, batched or not, times rhs `[K, N]` (`[N, K]` if transposed), unbatched, gives
/// `[.., N]`: `y[.., n] = Σ lhs[.., k] · rhs[k, n]` over `k`. Each vector along lhs's last axis is a row of the
/// product, whatever axes stand before it (as in `numpy.matmul` with a matrix on the right).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MatMul {
    /// Whether rhs stands transposed, as `[N, K]`.
    pub transpose: bool,
}

impl Rules for MatMul {
    fn name(&self) -> &'static str {
        "matmul"
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("transpose", self.transpose.to_string())]
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Type, String> {
        check::floats("matmul", inputs)?;
        let [lhs, rhs] = operands("matmul", inputs)?;
        let Some((&k, leading)) = lhs.dims.split_last() else {
            return Err("`matmul` takes at least one axis on the left, found []".to_string());
        };
        if rhs.batched {
            let what = "`matmul` takes one matrix for the whole batch on the right";
            return Err(format!("{what}, found one {} per row of the batch", rhs.shape()));
        }
        let &[rows, columns] = rhs.dims.as_slice() else {
            return Err(format!("`matmul` takes a matrix with 2 axes on the right, found {}", rhs.shape()));
        };
        let (rows, n) = if self.transpose { (columns, rows) } else { (rows, columns) };
        if rows != k {
            let right = if self.transpose { "transposed " } else { "" };
            let (lhs, rhs) = (lhs.shape(), rhs.shape());
            return Err(format!(
                "`matmul` of {lhs} and {right}{rhs}: {k} columns on the left do not match {rows} rows on the right"
            ));
        }
        Ok(lhs.with_dims(leading.iter().copied().chain([n]).collect::<Vec<_>>()))
    }

    fn vjp(&self, cx: &mut Vjp<'_>) -> Vec<Option<NodeId>> {
        let (lhs, rhs, g) = (cx.input(0), cx.input(1), cx.grad());
        let by_lhs = cx.push(Self { transpose: !self.transpose }, &[g, rhs]);
        let by_rhs = cx.push(Contract, &if self.transpose { [g, lhs] } else { [lhs, g] });
        vec![Some(by_lhs), Some(by_rhs)]
    }

    #[cfg(feature = "eval")]
    fn eval(&self, _: &crate::eval::Context<'_>, inputs: &[&crate::eval::Array]) -> crate::eval::Array {
        let (&[rows, columns], leading) = (inputs[1].shape(), inputs[0].shape()) else {
            unreachable!("the shape rule asks for a matrix")
        };
        let (k, n) = if self.transpose { (columns, rows) } else { (rows, columns) };
        let (lhs, rhs) = (check::flat(inputs[0]), check::flat(inputs[1]));
        let at = |inner: usize, column: usize| rhs[if self.transpose { column * k + inner } else { inner * n + column }];
        let m = leading[..leading.len() - 1].iter().product::<usize>();
        let mut y = vec![0.0; m * n];
        for row in 0..m {
            for column in 0..n {
                y[row * n + column] = (0..k).map(|inner| lhs[row * k + inner] * at(inner, column)).sum();
            }
        }
        let shape: Vec<usize> = leading[..leading.len() - 1].iter().copied().chain([n]).collect();
        check::array(&shape, y)
    }

    fn lowering(&self) -> Lowering {
        Lowering::Product
    }

    fn flops(&self, inputs: &[&Type], output: &Type) -> u64 {
        check::count([2, output.elements(), inputs.first().map_or(0, |lhs| lhs.last())])
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::testing::{Case, Gradient, batched, eval, fixed};
    use super::*;
    use crate::ir::DType;

    pub(in crate::ops) fn gradient() -> Gradient {
        let lhs = [batched([3]), fixed([5]), batched([1]), batched([2, 3]), fixed([7, 2]), fixed([1, 2, 11])];
        let cases = lhs.into_iter().flat_map(|lhs| {
            [1, 5].into_iter().flat_map(move |n| {
                let (lhs, k) = (lhs.clone(), lhs.last());
                [(false, fixed([k, n])), (true, fixed([n, k]))]
                    .map(|(transpose, rhs)| Case::real(MatMul { transpose }, [lhs.clone(), rhs]))
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
        let infer = |transpose, lhs: Type, rhs: Type| MatMul { transpose }.infer(&[&lhs, &rhs]);
        assert_eq!(infer(false, batched([4, 3]), fixed([3, 2])), Ok(batched([4, 2])));
        assert_eq!(infer(true, fixed([3]), fixed([2, 3])), Ok(fixed([2])));
        assert_eq!(
            infer(false, batched([3136]), fixed([1600, 128])).unwrap_err(),
            "`matmul` of [3136] and [1600, 128]: 3136 columns on the left do not match 1600 rows on the right"
        );
        assert_eq!(
            infer(true, batched([3]), fixed([3, 2])).unwrap_err(),
            "`matmul` of [3] and transposed [3, 2]: 3 columns on the left do not match 2 rows on the right"
        );
        assert!(infer(false, batched([]), fixed([3, 2])).unwrap_err().contains("found []"));
        assert!(infer(false, batched([3]), batched([3, 2])).unwrap_err().contains("found one [3, 2] per row"));
        assert!(infer(false, batched([3]), fixed([3])).unwrap_err().contains("found [3]"));
        assert!(infer(false, batched([3]), Type::fixed(DType::F32, [3, 2])).unwrap_err().contains("f64 and f32"));
        assert!(MatMul { transpose: false }.infer(&[]).is_err());
    }

    #[test]
    fn values() {
        let lhs = (batched([3]), vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let plain = (fixed([3, 2]), vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let transposed = (fixed([2, 3]), vec![1.0, 3.0, 5.0, 2.0, 4.0, 6.0]);
        let expected = check::array(&[2, 2], vec![22.0, 28.0, 49.0, 64.0]);
        assert_eq!(eval(MatMul { transpose: false }, 2, &[lhs.clone(), plain]), expected);
        assert_eq!(eval(MatMul { transpose: true }, 2, &[lhs, transposed]), expected);
    }

    #[test]
    fn work() {
        let (lhs, rhs) = (batched([4, 3]), fixed([3, 2]));
        assert_eq!(MatMul { transpose: false }.flops(&[&lhs, &rhs], &batched([4, 2])), 48);
    }
}
