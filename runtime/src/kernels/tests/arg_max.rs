//! Places of largest elements.

use super::{everywhere, random, splits};
use crate::kernels::arg_max;
use crate::simd::{Float, Simd};

fn first_of_the_largest<S: Simd<E>, E: Float>(s: S) {
    for (places, extent) in [(1, 1), (7, 1), (3, 2), (5, 10), (2, 33), (0, 4)] {
        // Few values, so that there are ties.
        let x: Vec<E> =
            random::<E>(places * extent, 5).iter().map(|x| E::from_f64((x.to_f64() * 3.0).round())).collect();
        let expected: Vec<u32> = x
            .chunks(extent)
            .map(|vector| {
                let largest = vector.iter().map(|x| x.to_f64()).fold(f64::MIN, f64::max);
                vector.iter().position(|x| x.to_f64() == largest).map_or(u32::MAX, |place| place as u32)
            })
            .collect();
        for split in splits(places) {
            let mut y = vec![u32::MAX; places];
            for part in split {
                // SAFETY: the buffers have the sizes that are given.
                unsafe { arg_max(s, part, extent, x.as_ptr(), y.as_mut_ptr()) }
            }
            assert_eq!(y, expected);
        }
    }
}

#[test]
fn places() {
    everywhere!(first_of_the_largest);
}
