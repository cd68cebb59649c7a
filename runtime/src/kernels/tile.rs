//! The micro-kernel that products and convolutions share: rows × 2 or 3 vectors of sums in registers.
//!
//! Of 16 registers, twelve accumulators (6 rows × 2) keep two FMA units of four cycles' latency busy and leave room for two
//! vectors of B and one element of A. Of 32, twenty-four halve what is loaded for each multiplication (K. Goto and R. van de
//! Geijn, "Anatomy of High-Performance Matrix Multiplication", 2008; F. Van Zee and R. van de Geijn, "BLIS", 2015): 8 rows × 3,
//! which have a pointer for each row, or 12 × 2 for narrow panels.

use core::array::from_fn;
use core::ops::Range;

use crate::simd::{Float, Simd};

/// Rows of the highest tile.
const MOST_ROWS: usize = 12;

/// Vectors in a full panel of B.
pub(super) const VECTORS: usize = 2;

/// Vectors in a full panel where registers allow tiles of 8 rows by 3 vectors: fewer loads for each multiplication than 12 by
/// 2, and a pointer for each row.
pub(super) const MOST_VECTORS: usize = 3;

/// Vectors of a single row's sums: as many chains as hide the latency.
const WIDE: usize = 8;

/// The same where registers allow longer runs of B.
const WIDEST: usize = 16;

/// Terms in a run that may be unrolled.
const UNROLLED: usize = 4;

/// `cols` rounded up to whole vectors: the width of a panel of so many columns.
pub(super) const fn padded(cols: usize, lanes: usize) -> usize {
    cols.div_ceil(lanes) * lanes
}

/// Whether there are registers for tiles of [`MOST_ROWS`].
const fn is_high<S: Simd<E>, E: Float>() -> bool {
    S::REGISTERS >= 32
}

/// Up to so many rows, B is read where it lies: two tiles don't gain from its packing.
pub(super) const fn few<S: Simd<E>, E: Float>() -> usize {
    if is_high::<S, E>() { 24 } else { 12 }
}

/// How the terms of a sum lie in A: three loops around, the innermost last.
#[derive(Clone, Copy)]
pub(super) struct Walk {
    pub(super) counts: [usize; 3],
    pub(super) strides: [usize; 3],
    /// Whether each column has its own element of A, next to its neighbours', or all have the same.
    pub(super) lanewise: bool,
}

/// Where the code of a kernel's tiles stands.
pub(super) trait Tiles {
    /// Whether a tile with this walk is compiled in its kernel, for its sizes. A tile in a function of its own is
    /// compiled once for all kernels: most of what a network takes to compile.
    fn in_kernel(walk: &Walk) -> bool;
}

/// Tiles are functions of their own.
pub(super) struct Shared;

impl Tiles for Shared {
    #[inline(always)]
    fn in_kernel(_: &Walk) -> bool {
        false
    }
}

/// Where runs are so short that they are worth unrolling, or columns have elements of their own, the tile stands in its
/// kernel.
pub(super) struct Windows;

