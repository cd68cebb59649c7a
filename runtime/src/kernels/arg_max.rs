//! Places of largest elements.

use core::ops::Range;

use crate::simd::{Float, Simd};

/// For each of the `places` the place of the largest of its `extent` elements of `x`, to `y`: the first among equals.
/// A NaN is larger than nothing.
///
/// # Safety
/// The vectors of `x` are readable, the places of `y` are writable.
#[inline(always)]
pub unsafe fn arg_max<S: Simd<E>, E: Float>(_: S, places: Range<usize>, extent: usize, x: *const E, y: *mut u32) {
    for place in places {
        // SAFETY: the caller's promise.
        unsafe {
            let from = x.add(place * extent);
            let (mut best, mut largest) = (0, *from);
            for at in 1..extent {
                let element = *from.add(at);
                if element > largest {
                    (best, largest) = (at, element);
                }
            }
            *y.add(place) = best as u32;
        }
    }
}
