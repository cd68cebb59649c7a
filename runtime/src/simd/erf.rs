//! The error function, 2/√π times the integral of e^-t² from 0 to a: a polynomial around 0, and 1 - e^-P(|a|) where
//! it nears 1, P being a polynomial for -log(1 - erf). The polynomials are minimax ones in f32 (Lawson's algorithm),
//! Chebyshev interpolants in f64.

use super::math::{Bits, exp_bounded, polynomial};

/// The error function.
#[inline(always)]
pub(super) fn erf<S: Bits>(s: S, a: S::V) -> S::V {
    /// erf(x) / x - 1 in powers of x², up to 0.93.
    const NEAR: [f32; 6] = [0.128_379_15, -0.376_124_8, 0.112_816_826, -0.026_761_72, 4.985_939_7e-3, -5.953_737e-4];
    /// -log(1 - erf(x)) in powers of x, from 0.92 to 3.95.
    const FAR: [f32; 7] =
        [1.956_717_8e-4, 1.127_675_7, 0.637_182_24, 0.103_931_62, -0.022_226_932, 3.043_220_4e-3, -1.959_375_4e-4];

    let size = s.abs(a);
    let near = s.mul_add(polynomial(s, s.mul(a, a), NEAR), a, a);
    // Past 3.92 it is 1.
    let bounded = s.smaller(s.splat(3.95), size);
    let rest = exp_bounded(s, s.neg(polynomial(s, bounded, FAR)), s.splat(0.0));
    let far = s.sub(s.splat(1.0), rest);
    let far = s.float(s.xor(s.bits(far), s.and(s.bits(a), s.words(1 << 31))));
    s.select(s.lt(size, s.splat(0.925)), near, far)
}

/// The error function of f64, within 3 ulp.
pub(super) fn erf_f64(a: f64) -> f64 {
    /// 2/√π = `SLOPE + SLOPE_LOW`.
    const SLOPE: f64 = core::f64::consts::FRAC_2_SQRT_PI;
    const SLOPE_LOW: f64 = 1.533_545_961_316_588e-17;
    /// Its power series: (-1)^n 2/√π / (n! (2n + 1)) from n = 1 on.
    const NEAR: [f64; 19] = [
        -0.37612638903183754,
        0.11283791670955126,
        -0.026866170645131252,
        0.005223977625442188,
        -0.0008548327023450853,
        0.00012055332981789664,
        -1.492565035840625e-5,
        1.6462114365889248e-6,
        -1.6365844691234924e-7,
        1.4807192815879218e-8,
        -1.2290555301717928e-9,
        9.422759064650411e-11,
        -6.7113668551641105e-12,
        4.4632242632864775e-13,
        -2.7835162072109215e-14,
        1.6342614095367152e-15,
        -9.063970842808673e-17,
        4.763348040515068e-18,
        -2.3784598852774293e-19,
    ];
    /// -log(1 - erf) from 1 to 2.5, in powers of (x - 1.75) / 0.75.
    const MIDDLE: [f64; 16] = [
        4.317863525433222,
        2.9697081756100614,
        0.5118413436544099,
        0.00866482328600392,
        -0.0014633569155670261,
        0.0002287851286249952,
        -3.1061356718162366e-5,
        3.169102745143354e-6,
        -8.284244351103732e-8,
        -6.68898548291191e-8,
        2.2627777036099397e-8,
        -4.777297129448414e-9,
        7.383309262865253e-10,
        -6.781175031623205e-11,
        -8.75550731251268e-12,
        4.5361416403568975e-12,
    ];
    /// The same from 2.5 to 6, in powers of (x - 4.25) / 1.75.
    const FAR: [f64; 18] = [
        20.10776990146971,
        15.26660750216338,
        2.989259015215415,
        0.017491629496839075,
        -0.004506834156138542,
        0.0011879764526552545,
        -0.0003124836730240973,
        8.076249551006265e-5,
        -2.0248972342554122e-5,
        4.85590523590629e-6,
        -1.0914919317588948e-6,
        2.2136838927855055e-7,
        -3.6527528401075636e-8,
        3.160038954514829e-9,
        6.407771987396113e-10,
        -6.476639920562148e-10,
        4.703921979012782e-10,
        -1.463230744661812e-10,
    ];

    let horner = |x: f64, c: &[f64]| c.iter().rev().fold(0.0, |sum, c| sum * x + c);
    let x = a.abs();
    if x < 1.0 {
        let square = a * a;
        return a * SLOPE + a * (horner(square, &NEAR) * square + SLOPE_LOW);
    }
    let log = if x < 2.5 { horner((x - 1.75) / 0.75, &MIDDLE) } else { horner((x.min(6.0) - 4.25) / 1.75, &FAR) };
    let size = if x.is_nan() { x } else { 1.0 - (-log).exp() };
    size.copysign(a)
}
