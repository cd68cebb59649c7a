//! Elementary functions of `f32`, written once over the primitives.

use super::Simd;

/// What the functions need beside arithmetic: the lanes' bits as 32-bit words.
pub(super) trait Bits: Simd<f32> {
    /// A vector of words, one for each lane.
    type U: Copy;
    /// `mul_add` rounds once.
    const FUSED: bool;

    /// The bits.
    fn bits(self, a: Self::V) -> Self::U;
    /// The floats with these bits.
    fn float(self, a: Self::U) -> Self::V;
    /// All lanes the same.
    fn words(self, x: u32) -> Self::U;
    /// 0, 1, 2, …
    fn counters(self) -> Self::U;
    /// `a & b`
    fn and(self, a: Self::U, b: Self::U) -> Self::U;
    /// `a ^ b`
    fn xor(self, a: Self::U, b: Self::U) -> Self::U;
    /// `a + b`, wrapping
    fn plus(self, a: Self::U, b: Self::U) -> Self::U;
    /// `a - b`, wrapping
    fn minus(self, a: Self::U, b: Self::U) -> Self::U;
    /// `a * b`, wrapping
    fn times(self, a: Self::U, b: Self::U) -> Self::U;
    /// `a << N`
    fn shl<const N: i32>(self, a: Self::U) -> Self::U;
    /// `a >> N`, zeros coming in
    fn shr<const N: i32>(self, a: Self::U) -> Self::U;
    /// The words as signed integers, converted.
    fn to_float(self, a: Self::U) -> Self::V;
    /// `a` where it is larger, else `b`, also where either is NaN.
    fn larger(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a` where it is smaller, else `b`, also where either is NaN.
    fn smaller(self, a: Self::V, b: Self::V) -> Self::V;
}

/// [`super::random`] of `index`, `index + 1`, …
#[inline(always)]
pub(super) fn random<S: Bits>(s: S, key: u64, index: u64) -> S::V {
    let first = s.words(index as u32);
    let low = s.plus(first, s.counters());
    // A lane's counter has wrapped where the top bit went from one to zero.
    let carry = s.minus(s.words(0), s.shr::<31>(s.and(first, s.xor(low, s.words(!0)))));
    let high = s.words(((index >> 32) as u32).wrapping_mul(0x9e37_79b9));
    let high = s.plus(high, s.and(carry, s.words(0x9e37_79b9)));
    let x = s.xor(s.plus(low, s.words(key as u32)), high);
    let x = s.xor(x, s.shr::<16>(x));
    let x = s.times(x, s.words(0x7feb_352d));
    let x = s.xor(x, s.shr::<15>(x));
    let x = s.times(x, s.words(0x846c_a68b));
    let x = s.xor(x, s.shr::<16>(x));
    let x = s.plus(x, s.words((key >> 32) as u32));
    let x = s.xor(x, s.shr::<16>(x));
    let x = s.times(x, s.words(0x21f0_aaad));
    let x = s.xor(x, s.shr::<15>(x));
    let x = s.times(x, s.words(0xd35a_2d97));
    let x = s.xor(x, s.shr::<15>(x));
    s.mul(s.to_float(s.shr::<8>(x)), s.splat(1.0 / 16_777_216.0))
}

/// 1 / (1 + e^-a) without overflow.
pub(super) fn sigmoid_f64(a: f64) -> f64 {
    let e = (-a.abs()).exp();
    (if a < 0.0 { e } else { 1.0 }) / (1.0 + e)
}

/// `f` of every lane.
#[inline(always)]
fn lanes<S: Bits>(s: S, a: S::V, b: S::V, f: impl Fn(f32, f32) -> f32) -> S::V {
    let (mut x, mut y) = ([0.0; 16], [0.0; 16]);
    const { assert!(S::LANES <= 16) };
    // SAFETY: the arrays are long enough.
    unsafe {
        s.store(x.as_mut_ptr(), a);
        s.store(y.as_mut_ptr(), b);
        for (x, y) in x.iter_mut().zip(y) {
            *x = f(*x, y);
        }
        s.load(x.as_ptr())
    }
}

/// e^a.
pub(super) fn exp<S: Bits>(s: S, a: S::V) -> S::V {
    lanes(s, a, a, |a, _| a.exp())
}

/// Natural logarithm.
pub(super) fn log<S: Bits>(s: S, a: S::V) -> S::V {
    lanes(s, a, a, |a, _| a.ln())
}

/// log(1 + a), exact near 0.
pub(super) fn log1p<S: Bits>(s: S, a: S::V) -> S::V {
    lanes(s, a, a, |a, _| a.ln_1p())
}

/// Hyperbolic tangent.
pub(super) fn tanh<S: Bits>(s: S, a: S::V) -> S::V {
    lanes(s, a, a, |a, _| a.tanh())
}

/// 1 / (1 + e^-a), without overflow.
pub(super) fn sigmoid<S: Bits>(s: S, a: S::V) -> S::V {
    lanes(s, a, a, |a, _| sigmoid_f64(f64::from(a)) as f32)
}

/// a^b.
pub(super) fn pow<S: Bits>(s: S, a: S::V, b: S::V) -> S::V {
    lanes(s, a, b, f32::powf)
}
