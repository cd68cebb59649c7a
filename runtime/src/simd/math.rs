//! Elementary functions of `f32`, written once over the primitives, without branches or tables.
//!
//! Arguments are reduced as by W. J. Cody and W. Waite ("Software Manual for the Elementary Functions", 1980), with
//! a leading part of log 2 so short that its products are exact. What remains is a minimax polynomial (Lawson's
//! algorithm) whose error lies below a third of that of rounding. Every function is within 3 ulp, mostly 1, also of
//! denormal operands and results, and gives at zeros, infinities and NaN what C's library does.

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

/// log 2 = `LN2 + LN2_LOW`; the first has 10 bits.
pub(super) const LN2: f32 = 355.0 / 512.0;
pub(super) const LN2_LOW: f32 = -2.121_944_4e-4;

/// 2^23, past which a float is an integer.
pub(super) const INTEGERS: f32 = 8_388_608.0;

/// `c[0] + c[1] x + c[2] x^2 + …`
#[inline(always)]
pub(super) fn polynomial<S: Bits, const N: usize>(s: S, x: S::V, c: [f32; N]) -> S::V {
    let mut sum = s.splat(c[N - 1]);
    for i in (0..N - 1).rev() {
        sum = s.mul_add(sum, x, s.splat(c[i]));
    }
    sum
}

/// x = n log 2 + r with a whole n: r, and a word whose low bits are `n + BIAS`, for |n| + BIAS below 2^22.
#[inline(always)]
fn reduce<S: Bits, const BIAS: u32>(s: S, x: S::V) -> (S::V, S::U) {
    // At this size the last bit of a float is worth one, so the sum is rounded to an integer.
    let magic = s.splat(1.5 * INTEGERS + BIAS as f32);
    let word = s.mul_add(x, s.splat(core::f32::consts::LOG2_E), magic);
    let n = s.sub(word, magic);
    let r = s.mul_add(n, s.splat(-LN2), x);
    (s.mul_add(n, s.splat(-LN2_LOW), r), s.bits(word))
}

/// e^r - 1 for |r| <= log 2 / 2.
#[inline(always)]
fn expm1_reduced<S: Bits>(s: S, r: S::V) -> S::V {
    const Q: [f32; 6] = [0.5, 0.166_666_66, 0.041_666_36, 8.333_39e-3, 1.394_094_7e-3, 1.984_627_2e-4];
    s.mul_add(s.mul(r, r), polynomial(s, r, Q), r)
}

/// e^(x + low) for -105 <= x <= 90 and a small `low`.
#[inline(always)]
pub(super) fn exp_bounded<S: Bits>(s: S, x: S::V, low: S::V) -> S::V {
    let (r, word) = reduce::<S, 254>(s, x);
    let p = s.add(expm1_reduced(s, s.add(r, low)), s.splat(1.0));
    // 2^n in two factors, the bias 127 of both being in the word: one alone may be out of range.
    let half = s.shr::<1>(word);
    let rest = s.minus(word, half);
    s.mul(s.mul(p, s.float(s.shl::<23>(half))), s.float(s.shl::<23>(rest)))
}

/// e^a.
#[inline(always)]
pub(super) fn exp<S: Bits>(s: S, a: S::V) -> S::V {
    let bounded = s.larger(s.splat(-105.0), s.smaller(s.splat(90.0), a));
    exp_bounded(s, bounded, s.splat(0.0))
}

/// 1 / (1 + e^-a), from e^-|a|, so that neither side loses its small values.
#[inline(always)]
pub(super) fn sigmoid<S: Bits>(s: S, a: S::V) -> S::V {
    let e = exp_bounded(s, s.larger(s.splat(-105.0), s.neg(s.abs(a))), s.splat(0.0));
    let one = s.splat(1.0);
    s.div(s.select(s.lt(a, s.splat(0.0)), e, one), s.add(e, one))
}

