//! Gradient of a convolution with respect to its kernels, under a max-pool. Of each window of the pool only the winner
//! has a gradient, so only winners are gone through: a fraction 1 / cells of the dense products, and less where a ReLU
//! has cut some off.

use core::ops::Range;

use crate::simd::{Float, Simd};

use super::MAX_LANES;
use super::conv2d::Conv2dShape;
use super::max_pool2d::load_index;
use super::patch::{HELD, Patch, patch_scratch};
use super::pool2d::{Pool2dShape, load};

/// Up to so many terms of a filter, lanes are filters and each term has an accumulator: then patches are too short
/// for vectors of their own.
const FEW_TERMS: usize = 12;

/// The winners of one filter in one image that have a gradient: where each one's patch starts, and the gradient.
struct Winners<E> {
    offsets: *mut u32,
    gradients: *mut E,
    count: usize,
}

impl<E: Float> Winners<E> {
    /// An empty list over `2 * windows` elements of scratch.
    #[inline(always)]
    fn new(scratch: *mut E, windows: usize) -> Self {
        Self { offsets: scratch.wrapping_add(windows).cast(), gradients: scratch, count: 0 }
    }

    /// Finds them.
    ///
    /// # Safety
    /// `g` and `index` hold the image's windows, `index` cells that exist, and the list has room for all windows.
    #[inline(always)]
    unsafe fn find(&mut self, conv: &Conv2dShape, pool: &Pool2dShape, g: *const E, index: *const u8, filter: usize) {
        let step = [conv.stride[0] * conv.padded_input()[1] * conv.channels, conv.stride[1] * conv.channels];
        self.count = 0;
        for y in 0..pool.output[0] {
            let row = (y * pool.stride[0]).wrapping_sub(pool.pad_low[0]).wrapping_mul(step[0]);
            for x in 0..pool.output[1] {
                let start = (x * pool.stride[1]).wrapping_sub(pool.pad_low[1]).wrapping_mul(step[1]).wrapping_add(row);
                let at = (y * pool.output[1] + x) * conv.filters + filter;
                // SAFETY: the window exists; the count is at most that of the windows gone through.
                unsafe {
                    let cell = usize::from(*index.add(at));
                    let patch = start.wrapping_add(cell / pool.size[1] * step[0] + cell % pool.size[1] * step[1]);
                    let gradient = *g.add(at);
                    *self.offsets.add(self.count) = patch as u32;
                    *self.gradients.add(self.count) = gradient;
                    // No branch: which of them are zero cannot be predicted.
                    self.count += usize::from(gradient != E::ZERO);
                }
            }
        }
    }
}

/// Elements of scratch for a list of winners.
const fn winners_scratch(pool: &Pool2dShape) -> usize {
    2 * pool.output[0] * pool.output[1] + MAX_LANES
}

/// Elements of scratch that [`conv2d_pooled_weight_grad`] needs.
pub const fn conv2d_pooled_weight_grad_scratch(shape: Conv2dShape, pool: Pool2dShape) -> usize {
    winners_scratch(&pool) + shape.filters * patch_scratch(&shape) + shape.copies(1)
}

