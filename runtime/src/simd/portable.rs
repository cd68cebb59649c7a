//! Plain arrays: loops of fixed length that the compiler turns into whatever vectors the target always has.

use super::math::{self, Bits};
use super::{Float, Simd, circle, erf, pow, random};

/// The instruction set of every machine: vectors are arrays of 8 `f32` or 4 `f64`.
///
/// `mul_add` rounds twice: without the instruction, a fused one would be a call into the C library.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Portable;

impl Portable {
    /// Calls `f`; see [`Simd::vectorize`].
    #[inline(always)]
    pub fn vectorize<R>(self, f: impl FnOnce() -> R) -> R {
        // As for other sets, a function of its own: all kernels in the one of a step take long to compile.
        #[inline(never)]
        fn enabled<R>(f: impl FnOnce() -> R) -> R {
            f()
        }
        enabled(f)
    }
}

/// `f` of every lane.
#[inline(always)]
fn map<A: Copy, B: Copy + Default, const N: usize>(a: [A; N], f: impl Fn(A) -> B) -> [B; N] {
    let mut out = [B::default(); N];
    for i in 0..N {
        out[i] = f(a[i]);
    }
    out
}

/// `f` of every pair of lanes.
#[inline(always)]
fn zip<A: Copy, B: Copy + Default, const N: usize>(a: [A; N], b: [A; N], f: impl Fn(A, A) -> B) -> [B; N] {
    let mut out = [B::default(); N];
    for i in 0..N {
        out[i] = f(a[i], b[i]);
    }
    out
}

/// All lanes in one, in the order in which halves of a register are folded: 8 + 8 lanes, 4 + 4, …
#[inline(always)]
fn fold<E: Float, const N: usize>(mut a: [E; N], f: impl Fn(E, E) -> E) -> E {
    let mut half = N / 2;
    while half > 0 {
        for i in 0..half {
            a[i] = f(a[i], a[i + half]);
        }
        half /= 2;
    }
    a[0]
}

/// The larger, NaN where either is.
#[inline(always)]
#[expect(clippy::eq_op, reason = "only NaN differs from itself")]
fn max<E: Float>(a: E, b: E) -> E {
    if (a > b) | (a != a) { a } else { b }
}

/// The smaller, NaN where either is.
#[inline(always)]
#[expect(clippy::eq_op, reason = "only NaN differs from itself")]
fn min<E: Float>(a: E, b: E) -> E {
    if (a < b) | (a != a) { a } else { b }
}

