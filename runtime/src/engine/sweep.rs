//! Sweeps over elements, a vector at a time.

use core::ops::Range;

use crate::simd::{Float, Simd};

/// Calls `body(col, n)` for each vector of `cols`: `n` is the number of lanes, all of them but at the end.
#[inline(always)]
pub fn sweep<E: Float, S: Simd<E>>(_: S, cols: Range<usize>, mut body: impl FnMut(usize, usize)) {
    let mut col = cols.start;
    while col + S::LANES <= cols.end {
        body(col, S::LANES);
        col += S::LANES;
    }
    if col < cols.end {
        body(col, cols.end - col);
    }
}

/// Reduces rows to one: `body(accumulator, row, col, n)` takes a vector of a row in, rows ascending; `finish` gets
/// each finished vector. The bits do not depend on how the columns are split.
#[inline(always)]
pub fn fold_columns<E: Float, S: Simd<E>>(
    s: S,
    rows: usize,
    cols: Range<usize>,
    start: E,
    mut body: impl FnMut(S::V, usize, usize, usize) -> S::V,
    mut finish: impl FnMut(S::V, usize, usize),
) {
    let start = s.splat(start);
    let mut col = cols.start;
    // Four vectors at a time: whole cache lines of each row.
    while col + 4 * S::LANES <= cols.end {
        let mut sums = [start; 4];
        for row in 0..rows {
            for (place, sum) in sums.iter_mut().enumerate() {
                *sum = body(*sum, row, col + place * S::LANES, S::LANES);
            }
        }
        for (place, sum) in sums.into_iter().enumerate() {
            finish(sum, col + place * S::LANES, S::LANES);
        }
        col += 4 * S::LANES;
    }
    sweep(s, col..cols.end, |col, n| {
        let mut sum = start;
        for row in 0..rows {
            sum = body(sum, row, col, n);
        }
        finish(sum, col, n);
    });
}
