//! Blocks transposed in registers: parts of several rows side by side from a load each, then two rounds of shuffles within
//! the parts.

use core::arch::x86_64::*;

/// Transposes 8 × 8 `f32`.
///
/// # Safety
/// As [`Simd::transpose`](super::Simd::transpose), on a machine with AVX.
#[inline(always)]
pub(super) unsafe fn float32(from: *const f32, from_stride: usize, to: *mut f32, to_stride: usize) {
    for half in [0, 4] {
        // SAFETY: four elements of each of the eight rows; four rows of eight.
        unsafe {
            let row = |i: usize| {
                let low = _mm_loadu_ps(from.add(i * from_stride + half));
                let high = _mm_loadu_ps(from.add((i + 4) * from_stride + half));
                _mm256_insertf128_ps::<1>(_mm256_castps128_ps256(low), high)
            };
            let (a, b, c, d) = (row(0), row(1), row(2), row(3));
            let (ab_low, ab_high) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
            let (cd_low, cd_high) = (_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
            let to = to.add(half * to_stride);
            _mm256_storeu_ps(to, _mm256_shuffle_ps::<0b01_00_01_00>(ab_low, cd_low));
            _mm256_storeu_ps(to.add(to_stride), _mm256_shuffle_ps::<0b11_10_11_10>(ab_low, cd_low));
            _mm256_storeu_ps(to.add(2 * to_stride), _mm256_shuffle_ps::<0b01_00_01_00>(ab_high, cd_high));
            _mm256_storeu_ps(to.add(3 * to_stride), _mm256_shuffle_ps::<0b11_10_11_10>(ab_high, cd_high));
        }
    }
}

/// Transposes 4 × 4 `f64`.
///
/// # Safety
/// As [`Simd::transpose`](super::Simd::transpose), on a machine with AVX.
#[inline(always)]
pub(super) unsafe fn float64(from: *const f64, from_stride: usize, to: *mut f64, to_stride: usize) {
    for half in [0, 2] {
        // SAFETY: two elements of each of the four rows; two rows of four.
        unsafe {
            let row = |i: usize| {
                let low = _mm_loadu_pd(from.add(i * from_stride + half));
                let high = _mm_loadu_pd(from.add((i + 2) * from_stride + half));
                _mm256_insertf128_pd::<1>(_mm256_castpd128_pd256(low), high)
            };
            let (a, b) = (row(0), row(1));
            let to = to.add(half * to_stride);
            _mm256_storeu_pd(to, _mm256_unpacklo_pd(a, b));
            _mm256_storeu_pd(to.add(to_stride), _mm256_unpackhi_pd(a, b));
        }
    }
}

/// Transposes 16 × 16 `f32`.
///
/// # Safety
/// As [`Simd::transpose`](super::Simd::transpose), on a machine with AVX-512.
#[inline(always)]
pub(super) unsafe fn wide_float32(from: *const f32, from_stride: usize, to: *mut f32, to_stride: usize) {
    for quarter in [0, 4, 8, 12] {
        // SAFETY: four elements of each of the sixteen rows; four rows of sixteen.
        unsafe {
            let row = |i: usize| {
                let part = |j: usize| _mm_loadu_ps(from.add((i + j) * from_stride + quarter));
                let first = _mm512_castps128_ps512(part(0));
                let two = _mm512_insertf32x4::<1>(first, part(4));
                _mm512_insertf32x4::<3>(_mm512_insertf32x4::<2>(two, part(8)), part(12))
            };
            let (a, b, c, d) = (row(0), row(1), row(2), row(3));
            let (ab_low, ab_high) = (_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
            let (cd_low, cd_high) = (_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
            let to = to.add(quarter * to_stride);
            _mm512_storeu_ps(to, _mm512_shuffle_ps::<0b01_00_01_00>(ab_low, cd_low));
            _mm512_storeu_ps(to.add(to_stride), _mm512_shuffle_ps::<0b11_10_11_10>(ab_low, cd_low));
            _mm512_storeu_ps(to.add(2 * to_stride), _mm512_shuffle_ps::<0b01_00_01_00>(ab_high, cd_high));
            _mm512_storeu_ps(to.add(3 * to_stride), _mm512_shuffle_ps::<0b11_10_11_10>(ab_high, cd_high));
        }
    }
}
