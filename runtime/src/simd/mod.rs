//! Vector arithmetic: one trait, one file per instruction set, and a portable one that is always there.
//!
//! A value of a type that implements [`Simd`] proves that the machine has the instruction set. Kernels are
//! generic over it and `#[inline(always)]`; [`Simd::vectorize`] is the entry that carries the target features.

use core::fmt::Debug;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod circle;
mod denormals;
mod erf;
mod isa;
mod math;
#[cfg(target_arch = "x86_64")]
mod methods;
mod one;
mod portable;
mod pow;
#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
mod transpose;

#[cfg(target_arch = "x86_64")]
pub use avx2::Avx2;
#[cfg(target_arch = "x86_64")]
pub use avx512::Avx512;
pub use denormals::Denormals;
pub use isa::Isa;
pub use one::One;
pub use portable::Portable;

/// Vectors of `E` on one instruction set.
///
/// `_n` methods touch the first `n` lanes only, `n <= LANES`; lanes past them are zero when loaded.
/// Comparisons with NaN are false. `max` and `min` give NaN where either operand is NaN.
pub trait Simd<E: Float>: Copy + Debug + Send + Sync + 'static {
    /// A vector.
    type V: Copy;
    /// The result of a comparison.
    type M: Copy;
    /// Elements of a vector.
    const LANES: usize;
    /// Vector registers.
    const REGISTERS: usize;

    /// Calls `f` where the instruction set is enabled, so that what is inlined into it uses it.
    ///
    /// A closure does not inherit the features, it is inlined where they are: large ones say
    /// `#[inline(always)] || …`.
    fn vectorize<R>(self, f: impl FnOnce() -> R) -> R;

    /// All lanes the same.
    fn splat(self, x: E) -> Self::V;
    /// # Safety
    /// `LANES` elements at `p` are readable.
    unsafe fn load(self, p: *const E) -> Self::V;
    /// # Safety
    /// `n` elements at `p` are readable.
    unsafe fn load_n(self, p: *const E, n: usize) -> Self::V;
    /// # Safety
    /// `LANES` elements at `p` are writable.
    unsafe fn store(self, p: *mut E, v: Self::V);
    /// # Safety
    /// `n` elements at `p` are writable.
    unsafe fn store_n(self, p: *mut E, v: Self::V, n: usize);

    /// Transposes a block of `LANES` × `LANES` elements, whose rows are `from_stride` and `to_stride` apart.
    /// # Safety
    /// The block at `from` is readable, the one at `to` writable, and they don't overlap.
    #[inline(always)]
    unsafe fn transpose(self, from: *const E, from_stride: usize, to: *mut E, to_stride: usize) {
        for i in 0..Self::LANES {
            for j in 0..Self::LANES {
                // SAFETY: within the blocks.
                unsafe { *to.add(i * to_stride + j) = *from.add(j * from_stride + i) };
            }
        }
    }

    /// `a + b`
    fn add(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a - b`
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a * b`
    fn mul(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a / b`
    fn div(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a * b + c`, fused where the instruction set can.
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// The larger.
    fn max(self, a: Self::V, b: Self::V) -> Self::V;
    /// The smaller.
    fn min(self, a: Self::V, b: Self::V) -> Self::V;
    /// `-a`
    fn neg(self, a: Self::V) -> Self::V;
    /// `|a|`
    fn abs(self, a: Self::V) -> Self::V;
    /// Square root.
    fn sqrt(self, a: Self::V) -> Self::V;

    /// `a < b`
    fn lt(self, a: Self::V, b: Self::V) -> Self::M;
    /// `a <= b`
    fn le(self, a: Self::V, b: Self::V) -> Self::M;
    /// `a == b`
    fn eq(self, a: Self::V, b: Self::V) -> Self::M;
    /// Not `m`.
    fn not(self, m: Self::M) -> Self::M;
    /// `a` where `m`, elsewhere `b`.
    fn select(self, m: Self::M, a: Self::V, b: Self::V) -> Self::V;
    /// The first `n` lanes of `a`, in the others `b`.
    fn first(self, n: usize, a: Self::V, b: Self::V) -> Self::V;
    /// `start, start + 1, …` as floats (exact below 2^24 in f32).
    fn iota(self, start: usize) -> Self::V;

    /// e^a.
    fn exp(self, a: Self::V) -> Self::V;
    /// Natural logarithm.
    fn log(self, a: Self::V) -> Self::V;
    /// log(1 + a), exact near 0.
    fn log1p(self, a: Self::V) -> Self::V;
    /// Hyperbolic tangent.
    fn tanh(self, a: Self::V) -> Self::V;
    /// The error function.
    fn erf(self, a: Self::V) -> Self::V;
    /// Sine.
    fn sin(self, a: Self::V) -> Self::V;
    /// Cosine.
    fn cos(self, a: Self::V) -> Self::V;
    /// 1 / (1 + e^-a), without overflow.
    fn sigmoid(self, a: Self::V) -> Self::V;
    /// a^b.
    fn pow(self, a: Self::V, b: Self::V) -> Self::V;
    /// Uniform on [0, 1) from a counter: lane i is [`random`]`(key, index + i)`.
    fn random(self, key: u64, index: u64) -> Self::V;

    /// Sum of the lanes, always in the same order.
    fn sum(self, a: Self::V) -> E;
    /// Product of the lanes.
    fn product(self, a: Self::V) -> E;
    /// Largest lane, NaN if any is.
    fn max_lane(self, a: Self::V) -> E;
    /// Smallest lane, NaN if any is.
    fn min_lane(self, a: Self::V) -> E;
}

/// `f32` or `f64`.
pub trait Float:
    Copy
    + Debug
    + Default
    + PartialOrd
    + Send
    + Sync
    + core::ops::Add<Output = Self>
    + core::ops::Sub<Output = Self>
    + core::ops::Mul<Output = Self>
    + core::ops::Div<Output = Self>
    + core::ops::Neg<Output = Self>
    + 'static
{
    /// 0
    const ZERO: Self;
    /// 1
    const ONE: Self;
    /// From f64, rounded.
    fn from_f64(x: f64) -> Self;
    /// To f64, exact.
    fn to_f64(self) -> f64;
}

macro_rules! float {
    ($($float:ident),*) => {$(
        impl Float for $float {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;

            fn from_f64(x: f64) -> Self {
                x as $float
            }

            fn to_f64(self) -> f64 {
                f64::from(self)
            }
        }
    )*};
}

float!(f32, f64);

/// The uniform number on [0, 1) with 24 random bits that belongs to a counter under a key.
///
/// Two rounds of a 32-bit finaliser (C. Wellons, "Hash function prospector"), a half of the key mixed in
/// before each. Dropout masks are never stored: forward and backward compute them from the counter.
#[inline(always)]
pub fn random(key: u64, index: u64) -> f32 {
    let (k0, k1) = (key as u32, (key >> 32) as u32);
    let mut x = (index as u32).wrapping_add(k0) ^ ((index >> 32) as u32).wrapping_mul(0x9e37_79b9);
    x ^= x >> 16;
    x = x.wrapping_mul(0x7feb_352d);
    x ^= x >> 15;
    x = x.wrapping_mul(0x846c_a68b);
    x ^= x >> 16;
    x = x.wrapping_add(k1);
    x ^= x >> 16;
    x = x.wrapping_mul(0x21f0_aaad);
    x ^= x >> 15;
    x = x.wrapping_mul(0xd35a_2d97);
    x ^= x >> 15;
    (x >> 8) as f32 * (1.0 / 16_777_216.0)
}

/// The key of one random tensor in one step: SplitMix64's finaliser over seed, step and stream.
pub fn random_key(seed: u64, step: u64, stream: u32) -> u64 {
    let mix = |mut z: u64| {
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    mix(mix(mix(seed.wrapping_add(0x9e37_79b9_7f4a_7c15)) ^ step).wrapping_add(u64::from(stream)))
}
