//! AVX-512: 16 lanes of `f32`, 8 of `f64`.

use core::arch::x86_64::*;

use super::math::{self, Bits};
use super::methods::{arithmetic, binary, elementary, intrinsic};
use super::{Simd, circle, erf, pow, transpose};

/// AVX-512 with its DQ, BW and VL parts (x86-64 since Skylake-X and Zen 4): a value proves that this machine has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Avx512(());

impl Avx512 {
    /// The proof, where the machine has the instructions and the operating system saves the registers.
    pub fn detect() -> Option<Self> {
        let has = std::is_x86_feature_detected!("avx512f")
            && std::is_x86_feature_detected!("avx512dq")
            && std::is_x86_feature_detected!("avx512bw")
            && std::is_x86_feature_detected!("avx512vl")
            && std::is_x86_feature_detected!("fma");
        has.then_some(Self(()))
    }

    /// Calls `f` where the instruction set is enabled; see [`Simd::vectorize`].
    #[inline(always)]
    pub fn vectorize<R>(self, f: impl FnOnce() -> R) -> R {
        #[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx2,fma")]
        fn enabled<R>(f: impl FnOnce() -> R) -> R {
            f()
        }
        // SAFETY: an `Avx512` exists only where all of them do; AVX2 is part of AVX-512F.
        unsafe { enabled(f) }
    }

    /// A bit for each of the first `n` of 16 lanes.
    #[inline(always)]
    fn mask(self, n: usize) -> __mmask16 {
        debug_assert!(n <= 16);
        ((1_u32 << n) - 1) as __mmask16
    }

    /// The same for 8 lanes.
    #[inline(always)]
    fn mask_wide(self, n: usize) -> __mmask8 {
        debug_assert!(n <= 8);
        ((1_u32 << n) - 1) as __mmask8
    }
}

/// All lanes of a vector in one: the register's halves first, then the quarters, …
macro_rules! fold {
    ($isa:ident.$op:ident, f32, $a:expr) => {{
        let a = $a;
        let a = Simd::<f32>::$op($isa, a, intrinsic!(_mm512_shuffle_f32x4::<0b01_00_11_10>(a, a)));
        let a = Simd::<f32>::$op($isa, a, intrinsic!(_mm512_shuffle_f32x4::<0b10_11_00_01>(a, a)));
        let a = Simd::<f32>::$op($isa, a, intrinsic!(_mm512_permute_ps::<0b01_00_11_10>(a)));
        let a = Simd::<f32>::$op($isa, a, intrinsic!(_mm512_permute_ps::<0b10_11_00_01>(a)));
        intrinsic!(_mm512_cvtss_f32(a))
    }};
    ($isa:ident.$op:ident, f64, $a:expr) => {{
        let a = $a;
        let a = Simd::<f64>::$op($isa, a, intrinsic!(_mm512_shuffle_f64x2::<0b01_00_11_10>(a, a)));
        let a = Simd::<f64>::$op($isa, a, intrinsic!(_mm512_shuffle_f64x2::<0b10_11_00_01>(a, a)));
        let a = Simd::<f64>::$op($isa, a, intrinsic!(_mm512_permute_pd::<0b01_01_01_01>(a)));
        intrinsic!(_mm512_cvtsd_f64(a))
    }};
}

/// What works with masks, which differs between the two element types in the intrinsics' suffix.
macro_rules! masked {
    ($float:ident: $load:ident $store:ident $max:ident $min:ident $abs:ident $cmp:ident $blend:ident $mask:ident) => {
        #[inline(always)]
        unsafe fn load_n(self, p: *const $float, n: usize) -> Self::V {
            // SAFETY: lanes past `n` are masked out, and the caller promises the others.
            unsafe { $load(self.$mask(n), p) }
        }

        #[inline(always)]
        unsafe fn store_n(self, p: *mut $float, v: Self::V, n: usize) {
            // SAFETY: lanes past `n` are masked out, and the caller promises the others.
            unsafe { $store(p, self.$mask(n), v) }
        }

        // The instruction gives `b` where either is NaN.
        #[inline(always)]
        fn max(self, a: Self::V, b: Self::V) -> Self::V {
            intrinsic!($blend($cmp::<_CMP_UNORD_Q>(a, a), $max(a, b), a))
        }

        #[inline(always)]
        fn min(self, a: Self::V, b: Self::V) -> Self::V {
            intrinsic!($blend($cmp::<_CMP_UNORD_Q>(a, a), $min(a, b), a))
        }

        #[inline(always)]
        fn abs(self, a: Self::V) -> Self::V {
            intrinsic!($abs(a))
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
            !m
        }

        #[inline(always)]
        fn select(self, m: Self::M, a: Self::V, b: Self::V) -> Self::V {
            intrinsic!($blend(m, b, a))
        }

        #[inline(always)]
        fn first(self, n: usize, a: Self::V, b: Self::V) -> Self::V {
            intrinsic!($blend(self.$mask(n), b, a))
        }
    };
}

