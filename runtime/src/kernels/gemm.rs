//! Matrix products: every combination of transposed operands, any part of the result.

use core::ops::Range;

use crate::simd::{Float, Simd};

use super::MAX_LANES;
use super::pack::pack;
use super::tile::{VECTORS, Walk, panels};

/// Up to so many rows, B is read where it lies: packing costs more than its long strides.
const FEW: usize = 12;

/// A matrix in memory: element (i, j) lies at `ptr + i * row + j * col`.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<E> {
    /// Element (0, 0).
    pub ptr: *const E,
    /// Elements from one row to the next.
    pub row: usize,
    /// Elements from one column to the next.
    pub col: usize,
}

/// Elements of scratch that [`gemm`] needs.
pub const fn gemm_scratch(k: usize) -> usize {
    k * VECTORS * MAX_LANES
}

/// The part `rows` × `cols` of C = A B: `epilogue(v, row, col, lanes)` gets each vector of consecutive columns once.
///
/// C(i, j) is one chain of `mul_add` over k = 0, 1, …, starting from zero, whatever the part. A and B may be
/// transposed by their strides; it is fast where A has a unit stride and B unit columns. The epilogue may
/// change whatever A and B do not read.
///
/// # Safety
/// Rows `rows` of A (`k` columns) and columns `cols` of B (`k` rows) are readable, and [`gemm_scratch`] elements
/// at `scratch` are writable.
#[inline(always)]
#[allow(clippy::too_many_arguments)]
pub unsafe fn gemm<S: Simd<E>, E: Float, F: FnMut(S::V, usize, usize, usize)>(
    s: S,
    scratch: *mut E,
    rows: Range<usize>,
    cols: Range<usize>,
    k: usize,
    a: Matrix<E>,
    b: Matrix<E>,
    epilogue: F,
) {
    let in_place = b.col == 1 && rows.len() <= FEW;
    // SAFETY: the walks stay in A, panels are B itself or packed from it, at most `VECTORS` wide.
    unsafe {
        panels(
            s,
            rows,
            cols,
            Walk::line(k, a.col),
            #[inline(always)]
            |i| a.ptr.wrapping_add(i * a.row),
            #[inline(always)]
            |col, width| {
                let from = b.ptr.wrapping_add(col * b.col);
                if in_place && width % S::LANES == 0 {
                    return (from, b.row);
                }
                pack(s, k, width, from, b.row, b.col, scratch);
                (scratch.cast_const(), width.next_multiple_of(S::LANES))
            },
            epilogue,
        );
    }
}
