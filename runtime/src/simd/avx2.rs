//! AVX2 with FMA: 8 lanes of `f32`, 4 of `f64`.

use core::arch::x86_64::*;

use super::math::{self, Bits};
use super::methods::{arithmetic, binary, elementary, intrinsic};
use super::{Simd, circle, erf, pow, transpose};

/// AVX2 and FMA (x86-64 since Haswell and Zen): a value proves that this machine has both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Avx2(());

impl Avx2 {
    /// The proof, where the machine has the instructions and the operating system saves the registers.
    pub fn detect() -> Option<Self> {
        (std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma")).then_some(Self(()))
    }

    /// Calls `f` where the instruction set is enabled; see [`Simd::vectorize`].
    #[inline(always)]
    pub fn vectorize<R>(self, f: impl FnOnce() -> R) -> R {
        #[target_feature(enable = "avx2,fma")]
        fn enabled<R>(f: impl FnOnce() -> R) -> R {
            f()
        }
        // SAFETY: an `Avx2` exists only where both features do.
        unsafe { enabled(f) }
    }

    /// Lanes below `n` have all bits set.
    #[inline(always)]
    fn mask(self, n: usize) -> __m256i {
        debug_assert!(n <= 8);
        intrinsic!(_mm256_cmpgt_epi32(_mm256_set1_epi32(n as i32), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)))
    }

    /// The same for 64-bit lanes.
    #[inline(always)]
    fn mask_wide(self, n: usize) -> __m256i {
        debug_assert!(n <= 4);
        intrinsic!(_mm256_cmpgt_epi64(_mm256_set1_epi64x(n as i64), _mm256_setr_epi64x(0, 1, 2, 3)))
    }
}

/// All lanes of a vector in one: the register's halves first, then the quarters, …
macro_rules! fold {
    ($isa:ident.$op:ident, f32, $a:expr) => {{
        let a = $a;
        let a = Simd::<f32>::$op($isa, a, intrinsic!(_mm256_permute2f128_ps::<1>(a, a)));
        let a = Simd::<f32>::$op($isa, a, intrinsic!(_mm256_permute_ps::<0b01_00_11_10>(a)));
        let a = Simd::<f32>::$op($isa, a, intrinsic!(_mm256_permute_ps::<0b10_11_00_01>(a)));
        intrinsic!(_mm256_cvtss_f32(a))
    }};
    ($isa:ident.$op:ident, f64, $a:expr) => {{
        let a = $a;
        let a = Simd::<f64>::$op($isa, a, intrinsic!(_mm256_permute2f128_pd::<1>(a, a)));
        let a = Simd::<f64>::$op($isa, a, intrinsic!(_mm256_permute_pd::<0b01_01>(a)));
        intrinsic!(_mm256_cvtsd_f64(a))
    }};
}

/// Comparisons and what is made of them, which differ between the two element types in the intrinsics' suffix.
macro_rules! comparisons {
    ($float:ident: $splat:ident $max:ident $min:ident $or:ident $xor:ident $andnot:ident $cmp:ident $blendv:ident) => {
        // The instruction gives `b` where either is NaN; all bits set, which is a NaN too, where `a` is one.
        #[inline(always)]
        fn max(self, a: Self::V, b: Self::V) -> Self::V {
            intrinsic!($or($max(a, b), $cmp::<_CMP_UNORD_Q>(a, a)))
        }

        #[inline(always)]
        fn min(self, a: Self::V, b: Self::V) -> Self::V {
            intrinsic!($or($min(a, b), $cmp::<_CMP_UNORD_Q>(a, a)))
        }

        #[inline(always)]
        fn abs(self, a: Self::V) -> Self::V {
            intrinsic!($andnot($splat(-0.0), a))
        }

        #[inline(always)]
        fn lt(self, a: Self::V, b: Self::V) -> Self::M {
            intrinsic!($cmp::<_CMP_LT_OQ>(a, b))
        }

        #[inline(always)]
        fn le(self, a: Self::V, b: Self::V) -> Self::M {
            intrinsic!($cmp::<_CMP_LE_OQ>(a, b))
        }

        #[inline(always)]
        fn eq(self, a: Self::V, b: Self::V) -> Self::M {
            intrinsic!($cmp::<_CMP_EQ_OQ>(a, b))
        }

        #[inline(always)]
        fn not(self, m: Self::M) -> Self::M {
            // -NaN with every bit set.
            intrinsic!($xor(m, $splat($float::from_bits(!0))))
        }

        #[inline(always)]
        fn select(self, m: Self::M, a: Self::V, b: Self::V) -> Self::V {
            intrinsic!($blendv(b, a, m))
        }
    };
}

