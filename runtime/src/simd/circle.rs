//! Sine and cosine of `f32`. The argument is reduced to the nearest multiple of π/2 as by Cody and Waite, with three
//! parts of π/2 of 13 bits each, whose products with up to 11 bits are exact, and a tail. Larger arguments are rare:
//! a vector that has one is computed in f64 by the library.

use super::math::{Bits, INTEGERS, polynomial};

/// π/2 = 6434 / 2^12 - 149 / 2^25 - 3823 / 2^38 + tail
const PARTS: [f32; 4] = [6434.0 / 4096.0, -149.0 / 33_554_432.0, -3823.0 / 274_877_906_944.0, -1.074_634_6e-12];

/// Past this the multiple has more than 11 bits.
const BOUND: f32 = 3000.0;

/// The most lanes of any instruction set.
const LANES: usize = 16;

/// sin(a + `quarters` π/2) for an `a` that is not negative, with a sign's bits turned over.
#[inline(always)]
fn circle<S: Bits>(s: S, a: S::V, quarters: u32, sign: S::U) -> S::V {
    /// (sin(r) - r) / r³ and (cos(r) - 1 + r²/2) / r⁴ in powers of r².
    const SIN: [f32; 3] = [-0.166_666_55, 8.332_158e-3, -1.951_495e-4];
    const COS: [f32; 3] = [0.041_666_646, -1.388_731_3e-3, 2.443_277_8e-5];

    // At this size the last bit of a float is worth one, so the sum is rounded to an integer.
    let magic = s.splat(1.5 * INTEGERS);
    let word = s.mul_add(a, s.splat(core::f32::consts::FRAC_2_PI), magic);
    let n = s.sub(word, magic);
    let mut r = a;
    for part in PARTS {
        r = s.mul_add(n, s.splat(-part), r);
    }
    let square = s.mul(r, r);
    let sin = s.mul_add(s.mul(square, r), polynomial(s, square, SIN), r);
    let cos = s.mul_add(square, s.splat(-0.5), s.splat(1.0));
    let cos = s.mul_add(s.mul(square, square), polynomial(s, square, COS), cos);
    let quadrant = s.plus(s.bits(word), s.words(quarters));
    let odd = s.lt(s.splat(0.5), s.to_float(s.and(quadrant, s.words(1))));
    let size = s.bits(s.select(odd, cos, sin));
    s.float(s.xor(s.xor(size, sign), s.shl::<30>(s.and(quadrant, s.words(2)))))
}

/// `f` of every lane in f64.
#[cold]
#[inline(never)]
fn exact(values: &mut [f32; LANES], f: fn(f64) -> f64) {
    for value in values {
        *value = f(f64::from(*value)) as f32;
    }
}

#[inline(always)]
fn choose<S: Bits>(s: S, a: S::V, quarters: u32, sign: S::U, f: fn(f64) -> f64) -> S::V {
    const { assert!(S::LANES <= LANES) };
    let size = s.abs(a);
    if s.max_lane(size) <= BOUND {
        return circle(s, size, quarters, sign);
    }
    let mut values = [0.0; LANES];
    // SAFETY: the array has at least as many elements as a vector has lanes.
    unsafe { s.store(values.as_mut_ptr(), a) };
    exact(&mut values, f);
    // SAFETY: as above.
    unsafe { s.load(values.as_ptr()) }
}

/// Sine.
#[inline(always)]
pub(super) fn sin<S: Bits>(s: S, a: S::V) -> S::V {
    choose(s, a, 0, s.and(s.bits(a), s.words(1 << 31)), f64::sin)
}

/// Cosine.
#[inline(always)]
pub(super) fn cos<S: Bits>(s: S, a: S::V) -> S::V {
    choose(s, a, 1, s.words(0), f64::cos)
}
