//! Rows of a table by index, and the table's gradient.

use core::ops::Range;

use crate::simd::{Float, Simd};

/// What stands for no index: indices are checked to be below the table's rows.
pub const NO_PADDING: u32 = u32::MAX;

/// For each of the `places` the row of `table` that its index names, `features` elements, to `y`; zeros where the index
/// is `padding`.
///
/// # Safety
/// The indices are readable and below the table's rows, the table is readable, the places of `y` are writable.
#[inline(always)]
pub unsafe fn embed<S: Simd<E>, E: Float>(
    s: S,
    places: Range<usize>,
    features: usize,
    padding: u32,
    table: *const E,
    index: *const u32,
    y: *mut E,
) {
    for place in places {
        // SAFETY: the caller's promise.
        unsafe {
            let index = *index.add(place);
            let to = y.add(place * features);
            let from = table.add(index as usize * features);
            let mut feature = 0;
            while feature < features {
                let n = S::LANES.min(features - feature);
                let v = if index == padding { s.splat(E::ZERO) } else { s.load_n(from.add(feature), n) };
                s.store_n(to.add(feature), v, n);
                feature += n;
            }
        }
    }
}

/// The part `rows` by `cols` of the gradient by the table: for each of `places` indices, in ascending order, its vector
/// of `g` is added to the row that the index names, unless it is `padding`. A sum's order depends on the indices
/// alone.
///
/// # Safety
/// `places` indices and vectors of `features` elements are readable, the part of `table` is writable.
#[inline(always)]
#[allow(clippy::too_many_arguments, reason = "a kernel takes its part, its sizes and its operands")]
pub unsafe fn embed_grad<S: Simd<E>, E: Float>(
    s: S,
    rows: Range<usize>,
    cols: Range<usize>,
    places: usize,
    features: usize,
    padding: u32,
    index: *const u32,
    g: *const E,
    table: *mut E,
) {
    // SAFETY: the caller's promise; what is read of the table is in the part and was written before.
    unsafe {
        for row in rows.clone() {
            // Zero bits are 0.0.
            table.add(row * features + cols.start).write_bytes(0, cols.len());
        }
        for place in 0..places {
            let index = *index.add(place);
            let row = index as usize;
            if index == padding || !rows.contains(&row) {
                continue;
            }
            let (from, to) = (g.add(place * features), table.add(row * features));
            let mut col = cols.start;
            while col < cols.end {
                let n = S::LANES.min(cols.end - col);
                let sum = s.add(s.load_n(to.add(col), n), s.load_n(from.add(col), n));
                s.store_n(to.add(col), sum, n);
                col += n;
            }
        }
    }
}
