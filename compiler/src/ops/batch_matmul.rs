//! Matrix products in bulk.

use super::elementwise::operands;
use super::{Lowering, Rules, check};
use crate::autodiff::Vjp;
use crate::ir::{NodeId, Type};

/// `(lhs, rhs)`: lhs `[.., M, K]` (`[.., K, M]` with `ta`) times rhs `[.., K, N]` (`[.., N, K]` with `tb`) gives
/// `[.., M, N]`, one matrix product for each place of the leading axes and each row of the batch, which both
/// operands have in common (`numpy.matmul` without its broadcasting).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BatchMatMul {
    /// Whether lhs's matrices stand transposed.
    pub ta: bool,
    /// Whether rhs's matrices stand transposed.
    pub tb: bool,
}

/// The leading axes, and the last two as the product sees them.
fn matrix(dims: &[usize], transposed: bool) -> Option<(&[usize], [usize; 2])> {
    let (leading, &[rows, columns]) = dims.split_last_chunk::<2>()?;
    Some((leading, if transposed { [columns, rows] } else { [rows, columns] }))
}

impl Rules for BatchMatMul {
    fn name(&self) -> &'static str {
        "batch_matmul"
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("ta", self.ta.to_string()), ("tb", self.tb.to_string())]
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Type, String> {
        check::floats("batch_matmul", inputs)?;
        let [lhs, rhs] = operands("batch_matmul", inputs)?;
        let what = {
            let [ta, tb] = [self.ta, self.tb].map(|transposed| if transposed { "transposed " } else { "" });
            format!("`batch_matmul` of {ta}{} and {tb}{}", lhs.shape(), rhs.shape())
        };
        let (Some((left, [m, k])), Some((right, [rows, n]))) = (matrix(&lhs.dims, self.ta), matrix(&rhs.dims, self.tb))
        else {
            return Err(format!("{what}: both sides have at least 2 axes"));
        };
        if left != right {
            return Err(format!("{what}: the axes before the last two are the same on both sides"));
        }
        if rows != k {
            return Err(format!("{what}: {k} columns on the left do not match {rows} rows on the right"));
        }
        check::same_batching("batch_matmul", lhs, rhs)?;
        Ok(lhs.with_dims([left, &[m, n]].concat()))
    }

    fn vjp(&self, cx: &mut Vjp<'_>) -> Vec<Option<NodeId>> {
        let (lhs, rhs, g) = (cx.input(0), cx.input(1), cx.grad());
        let by_lhs = match self.ta {
            false => cx.push(Self { ta: false, tb: !self.tb }, &[g, rhs]),
            true => cx.push(Self { ta: self.tb, tb: true }, &[rhs, g]),
        };
        let by_rhs = match self.tb {
            false => cx.push(Self { ta: !self.ta, tb: false }, &[lhs, g]),
            true => cx.push(Self { ta: true, tb: self.ta }, &[g, lhs]),
        };
        vec![Some(by_lhs), Some(by_rhs)]
    }

    #[cfg(feature = "eval")]
    fn eval(&self, _: &crate::eval::Context<'_>, inputs: &[&crate::eval::Array]) -> crate::eval::Array {
        let (Some((leading, [m, k])), Some((_, [_, n]))) =
            (matrix(inputs[0].shape(), self.ta), matrix(inputs[1].shape(), self.tb))
        else {
            unreachable!("the shape rule asks for matrices")
        };
        let count: usize = leading.iter().product();
        let (lhs, rhs) = (check::flat(inputs[0]), check::flat(inputs[1]));
        let left = |row: usize, inner: usize| if self.ta { inner * m + row } else { row * k + inner };
        let right = |inner: usize, column: usize| if self.tb { column * k + inner } else { inner * n + column };
        let mut y = vec![0.0; count * m * n];
        for matrix in 0..count {
            for (row, column) in (0..m).flat_map(|row| (0..n).map(move |column| (row, column))) {
                y[(matrix * m + row) * n + column] = (0..k)
                    .map(|inner| lhs[matrix * m * k + left(row, inner)] * rhs[matrix * k * n + right(inner, column)])
                    .sum();
            }
        }
        check::array(&[leading, &[m, n]].concat(), y)
    }

    fn lowering(&self) -> Lowering {
        Lowering::Product
    }

    fn flops(&self, inputs: &[&Type], output: &Type) -> u64 {
        let matrix = inputs.first().and_then(|lhs| matrix(&lhs.dims, self.ta));
        check::count([2, output.elements(), matrix.map_or(0, |(_, [_, k])| k)])
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::testing::{Case, Gradient, batched, eval, fixed};
    use super::*;

    const ALL: [BatchMatMul; 4] = [
        BatchMatMul { ta: false, tb: false },
        BatchMatMul { ta: false, tb: true },
        BatchMatMul { ta: true, tb: false },
        BatchMatMul { ta: true, tb: true },
    ];

    fn dims(leading: &[usize], rows: usize, columns: usize, transposed: bool) -> Vec<usize> {
        let matrix = if transposed { [columns, rows] } else { [rows, columns] };
        [leading, &matrix].concat()
    }

    pub(in crate::ops) fn gradient() -> Gradient {
        let sizes: [(&[usize], [usize; 3]); 4] = [(&[], [2, 3, 5]), (&[2], [1, 1, 1]), (&[3], [1, 7, 2]), (&[2, 1], [3, 2, 1])];
        let mut cases = Vec::new();
        for (leading, [m, k, n]) in sizes {
            for op in ALL {
                for ty in [batched([]), fixed([])] {
                    let lhs = ty.with_dims(dims(leading, m, k, op.ta));
                    let rhs = ty.with_dims(dims(leading, k, n, op.tb));
                    cases.push(Case::real(op.clone(), [lhs, rhs]));
                }
            }
        }
        Gradient::Checked(cases)
    }

    #[test]
    fn gradients() {
        gradient().check();
    }

    #[test]
    fn shapes() {
        let infer = |op: usize, lhs: Type, rhs: Type| ALL[op].infer(&[&lhs, &rhs]);
        assert_eq!(infer(0, batched([4, 2, 3]), batched([4, 3, 5])), Ok(batched([4, 2, 5])));
        assert_eq!(infer(3, fixed([3, 2]), fixed([5, 3])), Ok(fixed([2, 5])));
        assert_eq!(
            infer(1, batched([2, 3]), batched([5, 4])).unwrap_err(),
            "`batch_matmul` of [2, 3] and transposed [5, 4]: 3 columns on the left do not match 4 rows on the right"
        );
        assert!(infer(0, batched([2, 3]), batched([3])).unwrap_err().ends_with("both sides have at least 2 axes"));
        let leading = infer(0, batched([4, 2, 3]), batched([6, 3, 5])).unwrap_err();
        assert!(leading.ends_with("the axes before the last two are the same on both sides"), "{leading}");
        assert!(infer(0, batched([2, 3]), fixed([3, 5])).is_err());
        assert!(ALL[0].infer(&[]).is_err());
    }

    #[test]
    fn values() {
        let (a, at) = (vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0], vec![1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
        let (b, bt) = (vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0], vec![1.0, 3.0, 5.0, 2.0, 4.0, 6.0]);
        for op in ALL {
            // Two rows of the batch: a·b and 2a·b.
            let doubled = |values: &[f64]| values.iter().copied().chain(values.iter().map(|v| 2.0 * v)).collect();
            let lhs = (batched(dims(&[], 2, 3, op.ta)), doubled(if op.ta { &at } else { &a }));
            let rhs = (batched(dims(&[], 3, 2, op.tb)), [if op.tb { &bt[..] } else { &b[..] }; 2].concat());
            let expected = vec![22.0, 28.0, 49.0, 64.0, 44.0, 56.0, 98.0, 128.0];
            assert_eq!(eval(op, 2, &[lhs, rhs]), check::array(&[2, 2, 2], expected));
        }
    }

    #[test]
    fn work() {
        assert_eq!(ALL[2].flops(&[&batched([4, 3, 2]), &batched([4, 3, 5])], &batched([4, 2, 5])), 240);
    }
}
