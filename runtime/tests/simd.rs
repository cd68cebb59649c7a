//! The choice of instruction set as a user's crate makes it.

use kiln::simd::{Isa, Simd};

/// The sum of squares, the last vector in part.
#[inline(always)]
fn squares<S: Simd<f32>>(s: S, x: &[f32]) -> f32 {
    let mut sum = s.splat(0.0);
    for chunk in x.chunks(S::LANES) {
        // SAFETY: the chunk has as many elements as it says, at most a vector's.
        let v = unsafe { s.load_n(chunk.as_ptr(), chunk.len()) };
        sum = s.mul_add(v, v, sum);
    }
    s.sum(sum)
}

#[test]
fn dispatches_from_another_crate() {
    for isa in Isa::available() {
        for n in 0..40_u16 {
            let x: Vec<f32> = (0..n).map(f32::from).collect();
            let sum = kiln::dispatch!(isa, s => s.vectorize(#[inline(always)] || squares(s, &x)));
            assert_eq!(sum, x.iter().map(|x| x * x).sum::<f32>(), "{isa} {n}");
        }
    }
}
