//! Matrix products: every combination of transposed operands, any part of the result.

use core::ops::Range;

use crate::simd::{Float, Simd};

use super::MAX_LANES;
use super::pack::pack;
use super::tile::{MOST_VECTORS, Panel, Shared, VECTORS, Walk, few, wide_panels, wide_row};

/// Where A is transposed and its rows are this many bytes apart, each term of a tile is a cache line of its own that
/// nobody fetches ahead: then A is packed.
const APART: usize = 512;

/// As many rows of A at a time as so many bytes hold: they stay in the second-level cache for all panels.
const CACHED: usize = 1 << 20;

/// Rows of A that are packed at a time.
const BLOCK: usize = 48;

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
    k * (MOST_VECTORS * MAX_LANES + BLOCK)
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
    mut epilogue: F,
) {
    let walk = Walk::line(k, a.col);
    let is_plain = b.col == 1;
    let mut cols = cols;
    if rows.len() == 1 && is_plain {
        let row = rows.start;
        // SAFETY: the row of A and the columns of B are readable.
        cols = unsafe {
            wide_row(
                s,
                cols,
                walk,
                a.ptr.wrapping_add(row * a.row),
                b.ptr,
                b.row,
                #[inline(always)]
                |v, col, lanes| epilogue(v, row, col, lanes),
            )
        };
    }
    let few = few::<S, E>();
    let is_packed =
        a.row == 1 && a.col * size_of::<E>() >= APART && rows.len() > few && cols.len() > 2 * VECTORS * S::LANES;
    let most = if is_packed { BLOCK } else { (CACHED / (k * size_of::<E>()).max(1)).max(BLOCK) };
    let blocks = rows.len().div_ceil(most).max(1);
    let block = rows.len().div_ceil(blocks).next_multiple_of(24).max(24);
    for start in rows.clone().step_by(block) {
        let rows = start..rows.end.min(start + block);
        let (mut a_ptr, mut walk) = (a.ptr.wrapping_add(start * a.row), walk);
        if is_packed {
            let to = scratch.wrapping_add(k * MOST_VECTORS * S::LANES);
            // SAFETY: the block's rows are readable, and fit in scratch behind a panel of B.
            let packed = unsafe { pack(s, k, rows.len(), a_ptr, a.col, 1, to) };
            (a_ptr, walk) = (packed.ptr, Walk::line(k, packed.stride));
        }
        let copy = if rows.len() > few { scratch } else { core::ptr::null_mut() };
        // SAFETY: the walks stay in A, panels are B itself or packed from it, at most `MOST_VECTORS` wide.
        unsafe {
            wide_panels::<S, E, Shared>(
                s,
                rows,
                cols.clone(),
                walk,
                #[inline(always)]
                |row, _| a_ptr.wrapping_add((row - start) * a.row),
                #[inline(always)]
                |col, width| {
                    let from = b.ptr.wrapping_add(col * b.col);
                    if is_plain && width % S::LANES == 0 {
                        return Panel { ptr: from, stride: b.row, copy };
                    }
                    pack(s, k, width, from, b.row, b.col, scratch)
                },
                // Not `&mut epilogue`: calls through it are not inlined.
                #[inline(always)]
                #[allow(clippy::redundant_closure)]
                |v, row, col, lanes| epilogue(v, row, col, lanes),
            );
        }
    }
}