/// Hyperbolic tangent: e / (e + 2) where e = e^2|a| - 1, with the sign of a.
#[inline(always)]
pub(super) fn tanh<S: Bits>(s: S, a: S::V) -> S::V {
    // Past 10 it is 1.
    let x = s.smaller(s.splat(10.0), s.abs(a));
    let (r, word) = reduce::<S, 127>(s, s.add(x, x));
    let power = s.float(s.shl::<23>(word));
    let e = s.mul_add(power, expm1_reduced(s, r), s.sub(power, s.splat(1.0)));
    let t = s.div(e, s.add(e, s.splat(2.0)));
    s.float(s.xor(s.bits(t), s.and(s.bits(a), s.words(1 << 31))))
}

/// 2^k in the exponent's place for the k that brings a positive normal float between sqrt(1/2) and sqrt(2).
#[inline(always)]
fn exponent<S: Bits>(s: S, word: S::U) -> S::U {
    s.and(s.minus(word, s.words(0x3f35_04f3)), s.words(0xff80_0000))
}

/// That place's number.
#[inline(always)]
fn place<S: Bits>(s: S, exponent: S::U) -> S::V {
    s.mul(s.to_float(exponent), s.splat(1.0 / INTEGERS))
}

/// x = 2^k (1 + f) with 1 + f between sqrt(1/2) and sqrt(2): f, exact, and k. For positive finite x.
#[inline(always)]
pub(super) fn split<S: Bits>(s: S, x: S::V) -> (S::V, S::V) {
    let denormal = s.lt(x, s.splat(f32::MIN_POSITIVE));
    let word = s.bits(s.select(denormal, s.mul(x, s.splat(INTEGERS)), x));
    let e = exponent(s, word);
    let k = s.add(place(s, e), s.select(denormal, s.splat(-23.0), s.splat(0.0)));
    (s.sub(s.float(s.minus(word, e)), s.splat(1.0)), k)
}

/// k log 2 + log(1 + f) for f as [`split`] gives it.
#[inline(always)]
fn log_reduced<S: Bits>(s: S, f: S::V, k: S::V) -> S::V {
    const Q: [f32; 8] = [
        0.333_333_3,
        -0.250_008_23,
        0.200_012_34,
        -0.166_232_81,
        0.142_015_37,
        -0.131_607_43,
        0.127_635_37,
        -0.076_355_03,
    ];
    let square = s.mul(f, f);
    let y = s.mul(s.mul(square, f), polynomial(s, f, Q));
    let y = s.mul_add(k, s.splat(LN2_LOW), y);
    let y = s.mul_add(square, s.splat(-0.5), y);
    s.mul_add(k, s.splat(LN2), s.add(f, y))
}

/// `log` where x is positive and finite, else what the logarithm of x is there.
#[inline(always)]
fn ends<S: Bits>(s: S, x: S::V, log: S::V) -> S::V {
    let (zero, infinity) = (s.splat(0.0), s.splat(f32::INFINITY));
    let low = s.select(s.eq(x, zero), s.splat(f32::NEG_INFINITY), s.splat(f32::NAN));
    s.select(s.eq(x, infinity), infinity, s.select(s.lt(zero, x), log, low))
}

/// Natural logarithm.
#[inline(always)]
pub(super) fn log<S: Bits>(s: S, a: S::V) -> S::V {
    let (f, k) = split(s, a);
    ends(s, a, log_reduced(s, f, k))
}

/// log(1 + a), exact near 0.
///
/// The sum only tells the exponent; with that, `2^-k a + (2^-k - 1)` is f with a single rounding.
#[inline(always)]
pub(super) fn log1p<S: Bits>(s: S, a: S::V) -> S::V {
    let one = s.splat(1.0);
    let sum = s.add(a, one);
    let e = exponent(s, s.bits(sum));
    // 2^(2 - k), as 2^-128 has no exponent of its own.
    let scale = s.float(s.minus(s.words((127 + 2) << 23), e));
    let quarter = s.splat(0.25);
    let f = s.mul_add(s.mul(a, scale), quarter, s.sub(s.mul(scale, quarter), one));
    let log = ends(s, sum, log_reduced(s, f, place(s, e)));
    // Only the negative zero is not itself yet.
    s.select(s.eq(a, s.splat(0.0)), a, log)
}
