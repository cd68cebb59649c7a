//! Convolution of NHWC images, direct: no matrix of patches is built, the micro-kernel walks the image itself.

use core::ops::Range;

use crate::simd::{Float, Simd};

use super::MAX_LANES;
use super::max_pool2d::max_pool2d;
use super::pack::{pack, pad};
use super::pool2d::{Pool2dShape, store};
use super::tile::{Panel, VECTORS, Walk, Windows, padded, panels};

/// The sizes of a convolution; pairs are vertical, horizontal.
#[derive(Clone, Copy, Debug)]
pub struct Conv2dShape {
    /// The image.
    pub input: [usize; 2],
    /// Channels of the image.
    pub channels: usize,
    /// The kernel.
    pub kernel: [usize; 2],
    /// Channels of the result.
    pub filters: usize,
    /// The result.
    pub output: [usize; 2],
    /// Steps in the image.
    pub stride: [usize; 2],
    /// Zeros above and to the left.
    pub pad_low: [usize; 2],
    /// Zeros below and to the right.
    pub pad_high: [usize; 2],
    /// Steps in the kernel, 1 if dense.
    pub dilation: [usize; 2],
    /// Groups, each of which sees its own part of the channels and makes its own part of the filters.
    pub groups: usize,
}

impl Conv2dShape {
    /// Channels that a filter sees.
    pub(super) const fn depth(&self) -> usize {
        self.channels / self.groups
    }

    /// Filters of a group.
    pub(super) const fn filters_per_group(&self) -> usize {
        self.filters / self.groups
    }

    /// Terms of each result.
    pub(super) const fn terms(&self) -> usize {
        self.kernel[0] * self.kernel[1] * self.depth()
    }

    /// Positions of the result.
    pub(super) const fn positions(&self) -> usize {
        self.output[0] * self.output[1]
    }

    /// Whether each channel is convolved for itself, so that lanes can be channels.
    pub(super) const fn is_depthwise(&self) -> bool {
        self.groups > 1 && self.groups == self.channels && self.groups == self.filters
    }

    /// Whether images are read from a copy: there is padding, or vectors of channels would reach past the end.
    pub(super) const fn is_copied(&self) -> bool {
        self.pad_low[0] + self.pad_low[1] + self.pad_high[0] + self.pad_high[1] > 0
            || self.is_depthwise() && !self.channels.is_multiple_of(VECTORS * MAX_LANES)
    }

    /// Elements of scratch for copies of so many images, and for what vectors read past the end.
    pub(super) const fn copies(&self, images: usize) -> usize {
        if self.is_copied() { images * self.padded_image() + VECTORS * MAX_LANES } else { 0 }
    }

    /// Groups, their channels and their filters, as the loops take them: a depthwise convolution is one group.
    pub(super) const fn loops(&self) -> [usize; 3] {
        if self.is_depthwise() { [1, 1, self.filters] } else { [self.groups, self.depth(), self.filters_per_group()] }
    }

    /// The image with its padding.
    pub(super) const fn padded_input(&self) -> [usize; 2] {
        [self.pad_low[0] + self.input[0] + self.pad_high[0], self.pad_low[1] + self.input[1] + self.pad_high[1]]
    }

    /// Elements of an image.
    pub(super) const fn image(&self) -> usize {
        self.input[0] * self.input[1] * self.channels
    }

    /// Elements of an image with its padding.
    pub(super) const fn padded_image(&self) -> usize {
        self.padded_input()[0] * self.padded_input()[1] * self.channels
    }

    /// The cell of the padded image where the window of a position starts.
    #[inline(always)]
    pub(super) fn window(&self, position: usize) -> usize {
        let (y, x) = (position / self.output[1], position % self.output[1]);
        y * self.stride[0] * self.padded_input()[1] + x * self.stride[1]
    }

    /// The cell of a tap of the kernel, counted from the window's start.
    #[inline(always)]
    pub(super) fn tap(&self, tap: usize) -> usize {
        let (y, x) = (tap / self.kernel[1], tap % self.kernel[1]);
        y * self.dilation[0] * self.padded_input()[1] + x * self.dilation[1]
    }