/// [`Simd`] for arrays of `$lanes` `$float`s, masks being words of the same width with all bits alike.
macro_rules! portable {
    ($float:ident, $word:ident, $lanes:literal,
     random($key:ident, $index:ident) => $random:expr;
     $($function:ident($($arg:ident),+) => $body:expr;)*) => {
        impl Simd<$float> for Portable {
            type V = [$float; $lanes];
            type M = [$word; $lanes];
            const LANES: usize = $lanes;
            const REGISTERS: usize = 16;

            #[inline(always)]
            fn vectorize<R>(self, f: impl FnOnce() -> R) -> R {
                Self::vectorize(self, f)
            }

            #[inline(always)]
            fn splat(self, x: $float) -> Self::V {
                [x; $lanes]
            }

            #[inline(always)]
            unsafe fn load(self, p: *const $float) -> Self::V {
                // SAFETY: the caller promises as many readable elements; arrays of one are aligned alike.
                unsafe { p.cast::<Self::V>().read() }
            }

            #[inline(always)]
            unsafe fn load_n(self, p: *const $float, n: usize) -> Self::V {
                debug_assert!(n <= $lanes);
                let mut out = [0.0; $lanes];
                for (i, lane) in out.iter_mut().enumerate() {
                    if i < n {
                        // SAFETY: the caller promises `n` readable elements.
                        *lane = unsafe { *p.add(i) };
                    }
                }
                out
            }

            #[inline(always)]
            unsafe fn store(self, p: *mut $float, v: Self::V) {
                // SAFETY: the caller promises as many writable elements; arrays of one are aligned alike.
                unsafe { p.cast::<Self::V>().write(v) }
            }

            #[inline(always)]
            unsafe fn store_n(self, p: *mut $float, v: Self::V, n: usize) {
                debug_assert!(n <= $lanes);
                for (i, lane) in v.into_iter().enumerate() {
                    if i < n {
                        // SAFETY: the caller promises `n` writable elements.
                        unsafe { *p.add(i) = lane }
                    }
                }
            }

            #[inline(always)]
            fn add(self, a: Self::V, b: Self::V) -> Self::V {
                zip(a, b, |a, b| a + b)
            }

            #[inline(always)]
            fn sub(self, a: Self::V, b: Self::V) -> Self::V {
                zip(a, b, |a, b| a - b)
            }

            #[inline(always)]
            fn mul(self, a: Self::V, b: Self::V) -> Self::V {
                zip(a, b, |a, b| a * b)
            }

            #[inline(always)]
            fn div(self, a: Self::V, b: Self::V) -> Self::V {
                zip(a, b, |a, b| a / b)
            }

            #[inline(always)]
            fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
                zip(zip(a, b, |a, b| a * b), c, |ab, c| ab + c)
            }

            #[inline(always)]
            fn max(self, a: Self::V, b: Self::V) -> Self::V {
                zip(a, b, max)
            }

            #[inline(always)]
            fn min(self, a: Self::V, b: Self::V) -> Self::V {
                zip(a, b, min)
            }

            #[inline(always)]
            fn neg(self, a: Self::V) -> Self::V {
                map(a, |a| -a)
            }

            #[inline(always)]
            fn abs(self, a: Self::V) -> Self::V {
                map(a, $float::abs)
            }

            #[inline(always)]
            fn sqrt(self, a: Self::V) -> Self::V {
                map(a, $float::sqrt)
            }

            #[inline(always)]
            fn lt(self, a: Self::V, b: Self::V) -> Self::M {
                zip(a, b, |a, b| if a < b { !0 } else { 0 })
            }

            #[inline(always)]
            fn le(self, a: Self::V, b: Self::V) -> Self::M {
                zip(a, b, |a, b| if a <= b { !0 } else { 0 })
            }

            #[inline(always)]
            fn eq(self, a: Self::V, b: Self::V) -> Self::M {
                zip(a, b, |a, b| if a == b { !0 } else { 0 })
            }

            #[inline(always)]
            fn not(self, m: Self::M) -> Self::M {
                map(m, |m| !m)
            }

            #[inline(always)]
            fn select(self, m: Self::M, a: Self::V, b: Self::V) -> Self::V {
                let (a, b) = (map(a, $float::to_bits), map(b, $float::to_bits));
                map(zip(zip(m, a, |m, a| m & a), zip(m, b, |m, b| !m & b), |a, b| a | b), $float::from_bits)
            }

            #[inline(always)]
            fn first(self, n: usize, a: Self::V, b: Self::V) -> Self::V {
                let mut mask: Self::M = [0; $lanes];
                for (i, lane) in mask.iter_mut().enumerate() {
                    *lane = if i < n { !0 } else { 0 };
                }
                Simd::<$float>::select(self, mask, a, b)
            }

            #[inline(always)]
            fn iota(self, start: usize) -> Self::V {
                let mut out = [start as $float; $lanes];
                for (i, lane) in out.iter_mut().enumerate() {
                    *lane += i as $float;
                }
                out
            }

            #[inline(always)]
            fn sum(self, a: Self::V) -> $float {
                fold(a, |a, b| a + b)
            }

            #[inline(always)]
            fn product(self, a: Self::V) -> $float {
                fold(a, |a, b| a * b)
            }

            #[inline(always)]
            fn max_lane(self, a: Self::V) -> $float {
                fold(a, max)
            }

            #[inline(always)]
            fn min_lane(self, a: Self::V) -> $float {
                fold(a, min)
            }

            #[inline(always)]
            fn random(self, $key: u64, $index: u64) -> Self::V {
                $random
            }

            $(
                #[inline(always)]
                fn $function(self, $($arg: Self::V),+) -> Self::V {
                    $body
                }
            )*
        }
    };
}

