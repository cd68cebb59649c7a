//! Powers of `f32`: the exponent of a result can be 128, so its logarithm is needed to 7 more bits than a float has.
//!
//! It is carried as an unevaluated sum of two floats (T. J. Dekker, "A floating-point technique for extending the
//! available precision", 1971).

use super::math::{Bits, INTEGERS, LN2, LN2_LOW, exp_bounded, polynomial, split};

/// `high + low`, the second below the last place of the first.
struct Pair<V> {
    high: V,
    low: V,
}

/// a + b, exact, where |a| >= |b| or a is 0.
#[inline(always)]
fn sum<S: Bits>(s: S, a: S::V, b: S::V) -> Pair<S::V> {
    let high = s.add(a, b);
    Pair { high, low: s.sub(b, s.sub(high, a)) }
}

/// a * b, exact.
#[inline(always)]
fn product<S: Bits>(s: S, a: S::V, b: S::V) -> Pair<S::V> {
    let high = s.mul(a, b);
    if S::FUSED {
        return Pair { high, low: s.mul_add(a, b, s.neg(high)) };
    }
    // Halves of 12 bits each, whose products are exact.
    let halves = |x| {
        let upper = s.float(s.and(s.bits(x), s.words(!0xfff)));
        (upper, s.sub(x, upper))
    };
    let ((a1, a0), (b1, b0)) = (halves(a), halves(b));
    let low = s.sub(s.mul(a1, b1), high);
    let low = s.add(s.add(low, s.mul(a1, b0)), s.mul(a0, b1));
    Pair { high, low: s.add(low, s.mul(a0, b0)) }
}

/// log x for positive finite x: `k log 2 + 2 atanh(q)` with `q = f / (2 + f)`.
#[inline(always)]
fn log<S: Bits>(s: S, x: S::V) -> Pair<S::V> {
    // (2 atanh(q) - 2 q) / q^3 in powers of q^2, the first coefficient being a pair.
    const C: f32 = 0.666_666_7;
    const C_LOW: f32 = -3.0146e-8;
    const Q: [f32; 3] = [0.400_003_37, 0.285_372, 0.235_843_64];

    let (f, k) = split(s, x);
    let d = sum(s, s.splat(2.0), f);
    let q = s.div(f, d.high);
    let back = product(s, q, d.high);
    let rest = s.sub(s.sub(s.sub(f, back.high), back.low), s.mul(q, d.low));
    let q_low = s.div(rest, d.high);

    let z = product(s, q, q);
    let z_low = s.mul_add(s.add(q, q), q_low, z.low);
    let c = sum(s, s.splat(C), s.mul_add(z.high, polynomial(s, z.high, Q), s.splat(C_LOW)));
    let t = product(s, z.high, c.high);
    let t_low = s.add(t.low, s.mul_add(z.high, c.low, s.mul(z_low, c.high)));
    let cubic = product(s, q, t.high);
    let cubic_low = s.add(cubic.low, s.mul_add(q, t_low, s.mul(q_low, t.high)));

    let log = sum(s, s.add(q, q), cubic.high);
    let log_low = s.add(log.low, s.add(cubic_low, s.add(q_low, q_low)));
    let all = sum(s, s.mul(k, s.splat(LN2)), log.high);
    sum(s, all.high, s.add(all.low, s.mul_add(k, s.splat(LN2_LOW), log_low)))
}

/// Whether a number that is not negative is whole.
#[inline(always)]
fn whole<S: Bits>(s: S, x: S::V) -> S::M {
    let integers = s.splat(INTEGERS);
    let rounded = s.sub(s.add(x, integers), integers);
    s.eq(s.select(s.lt(x, integers), rounded, x), x)
}

/// a^b, special cases as in C (ISO/IEC 9899, annex F.10.4.4).
#[inline(always)]
pub(super) fn pow<S: Bits>(s: S, a: S::V, b: S::V) -> S::V {
    let (zero, one, infinity) = (s.splat(0.0), s.splat(1.0), s.splat(f32::INFINITY));
    let (a_size, b_size) = (s.abs(a), s.abs(b));

    let log = log(s, a_size);
    let x = product(s, b, log.high);
    let x_low = s.mul_add(b, log.low, x.low);
    // Where the result is out of range the low part may be anything.
    let x_low = s.select(s.le(s.abs(x.high), s.splat(105.0)), x_low, zero);
    let size = exp_bounded(s, s.larger(s.splat(-105.0), s.smaller(s.splat(90.0), x.high)), x_low);

    // The size where the base is 0 or infinite or the exponent is infinite.
    let (up, down) = (s.select(s.lt(zero, b), infinity, zero), s.select(s.lt(zero, b), zero, infinity));
    let limit = s.select(s.lt(one, a_size), up, down);
    let size = s.select(s.eq(a_size, zero), limit, s.select(s.eq(a_size, infinity), limit, size));
    let size = s.select(s.eq(b_size, infinity), s.select(s.eq(a_size, one), one, limit), size);

    // The base's sign, where the exponent is odd.
    let even = whole(s, s.mul(b_size, s.splat(0.5)));
    let signed = s.float(s.xor(s.bits(size), s.and(s.bits(a), s.words(1 << 31))));
    let whole = whole(s, b_size);
    let power = s.select(whole, s.select(even, size, signed), size);
    let root = s.select(whole, power, s.select(s.eq(a_size, infinity), power, s.splat(f32::NAN)));
    let power = s.select(s.lt(a, zero), root, power);

    let power = s.select(s.eq(a, a), s.select(s.eq(b, b), power, b), a);
    s.select(s.eq(b, zero), one, s.select(s.eq(a, one), one, power))
}
