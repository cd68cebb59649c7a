//! What the poolings share: sizes, windows, vectors of channels. Few channels go one by one.

use core::ops::Range;

use crate::simd::{Float, Simd};

/// So few channels past whole vectors are handled one by one.
const SCALAR: usize = 2;

/// The sizes of a pooling; pairs are vertical, horizontal.
#[derive(Clone, Copy, Debug)]
pub struct Pool2dShape {
    /// The image.
    pub input: [usize; 2],
    /// Channels of the image and the result.
    pub channels: usize,
    /// The window, of at most 256 cells.
    pub size: [usize; 2],
    /// Steps of the window.
    pub stride: [usize; 2],
    /// Rows above and columns to the left that count as absent.
    pub pad_low: [usize; 2],
    /// The result.
    pub output: [usize; 2],
}

/// A window in an image: its cells that exist.
pub(super) struct Window {
    /// Its position in the results.
    pub(super) position: usize,
    /// Its first cell in the padded image.
    pub(super) start: [usize; 2],
    /// The rows of it that exist.
    pub(super) y: Range<usize>,
    /// The columns of it that exist.
    pub(super) x: Range<usize>,
}

impl Pool2dShape {
    /// The cells of a window that lie in the image, along one axis.
    #[inline(always)]
    fn cells(&self, axis: usize, at: usize) -> Range<usize> {
        let start = at * self.stride[axis];
        let low = self.pad_low[axis].saturating_sub(start);
        let high = (self.input[axis] + self.pad_low[axis]).saturating_sub(start);
        low..self.size[axis].min(high)
    }

    /// Calls `f` with each window of an image.
    #[inline(always)]
    pub(super) fn windows(&self, image: usize, mut f: impl FnMut(Window)) {
        for oy in 0..self.output[0] {
            let y = self.cells(0, oy);
            for ox in 0..self.output[1] {
                let position = (image * self.output[0] + oy) * self.output[1] + ox;
                let start = [oy * self.stride[0], ox * self.stride[1]];
                f(Window { position, start, y: y.clone(), x: self.cells(1, ox) });
            }
        }
    }

    /// Calls `f` with each cell of a window: its number in the window, and its position in the image.
    #[inline(always)]
    pub(super) fn each_cell(&self, window: &Window, mut f: impl FnMut(usize, usize)) {
        for ky in window.y.clone() {
            let row = (window.start[0] + ky - self.pad_low[0]) * self.input[1];
            for kx in window.x.clone() {
                f(ky * self.size[1] + kx, row + window.start[1] + kx - self.pad_low[1]);
            }
        }
    }

    /// Whether windows share no cell.
    #[inline(always)]
    fn is_disjoint(&self) -> bool {
        self.stride[0] >= self.size[0] && self.stride[1] >= self.size[1]
    }

    /// Whether a gradient stores every cell by itself: each is in exactly one window, and none is handled one by one.
    #[inline(always)]
    pub(super) fn is_stored_whole(&self, lanes: usize) -> bool {
        let rest = self.channels % lanes;
        self.stride == self.size
            && self.pad_low == [0, 0]
            && [0, 1].map(|axis| self.output[axis] * self.size[axis]) == self.input
            && (rest == 0 || rest > SCALAR)
    }

    /// Elements of an image.
    #[inline(always)]
    pub(super) fn image(&self) -> usize {
        self.input[0] * self.input[1] * self.channels
    }

    /// Calls `vector(channel, lanes)` for the vectors of channels, `scalar(channel)` for the rest if it is short.
    #[inline(always)]
    pub(super) fn channels(&self, lanes: usize, mut vector: impl FnMut(usize, usize), mut scalar: impl FnMut(usize)) {
        let rest = self.channels % lanes;
        let whole = self.channels - rest;
        for channel in (0..whole).step_by(lanes) {
            vector(channel, lanes);
        }
        if rest > SCALAR {
            vector(whole, rest);
        } else {
            for channel in whole..self.channels {
                scalar(channel);
            }
        }
    }
}

/// Adds a window's part to a cell, or stores it where no other window has a part.
///
/// # Safety
/// `lanes` elements at `cell` are readable and writable.
#[inline(always)]
pub(super) unsafe fn give<S: Simd<E>, E: Float>(s: S, shape: Pool2dShape, cell: *mut E, part: S::V, lanes: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        let v = if shape.is_disjoint() { part } else { s.add(load(s, cell, lanes), part) };
        store(s, cell, v, lanes);
    }
}

/// # Safety
/// `lanes` elements at `p` are readable.
#[inline(always)]
pub(super) unsafe fn load<S: Simd<E>, E: Float>(s: S, p: *const E, lanes: usize) -> S::V {
    // SAFETY: the caller's promise.
    unsafe { if lanes == S::LANES { s.load(p) } else { s.load_n(p, lanes) } }
}

/// # Safety
/// `lanes` elements at `p` are writable.
#[inline(always)]
pub(super) unsafe fn store<S: Simd<E>, E: Float>(s: S, p: *mut E, v: S::V, lanes: usize) {
    // SAFETY: the caller's promise.
    unsafe { if lanes == S::LANES { s.store(p, v) } else { s.store_n(p, v, lanes) } }
}
