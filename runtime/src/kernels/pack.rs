//! Copies into scratch: panels of a matrix, images with a border of zeros.

use crate::simd::{Float, Simd};

use super::tile::{Panel, padded};

/// A panel: `k` rows of `cols` columns one after the other, each row filled with zeros to whole vectors.
/// Element (i, j) is read at `from + i * row + j * col`.
///
/// # Safety
/// All elements are readable, and `k * padded(cols)` elements at `to` are writable.
#[inline(always)]
pub(super) unsafe fn pack<S: Simd<E>, E: Float>(
    s: S,
    k: usize,
    cols: usize,
    from: *const E,
    row: usize,
    col: usize,
    to: *mut E,
) -> Panel<E> {
    let width = padded(cols, S::LANES);
    let whole = cols - cols % S::LANES;
    // SAFETY: i < k and j < cols; the caller's promise.
    unsafe {
        if col == 1 {
            for i in 0..k {
                let (from, to) = (from.add(i * row), to.add(i * width));
                for j in (0..whole).step_by(S::LANES) {
                    s.store(to.add(j), s.load(from.add(j)));
                }
                if whole < cols {
                    s.store(to.add(whole), s.load_n(from.add(whole), cols - whole));
                }
            }
        } else {
            // Blocks that can be transposed in registers, then one by one.
            let rows = if row == 1 { k - k % S::LANES } else { 0 };
            for i in (0..rows).step_by(S::LANES) {
                for j in (0..whole).step_by(S::LANES) {
                    s.transpose(from.add(i + j * col), col, to.add(i * width + j), width);
                }
            }
            for i in 0..k {
                let (from, to) = (from.add(i * row), to.add(i * width));
                for j in if i < rows { whole } else { 0 }..cols {
                    *to.add(j) = *from.add(j * col);
                }
                for j in cols..width {
                    *to.add(j) = E::ZERO;
                }
            }
        }
    }
    Panel { ptr: to, stride: width, copy: core::ptr::null_mut() }
}

/// An image of `size[0]` rows of `size[1]` elements, with `low` and `high` zeros around (the second of each
/// counts elements too).
///
/// # Safety
/// The image at `from` is readable, and the padded one at `to` writable.
#[inline(always)]
pub(super) unsafe fn pad<E: Float>(size: [usize; 2], low: [usize; 2], high: [usize; 2], from: *const E, to: *mut E) {
    let width = low[1] + size[1] + high[1];
    // SAFETY: rows and border stay within the padded image; zero bits are 0.0.
    unsafe {
        to.write_bytes(0, low[0] * width);
        for y in 0..size[0] {
            let to = to.add((low[0] + y) * width);
            to.write_bytes(0, low[1]);
            to.add(low[1]).copy_from_nonoverlapping(from.add(y * size[1]), size[1]);
            to.add(low[1] + size[1]).write_bytes(0, high[1]);
        }
        to.add((low[0] + size[0]) * width).write_bytes(0, high[0] * width);
    }
}
