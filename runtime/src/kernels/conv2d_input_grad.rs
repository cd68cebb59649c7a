//! Gradient of a convolution with respect to its images.

use core::ops::Range;

use crate::simd::{Float, Simd};

use super::MAX_LANES;
use super::conv2d::Conv2dShape;
use super::pack::pack;
use super::tile::{Panel, VECTORS, Walk, padded, panel};

/// Elements of scratch that [`conv2d_input_grad`] needs.
pub const fn conv2d_input_grad_scratch(shape: Conv2dShape) -> usize {
    let weights = shape.kernel[0] * shape.kernel[1] * shape.filters * padded(shape.depth(), MAX_LANES);
    let [h, w] = shape.padded_input();
    weights + h * w * VECTORS * MAX_LANES
}

/// From the gradient `g` `[_, oh, ow, filters]` of the convolution's result, that of images `images`:
/// `epilogue(v, position, channel, lanes)` gets each vector of consecutive channels once, at position
/// `(image * h + y) * w + x`.
///
/// For each tap of the kernel, g W' is added where the tap read its input: no term is zero by padding or
/// stride, as in a convolution with the flipped kernel most can be.
///
/// # Safety
/// `output` is at most what the other sizes allow, the gradients and kernels are readable, and [`conv2d_input_grad_scratch`]
/// elements at `scratch` are writable.
#[inline(always)]
pub unsafe fn conv2d_input_grad<S: Simd<E>, E: Float, F: FnMut(S::V, usize, usize, usize)>(
    s: S,
    scratch: *mut E,
    images: Range<usize>,
    shape: Conv2dShape,
    g: *const E,
    w: *const E,
    mut epilogue: F,
) {
    let (depth, filters) = (shape.depth(), shape.filters_per_group());
    let taps = shape.kernel[0] * shape.kernel[1];
    let full = VECTORS * S::LANES;
    // Panels of W': [group][panel][tap][filter][channel].
    let group_size = taps * filters * padded(depth, S::LANES);
    for group in 0..shape.groups {
        for channel in (0..depth).step_by(full) {
            let cols = full.min(depth - channel);
            let to = scratch.wrapping_add(group * group_size + taps * filters * channel);
            for tap in 0..taps {
                let from = w.wrapping_add((tap * depth + channel) * shape.filters + group * filters);
                let to = to.wrapping_add(tap * filters * padded(cols, S::LANES));
                // SAFETY: the tap's weights for these channels, and their place in scratch.
                unsafe { pack(s, filters, cols, from, 1, shape.filters, to) };
            }
        }
    }
    let sums = scratch.wrapping_add(shape.groups * group_size);
    for image in images {
        let g = g.wrapping_add(image * shape.positions() * shape.filters);
        for group in 0..shape.groups {
            for channel in (0..depth).step_by(full) {
                let cols = full.min(depth - channel);
                let weights = scratch.wrapping_add(group * group_size + taps * filters * channel);
                // SAFETY: one panel's sums and weights lie in scratch.
                unsafe {
                    let g = g.wrapping_add(group * filters);
                    if cols > S::LANES {
                        gather::<S, E, VECTORS>(s, &shape, g, weights, sums);
                    } else {
                        gather::<S, E, 1>(s, &shape, g, weights, sums);
                    }
                    emit(
                        s,
                        &shape,
                        image,
                        group * depth + channel,
                        cols,
                        sums,
                        #[inline(always)]
                        |v, position, channel, lanes| epilogue(v, position, channel, lanes),
                    );
                }
            }
        }
    }
}

/// The gradient of a padded image for the channels of one panel, `N` vectors wide.
///
/// # Safety
/// As [`conv2d_input_grad`].
#[inline(always)]
unsafe fn gather<S: Simd<E>, E: Float, const N: usize>(
    s: S,
    shape: &Conv2dShape,
    g: *const E,
    weights: *const E,
    sums: *mut E,
) {
    let [h, w] = shape.padded_input();
    let filters = shape.filters_per_group();
    let width = N * S::LANES;
    // SAFETY: zero bits are 0.0.
    unsafe { sums.write_bytes(0, h * w * width) };
    for ky in 0..shape.kernel[0] {
        for kx in 0..shape.kernel[1] {
            let weights = weights.wrapping_add((ky * shape.kernel[1] + kx) * filters * width);
            let target = sums.wrapping_add((ky * shape.dilation[0] * w + kx * shape.dilation[1]) * width);
            // SAFETY: the filters of a position, a tap's panel, and a window's element in the padded image.
            unsafe {
                panel::<S, E, N>(
                    s,
                    0..shape.positions(),
                    Walk::line(filters, 1),
                    #[inline(always)]
                    |position| g.wrapping_add(position * shape.filters),
                    Panel { ptr: weights, stride: width, copy: core::ptr::null_mut() },
                    #[inline(always)]
                    |v, position, n| {
                        let (y, x) = (position / shape.output[1], position % shape.output[1]);
                        let to = target.wrapping_add((y * shape.stride[0] * w + x * shape.stride[1]) * width);
                        let to = to.wrapping_add(n * S::LANES);
                        s.store(to, s.add(s.load(to), v));
                    },
                );
            }
        }
    }
}

/// Gives the epilogue what lies within the padding.
///
/// # Safety
/// The sums are readable.
#[inline(always)]
unsafe fn emit<S: Simd<E>, E: Float>(
    s: S,
    shape: &Conv2dShape,
    image: usize,
    channel: usize,
    cols: usize,
    sums: *const E,
    mut epilogue: impl FnMut(S::V, usize, usize, usize),
) {
    let width = padded(cols, S::LANES);
    for y in 0..shape.input[0] {
        for x in 0..shape.input[1] {
            let position = (image * shape.input[0] + y) * shape.input[1] + x;
            let cell = (y + shape.pad_low[0]) * shape.padded_input()[1] + x + shape.pad_low[1];
            for n in (0..width).step_by(S::LANES) {
                // SAFETY: the cell lies in the padded image.
                let v = unsafe { s.load(sums.wrapping_add(cell * width + n)) };
                if n + S::LANES <= cols {
                    epilogue(v, position, channel + n, S::LANES);
                } else {
                    epilogue(v, position, channel + n, cols - n);
                }
            }
        }
    }
}
