//! Max-pooling of NHWC images: the largest of each window, and where it was.

use core::ops::Range;

use crate::simd::{Float, Simd};

use super::MAX_LANES;
use super::pool2d::{Pool2dShape, Window, give, load, store};

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
        if !shape.is_stored_whole(S::LANES) {
            // SAFETY: the caller's promise; zero bits are 0.0.
            unsafe { dx.write_bytes(0, shape.image()) };
        }
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

/// Whether `x` is NaN.
#[inline(always)]
fn is_nan<E: Float>(x: E) -> bool {
    x.partial_cmp(&x).is_none()
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
pub(super) unsafe fn load_index<S: Simd<E>, E: Float>(s: S, p: *const u8, lanes: usize) -> S::V {
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
