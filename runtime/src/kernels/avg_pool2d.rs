//! Average pooling of NHWC images; cells outside the image don't count, as in Keras.

use core::ops::Range;

use crate::simd::{Float, Simd};

use super::pool2d::{Pool2dShape, Window, give, load, store};

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
        if !shape.is_stored_whole(S::LANES) {
            // SAFETY: the caller's promise; zero bits are 0.0.
            unsafe { dx.write_bytes(0, shape.image()) };
        }
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
