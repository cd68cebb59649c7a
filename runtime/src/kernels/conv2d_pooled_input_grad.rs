//! Gradient of a convolution with respect to its images, under a max-pool, by the winners of the pool's windows.

use core::ops::Range;

use crate::simd::{Float, Simd};

use super::conv2d::Conv2dShape;
use super::pack::pack;
use super::patch::{HELD, Patch, patch_scratch};
use super::pool2d::{Pool2dShape, load, store};

/// The winners of an image, those of one cell of one window together.
struct Cells<E> {
    /// For each cell of each window, how many there are.
    counts: *mut u32,
    /// Where each one's kernel starts among a row's.
    kernels: *mut u32,
    /// Its gradient.
    gradients: *mut E,
    /// Room for winners in a cell: the filters.
    room: usize,
}

impl<E: Float> Cells<E> {
    /// Elements of scratch.
    const fn scratch(pool: &Pool2dShape) -> usize {
        let cells = pool.output[0] * pool.output[1] * pool.size[0] * pool.size[1];
        cells * (2 * pool.channels + 1)
    }

    #[inline(always)]
    fn new(scratch: *mut E, pool: &Pool2dShape) -> Self {
        let cells = pool.output[0] * pool.output[1] * pool.size[0] * pool.size[1];
        let kernels = scratch.wrapping_add(cells);
        let gradients = kernels.wrapping_add(cells * pool.channels);
        Self { counts: scratch.cast(), kernels: kernels.cast(), gradients, room: pool.channels }
    }

    /// Finds them; `run` is the length of a filter's kernel row.
    ///
    /// # Safety
    /// `g` and `index` hold the image's windows, and `index` cells that exist.
    #[inline(always)]
    unsafe fn find(&mut self, pool: &Pool2dShape, g: *const E, index: *const u8, run: usize) {
        let cells = pool.size[0] * pool.size[1];
        for window in 0..pool.output[0] * pool.output[1] {
            // SAFETY: the window exists, and a cell has at most as many winners as there are filters.
            unsafe {
                let counts = self.counts.add(window * cells);
                counts.write_bytes(0, cells);
                for filter in 0..self.room {
                    let at = window * self.room + filter;
                    let cell = usize::from(*index.add(at));
                    let count = counts.add(cell);
                    let place = (window * cells + cell) * self.room + *count as usize;
                    let gradient = *g.add(at);
                    *self.kernels.add(place) = (filter * run) as u32;
                    *self.gradients.add(place) = gradient;
                    *count += u32::from(gradient != E::ZERO);
                }
            }
        }
    }
}

/// Elements of scratch that [`conv2d_pooled_input_grad`] needs.
pub const fn conv2d_pooled_input_grad_scratch(shape: Conv2dShape, pool: Pool2dShape) -> usize {
    Cells::<f64>::scratch(&pool) + shape.filters * patch_scratch(&shape) + shape.padded_image()
}

/// The gradient of images `images` from the gradient `g` `[_, ph, pw, filters]` of a max-pool behind the convolution,
/// its winners' numbers `index`, and the kernels `w`: `epilogue(v, position, channel, lanes)` gets each vector of
/// consecutive channels once, as from `conv2d_input_grad`. The convolution has one group
/// and no dilation.
///
/// Each element is one chain of `mul_add` over (window, cell, filter).
///
/// # Safety
/// `pool.input` is `shape.output`, the gradients, numbers and kernels are readable, the numbers are of cells that
/// exist, and [`conv2d_pooled_input_grad_scratch`] elements at `scratch` are writable.
#[inline(always)]
#[allow(clippy::too_many_arguments)]
pub unsafe fn conv2d_pooled_input_grad<S: Simd<E>, E: Float, F: FnMut(S::V, usize, usize, usize)>(
    s: S,
    scratch: *mut E,
    images: Range<usize>,
    shape: Conv2dShape,
    pool: Pool2dShape,
    g: *const E,
    index: *const u8,
    w: *const E,
    mut epilogue: F,
) {
    let (windows, cells) = (pool.output[0] * pool.output[1], pool.size[0] * pool.size[1]);
    let patch = Patch::of(&shape, S::LANES);
    let run = patch.vectors * S::LANES;
    let weights = scratch.wrapping_add(Cells::<E>::scratch(&pool));
    let dx = weights.wrapping_add(shape.filters * patch.runs * run);
    let mut winners = Cells::new(scratch, &pool);
    for row in 0..patch.runs {
        let from = w.wrapping_add(row * patch.run * shape.filters);
        // SAFETY: the kernels' row, for each filter a run of whole vectors.
        unsafe { pack(s, shape.filters, patch.run, from, 1, shape.filters, weights.add(row * shape.filters * run)) };
    }
    for image in images {
        let at = image * windows * shape.filters;
        // SAFETY: the lists hold an image's winners; zero bits are 0.0.
        unsafe {
            dx.write_bytes(0, shape.padded_image());
            winners.find(&pool, g.add(at), index.add(at), run);
        }
        patch.chunks(
            #[inline(always)]
            |row, first, held| {
                let weights = weights.wrapping_add(row * shape.filters * run + first * S::LANES);
                let dx = dx.wrapping_add(row * patch.pitch + first * S::LANES);
                for window in 0..windows {
                    let start = [0, 1].map(|axis| {
                        let at = if axis == 0 { window / pool.output[1] } else { window % pool.output[1] };
                        (at * pool.stride[axis]).wrapping_sub(pool.pad_low[axis])
                    });
                    for cell in 0..cells {
                        // SAFETY: the cell's winners; where there are any, its patch lies in the padded image.
                        unsafe {
                            let count = *winners.counts.add(window * cells + cell) as usize;
                            if count == 0 {
                                continue;
                            }
                            let y = start[0].wrapping_add(cell / pool.size[1]);
                            let x = start[1].wrapping_add(cell % pool.size[1]);
                            let to = dx.add(shape.window(y * shape.output[1] + x) * shape.channels);
                            let list = (window * cells + cell) * winners.room;
                            let mut sum = [s.splat(E::ZERO); HELD];
                            for (v, sum) in sum.iter_mut().enumerate().take(held) {
                                *sum = load(s, to.add(v * S::LANES), patch.lanes(first + v, S::LANES));
                            }
                            for winner in list..list + count {
                                let gradient = s.splat(*winners.gradients.add(winner));
                                let from = weights.add(*winners.kernels.add(winner) as usize);
                                for (v, sum) in sum.iter_mut().enumerate().take(held) {
                                    *sum = s.mul_add(gradient, s.load(from.add(v * S::LANES)), *sum);
                                }
                            }
                            for (v, sum) in sum.into_iter().enumerate().take(held) {
                                store(s, to.add(v * S::LANES), sum, patch.lanes(first + v, S::LANES));
                            }
                        }
                    }
                }
            },
        );
        for y in 0..shape.input[0] {
            for x in 0..shape.input[1] {
                let position = (y + shape.pad_low[0]) * shape.padded_input()[1] + x + shape.pad_low[1];
                let row = (image * shape.input[0] + y) * shape.input[1] + x;
                for channel in (0..shape.channels).step_by(S::LANES) {
                    let lanes = S::LANES.min(shape.channels - channel);
                    // SAFETY: the position's channels.
                    let v = unsafe { load(s, dx.add(position * shape.channels + channel), lanes) };
                    epilogue(v, row, channel, lanes);
                }
            }
        }
    }
}