portable! { f32, u32, 8,
    random(key, index) => math::random(Portable, key, index);
    exp(a) => math::exp(Portable, a);
    log(a) => math::log(Portable, a);
    log1p(a) => math::log1p(Portable, a);
    tanh(a) => math::tanh(Portable, a);
    erf(a) => erf::erf(Portable, a);
    sin(a) => circle::sin(Portable, a);
    cos(a) => circle::cos(Portable, a);
    sigmoid(a) => math::sigmoid(Portable, a);
    pow(a, b) => pow::pow(Portable, a, b);
}

portable! { f64, u64, 4,
    random(key, index) => {
        let mut out = [0.0; 4];
        for (i, lane) in out.iter_mut().enumerate() {
            *lane = f64::from(random(key, index.wrapping_add(i as u64)));
        }
        out
    };
    exp(a) => map(a, f64::exp);
    log(a) => map(a, f64::ln);
    log1p(a) => map(a, f64::ln_1p);
    tanh(a) => map(a, f64::tanh);
    erf(a) => map(a, erf::erf_f64);
    sin(a) => map(a, f64::sin);
    cos(a) => map(a, f64::cos);
    sigmoid(a) => map(a, math::sigmoid_f64);
    pow(a, b) => zip(a, b, f64::powf);
}

impl Bits for Portable {
    type U = [u32; 8];
    const FUSED: bool = false;

    #[inline(always)]
    fn bits(self, a: Self::V) -> Self::U {
        map(a, f32::to_bits)
    }

    #[inline(always)]
    fn float(self, a: Self::U) -> Self::V {
        map(a, f32::from_bits)
    }

    #[inline(always)]
    fn words(self, x: u32) -> Self::U {
        [x; 8]
    }

    #[inline(always)]
    fn counters(self) -> Self::U {
        [0, 1, 2, 3, 4, 5, 6, 7]
    }

    #[inline(always)]
    fn and(self, a: Self::U, b: Self::U) -> Self::U {
        zip(a, b, |a, b| a & b)
    }

    #[inline(always)]
    fn xor(self, a: Self::U, b: Self::U) -> Self::U {
        zip(a, b, |a, b| a ^ b)
    }

    #[inline(always)]
    fn plus(self, a: Self::U, b: Self::U) -> Self::U {
        zip(a, b, u32::wrapping_add)
    }

    #[inline(always)]
    fn minus(self, a: Self::U, b: Self::U) -> Self::U {
        zip(a, b, u32::wrapping_sub)
    }

    #[inline(always)]
    fn times(self, a: Self::U, b: Self::U) -> Self::U {
        zip(a, b, u32::wrapping_mul)
    }

    #[inline(always)]
    fn shl<const N: i32>(self, a: Self::U) -> Self::U {
        map(a, |a| a << N)
    }

    #[inline(always)]
    fn shr<const N: i32>(self, a: Self::U) -> Self::U {
        map(a, |a| a >> N)
    }

    #[inline(always)]
    fn to_float(self, a: Self::U) -> Self::V {
        map(a, |a| a as i32 as f32)
    }

    #[inline(always)]
    fn larger(self, a: Self::V, b: Self::V) -> Self::V {
        zip(a, b, |a, b| if a > b { a } else { b })
    }

    #[inline(always)]
    fn smaller(self, a: Self::V, b: Self::V) -> Self::V {
        zip(a, b, |a, b| if a < b { a } else { b })
    }
}
