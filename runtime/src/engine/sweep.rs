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

/// Rows that are reduced side by side: as many chains as hide an addition's latency.
const CHAINS: usize = 4;

/// Reduces rows to one: `body(accumulator, row, col, n)` takes a vector of a row in, `join` two accumulators, and
/// `finish` gets each finished vector. Row r goes to chain r mod 4, so the bits do not depend on how the columns are
/// split.
#[inline(always)]
pub fn fold_columns<E: Float, S: Simd<E>>(
    s: S,
    rows: usize,
    cols: Range<usize>,
    start: E,
    mut body: impl FnMut(S::V, usize, usize, usize) -> S::V,
    join: impl Fn(S::V, S::V) -> S::V,
    mut finish: impl FnMut(S::V, usize, usize),
) {
    let start = s.splat(start);
    let mut col = cols.start;
    while col < cols.end {
        // Two vectors at a time, so that a row's cache line is read once.
        let n = [0, S::LANES].map(|from| (cols.end - col).saturating_sub(from).min(S::LANES));
        let sums = if n == [S::LANES; 2] {
            fold(
                s,
                rows,
                start,
                &join,
                #[inline(always)]
                |sum, row, place| body(sum, row, col + place * S::LANES, S::LANES),
            )
        } else {
            fold(
                s,
                rows,
                start,
                &join,
                #[inline(always)]
                |sum, row, place| match n[place] {
                    0 => sum,
                    lanes => body(sum, row, col + place * S::LANES, lanes),
                },
            )
        };
        for (place, (sum, lanes)) in sums.into_iter().zip(n).enumerate() {
            if lanes > 0 {
                finish(sum, col + place * S::LANES, lanes);
            }
        }
        col += 2 * S::LANES;
    }
}

/// Two columns of vectors: `body(accumulator, row, column)`.
#[inline(always)]
fn fold<E: Float, S: Simd<E>>(
    _: S,
    rows: usize,
    start: S::V,
    join: &impl Fn(S::V, S::V) -> S::V,
    mut body: impl FnMut(S::V, usize, usize) -> S::V,
) -> [S::V; 2] {
    let mut chains = [[start; CHAINS]; 2];
    for first in (0..rows).step_by(CHAINS) {
        // A loop of known count keeps the chains in registers.
        for chain in 0..CHAINS {
            if first + chain < rows {
                for (place, sums) in chains.iter_mut().enumerate() {
                    sums[chain] = body(sums[chain], first + chain, place);
                }
            }
        }
    }
    chains.map(
        #[inline(always)]
        |[a, b, c, d]| join(join(a, b), join(c, d)),
    )
}