impl Simd<f32> for Avx512 {
    type V = __m512;
    type M = __mmask16;
    const LANES: usize = 16;
    const REGISTERS: usize = 32;

    arithmetic! { Avx512, f32: _mm512_set1_ps _mm512_loadu_ps _mm512_storeu_ps _mm512_add_ps _mm512_sub_ps
    _mm512_mul_ps _mm512_div_ps _mm512_fmadd_ps _mm512_xor_ps _mm512_sqrt_ps }
    masked! { f32: _mm512_maskz_loadu_ps _mm512_mask_storeu_ps _mm512_max_ps _mm512_min_ps _mm512_abs_ps
    _mm512_cmp_ps_mask _mm512_mask_blend_ps mask }

    #[inline(always)]
    unsafe fn transpose(self, from: *const f32, from_stride: usize, to: *mut f32, to_stride: usize) {
        // SAFETY: the caller's promise; an `Avx512` proves the instructions.
        unsafe { transpose::wide_float32(from, from_stride, to, to_stride) }
    }

    #[inline(always)]
    fn iota(self, start: usize) -> Self::V {
        let lanes = intrinsic!(_mm512_cvtepi32_ps(self.counters()));
        Simd::<f32>::add(self, Simd::<f32>::splat(self, start as f32), lanes)
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
fn lanes(isa: Avx512, a: __m512d, b: __m512d, f: impl Fn(f64, f64) -> f64) -> __m512d {
    let (mut x, mut y) = ([0.0; 8], [0.0; 8]);
    // SAFETY: the arrays have eight elements.
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

impl Simd<f64> for Avx512 {
    type V = __m512d;
    type M = __mmask8;
    const LANES: usize = 8;
    const REGISTERS: usize = 32;

    arithmetic! { Avx512, f64: _mm512_set1_pd _mm512_loadu_pd _mm512_storeu_pd _mm512_add_pd _mm512_sub_pd
    _mm512_mul_pd _mm512_div_pd _mm512_fmadd_pd _mm512_xor_pd _mm512_sqrt_pd }
    masked! { f64: _mm512_maskz_loadu_pd _mm512_mask_storeu_pd _mm512_max_pd _mm512_min_pd _mm512_abs_pd
    _mm512_cmp_pd_mask _mm512_mask_blend_pd mask_wide }

    #[inline(always)]
    unsafe fn transpose(self, from: *const f64, from_stride: usize, to: *mut f64, to_stride: usize) {
        for (i, j) in [(0, 0), (0, 4), (4, 0), (4, 4)] {
            // SAFETY: the caller's promise, for each quarter of the block; an `Avx512` proves AVX.
            unsafe {
                let (from, to) = (from.add(i * from_stride + j), to.add(j * to_stride + i));
                transpose::float64(from, from_stride, to, to_stride);
            }
        }
    }

    #[inline(always)]
    fn iota(self, start: usize) -> Self::V {
        let lanes = intrinsic!(_mm512_cvtepi32_pd(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)));
        Simd::<f64>::add(self, Simd::<f64>::splat(self, start as f64), lanes)
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
        intrinsic!(_mm512_cvtps_pd(_mm512_castps512_ps256(math::random(self, key, index))))
    }
}

impl Bits for Avx512 {
    type U = __m512i;
    const FUSED: bool = true;

    #[inline(always)]
    fn bits(self, a: Self::V) -> Self::U {
        intrinsic!(_mm512_castps_si512(a))
    }

    #[inline(always)]
    fn float(self, a: Self::U) -> Self::V {
        intrinsic!(_mm512_castsi512_ps(a))
    }

    #[inline(always)]
    fn words(self, x: u32) -> Self::U {
        intrinsic!(_mm512_set1_epi32(x as i32))
    }

    #[inline(always)]
    fn counters(self) -> Self::U {
        intrinsic!(_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15))
    }

    #[inline(always)]
    fn shl<const N: i32>(self, a: Self::U) -> Self::U {
        intrinsic!(_mm512_sllv_epi32(a, _mm512_set1_epi32(N)))
    }

    #[inline(always)]
    fn shr<const N: i32>(self, a: Self::U) -> Self::U {
        intrinsic!(_mm512_srlv_epi32(a, _mm512_set1_epi32(N)))
    }

    #[inline(always)]
    fn to_float(self, a: Self::U) -> Self::V {
        intrinsic!(_mm512_cvtepi32_ps(a))
    }

    binary! {
        and: U = _mm512_and_si512;
        xor: U = _mm512_xor_si512;
        plus: U = _mm512_add_epi32;
        minus: U = _mm512_sub_epi32;
        times: U = _mm512_mullo_epi32;
        larger: V = _mm512_max_ps;
        smaller: V = _mm512_min_ps;
    }
}
