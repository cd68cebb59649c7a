//! Pooling of NHWC images, vectorised over channels; few channels go one by one.

use core::ops::Range;

use crate::simd::{Float, Simd};

use super::MAX_LANES;

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
struct Window {
    position: usize,
    start: [usize; 2],
    y: Range<usize>,
    x: Range<usize>,
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
    fn windows(&self, image: usize, mut f: impl FnMut(Window)) {
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
    fn each_cell(&self, window: &Window, mut f: impl FnMut(usize, usize)) {
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

    /// Elements of an image.
    #[inline(always)]
    fn image(&self) -> usize {
        self.input[0] * self.input[1] * self.channels
    }

    /// Calls `vector(channel, lanes)` for the vectors of channels, `scalar(channel)` for the rest if it is short.
    #[inline(always)]
    fn channels(&self, lanes: usize, mut vector: impl FnMut(usize, usize), mut scalar: impl FnMut(usize)) {
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

/// The largest of each window to `y` and its number in the window to `index`, each unless null. The first of equals
/// counts; NaN anywhere gives NaN.
///
/// # Safety
/// The images are readable, what is not null of `y` and `index` is writable.
#[inline(always)]
pub unsafe fn max_pool2d<S: Simd<E>, E: Float>(
    s: S,
    images: Range<usize>,
    shape: Pool2dShape,
    x: *const E,
    y: *mut E,
    index: *mut u8,
) {
    let lowest = E::from_f64(f64::NEG_INFINITY);
    for image in images {
        let x = x.wrapping_add(image * shape.image());
        shape.windows(
            image,
            #[inline(always)]
            |window: Window| {
                let at = window.position * shape.channels;
                let first = window.y.start * shape.size[1] + window.x.start;
                shape.channels(
                    S::LANES,
                    #[inline(always)]
                    |channel, lanes| {
                        let mut best = s.splat(lowest);
                        let mut cell = s.splat(E::from_f64(first as f64));
                        shape.each_cell(
                            &window,
                            #[inline(always)]
                            |number, position| {
                                // SAFETY: the cell lies in the image.
                                let v = unsafe { load(s, x.wrapping_add(position * shape.channels + channel), lanes) };
                                cell = s.select(s.lt(best, v), s.splat(E::from_f64(number as f64)), cell);
                                best = s.max(best, v);
                            },
                        );
                        // SAFETY: the caller's promise for outputs that are not null.
                        unsafe {
                            if !y.is_null() {
                                store(s, y.wrapping_add(at + channel), best, lanes);
                            }
                            if !index.is_null() {
                                store_index(s, index.wrapping_add(at + channel), cell, lanes);
                            }
                        }
                    },
                    #[inline(always)]
                    |channel| {
                        let mut best = lowest;
                        let mut cell = first;
                        shape.each_cell(
                            &window,
                            #[inline(always)]
                            |number, position| {
                                // SAFETY: the cell lies in the image.
                                let v = unsafe { *x.wrapping_add(position * shape.channels + channel) };
                                cell = if v > best { number } else { cell };
                                // Once NaN, it stays; a NaN is not below anything.
                                best = if v <= best || is_nan(best) { best } else { v };
                            },
                        );
                        // SAFETY: the caller's promise for outputs that are not null.
                        unsafe {
                            if !y.is_null() {
                                *y.wrapping_add(at + channel) = best;
                            }
                            if !index.is_null() {
                                *index.wrapping_add(at + channel) = cell as u8;
                            }
                        }
                    },
                );
            },
        );
    }
}

/// The gradient `dx` of the images from that of the result: each window's goes to the cell that [`max_pool2d`]
/// numbered.
///
/// # Safety
/// `g` and `index` are readable, `index` has cells that exist, and the images of `dx` are writable.
#[inline(always)]
pub unsafe fn max_pool2d_grad<S: Simd<E>, E: Float>(
    s: S,
    images: Range<usize>,
    shape: Pool2dShape,
    g: *const E,
    index: *const u8,
    dx: *mut E,
) {
    for image in images {
        let dx = dx.wrapping_add(image * shape.image());
        // SAFETY: the caller's promise; zero bits are 0.0.
        unsafe { dx.write_bytes(0, shape.image()) };
        shape.windows(
            image,
            #[inline(always)]
            |window: Window| {
                let at = window.position * shape.channels;
                shape.channels(
                    S::LANES,
                    #[inline(always)]
                    |channel, lanes| {
                        // SAFETY: the result's gradient and index hold this window.
                        let (v, chosen) = unsafe {
                            (
                                load(s, g.wrapping_add(at + channel), lanes),
                                load_index(s, index.wrapping_add(at + channel), lanes),
                            )
                        };
                        shape.each_cell(
                            &window,
                            #[inline(always)]
                            |number, position| {
                                let is_chosen = s.eq(chosen, s.splat(E::from_f64(number as f64)));
                                let part = s.select(is_chosen, v, s.splat(E::ZERO));
                                // SAFETY: the cell lies in the image.
                                unsafe {
                                    give(s, shape, dx.wrapping_add(position * shape.channels + channel), part, lanes)
                                };
                            },
                        );
                    },
                    #[inline(always)]
                    |channel| {
                        // SAFETY: the result's gradient and index hold this window, and the cell lies in the image.
                        unsafe {
                            let number = usize::from(*index.wrapping_add(at + channel));
                            let row = window.start[0] + number / shape.size[1] - shape.pad_low[0];
                            let col = window.start[1] + number % shape.size[1] - shape.pad_low[1];
                            let cell = dx.wrapping_add((row * shape.input[1] + col) * shape.channels + channel);
                            *cell = *cell + *g.wrapping_add(at + channel);
                        }
                    },
                );
            },
        );
    }
}

/// The mean of each window's cells that exist, to `y`.
///
/// # Safety
/// The images are readable, the result is writable.
#[inline(always)]
pub unsafe fn avg_pool2d<S: Simd<E>, E: Float>(s: S, images: Range<usize>, shape: Pool2dShape, x: *const E, y: *mut E) {
    for image in images {
        let x = x.wrapping_add(image * shape.image());
        shape.windows(
            image,
            #[inline(always)]
            |window: Window| {
                let at = window.position * shape.channels;
                let count = E::from_f64((window.y.len() * window.x.len()).max(1) as f64);
                shape.channels(
                    S::LANES,
                    #[inline(always)]
                    |channel, lanes| {
                        let mut sum = s.splat(E::ZERO);
                        shape.each_cell(
                            &window,
                            #[inline(always)]
                            |_, position| {
                                // SAFETY: the cell lies in the image.
                                let v = unsafe { load(s, x.wrapping_add(position * shape.channels + channel), lanes) };
                                sum = s.add(sum, v);
                            },
                        );
                        // SAFETY: the caller's promise.
                        unsafe { store(s, y.wrapping_add(at + channel), s.div(sum, s.splat(count)), lanes) };
                    },
                    #[inline(always)]
                    |channel| {
                        let mut sum = E::ZERO;
                        shape.each_cell(
                            &window,
                            #[inline(always)]
                            |_, position| {
                                // SAFETY: the cell lies in the image.
                                sum = sum + unsafe { *x.wrapping_add(position * shape.channels + channel) };
                            },
                        );
                        // SAFETY: the caller's promise.
                        unsafe { *y.wrapping_add(at + channel) = sum / count };
                    },
                );
            },
        );
    }
}

/// The gradient `dx` of the images from that of the result of [`avg_pool2d`].
///
/// # Safety
/// `g` is readable, the images of `dx` are writable.
#[inline(always)]
pub unsafe fn avg_pool2d_grad<S: Simd<E>, E: Float>(
    s: S,
    images: Range<usize>,
    shape: Pool2dShape,
    g: *const E,
    dx: *mut E,
) {
    for image in images {
        let dx = dx.wrapping_add(image * shape.image());
        // SAFETY: the caller's promise; zero bits are 0.0.
        unsafe { dx.write_bytes(0, shape.image()) };
        shape.windows(
            image,
            #[inline(always)]
            |window: Window| {
                let at = window.position * shape.channels;
                let count = E::from_f64((window.y.len() * window.x.len()).max(1) as f64);
                shape.channels(
                    S::LANES,
                    #[inline(always)]
                    |channel, lanes| {
                        // SAFETY: the result's gradient holds this window.
                        let v = s.div(unsafe { load(s, g.wrapping_add(at + channel), lanes) }, s.splat(count));
                        shape.each_cell(
                            &window,
                            #[inline(always)]
                            |_, position| {
                                // SAFETY: the cell lies in the image.
                                unsafe {
                                    give(s, shape, dx.wrapping_add(position * shape.channels + channel), v, lanes)
                                };
                            },
                        );
                    },
                    #[inline(always)]
                    |channel| {
                        // SAFETY: the result's gradient holds this window.
                        let v = unsafe { *g.wrapping_add(at + channel) } / count;
                        shape.each_cell(
                            &window,
                            #[inline(always)]
                            |_, position| {
                                // SAFETY: the cell lies in the image.
                                unsafe {
                                    let cell = dx.wrapping_add(position * shape.channels + channel);
                                    *cell = *cell + v;
                                }
                            },
                        );
                    },
                );
            },
        );
    }
}

/// Whether `x` is NaN.
#[inline(always)]
fn is_nan<E: Float>(x: E) -> bool {
    x.partial_cmp(&x).is_none()
}

/// Adds a window's part to a cell, or stores it where no other window has a part.
///
/// # Safety
/// `lanes` elements at `cell` are readable and writable.
#[inline(always)]
unsafe fn give<S: Simd<E>, E: Float>(s: S, shape: Pool2dShape, cell: *mut E, part: S::V, lanes: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        let v = if shape.is_disjoint() { part } else { s.add(load(s, cell, lanes), part) };
        store(s, cell, v, lanes);
    }
}

/// # Safety
/// `lanes` elements at `p` are readable.
#[inline(always)]
unsafe fn load<S: Simd<E>, E: Float>(s: S, p: *const E, lanes: usize) -> S::V {
    // SAFETY: the caller's promise.
    unsafe { if lanes == S::LANES { s.load(p) } else { s.load_n(p, lanes) } }
}

/// # Safety
/// `lanes` elements at `p` are writable.
#[inline(always)]
unsafe fn store<S: Simd<E>, E: Float>(s: S, p: *mut E, v: S::V, lanes: usize) {
    // SAFETY: the caller's promise.
    unsafe { if lanes == S::LANES { s.store(p, v) } else { s.store_n(p, v, lanes) } }
}

/// Numbers below 256 as bytes.
///
/// # Safety
/// `lanes` bytes at `p` are writable.
#[inline(always)]
unsafe fn store_index<S: Simd<E>, E: Float>(s: S, p: *mut u8, v: S::V, lanes: usize) {
    let mut numbers = [E::ZERO; MAX_LANES];
    let mut bytes = [0; MAX_LANES];
    // SAFETY: a vector fits; its lanes are numbers from 0 to 255.
    unsafe {
        s.store(numbers.as_mut_ptr(), v);
        for lane in 0..S::LANES {
            bytes[lane] = numbers[lane].to_f64().to_int_unchecked::<i32>() as u8;
        }
        p.copy_from_nonoverlapping(bytes.as_ptr(), lanes);
    }
}

/// Bytes as numbers.
///
/// # Safety
/// `lanes` bytes at `p` are readable.
#[inline(always)]
unsafe fn load_index<S: Simd<E>, E: Float>(s: S, p: *const u8, lanes: usize) -> S::V {
    let mut numbers = [E::ZERO; MAX_LANES];
    let mut bytes = [0_u8; MAX_LANES];
    // SAFETY: the caller's promise; a vector fits.
    unsafe {
        bytes.as_mut_ptr().copy_from_nonoverlapping(p, lanes);
        for lane in 0..S::LANES {
            numbers[lane] = E::from_f64(f64::from(bytes[lane]));
        }
        s.load(numbers.as_ptr())
    }
}
