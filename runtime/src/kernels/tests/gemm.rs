//! Products and sums of columns.

use crate::engine::fold_columns;
use crate::kernels::{Matrix, gemm, gemm_scratch};
use crate::simd::{Float, Simd};

use super::{Sum, assert_close, bits, everywhere, nan, random, splits, with_scratch};

/// How an operand lies in memory.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Layout {
    Plain,
    Transposed,
}

impl Layout {
    fn matrix<E>(self, data: &[E], rows: usize, cols: usize) -> Matrix<E> {
        match self {
            Self::Plain => Matrix { ptr: data.as_ptr(), row: cols, col: 1 },
            Self::Transposed => Matrix { ptr: data.as_ptr(), row: 1, col: rows },
        }
    }
}

/// C in parts, each of them by a call of its own.
fn in_parts<S: Simd<E>, E: Float>(
    s: S,
    size: [usize; 3],
    a: Matrix<E>,
    b: Matrix<E>,
    rows: &[core::ops::Range<usize>],
    cols: &[core::ops::Range<usize>],
) -> Vec<E> {
    let [_, n, k] = size;
    let mut c = vec![nan::<E>(); size[0] * n];
    let to = c.as_mut_ptr();
    for rows in rows {
        for cols in cols {
            with_scratch(gemm_scratch(k), |scratch| {
                // SAFETY: the operands and the result have these sizes.
                s.vectorize(|| unsafe {
                    gemm(
                        s,
                        scratch,
                        rows.clone(),
                        cols.clone(),
                        k,
                        a,
                        b,
                        #[inline(always)]
                        |v, row, col, lanes| {
                            assert!(rows.contains(&row) && cols.contains(&col) && col + lanes <= cols.end);
                            s.store_n(to.add(row * n + col), v, lanes);
                        },
                    );
                });
            });
        }
    }
    c
}

fn products<S: Simd<E>, E: Float>(s: S) {
    let heights = [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 13, 20, 27, 41];
    let widths = [1, 3, 4, 7, 8, 10, 13, 16, 17, 31, 48, 50, 64, 77, 97];
    for (i, &m) in heights.iter().enumerate() {
        for (j, &n) in widths.iter().enumerate() {
            let k = [0, 1, 2, 5, 17][(i + j) % 5];
            let (left, right) = (random::<E>(m * k, 1), random::<E>(k * n, 2));
            for layouts in [
                [Layout::Plain, Layout::Plain],
                [Layout::Plain, Layout::Transposed],
                [Layout::Transposed, Layout::Plain],
                [Layout::Transposed, Layout::Transposed],
            ] {
                let a = layouts[0].matrix(&left, m, k);
                let b = layouts[1].matrix(&right, k, n);
                let mut sums = vec![Sum::default(); m * n];
                let mut chains = vec![E::ZERO; m * n];
                for row in 0..m {
                    for col in 0..n {
                        let mut chain = s.splat(E::ZERO);
                        for term in 0..k {
                            // SAFETY: within the operands.
                            let (x, y) = unsafe {
                                (*a.ptr.add(row * a.row + term * a.col), *b.ptr.add(term * b.row + col * b.col))
                            };
                            sums[row * n + col].add(x, y);
                            chain = s.mul_add(s.splat(x), s.splat(y), chain);
                        }
                        // SAFETY: one element.
                        unsafe { s.store_n(&mut chains[row * n + col], chain, 1) };
                    }
                }
                for (rows, cols) in splits(m).into_iter().zip(splits(n)) {
                    let c = in_parts(s, [m, n, k], a, b, &rows, &cols);
                    assert_close(&c, &sums, k, &format!("{layouts:?} {m} {n} {k}"));
                    assert_eq!(bits(&c), bits(&chains), "{layouts:?} {m} {n} {k}");
                }
            }
        }
    }
}

#[test]
fn products_are_chains_in_every_layout_and_split() {
    everywhere!(products);
}

fn sums<S: Simd<E>, E: Float>(s: S) {
    for rows in [0, 1, 2, 7, 19] {
        for cols in [1, 3, 8, 10, 64, 77] {
            let stride = cols + 3;
            let x = random::<E>(rows * stride + cols, 5);
            let mut want = vec![Sum::default(); cols];
            for row in 0..rows {
                for (col, sum) in want.iter_mut().enumerate() {
                    sum.add(x[row * stride + col], E::ONE);
                }
            }
            let mut first = None;
            for parts in splits(cols) {
                let mut got = vec![nan::<E>(); cols];
                let to = got.as_mut_ptr();
                for part in parts {
                    // SAFETY: the rows and the result have these sizes.
                    s.vectorize(|| unsafe {
                        fold_columns(
                            s,
                            rows,
                            part,
                            E::ZERO,
                            #[inline(always)]
                            |sum, row, col, n| s.add(sum, s.load_n(x.as_ptr().add(row * stride + col), n)),
                            #[inline(always)]
                            |a, b| s.add(a, b),
                            #[inline(always)]
                            |v, col, n| s.store_n(to.add(col), v, n),
                        );
                    });
                }
                assert_close(&got, &want, rows, &format!("{rows} {cols}"));
                let first = first.get_or_insert_with(|| got.clone());
                assert_eq!(bits(first), bits(&got), "{rows} {cols}");
            }
        }
    }
}

/// A transposed operand with rows so long that it is packed.
fn long_rows<S: Simd<E>, E: Float>(s: S) {
    let (m, n, k, stride) = (101, 70, 5, 1027);
    let (left, right) = (random::<E>(k * stride, 1), random::<E>(k * n, 2));
    let a = Matrix { ptr: left.as_ptr(), row: 1, col: stride };
    let b = Layout::Plain.matrix(&right, k, n);
    let mut want = vec![Sum::default(); m * n];
    for (i, sum) in want.iter_mut().enumerate() {
        (0..k).for_each(|term| sum.add(left[term * stride + i / n], right[term * n + i % n]));
    }
    let whole = in_parts(s, [m, n, k], a, b, std::slice::from_ref(&(0..m)), std::slice::from_ref(&(0..n)));
    assert_close(&whole, &want, k, "long rows");
    let parts = in_parts(s, [m, n, k], a, b, &[0..7, 7..m], &[0..66, 66..n]);
    assert_eq!(bits(&whole), bits(&parts));
}

#[test]
fn products_of_long_rows() {
    everywhere!(long_rows);
}

/// Sums so long that few rows of the left operand fit in the cache.
fn deep<S: Simd<E>, E: Float>(s: S) {
    let (m, n, k) = (53, 3, 5500);
    let (left, right) = (random::<E>(m * k, 1), random::<E>(k * n, 2));
    let (a, b) = (Layout::Plain.matrix(&left, m, k), Layout::Plain.matrix(&right, k, n));
    let mut want = vec![Sum::default(); m * n];
    for (i, sum) in want.iter_mut().enumerate() {
        (0..k).for_each(|term| sum.add(left[i / n * k + term], right[term * n + i % n]));
    }
    let whole = in_parts(s, [m, n, k], a, b, std::slice::from_ref(&(0..m)), std::slice::from_ref(&(0..n)));
    assert_close(&whole, &want, k, "deep");
    let parts = in_parts(s, [m, n, k], a, b, &[0..7, 7..m], &[0..1, 1..n]);
    assert_eq!(bits(&whole), bits(&parts));
}

#[test]
fn deep_products() {
    everywhere!(deep);
}

#[test]
fn sums_of_columns() {
    everywhere!(sums);
}