impl Simd<f32> for Avx2 {
    type V = __m256;
    type M = __m256;
    const LANES: usize = 8;
    const REGISTERS: usize = 16;

    arithmetic! { Avx2, f32: _mm256_set1_ps _mm256_loadu_ps _mm256_storeu_ps _mm256_add_ps _mm256_sub_ps
    _mm256_mul_ps _mm256_div_ps _mm256_fmadd_ps _mm256_xor_ps _mm256_sqrt_ps }
    comparisons! { f32: _mm256_set1_ps _mm256_max_ps _mm256_min_ps _mm256_or_ps _mm256_xor_ps _mm256_andnot_ps
    _mm256_cmp_ps _mm256_blendv_ps }

    #[inline(always)]
    unsafe fn transpose(self, from: *const f32, from_stride: usize, to: *mut f32, to_stride: usize) {
        // SAFETY: the caller's promise; an `Avx2` proves the instructions.
        unsafe { transpose::float32(from, from_stride, to, to_stride) }
    }

    #[inline(always)]
    unsafe fn load_n(self, p: *const f32, n: usize) -> Self::V {
        // SAFETY: lanes past `n` are masked out, and the caller promises the others.
        unsafe { _mm256_maskload_ps(p, self.mask(n)) }
    }

    // By parts: a masked store is slow on AMD's processors, and `n` is often a constant.
    #[inline(always)]
    unsafe fn store_n(self, p: *mut f32, v: Self::V, n: usize) {
        debug_assert!(n <= 8);
        if n >= 8 {
            // SAFETY: as many elements are writable.
            return unsafe { _mm256_storeu_ps(p, v) };
        }
        let mut rest = intrinsic!(_mm256_castps256_ps128(v));
        let mut i = 0;
        // SAFETY: the parts are of 4, 2 and 1 elements as `n` has these bits, so they end at `n`.
        unsafe {
            if n & 4 != 0 {
                _mm_storeu_ps(p, rest);
                rest = _mm256_extractf128_ps::<1>(v);
                i = 4;
            }
            if n & 2 != 0 {
                _mm_store_sd(p.add(i).cast(), _mm_castps_pd(rest));
                rest = _mm_movehl_ps(rest, rest);
                i += 2;
            }
            if n & 1 != 0 {
                _mm_store_ss(p.add(i), rest);
            }
        }
    }

    #[inline(always)]
    fn first(self, n: usize, a: Self::V, b: Self::V) -> Self::V {
        intrinsic!(_mm256_blendv_ps(b, a, _mm256_castsi256_ps(self.mask(n))))
    }

    #[inline(always)]
    fn iota(self, start: usize) -> Self::V {
        intrinsic!(_mm256_add_ps(_mm256_set1_ps(start as f32), _mm256_setr_ps(0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0)))
    }

    elementary! {
        exp(a) => |s| math::exp(s, a);
        log(a) => |s| math::log(s, a);
        log1p(a) => |s| math::log1p(s, a);
        tanh(a) => |s| math::tanh(s, a);
        erf(a) => |s| erf::erf(s, a);
        sin(a) => |s| circle::sin(s, a);
        cos(a) => |s| circle::cos(s, a);
        sigmoid(a) => |s| math::sigmoid(s, a);
        pow(a, b) => |s| pow::pow(s, a, b);
    }

    #[inline(always)]
    fn random(self, key: u64, index: u64) -> Self::V {
        math::random(self, key, index)
    }
}

/// `f` of every pair of lanes.
#[inline(always)]
fn lanes(isa: Avx2, a: __m256d, b: __m256d, f: impl Fn(f64, f64) -> f64) -> __m256d {
    let (mut x, mut y) = ([0.0; 4], [0.0; 4]);
    // SAFETY: the arrays have four elements.
    unsafe {
        isa.store(x.as_mut_ptr(), a);
        isa.store(y.as_mut_ptr(), b);
    }
    for (x, y) in x.iter_mut().zip(y) {
        *x = f(*x, y);
    }
    // SAFETY: so it has here.
    unsafe { isa.load(x.as_ptr()) }
}

impl Simd<f64> for Avx2 {
    type V = __m256d;
    type M = __m256d;
    const LANES: usize = 4;
    const REGISTERS: usize = 16;

    arithmetic! { Avx2, f64: _mm256_set1_pd _mm256_loadu_pd _mm256_storeu_pd _mm256_add_pd _mm256_sub_pd
    _mm256_mul_pd _mm256_div_pd _mm256_fmadd_pd _mm256_xor_pd _mm256_sqrt_pd }
    comparisons! { f64: _mm256_set1_pd _mm256_max_pd _mm256_min_pd _mm256_or_pd _mm256_xor_pd _mm256_andnot_pd
    _mm256_cmp_pd _mm256_blendv_pd }