    /// Image `image` of `x` with its padding: in place if there is none, else copied to `scratch`.
    ///
    /// # Safety
    /// The image is readable, and `padded_image()` elements at `scratch` are writable.
    #[inline(always)]
    pub(super) unsafe fn pad<E: Float>(&self, x: *const E, image: usize, scratch: *mut E) -> *const E {
        let from = x.wrapping_add(image * self.image());
        if !self.is_copied() {
            return from;
        }
        let size = [self.input[0], self.input[1] * self.channels];
        let low = [self.pad_low[0], self.pad_low[1] * self.channels];
        let high = [self.pad_high[0], self.pad_high[1] * self.channels];
        // SAFETY: the caller's promise.
        unsafe { pad(size, low, high, from, scratch) };
        scratch
    }
}

/// Elements of scratch that [`conv2d`] needs.
pub const fn conv2d_scratch(shape: Conv2dShape) -> usize {
    let [groups, _, filters] = shape.loops();
    shape.terms() * groups * padded(filters, MAX_LANES) + shape.copies(1)
}

/// Convolves (in the sense of deep learning: correlates) images `images` of `x` `[_, h, w, c]` with the kernels `w`
/// `[kh, kw, c / groups, filters]`. `epilogue(v, position, channel, lanes)` gets each vector of consecutive channels
/// once, at position `(image * oh + y) * ow + x`. A result is one chain of `mul_add` in the kernel's order.
///
/// # Safety
/// `output` is at most what the other sizes allow, the images and kernels are readable, and [`conv2d_scratch`] elements at
/// `scratch` are writable.
#[inline(always)]
pub unsafe fn conv2d<S: Simd<E>, E: Float, F: FnMut(S::V, usize, usize, usize)>(
    s: S,
    scratch: *mut E,
    images: Range<usize>,
    shape: Conv2dShape,
    x: *const E,
    w: *const E,
    mut epilogue: F,
) {
    // SAFETY: the caller's promise.
    unsafe {
        let padded_x = pack_kernels(s, scratch, &shape, w);
        for image in images {
            convolve(
                s,
                scratch,
                padded_x,
                image,
                shape,
                x,
                // Not `&mut epilogue`: calls through it are not inlined.
                #[inline(always)]
                #[allow(clippy::redundant_closure)]
                |v, position, channel, lanes| epilogue(v, position, channel, lanes),
            );
        }
    }
}

/// Elements of scratch that [`conv2d_max_pool2d`] needs.
pub const fn conv2d_max_pool2d_scratch(shape: Conv2dShape, _: Pool2dShape) -> usize {
    conv2d_scratch(shape) + shape.positions() * shape.filters
}

/// As [`conv2d`], and a max-pool behind it: what `epilogue` makes of each vector is not stored but, image by image, goes
/// through the windows of `pool`, as by [`max_pool2d`], to `y` and `index`.
///
/// # Safety
/// As for [`conv2d`]; `pool.input` is `shape.output`, what is not null of `y` and `index` is writable, and
/// [`conv2d_max_pool2d_scratch`] elements at `scratch` are writable.
#[inline(always)]
#[allow(clippy::too_many_arguments)]
pub unsafe fn conv2d_max_pool2d<S: Simd<E>, E: Float, F: FnMut(S::V, usize, usize, usize) -> S::V>(
    s: S,
    scratch: *mut E,
    images: Range<usize>,
    shape: Conv2dShape,
    pool: Pool2dShape,
    x: *const E,
    w: *const E,
    y: *mut E,
    index: *mut u8,
    mut epilogue: F,
) {
    let plane = scratch;
    let scratch = scratch.wrapping_add(shape.positions() * shape.filters);
    let windows = pool.output[0] * pool.output[1] * pool.channels;
    // SAFETY: the caller's promise; the plane holds an image.
    unsafe {
        let padded_x = pack_kernels(s, scratch, &shape, w);
        for image in images {
            let first = image * shape.positions();
            convolve(
                s,
                scratch,
                padded_x,
                image,
                shape,
                x,
                #[inline(always)]
                |v, position, channel, lanes| {
                    let v = epilogue(v, position, channel, lanes);
                    store(s, plane.wrapping_add((position - first) * shape.filters + channel), v, lanes);
                },
            );
            let y = if y.is_null() { y } else { y.add(image * windows) };
            let index = if index.is_null() { index } else { index.add(image * windows) };
            max_pool2d(s, 0..1, pool, plane, y, index);
        }
    }
}

