//! The micro-kernel that products and convolutions share: 6 rows × 2 vectors of sums in registers.
//!
//! Twelve accumulators keep two FMA units of four cycles' latency busy and leave registers for two vectors of B
//! and one element of A (K. Goto and R. van de Geijn, "Anatomy of High-Performance Matrix Multiplication", 2008;
//! F. Van Zee and R. van de Geijn, "BLIS", 2015).

use core::ops::Range;

use crate::simd::{Float, Simd};

/// Rows of a full tile. One row less still hides nearly all of the latency, four rows no longer do.
const ROWS: usize = 6;

/// Vectors in a full panel of B.
pub(super) const VECTORS: usize = 2;

/// Vectors of a single row's sums: as many chains as hide the latency.
const WIDE: usize = 8;

/// Terms in a run that may be unrolled.
const UNROLLED: usize = 4;

/// `cols` rounded up to whole vectors: the width of a panel of so many columns.
pub(super) const fn padded(cols: usize, lanes: usize) -> usize {
    cols.div_ceil(lanes) * lanes
}

/// How the terms of a sum lie in A: three loops around, the innermost last.
#[derive(Clone, Copy)]
pub(super) struct Walk {
    pub(super) counts: [usize; 3],
    pub(super) strides: [usize; 3],
    /// Whether each column has its own element of A, next to its neighbours', or all have the same.
    pub(super) lanewise: bool,
}

impl Walk {
    /// `count` terms, `stride` apart.
    #[inline(always)]
    pub(super) fn line(count: usize, stride: usize) -> Self {
        Self { counts: [1, 1, count], strides: [0, 0, stride], lanewise: false }
    }
}

/// Some columns of B: a row for each term, `stride` elements apart.
#[derive(Clone, Copy)]
pub(super) struct Panel<E> {
    pub(super) ptr: *const E,
    pub(super) stride: usize,
    /// Where the first tile packs it for the others, or null. That costs the tile nothing: it waits for its
    /// multiplications.
    pub(super) copy: *mut E,
}

/// The sums of `R` rows and `N` vectors, each one chain of `mul_add` along the walk, starting from zero.
///
/// # Safety
/// The walk from each of `a` is readable, and so are `N` vectors of each row of `b`; if `COPY`, as many are
/// writable one after the other at `b.copy`.
#[inline(always)]
unsafe fn tile<S: Simd<E>, E: Float, const R: usize, const N: usize, const COPY: bool>(
    s: S,
    walk: Walk,
    a: [*const E; R],
    b: Panel<E>,
) -> [[S::V; N]; R] {
    let zero = s.splat(E::ZERO);
    let mut sums = [[zero; N]; R];
    let Panel { ptr: mut from, stride, copy: mut to } = b;
    // A longer loop of known count would be unrolled too, and the sums would no longer stay in registers.
    let count = if walk.counts[2] > UNROLLED { core::hint::black_box(walk.counts[2]) } else { walk.counts[2] };
    for i in 0..walk.counts[0] {
        for j in 0..walk.counts[1] {
            let mut offset = i * walk.strides[0] + j * walk.strides[1];
            for _ in 0..count {
                let mut y = [zero; N];
                for (n, y) in y.iter_mut().enumerate() {
                    // SAFETY: the caller's promise.
                    unsafe {
                        *y = s.load(from.add(n * S::LANES));
                        if COPY {
                            s.store(to.add(n * S::LANES), *y);
                        }
                    }
                }
                for r in 0..R {
                    let x = a[r].wrapping_add(offset);
                    for n in 0..N {
                        // SAFETY: the caller's promise.
                        let x = unsafe { if walk.lanewise { s.load(x.add(n * S::LANES)) } else { s.splat(*x) } };
                        sums[r][n] = s.mul_add(x, y[n], sums[r][n]);
                    }
                }
                from = from.wrapping_add(stride);
                to = to.wrapping_add(N * S::LANES);
                offset += walk.strides[2];
            }
        }
    }
    sums
}

