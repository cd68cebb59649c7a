//! Gradient of a convolution with respect to its kernels.

use core::ops::Range;

use crate::simd::{Float, Simd};

use super::MAX_LANES;
use super::conv2d::Conv2dShape;
use super::pack::pack;
use super::tile::{Panel, VECTORS, Walk, Windows, few, padded, panels};

/// Images whose terms are summed in registers hold at most about so many positions; sums of such blocks are
/// added in scratch.
const BLOCK: usize = 256;

/// Images in a block.
const fn block(shape: &Conv2dShape) -> usize {
    let positions = shape.positions();
    if positions == 0 || positions > BLOCK { 1 } else { BLOCK / positions }
}

/// Elements of scratch that [`conv2d_weight_grad`] needs.
pub const fn conv2d_weight_grad_scratch(shape: Conv2dShape) -> usize {
    let panel = block(&shape) * shape.positions() * VECTORS * MAX_LANES;
    let [groups, _, filters] = shape.loops();
    panel + shape.terms() * groups * padded(filters, MAX_LANES) + shape.copies(block(&shape))
}

/// From `images` images `x` (at least one) and the gradient `g` of the convolution's result, the part `rows` (of
/// kh × kw × c / groups) × `cols` (of the filters) of the kernels' gradient: `epilogue(v, row, col, lanes)` gets each
/// vector of consecutive filters once.
///
/// Each element is the sum over blocks of images, in order, of chains of `mul_add` over (image, y, x), whatever the
/// part.
///
/// # Safety
/// `output` is at most what the other sizes allow, the images and gradients are readable, and
/// [`conv2d_weight_grad_scratch`] elements at `scratch` are writable.
#[inline(always)]
#[allow(clippy::too_many_arguments)]
pub unsafe fn conv2d_weight_grad<S: Simd<E>, E: Float, F: FnMut(S::V, usize, usize, usize)>(
    s: S,
    scratch: *mut E,
    rows: Range<usize>,
    cols: Range<usize>,
    images: usize,
    shape: Conv2dShape,
    x: *const E,
    g: *const E,
    mut epilogue: F,
) {
    let [groups, depth, filters] = shape.loops();
    let (positions, block) = (shape.positions(), block(&shape));
    let [_, w] = shape.padded_input();
    let sums = scratch.wrapping_add(block * positions * VECTORS * S::LANES);
    let padded_x = sums.wrapping_add(shape.terms() * groups * padded(filters, S::LANES));
    let copy = if rows.len() > few::<S, E>() { scratch } else { core::ptr::null_mut() };
    for start in (0..images).step_by(block) {
        let count = block.min(images - start);
        let mut x = x.wrapping_add(start * shape.image());
        if shape.is_copied() {
            for image in 0..count {
                // SAFETY: the padded images of a block fit in scratch.
                unsafe { shape.pad(x, image, padded_x.wrapping_add(image * shape.padded_image())) };
            }
            x = padded_x;
        }
        let g = g.wrapping_add(start * positions * shape.filters);
        let walk = Walk {
            counts: [count, shape.output[0], shape.output[1]],
            strides: [shape.padded_image(), shape.stride[0] * w * shape.channels, shape.stride[1] * shape.channels],
            lanewise: shape.is_depthwise(),
        };
        let (is_first, is_last) = (start == 0, start + count == images);
        let mut sums = sums;
        for group in 0..groups {
            let part = cols.start.max(group * filters)..cols.end.min((group + 1) * filters);
            let part_width = padded(part.len(), S::LANES);
            // SAFETY: the walks stay in the block's images, panels are the gradient itself or packed from it, which
            // fits in scratch. Every vector has its place among the sums, written before it is read.
            unsafe {
                panels::<S, E, Windows>(
                    s,
                    rows.clone(),
                    part.clone(),
                    walk,
                    #[inline(always)]
                    |row, col| {
                        let channel = if shape.is_depthwise() { col } else { group * depth };
                        x.wrapping_add(shape.tap(row / shape.depth()) * shape.channels + row % shape.depth() + channel)
                    },
                    #[inline(always)]
                    |col, width| {
                        let from = g.wrapping_add(col);
                        if width % S::LANES == 0 {
                            return Panel { ptr: from, stride: shape.filters, copy };
                        }
                        pack(s, count * positions, width, from, shape.filters, 1, scratch)
                    },
                    #[inline(always)]
                    |v, row, col, lanes| {
                        let sum = sums.wrapping_add((row - rows.start) * part_width + col - part.start);
                        let v = if is_first { v } else { s.add(s.load(sum), v) };
                        if is_last {
                            epilogue(v, row, col, lanes);
                        } else {
                            s.store(sum, v);
                        }
                    },
                );
            }
            sums = sums.wrapping_add(rows.len() * part_width);
        }
    }
}
