//! Gradient of a convolution with respect to its images.

use core::ops::Range;

use crate::simd::{Float, Simd};

use super::MAX_LANES;
use super::conv2d::Conv2dShape;
use super::pack::pack;
use super::tile::{Panel, VECTORS, Walk, Windows, padded, panel, panels};

/// Elements of scratch that [`conv2d_input_grad`] needs.
pub const fn conv2d_input_grad_scratch(shape: Conv2dShape) -> usize {
    let weights = shape.kernel[0] * shape.kernel[1] * shape.filters * padded(shape.depth(), MAX_LANES);
    let [h, w] = shape.padded_input();
    let sums = h * w * VECTORS * MAX_LANES;
    if shape.is_depthwise() { sums } else { sums + weights }
}

/// From the gradient `g` `[_, oh, ow, filters]` of the convolution's result, that of images `images`:
/// `epilogue(v, position, channel, lanes)` gets each vector of consecutive channels once, at position
/// `(image * h + y) * w + x`.
///
/// For each tap of the kernel, g W' is added where the tap read its input: no term is zero by padding or
/// stride, as in a convolution with the flipped kernel most can be. Where channels would fill less than half a
/// vector, all taps are columns of one product.
///
/// # Safety
/// `output` is at most what the other sizes allow, the gradients and kernels are readable, and
/// [`conv2d_input_grad_scratch`] elements at `scratch` are writable.
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
    let is_merged = 2 * depth <= S::LANES;
    // Columns of W', and how many times there are.
    let (columns, times) = if is_merged { (taps * depth, 1) } else { (depth, taps) };
    let group_size = times * filters * padded(columns, S::LANES);
    if !shape.is_depthwise() {
        // Panels of W': [group][panel][tap][filter][column].
        for group in 0..shape.groups {
            for column in (0..columns).step_by(full) {
                let cols = full.min(columns - column);
                let to = scratch.wrapping_add(group * group_size + times * filters * column);
                for time in 0..times {
                    let from = w.wrapping_add((time * depth + column) * shape.filters + group * filters);
                    let to = to.wrapping_add(time * filters * padded(cols, S::LANES));
                    // SAFETY: the weights of these columns, and their place in scratch.
                    unsafe { pack(s, filters, cols, from, 1, shape.filters, to) };
                }
            }
        }
    }
    for image in images {
        let g = g.wrapping_add(image * shape.positions() * shape.filters);
        if shape.is_depthwise() {
            for channel in (0..shape.channels).step_by(S::LANES) {
                let lanes = S::LANES.min(shape.channels - channel);
                // SAFETY: a vector's sums lie in scratch.
                unsafe {
                    spread(s, &shape, g.wrapping_add(channel), w.wrapping_add(channel), lanes, scratch);
                    emit(s, &shape, image, channel, lanes, scratch, S::LANES, &mut epilogue);
                }
            }
            continue;
        }
        let sums = scratch.wrapping_add(shape.groups * group_size);
        for group in 0..shape.groups {
            let g = g.wrapping_add(group * filters);
            let weights = scratch.wrapping_add(group * group_size);
            if is_merged {
                // SAFETY: the group's sums and weights lie in scratch.
                unsafe {
                    scatter(s, &shape, g, weights, sums);
                    emit(s, &shape, image, group * depth, depth, sums, depth, &mut epilogue);
                }
                continue;
            }
            for channel in (0..depth).step_by(full) {
                let cols = full.min(depth - channel);
                let weights = weights.wrapping_add(taps * filters * channel);
                // SAFETY: one panel's sums and weights lie in scratch.
                unsafe {
                    if cols > S::LANES {
                        gather::<S, E, VECTORS>(s, &shape, g, weights, sums);
                    } else {
                        gather::<S, E, 1>(s, &shape, g, weights, sums);
                    }
                    let width = padded(cols, S::LANES);
                    emit(s, &shape, image, group * depth + channel, cols, sums, width, &mut epilogue);
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
    for tap in 0..shape.kernel[0] * shape.kernel[1] {
        let weights = weights.wrapping_add(tap * filters * width);
        let target = sums.wrapping_add(shape.tap(tap) * width);
        // SAFETY: the filters of a position, a tap's panel, and a window's cell in the padded image.
        unsafe {
            panel::<S, E, Windows, N>(
                s,
                0..shape.positions(),
                Walk::line(filters, 1),
                #[inline(always)]
                |position| g.wrapping_add(position * shape.filters),
                Panel { ptr: weights, stride: width, copy: core::ptr::null_mut() },
                #[inline(always)]
                |v, position, n| {
                    let to = target.wrapping_add(shape.window(position) * width + n * S::LANES);
                    s.store(to, s.add(s.load(to), v));
                },
            );
        }
    }
}

/// The gradient of a group of a padded image, from the product with all taps.
///
/// # Safety
/// As [`conv2d_input_grad`].
#[inline(always)]
unsafe fn scatter<S: Simd<E>, E: Float>(s: S, shape: &Conv2dShape, g: *const E, weights: *const E, sums: *mut E) {
    let [h, w] = shape.padded_input();
    let (depth, filters) = (shape.depth(), shape.filters_per_group());
    // Columns that stay neighbours in the image.
    let run = if shape.dilation[1] == 1 { shape.kernel[1] * depth } else { depth };
    // SAFETY: zero bits are 0.0; the filters of a position, packed weights, and a window's cells in the padded
    // image.
    unsafe {
        sums.write_bytes(0, h * w * depth);
        panels::<S, E, Windows>(
            s,
            0..shape.positions(),
            0..shape.kernel[0] * shape.kernel[1] * depth,
            Walk::line(filters, 1),
            #[inline(always)]
            |position, _| g.wrapping_add(position * shape.filters),
            #[inline(always)]
            |col, width| {
                let ptr = weights.wrapping_add(filters * col);
                Panel { ptr, stride: padded(width, S::LANES), copy: core::ptr::null_mut() }
            },
            #[inline(always)]
            |v, position, col, lanes| {
                let mut parts = [E::ZERO; MAX_LANES];
                s.store(parts.as_mut_ptr(), v);
                let target = sums.wrapping_add(shape.window(position) * depth);
                let mut lane = 0;
                while lane < lanes {
                    let within = (col + lane) % run;
                    let count = (run - within).min(lanes - lane);
                    let to = target.wrapping_add(shape.tap((col + lane - within) / depth) * depth + within);
                    for i in 0..count {
                        let to = to.wrapping_add(i);
                        *to = *to + *parts.get_unchecked(lane + i);
                    }
                    lane += count;
                }
            },
        );
    }
}

/// The gradient of a padded image for one vector of channels of a depthwise convolution.
///
/// # Safety
/// As [`conv2d_input_grad`]; `g` and `weights` point to the first of the `lanes` channels.
#[inline(always)]
unsafe fn spread<S: Simd<E>, E: Float>(
    s: S,
    shape: &Conv2dShape,
    g: *const E,
    weights: *const E,
    lanes: usize,
    sums: *mut E,
) {
    let [h, w] = shape.padded_input();
    // SAFETY: zero bits are 0.0.
    unsafe { sums.write_bytes(0, h * w * S::LANES) };
    for tap in 0..shape.kernel[0] * shape.kernel[1] {
        let target = sums.wrapping_add(shape.tap(tap) * S::LANES);
        // SAFETY: the channels of a tap.
        let weight = unsafe { s.load_n(weights.wrapping_add(tap * shape.channels), lanes) };
        for position in 0..shape.positions() {
            let to = target.wrapping_add(shape.window(position) * S::LANES);
            let from = g.wrapping_add(position * shape.channels);
            // SAFETY: the channels of a position, and a window's cell in the padded image.
            unsafe {
                let g = if lanes == S::LANES { s.load(from) } else { s.load_n(from, lanes) };
                s.store(to, s.mul_add(g, weight, s.load(to)));
            }
        }
    }
}

/// Gives the epilogue `cols` channels of what lies within the padding; a cell has `width` sums.
///
/// # Safety
/// The sums are readable, and so is a vector past them.
#[inline(always)]
#[allow(clippy::too_many_arguments)]
unsafe fn emit<S: Simd<E>, E: Float>(
    s: S,
    shape: &Conv2dShape,
    image: usize,
    channel: usize,
    cols: usize,
    sums: *const E,
    width: usize,
    epilogue: &mut impl FnMut(S::V, usize, usize, usize),
) {
    for y in 0..shape.input[0] {
        for x in 0..shape.input[1] {
            let position = (image * shape.input[0] + y) * shape.input[1] + x;
            let cell = (y + shape.pad_low[0]) * shape.padded_input()[1] + x + shape.pad_low[1];
            for n in (0..cols).step_by(S::LANES) {
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