/// All rows of one panel, `N` vectors wide: `finish` gets each vector with its row and its place in the panel.
///
/// # Safety
/// For every row in `rows`, the walk from `a(row)` is readable, and so are `N` vectors of each row of `b`; if
/// `b.copy` is not null, as many are writable one after the other there.
#[inline(always)]
pub(super) unsafe fn panel<S: Simd<E>, E: Float, const N: usize>(
    s: S,
    rows: Range<usize>,
    walk: Walk,
    a: impl Fn(usize) -> *const E,
    mut b: Panel<E>,
    mut finish: impl FnMut(S::V, usize, usize),
) {
    let mut sums = [[s.splat(E::ZERO); N]; ROWS];
    // As few tiles as can be, as many of them as can be a row shorter.
    let tiles = rows.len().div_ceil(ROWS);
    let full = tiles - tiles.min(tiles * ROWS - rows.len());
    let last = rows.end.wrapping_sub(1);
    let mut row = rows.start;
    for index in 0..tiles {
        // Rows past the end repeat the last one.
        let a = |r: usize| a((row + r).min(last));
        // SAFETY: the caller's promise; the pointers belong to rows in range.
        unsafe {
            if index >= full {
                let short = tile::<S, E, { ROWS - 1 }, N, false>(s, walk, [a(0), a(1), a(2), a(3), a(4)], b);
                sums[..ROWS - 1].copy_from_slice(&short);
            } else {
                let a = [a(0), a(1), a(2), a(3), a(4), a(5)];
                if index == 0 && !b.copy.is_null() {
                    sums = tile::<S, E, ROWS, N, true>(s, walk, a, b);
                    b = Panel { ptr: b.copy, stride: N * S::LANES, copy: b.copy };
                } else {
                    sums = tile::<S, E, ROWS, N, false>(s, walk, a, b);
                }
            }
        }
        // One loop for every size of tile, so that the epilogue is compiled once.
        let count = (rows.end - row).min(if index < full { ROWS } else { ROWS - 1 });
        for (r, vectors) in sums.iter().enumerate().take(count) {
            for (n, &v) in vectors.iter().enumerate() {
                finish(v, row + r, n);
            }
        }
        row += count;
    }
}

/// The part `rows` × `cols` of a product, panel by panel.
///
/// `a(row, col)` is where the walk of a row starts for the panel at a column. `b(col, width)` makes the panel of the
/// columns from `col` on, 2 vectors wide, or 1 where `width` is at most one. `epilogue(v, row, col, lanes)` takes
/// the results.
///
/// # Safety
/// As [`panel`], for what `a` and `b` give.
#[inline(always)]
pub(super) unsafe fn panels<S: Simd<E>, E: Float>(
    s: S,
    rows: Range<usize>,
    cols: Range<usize>,
    walk: Walk,
    a: impl Fn(usize, usize) -> *const E,
    mut b: impl FnMut(usize, usize) -> Panel<E>,
    mut epilogue: impl FnMut(S::V, usize, usize, usize),
) {
    if rows.is_empty() || cols.is_empty() {
        return;
    }
    let width = VECTORS * S::LANES;
    let mut col = cols.start;
    for _ in 0..cols.len() / width {
        let b = b(col, width);
        // SAFETY: the caller's promise.
        unsafe {
            panel::<S, E, VECTORS>(
                s,
                rows.clone(),
                walk,
                #[inline(always)]
                |row| a(row, col),
                b,
                #[inline(always)]
                |v, row, n| epilogue(v, row, col + n * S::LANES, S::LANES),
            );
        }
        col += width;
    }
    let rest = cols.len() % width;
    if rest == 0 {
        return;
    }
    let b = b(col, rest);
    // SAFETY: the caller's promise.
    unsafe {
        if rest > S::LANES {
            panel::<S, E, VECTORS>(
                s,
                rows,
                walk,
                #[inline(always)]
                |row| a(row, col),
                b,
                #[inline(always)]
                |v, row, n| epilogue(v, row, col + n * S::LANES, (rest - n * S::LANES).min(S::LANES)),
            );
        } else {
            panel::<S, E, 1>(
                s,
                rows,
                walk,
                #[inline(always)]
                |row| a(row, col),
                b,
                #[inline(always)]
                |v, row, _| epilogue(v, row, col, rest),
            );
        }
    }
}

/// A single row, as many of `cols` as fill wide tiles: `epilogue(v, col, lanes)` takes the results. Returns the
/// columns that remain.
///
/// # Safety
/// The walk from `a` is readable, and so are the columns of B, whose column 0 is at `b`, `stride` elements from row to
/// row.
#[inline(always)]
pub(super) unsafe fn wide_row<S: Simd<E>, E: Float>(
    s: S,
    mut cols: Range<usize>,
    walk: Walk,
    a: *const E,
    b: *const E,
    stride: usize,
    mut epilogue: impl FnMut(S::V, usize, usize),
) -> Range<usize> {
    while cols.len() >= WIDE * S::LANES {
        let b = Panel { ptr: b.wrapping_add(cols.start), stride, copy: core::ptr::null_mut() };
        // SAFETY: the caller's promise.
        let [sums] = unsafe { tile::<S, E, 1, WIDE, false>(s, walk, [a], b) };
        for v in sums {
            epilogue(v, cols.start, S::LANES);
            cols.start += S::LANES;
        }
    }
    cols
}
