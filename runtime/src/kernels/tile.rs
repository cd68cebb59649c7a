//! The micro-kernel that products and convolutions share: 6 rows × 2 vectors of sums in registers.
//!
//! Twelve accumulators keep two FMA units of four cycles' latency busy and leave registers for two vectors of B
//! and one element of A (K. Goto and R. van de Geijn, "Anatomy of High-Performance Matrix Multiplication", 2008;
//! F. Van Zee and R. van de Geijn, "BLIS", 2015).

use core::ops::Range;

use crate::simd::{Float, Simd};

/// Rows of a full tile.
const ROWS: usize = 6;

/// Vectors in a full panel of B.
pub(super) const VECTORS: usize = 2;

/// `cols` rounded up to whole vectors: the width of a panel of so many columns.
pub(super) const fn padded(cols: usize, lanes: usize) -> usize {
    cols.div_ceil(lanes) * lanes
}

/// How the terms of a sum lie in A: three loops around, the innermost last.
#[derive(Clone, Copy)]
pub(super) struct Walk {
    pub(super) counts: [usize; 3],
    pub(super) strides: [usize; 3],
}

impl Walk {
    /// `count` terms, `stride` apart.
    #[inline(always)]
    pub(super) fn line(count: usize, stride: usize) -> Self {
        Self { counts: [1, 1, count], strides: [0, 0, stride] }
    }
}

/// The sums of `R` rows and `N` vectors, each one chain of `mul_add` along the walk, starting from zero.
///
/// # Safety
/// The walk from each of `a` is readable, and so are `N` vectors at every `b_stride` from `b`.
#[inline(always)]
unsafe fn tile<S: Simd<E>, E: Float, const R: usize, const N: usize>(
    s: S,
    walk: Walk,
    a: [*const E; R],
    b: *const E,
    b_stride: usize,
) -> [[S::V; N]; R] {
    let zero = s.splat(E::ZERO);
    let mut sums = [[zero; N]; R];
    let mut b = b;
    for i in 0..walk.counts[0] {
        for j in 0..walk.counts[1] {
            let mut offset = i * walk.strides[0] + j * walk.strides[1];
            for _ in 0..walk.counts[2] {
                let mut y = [zero; N];
                for (n, y) in y.iter_mut().enumerate() {
                    // SAFETY: the caller's promise.
                    *y = unsafe { s.load(b.add(n * S::LANES)) };
                }
                for r in 0..R {
                    // SAFETY: the caller's promise.
                    let x = s.splat(unsafe { *a[r].add(offset) });
                    for n in 0..N {
                        sums[r][n] = s.mul_add(x, y[n], sums[r][n]);
                    }
                }
                b = b.wrapping_add(b_stride);
                offset += walk.strides[2];
            }
        }
    }
    sums
}

/// All rows of one panel, `N` vectors wide: `finish` gets each vector with its row and its place in the panel.
///
/// # Safety
/// For every row in `rows`, the walk from `a(row)` is readable, and so are `N` vectors at every `b_stride` from
/// `b` for each of its terms.
#[inline(always)]
pub(super) unsafe fn panel<S: Simd<E>, E: Float, const N: usize>(
    s: S,
    rows: Range<usize>,
    walk: Walk,
    a: impl Fn(usize) -> *const E,
    b: *const E,
    b_stride: usize,
    mut finish: impl FnMut(S::V, usize, usize),
) {
    let mut sums = [[s.splat(E::ZERO); N]; ROWS];
    let mut row = rows.start;
    while row < rows.end {
        let left = rows.end - row;
        // Fours where they cover what is left with less waste. Rows past the end repeat the last one.
        let four = left <= 4 || left == 7 || left == 8;
        let last = rows.end - 1;
        let take = left.min(if four { 4 } else { ROWS });
        if four {
            let a = [a(row), a((row + 1).min(last)), a((row + 2).min(last)), a((row + 3).min(last))];
            // SAFETY: the caller's promise; the pointers belong to rows in range.
            let part = unsafe { tile::<S, E, 4, N>(s, walk, a, b, b_stride) };
            sums[..4].copy_from_slice(&part);
        } else {
            let a = [a(row), a(row + 1), a(row + 2), a(row + 3), a(row + 4), a((row + 5).min(last))];
            // SAFETY: as above.
            sums = unsafe { tile::<S, E, ROWS, N>(s, walk, a, b, b_stride) };
        }
        // One loop for every size of tile, so that the epilogue is compiled once.
        for (r, vectors) in sums.iter().enumerate().take(take) {
            for (n, &v) in vectors.iter().enumerate() {
                finish(v, row + r, n);
            }
        }
        row += take;
    }
}

/// The part `rows` × `cols` of a product, panel by panel.
///
/// `a(row)` is where a row's walk starts. `b(col, width)` makes the panel of the columns from `col` on and gives
/// its address and the distance between its rows; a panel has 2 vectors, or 1 where `width` is at most one.
/// `epilogue(v, row, col, lanes)` takes the results.
///
/// # Safety
/// As [`panel`], for what `a` and `b` give.
#[inline(always)]
pub(super) unsafe fn panels<S: Simd<E>, E: Float>(
    s: S,
    rows: Range<usize>,
    cols: Range<usize>,
    walk: Walk,
    a: impl Fn(usize) -> *const E,
    mut b: impl FnMut(usize, usize) -> (*const E, usize),
    mut epilogue: impl FnMut(S::V, usize, usize, usize),
) {
    if rows.is_empty() || cols.is_empty() {
        return;
    }
    let width = VECTORS * S::LANES;
    let mut col = cols.start;
    for _ in 0..cols.len() / width {
        let (panel_b, stride) = b(col, width);
        // SAFETY: the caller's promise.
        unsafe {
            panel::<S, E, VECTORS>(
                s,
                rows.clone(),
                walk,
                &a,
                panel_b,
                stride,
                #[inline(always)]
                |v, row, n| epilogue(v, row, col + n * S::LANES, S::LANES),
            );
        }
        col += width;
    }
    let rest = cols.len() % width;
    if rest > 0 {
        let (panel_b, stride) = b(col, rest);
        // SAFETY: the caller's promise.
        unsafe {
            if rest > S::LANES {
                panel::<S, E, VECTORS>(
                    s,
                    rows,
                    walk,
                    a,
                    panel_b,
                    stride,
                    #[inline(always)]
                    |v, row, n| epilogue(v, row, col + n * S::LANES, (rest - n * S::LANES).min(S::LANES)),
                );
            } else {
                panel::<S, E, 1>(
                    s,
                    rows,
                    walk,
                    a,
                    panel_b,
                    stride,
                    #[inline(always)]
                    |v, row, _| epilogue(v, row, col, rest),
                );
            }
        }
    }
}
