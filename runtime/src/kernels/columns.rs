//! Sums down the columns of a matrix, as bias gradients need.

use core::ops::Range;

use crate::simd::{Float, Simd};

/// Vectors summed side by side: enough chains to hide the latency of an addition.
const CHAINS: usize = 8;

/// The sums of columns `cols` over `rows` rows, `stride` elements apart: `epilogue(v, col, lanes)` gets each
/// vector of sums once. A sum is one chain in ascending order of rows, whatever the part.
///
/// # Safety
/// `rows` rows of the columns `cols` are readable.
#[inline(always)]
pub unsafe fn column_sum<S: Simd<E>, E: Float, F: FnMut(S::V, usize, usize)>(
    s: S,
    rows: usize,
    cols: Range<usize>,
    ptr: *const E,
    stride: usize,
    mut epilogue: F,
) {
    let mut col = cols.start;
    while cols.end - col >= CHAINS * S::LANES {
        let mut sums = [s.splat(E::ZERO); CHAINS];
        for row in 0..rows {
            for (n, sum) in sums.iter_mut().enumerate() {
                // SAFETY: the columns are in range.
                *sum = s.add(*sum, unsafe { s.load(ptr.add(row * stride + col + n * S::LANES)) });
            }
        }
        for (n, &sum) in sums.iter().enumerate() {
            epilogue(sum, col + n * S::LANES, S::LANES);
        }
        col += CHAINS * S::LANES;
    }
    while col < cols.end {
        let lanes = S::LANES.min(cols.end - col);
        let mut sum = s.splat(E::ZERO);
        for row in 0..rows {
            // SAFETY: `lanes` columns are in range.
            sum = s.add(sum, unsafe { s.load_n(ptr.add(row * stride + col), lanes) });
        }
        epilogue(sum, col, lanes);
        col += lanes;
    }
}