impl Tiles for Windows {
    #[inline(always)]
    fn in_kernel(walk: &Walk) -> bool {
        walk.lanewise || walk.counts[2] <= UNROLLED
    }
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

/// [`tile`] in a function of its own.
///
/// # Safety
/// As [`tile`]; `R` rows at `sums` are writable.
#[inline(never)]
unsafe fn outlined<S: Simd<E>, E: Float, const R: usize, const N: usize, const COPY: bool>(
    s: S,
    walk: &Walk,
    a: &[*const E; R],
    b: &Panel<E>,
    sums: *mut [S::V; N],
) {
    s.vectorize(
        #[inline(always)]
        || {
            let walk = Walk { lanewise: false, ..*walk };
            // SAFETY: the caller's promise.
            unsafe { sums.cast::<[[S::V; N]; R]>().write(tile::<S, E, R, N, COPY>(s, walk, *a, *b)) };
        },
    );
}

/// The first `R` rows of `sums` become those of a tile.
///
/// # Safety
/// As [`tile`].
#[inline(always)]
unsafe fn fill<S: Simd<E>, E: Float, T: Tiles, const R: usize, const N: usize, const COPY: bool>(
    s: S,
    walk: Walk,
    a: [*const E; R],
    b: Panel<E>,
    sums: &mut [[S::V; N]],
) {
    // SAFETY: the caller's promise.
    unsafe {
        if T::in_kernel(&walk) {
            sums[..R].copy_from_slice(&tile::<S, E, R, N, COPY>(s, walk, a, b));
        } else {
            assert!(sums.len() >= R);
            outlined::<S, E, R, N, COPY>(s, &walk, &a, &b, sums.as_mut_ptr());
        }
    }
}

/// All rows of one panel, `N` vectors wide: `finish` gets each vector with its row and its place in the panel.
///
/// # Safety
/// For every row in `rows`, the walk from `a(row)` is readable, and so are `N` vectors of each row of `b`; if
/// `b.copy` is not null, as many are writable one after the other there.
#[inline(always)]
pub(super) unsafe fn panel<S: Simd<E>, E: Float, T: Tiles, const N: usize>(
    s: S,
    rows: Range<usize>,
    walk: Walk,
    a: impl Fn(usize) -> *const E,
    mut b: Panel<E>,
    mut finish: impl FnMut(S::V, usize, usize),
) {
    let mut sums = [[s.splat(E::ZERO); N]; MOST_ROWS];
    let last = rows.end.wrapping_sub(1);
    let mut row = rows.start;
    while row < rows.end {
        let height = height::<S, E, N>(rows.end - row);
        // Rows past the end repeat the last one.
        let a = |r: usize| a((row + r).min(last));
        // SAFETY: the caller's promise; the pointers belong to rows in range.
        unsafe {
            let sums = &mut sums[..];
            if const { N > VECTORS } {
                match height {
                    8 if row == rows.start && !b.copy.is_null() => {
                        fill::<S, E, T, 8, N, true>(s, walk, from_fn(a), b, sums);
                        b = Panel { ptr: b.copy, stride: N * S::LANES, copy: b.copy };
                    }
                    8 => fill::<S, E, T, 8, N, false>(s, walk, from_fn(a), b, sums),
                    _ => fill::<S, E, T, 4, N, false>(s, walk, from_fn(a), b, sums),
                }
            } else if const { is_high::<S, E>() } {
                match height {
                    12 if row == rows.start && !b.copy.is_null() => {
                        fill::<S, E, T, 12, N, true>(s, walk, from_fn(a), b, sums);
                        b = Panel { ptr: b.copy, stride: N * S::LANES, copy: b.copy };
                    }
                    12 => fill::<S, E, T, 12, N, false>(s, walk, from_fn(a), b, sums),
                    8 => fill::<S, E, T, 8, N, false>(s, walk, from_fn(a), b, sums),
                    _ => fill::<S, E, T, 4, N, false>(s, walk, from_fn(a), b, sums),
                }
            } else if height == 6 && row == rows.start && !b.copy.is_null() {
                fill::<S, E, T, 6, N, true>(s, walk, from_fn(a), b, sums);
                b = Panel { ptr: b.copy, stride: N * S::LANES, copy: b.copy };
            } else if height == 6 {
                fill::<S, E, T, 6, N, false>(s, walk, from_fn(a), b, sums);
            } else {
                fill::<S, E, T, 5, N, false>(s, walk, from_fn(a), b, sums);
            }
        }
        // One loop for every size of tile, so that the epilogue is compiled once.
        let count = (rows.end - row).min(height);
        for (r, vectors) in sums.iter().enumerate().take(count) {
            for (n, &v) in vectors.iter().enumerate() {
                finish(v, row + r, n);
            }
        }
        row += count;
    }
}

/// The height of the next tile of so many rows that remain.
///
/// With many registers, tiles have 12 or 8 rows, and 4 where that is all. With few, they have 6 or 5: four rows no longer
/// hide the latency.
#[inline(always)]
fn height<S: Simd<E>, E: Float, const N: usize>(rows: usize) -> usize {
    if const { N > VECTORS } {
        if rows <= 4 { 4 } else { 8 }
    } else if const { is_high::<S, E>() } {
        let fours = rows.div_ceil(4);
        match fours {
            1 => 4,
            2 | 4 => 8,
            _ => 12,
        }
    } else {
        // As few tiles as can be, as many of them as can be a row shorter.
        let tiles = rows.div_ceil(6);
        if tiles * 6 - rows < tiles { 6 } else { 5 }
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
pub(super) unsafe fn panels<S: Simd<E>, E: Float, T: Tiles>(
    s: S,
    rows: Range<usize>,
    cols: Range<usize>,
    walk: Walk,
    a: impl Fn(usize, usize) -> *const E,
    b: impl FnMut(usize, usize) -> Panel<E>,
    epilogue: impl FnMut(S::V, usize, usize, usize),
) {
    // SAFETY: the caller's promise.
    unsafe { panels_of::<S, E, T, VECTORS>(s, rows, cols, walk, a, b, epilogue) }
}

/// [`panels`] as wide as registers allow.
///
/// # Safety
/// As [`panels`].
#[inline(always)]
pub(super) unsafe fn wide_panels<S: Simd<E>, E: Float, T: Tiles>(
    s: S,
    rows: Range<usize>,
    cols: Range<usize>,
    walk: Walk,
    a: impl Fn(usize, usize) -> *const E,
    b: impl FnMut(usize, usize) -> Panel<E>,
    epilogue: impl FnMut(S::V, usize, usize, usize),
) {
    // SAFETY: the caller's promise.
    unsafe {
        if const { is_high::<S, E>() } {
            panels_of::<S, E, T, MOST_VECTORS>(s, rows, cols, walk, a, b, epilogue);
        } else {
            panels_of::<S, E, T, VECTORS>(s, rows, cols, walk, a, b, epilogue);
        }
    }
}

/// [`panels`] with full panels of `W` vectors.
///
/// # Safety
/// As [`panels`].
#[inline(always)]
unsafe fn panels_of<S: Simd<E>, E: Float, T: Tiles, const W: usize>(
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
    let width = W * S::LANES;
    // Up to so many columns, two panels of two vectors leave nothing for one of a single vector, which loads most.
    let narrow = if W > VECTORS { width + 1..2 * VECTORS * S::LANES + 1 } else { 0..0 };
    let mut col = cols.start;
    while cols.end - col >= width && !narrow.contains(&(cols.end - col)) {
        let b = b(col, width);
        // SAFETY: the caller's promise.
        unsafe {
            panel::<S, E, T, W>(
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
    while col < cols.end {
        let rest = (cols.end - col).min(VECTORS * S::LANES);
        let b = b(col, rest);
        // SAFETY: the caller's promise.
        unsafe {
            if rest > S::LANES {
                panel::<S, E, T, VECTORS>(
                    s,
                    rows.clone(),
                    walk,
                    #[inline(always)]
                    |row| a(row, col),
                    b,
                    #[inline(always)]
                    |v, row, n| epilogue(v, row, col + n * S::LANES, (rest - n * S::LANES).min(S::LANES)),
                );
            } else {
                panel::<S, E, T, 1>(
                    s,
                    rows.clone(),
                    walk,
                    #[inline(always)]
                    |row| a(row, col),
                    b,
                    #[inline(always)]
                    |v, row, _| epilogue(v, row, col, rest),
                );
            }
        }
        col += rest;
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
    if const { is_high::<S, E>() } {
        // SAFETY: the caller's promise.
        cols = unsafe { wide_tiles::<S, E, WIDEST>(s, cols, walk, a, b, stride, &mut epilogue) };
    }
    // SAFETY: the caller's promise.
    unsafe { wide_tiles::<S, E, WIDE>(s, cols, walk, a, b, stride, &mut epilogue) }
}

/// [`wide_row`] with tiles of `N` vectors.
///
/// # Safety
/// As [`wide_row`].
#[inline(always)]
unsafe fn wide_tiles<S: Simd<E>, E: Float, const N: usize>(
    s: S,
    mut cols: Range<usize>,
    walk: Walk,
    a: *const E,
    b: *const E,
    stride: usize,
    epilogue: &mut impl FnMut(S::V, usize, usize),
) -> Range<usize> {
    while cols.len() >= N * S::LANES {
        let b = Panel { ptr: b.wrapping_add(cols.start), stride, copy: core::ptr::null_mut() };
        let mut sums = [[s.splat(E::ZERO); N]];
        // SAFETY: the caller's promise.
        unsafe { fill::<S, E, Shared, 1, N, false>(s, walk, [a], b, &mut sums) };
        for v in sums[0] {
            epilogue(v, cols.start, S::LANES);
            cols.start += S::LANES;
        }
    }
    cols
}