/// Packs the kernels in panels, as [`convolve`] reads them; returns what they leave of scratch.
///
/// # Safety
/// The kernels are readable, and [`conv2d_scratch`] elements at `scratch` are writable.
#[inline(always)]
unsafe fn pack_kernels<S: Simd<E>, E: Float>(s: S, scratch: *mut E, shape: &Conv2dShape, w: *const E) -> *mut E {
    let ([groups, _, filters], terms) = (shape.loops(), shape.terms());
    let width = VECTORS * S::LANES;
    let group_size = terms * padded(filters, S::LANES);
    for group in 0..groups {
        for filter in (0..filters).step_by(width) {
            let from = w.wrapping_add(group * filters + filter);
            let to = scratch.wrapping_add(group * group_size + terms * filter);
            // SAFETY: a panel of the group's filters, and its place in scratch.
            unsafe { pack(s, terms, width.min(filters - filter), from, shape.filters, 1, to) };
        }
    }
    scratch.wrapping_add(groups * group_size)
}

/// One image of [`conv2d`], with kernels that are packed and room for the image's padding.
///
/// # Safety
/// As for [`conv2d`].
#[inline(always)]
unsafe fn convolve<S: Simd<E>, E: Float>(
    s: S,
    kernels: *const E,
    padded_x: *mut E,
    image: usize,
    shape: Conv2dShape,
    x: *const E,
    mut epilogue: impl FnMut(S::V, usize, usize, usize),
) {
    let ([groups, depth, filters], terms) = (shape.loops(), shape.terms());
    let group_size = terms * padded(filters, S::LANES);
    let walk = window_walk(&shape);
    // SAFETY: what the packed kernels leave of scratch suffices for the padded image.
    let padded_x = unsafe { shape.pad(x, image, padded_x) };
    for group in 0..groups {
        // SAFETY: windows lie in the padded image, panels in scratch.
        unsafe {
            panels::<S, E, Windows>(
                s,
                0..shape.positions(),
                0..filters,
                walk,
                #[inline(always)]
                |position, filter| {
                    let channel = if shape.is_depthwise() { filter } else { group * depth };
                    padded_x.wrapping_add(shape.window(position) * shape.channels + channel)
                },
                #[inline(always)]
                |filter, cols| {
                    let ptr = kernels.wrapping_add(group * group_size + terms * filter);
                    Panel { ptr, stride: padded(cols, S::LANES), copy: core::ptr::null_mut() }
                },
                #[inline(always)]
                |v, position, filter, lanes| {
                    epilogue(v, image * shape.positions() + position, group * filters + filter, lanes);
                },
            );
        }
    }
}

/// How a window's elements lie in the padded image: where nothing parts them, a kernel row is one run.
#[inline(always)]
fn window_walk(shape: &Conv2dShape) -> Walk {
    let row = shape.dilation[0] * shape.padded_input()[1] * shape.channels;
    let (counts, strides) = if shape.groups == 1 && shape.dilation[1] == 1 {
        ([1, shape.kernel[0], shape.kernel[1] * shape.channels], [0, row, 1])
    } else {
        ([shape.kernel[0], shape.kernel[1], shape.depth()], [row, shape.dilation[1] * shape.channels, 1])
    };
    Walk { counts, strides, lanewise: shape.is_depthwise() }
}