/// The kernels' gradient from images `x` (`images`, at least one), the gradient `g` `[_, ph, pw, filters]` of a
/// max-pool behind the convolution and its winners' numbers `index`, for the filters `cols`: `epilogue(v, row, col,
/// lanes)` gets each vector of consecutive filters once, as from `conv2d_weight_grad`.
/// The convolution has one group and no dilation.
///
/// Each element is one chain of `mul_add` over (image, window), whatever the part.
///
/// # Safety
/// `pool.input` is `shape.output`, the images, gradients and numbers are readable, the numbers are of cells that
/// exist, and [`conv2d_pooled_weight_grad_scratch`] elements at `scratch` are writable.
#[inline(always)]
#[allow(clippy::too_many_arguments)]
pub unsafe fn conv2d_pooled_weight_grad<S: Simd<E>, E: Float, F: FnMut(S::V, usize, usize, usize)>(
    s: S,
    scratch: *mut E,
    cols: Range<usize>,
    images: usize,
    shape: Conv2dShape,
    pool: Pool2dShape,
    x: *const E,
    g: *const E,
    index: *const u8,
    mut epilogue: F,
) {
    if shape.terms() <= FEW_TERMS {
        // SAFETY: the caller's promise.
        return unsafe { few_terms(s, scratch, cols, images, shape, pool, x, g, index, epilogue) };
    }
    let windows = pool.output[0] * pool.output[1];
    let patch = Patch::of(&shape, S::LANES);
    let vectors = patch.runs * patch.vectors;
    let sums = scratch.wrapping_add(winners_scratch(&pool));
    let padded_x = sums.wrapping_add(cols.len() * vectors * S::LANES);
    let mut winners = Winners::new(scratch, windows);
    // SAFETY: every filter's sums have their place; zero bits are 0.0.
    unsafe { sums.write_bytes(0, cols.len() * vectors * S::LANES) };
    for image in 0..images {
        // SAFETY: the list holds an image's windows, and patches lie in the padded image.
        unsafe {
            let x = shape.pad(x, image, padded_x);
            let at = image * windows * shape.filters;
            for filter in cols.clone() {
                winners.find(&shape, &pool, g.add(at), index.add(at), filter);
                let sums = sums.wrapping_add((filter - cols.start) * vectors * S::LANES);
                patch.chunks(
                    #[inline(always)]
                    |row, first, held| {
                        let to = sums.wrapping_add((row * patch.vectors + first) * S::LANES);
                        let x = x.wrapping_add(row * patch.pitch + first * S::LANES);
                        let mut sum = [s.splat(E::ZERO); HELD];
                        for (v, sum) in sum.iter_mut().enumerate().take(held) {
                            *sum = s.load(to.add(v * S::LANES));
                        }
                        for winner in 0..winners.count {
                            let gradient = s.splat(*winners.gradients.add(winner));
                            let from = x.add(*winners.offsets.add(winner) as usize);
                            for (v, sum) in sum.iter_mut().enumerate().take(held) {
                                let pixels = load(s, from.add(v * S::LANES), patch.lanes(first + v, S::LANES));
                                *sum = s.mul_add(gradient, pixels, *sum);
                            }
                        }
                        for (v, sum) in sum.into_iter().enumerate().take(held) {
                            s.store(to.add(v * S::LANES), sum);
                        }
                    },
                );
            }
        }
    }
    for row in 0..shape.terms() {
        let (run, at) = (row / patch.run, row % patch.run);
        let place = run * patch.vectors * S::LANES + at;
        for col in cols.clone().step_by(S::LANES) {
            let lanes = S::LANES.min(cols.end - col);
            let mut filters = [E::ZERO; MAX_LANES];
            for (lane, value) in filters.iter_mut().enumerate().take(lanes) {
                // SAFETY: a filter's sum.
                *value = unsafe { *sums.add((col + lane - cols.start) * vectors * S::LANES + place) };
            }
            // SAFETY: the array holds a vector.
            epilogue(unsafe { s.load(filters.as_ptr()) }, row, col, lanes);
        }
    }
}

/// [`conv2d_pooled_weight_grad`] with filters in the lanes: all cells of a window are gone through, with zero where
/// they have not won.
#[inline(always)]
#[allow(clippy::too_many_arguments)]
unsafe fn few_terms<S: Simd<E>, E: Float, F: FnMut(S::V, usize, usize, usize)>(
    s: S,
    padded_x: *mut E,
    cols: Range<usize>,
    images: usize,
    shape: Conv2dShape,
    pool: Pool2dShape,
    x: *const E,
    g: *const E,
    index: *const u8,
    mut epilogue: F,
) {
    let (terms, depth) = (shape.terms(), shape.depth());
    for col in cols.clone().step_by(S::LANES) {
        let lanes = S::LANES.min(cols.end - col);
        let mut sums = [s.splat(E::ZERO); FEW_TERMS];
        for image in 0..images {
            // SAFETY: there is room for a padded image.
            let x = unsafe { shape.pad(x, image, padded_x) };
            pool.windows(
                image,
                #[inline(always)]
                |window| {
                    let at = window.position * shape.filters + col;
                    // SAFETY: the window's gradients and numbers, of `lanes` filters.
                    let (gradient, chosen) =
                        unsafe { (load(s, g.add(at), lanes), load_index(s, index.add(at), lanes)) };
                    pool.each_cell(
                        &window,
                        #[inline(always)]
                        |number, position| {
                            let won = s.eq(chosen, s.splat(E::from_f64(number as f64)));
                            let gradient = s.select(won, gradient, s.splat(E::ZERO));
                            let from = x.wrapping_add(shape.window(position) * shape.channels);
                            for (term, sum) in sums.iter_mut().enumerate().take(terms) {
                                let at = shape.tap(term / depth) * shape.channels + term % depth;
                                // SAFETY: windows of the convolution lie in the padded image.
                                *sum = s.mul_add(s.splat(unsafe { *from.add(at) }), gradient, *sum);
                            }
                        },
                    );
                },
            );
        }
        for (row, sum) in sums.into_iter().enumerate().take(terms) {
            epilogue(sum, row, col, lanes);
        }
    }
}