    #[inline(always)]
    unsafe fn transpose(self, from: *const f64, from_stride: usize, to: *mut f64, to_stride: usize) {
        // SAFETY: the caller's promise; an `Avx2` proves the instructions.
        unsafe { transpose::float64(from, from_stride, to, to_stride) }
    }

    #[inline(always)]
    unsafe fn load_n(self, p: *const f64, n: usize) -> Self::V {
        // SAFETY: lanes past `n` are masked out, and the caller promises the others.
        unsafe { _mm256_maskload_pd(p, self.mask_wide(n)) }
    }

    #[inline(always)]
    unsafe fn store_n(self, p: *mut f64, v: Self::V, n: usize) {
        debug_assert!(n <= 4);
        if n >= 4 {
            // SAFETY: as many elements are writable.
            return unsafe { _mm256_storeu_pd(p, v) };
        }
        let mut rest = intrinsic!(_mm256_castpd256_pd128(v));
        let mut i = 0;
        // SAFETY: the parts are of 2 and 1 elements as `n` has these bits, so they end at `n`.
        unsafe {
            if n & 2 != 0 {
                _mm_storeu_pd(p, rest);
                rest = _mm256_extractf128_pd::<1>(v);
                i = 2;
            }
            if n & 1 != 0 {
                _mm_store_sd(p.add(i), rest);
            }
        }
    }

    #[inline(always)]
    fn first(self, n: usize, a: Self::V, b: Self::V) -> Self::V {
        intrinsic!(_mm256_blendv_pd(b, a, _mm256_castsi256_pd(self.mask_wide(n))))
    }

    #[inline(always)]
    fn iota(self, start: usize) -> Self::V {
        intrinsic!(_mm256_add_pd(_mm256_set1_pd(start as f64), _mm256_setr_pd(0.0, 1.0, 2.0, 3.0)))
    }

    elementary! {
        exp(a) => |s| lanes(s, a, a, |a, _| a.exp());
        log(a) => |s| lanes(s, a, a, |a, _| a.ln());
        log1p(a) => |s| lanes(s, a, a, |a, _| a.ln_1p());
        tanh(a) => |s| lanes(s, a, a, |a, _| a.tanh());
        erf(a) => |s| lanes(s, a, a, |a, _| erf::erf_f64(a));
        sin(a) => |s| lanes(s, a, a, |a, _| a.sin());
        cos(a) => |s| lanes(s, a, a, |a, _| a.cos());
        sigmoid(a) => |s| lanes(s, a, a, |a, _| math::sigmoid_f64(a));
        pow(a, b) => |s| lanes(s, a, b, f64::powf);
    }

    #[inline(always)]
    fn random(self, key: u64, index: u64) -> Self::V {
        intrinsic!(_mm256_cvtps_pd(_mm256_castps256_ps128(math::random(self, key, index))))
    }
}

impl Bits for Avx2 {
    type U = __m256i;
    const FUSED: bool = true;

    #[inline(always)]
    fn bits(self, a: Self::V) -> Self::U {
        intrinsic!(_mm256_castps_si256(a))
    }

    #[inline(always)]
    fn float(self, a: Self::U) -> Self::V {
        intrinsic!(_mm256_castsi256_ps(a))
    }

    #[inline(always)]
    fn words(self, x: u32) -> Self::U {
        intrinsic!(_mm256_set1_epi32(x as i32))
    }

    #[inline(always)]
    fn counters(self) -> Self::U {
        intrinsic!(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7))
    }

    #[inline(always)]
    fn shl<const N: i32>(self, a: Self::U) -> Self::U {
        intrinsic!(_mm256_slli_epi32::<N>(a))
    }

    #[inline(always)]
    fn shr<const N: i32>(self, a: Self::U) -> Self::U {
        intrinsic!(_mm256_srli_epi32::<N>(a))
    }

    #[inline(always)]
    fn to_float(self, a: Self::U) -> Self::V {
        intrinsic!(_mm256_cvtepi32_ps(a))
    }

    binary! {
        and: U = _mm256_and_si256;
        xor: U = _mm256_xor_si256;
        plus: U = _mm256_add_epi32;
        minus: U = _mm256_sub_epi32;
        times: U = _mm256_mullo_epi32;
        larger: V = _mm256_max_ps;
        smaller: V = _mm256_min_ps;
    }
}
