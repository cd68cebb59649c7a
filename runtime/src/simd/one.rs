//! Vectors of one f64: the scalars of a call (a step's learning rate with Adam's bias correction) are computed with
//! the same expressions as elements are.

use super::Simd;

/// One lane of f64.
#[derive(Clone, Copy, Debug)]
pub struct One;

impl Simd<f64> for One {
    type V = f64;
    type M = bool;
    const LANES: usize = 1;
    const REGISTERS: usize = 16;

    fn vectorize<R>(self, f: impl FnOnce() -> R) -> R {
        f()
    }

    fn splat(self, x: f64) -> f64 {
        x
    }

    unsafe fn load(self, p: *const f64) -> f64 {
        // SAFETY: the caller's promise.
        unsafe { *p }
    }

    unsafe fn load_n(self, p: *const f64, n: usize) -> f64 {
        // SAFETY: the caller's promise.
        if n == 0 { 0.0 } else { unsafe { *p } }
    }

    unsafe fn store(self, p: *mut f64, v: f64) {
        // SAFETY: the caller's promise.
        unsafe { *p = v }
    }

    unsafe fn store_n(self, p: *mut f64, v: f64, n: usize) {
        if n > 0 {
            // SAFETY: the caller's promise.
            unsafe { *p = v }
        }
    }

    fn add(self, a: f64, b: f64) -> f64 {
        a + b
    }

    fn sub(self, a: f64, b: f64) -> f64 {
        a - b
    }

    fn mul(self, a: f64, b: f64) -> f64 {
        a * b
    }

    fn div(self, a: f64, b: f64) -> f64 {
        a / b
    }

    fn mul_add(self, a: f64, b: f64, c: f64) -> f64 {
        a * b + c
    }

    fn max(self, a: f64, b: f64) -> f64 {
        if a.is_nan() || a > b { a } else { b }
    }

    fn min(self, a: f64, b: f64) -> f64 {
        if a.is_nan() || a < b { a } else { b }
    }

    fn neg(self, a: f64) -> f64 {
        -a
    }

    fn abs(self, a: f64) -> f64 {
        a.abs()
    }

    fn sqrt(self, a: f64) -> f64 {
        a.sqrt()
    }

    fn lt(self, a: f64, b: f64) -> bool {
        a < b
    }

    fn le(self, a: f64, b: f64) -> bool {
        a <= b
    }

    fn eq(self, a: f64, b: f64) -> bool {
        a == b
    }

    fn not(self, m: bool) -> bool {
        !m
    }

    fn select(self, m: bool, a: f64, b: f64) -> f64 {
        if m { a } else { b }
    }

    fn first(self, n: usize, a: f64, b: f64) -> f64 {
        if n > 0 { a } else { b }
    }

    fn iota(self, start: usize) -> f64 {
        start as f64
    }

    fn exp(self, a: f64) -> f64 {
        a.exp()
    }

    fn log(self, a: f64) -> f64 {
        a.ln()
    }

    fn log1p(self, a: f64) -> f64 {
        a.ln_1p()
    }

    fn tanh(self, a: f64) -> f64 {
        a.tanh()
    }

    fn erf(self, a: f64) -> f64 {
        super::erf::erf_f64(a)
    }

    fn sin(self, a: f64) -> f64 {
        a.sin()
    }

    fn cos(self, a: f64) -> f64 {
        a.cos()
    }

    fn sigmoid(self, a: f64) -> f64 {
        1.0 / (1.0 + (-a).exp())
    }

    fn pow(self, a: f64, b: f64) -> f64 {
        a.powf(b)
    }

    fn random(self, key: u64, index: u64) -> f64 {
        f64::from(super::random(key, index))
    }

    fn sum(self, a: f64) -> f64 {
        a
    }

    fn product(self, a: f64) -> f64 {
        a
    }

    fn max_lane(self, a: f64) -> f64 {
        a
    }

    fn min_lane(self, a: f64) -> f64 {
        a
    }
}
