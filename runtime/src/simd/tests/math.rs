//! Elementary functions against those of f64.

use crate::dispatch;
use crate::simd::erf::erf_f64;
use crate::simd::math::sigmoid_f64;
use crate::simd::{Isa, Simd, random};

/// What every function must keep to.
const ULP: f64 = 3.0;

/// The distance in units of the last place of an f32 at `want`; NaN, infinities and zeros' signs must agree.
fn ulp(got: f32, want: f64) -> f64 {
    let rounded = want as f32;
    if got.is_nan() || rounded.is_nan() {
        return if got.is_nan() && rounded.is_nan() { 0.0 } else { f64::INFINITY };
    }
    if got == rounded {
        return if got.is_sign_negative() == rounded.is_sign_negative() { 0.0 } else { f64::INFINITY };
    }
    // An infinity where the largest float is wanted, or the reverse, is the next number.
    let finite = |x: f64| if x.is_infinite() { 2_f64.powi(128).copysign(x) } else { x };
    let want = finite(want).clamp(-(2_f64.powi(128)), 2_f64.powi(128));
    let place = (want.abs().log2().floor() as i32 - 23).clamp(-149, 104);
    (finite(f64::from(got)) - want).abs() / 2_f64.powi(place)
}

/// Operands at a time: the lanes of the widest vector.
const WIDTH: usize = 16;

/// Two operands of one function, some vectors at a time.
fn apply(isa: Isa, function: usize, a: &[f32; WIDTH], b: &[f32; WIDTH]) -> [f32; WIDTH] {
    fn on<S: Simd<f32>>(s: S, function: usize, a: &[f32; WIDTH], b: &[f32; WIDTH]) -> [f32; WIDTH] {
        let mut out = [0.0; WIDTH];
        s.vectorize(|| {
            const { assert!(WIDTH.is_multiple_of(S::LANES)) };
            for i in (0..WIDTH).step_by(S::LANES) {
                // SAFETY: a vector that starts at a multiple of its length ends in the arrays.
                let (a, b) = unsafe { (s.load(a.as_ptr().add(i)), s.load(b.as_ptr().add(i))) };
                let v = match function {
                    0 => s.exp(a),
                    1 => s.log(a),
                    2 => s.log1p(a),
                    3 => s.tanh(a),
                    4 => s.sigmoid(a),
                    5 => s.erf(a),
                    6 => s.sin(a),
                    7 => s.cos(a),
                    _ => s.pow(a, b),
                };
                // SAFETY: as above.
                unsafe { s.store(out.as_mut_ptr().add(i), v) };
            }
        });
        out
    }
    dispatch!(isa, s => on(s, function, a, b))
}

/// A name and the function in f64.
type Function = (&'static str, fn(f64) -> f64);

const FUNCTIONS: [Function; 8] = [
    ("exp", f64::exp),
    ("log", f64::ln),
    ("log1p", f64::ln_1p),
    ("tanh", f64::tanh),
    ("sigmoid", sigmoid_f64),
    ("erf", erf_f64),
    ("sin", f64::sin),
    ("cos", f64::cos),
];

const SPECIAL: [f32; 28] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    f32::INFINITY,
    f32::NEG_INFINITY,
    f32::NAN,
    f32::MAX,
    f32::MIN,
    f32::MIN_POSITIVE,
    -f32::MIN_POSITIVE,
    f32::from_bits(1),
    -f32::from_bits(1),
    f32::from_bits(0x7f_ffff),
    f32::EPSILON,
    -f32::EPSILON,
    // The ends of exp: the last finite result, the first infinite, the last normal, the last above zero.
    88.722_83,
    88.722_85,
    -87.336_54,
    -103.972_07,
    -103.972_1,
    // The steps of the logarithms' exponents.
    f32::from_bits(0x3f35_04f2),
    f32::from_bits(0x3f35_04f3),
    core::f32::consts::SQRT_2,
    -0.292_893_2,
    -0.999_999_94,
    // Where tanh reaches 1.
    9.010_914,
    2.5e38,
];

fn check(isa: Isa, function: usize, a: &[f32; WIDTH]) {
    let (name, twin) = FUNCTIONS[function];
    for (&x, got) in a.iter().zip(apply(isa, function, a, a)) {
        let want = twin(f64::from(x));
        assert!(ulp(got, want) <= ULP, "{isa} {name}({x:e} = {:#x}) = {got:e}, not {want:e}", x.to_bits());
    }
}

#[test]
fn specials() {
    for isa in Isa::available() {
        for function in 0..FUNCTIONS.len() {
            for chunk in SPECIAL.chunks(WIDTH) {
                // NaN in the lanes that are left.
                let a = core::array::from_fn(|i| chunk.get(i).copied().unwrap_or(f32::NAN));
                check(isa, function, &a);
            }
        }
    }
}

/// All patterns of bits with a stride: every exponent and sign, two thousand mantissas in each.
#[test]
fn within_3_ulp_everywhere() {
    let stride = if cfg!(debug_assertions) { 4099 } else { 257 };
    for isa in Isa::available() {
        for function in 0..FUNCTIONS.len() {
            for bits in (0..=u32::MAX).step_by(WIDTH * stride) {
                let a = core::array::from_fn(|i| f32::from_bits(bits.wrapping_add((i * stride) as u32)));
                check(isa, function, &a);
            }
        }
    }
}

fn check_pow(isa: Isa, a: &[f32; WIDTH], b: &[f32; WIDTH]) {
    for (i, got) in apply(isa, FUNCTIONS.len(), a, b).into_iter().enumerate() {
        let want = f64::from(a[i]).powf(f64::from(b[i]));
        assert!(ulp(got, want) <= ULP, "{isa} {:e}^{:e} = {got:e}, not {want:e}", a[i], b[i]);
    }
}

#[test]
fn powers_of_specials() {
    let mut exponents = SPECIAL.to_vec();
    exponents.extend([2.0, 3.0, -2.0, -3.0, 0.5, -0.5, 1.5, 16_777_215.0, -16_777_215.0, 16_777_216.0, 8_388_607.5]);
    for isa in Isa::available() {
        for a in SPECIAL.into_iter().chain([2.0, -2.0, 0.5, -0.5, -1.5]) {
            for chunk in exponents.chunks(WIDTH) {
                check_pow(isa, &[a; WIDTH], &core::array::from_fn(|i| chunk.get(i).copied().unwrap_or(0.0)));
            }
        }
    }
}

#[test]
fn powers_within_3_ulp() {
    let uniform = |i: u64| f64::from(random(7, i));
    for isa in Isa::available() {
        for n in 0..20_000_u64 {
            let mut a = [0.0; WIDTH];
            let mut b = [0.0; WIDTH];
            for i in 0..8 {
                let at = (8 * n + i as u64) * 3;
                a[i] = match n % 3 {
                    0 => 0.5 + uniform(at),
                    1 => (uniform(at) * 170.0 - 85.0).exp(),
                    _ => 1e-3 * uniform(at),
                } as f32;
                // Results of every size, a little past both ends.
                b[i] = ((uniform(at + 1) * 200.0 - 106.0) / f64::from(a[i]).ln()) as f32;
                if n % 4 == 0 {
                    (a[i], b[i]) = (-a[i], b[i].round());
                }
            }
            check_pow(isa, &a, &b);
        }
    }
}

#[test]
fn f64_to_a_few_ulp() {
    fn on<S: Simd<f64>>(s: S) {
        for x in [-30.0, -1.5, -1e-9, 0.0, 1e-12, 0.25, 1.0, 700.0] {
            let v = s.splat(x);
            let close = |got: S::V, want: f64| {
                let got = s.max_lane(got);
                assert!(
                    got == want || (got - want).abs() <= 1e-15 * want.abs() || got.is_nan() && want.is_nan(),
                    "{s:?} {x}: {got}, {want}"
                );
            };
            close(s.exp(v), x.exp());
            close(s.log(v), x.ln());
            close(s.log1p(v), x.ln_1p());
            close(s.tanh(v), x.tanh());
            close(s.sin(v), x.sin());
            close(s.cos(v), x.cos());
            close(s.sigmoid(v), 1.0 / (1.0 + (-x).exp()));
            close(s.pow(v, s.splat(3.0)), x.powi(3));
        }
    }
    for isa in Isa::available() {
        dispatch!(isa, s => on(s));
    }
}

/// Values to 17 digits, by its series in decimal arithmetic of 60 digits.
#[test]
fn error_function_of_f64() {
    const VALUES: [(f64, f64); 11] = [
        (0.03, 0.03384122234173543),
        (0.5, 0.5204998778130465),
        (0.99, 0.8385080695553698),
        (1.0, 0.8427007929497149),
        (1.2, 0.9103139782296353),
        (1.9, 0.9927904292352575),
        (2.4, 0.999311486103355),
        (2.6, 0.9997639655834707),
        (3.3, 0.9999969422902035),
        (4.5, 0.9999999998033839),
        (5.8, 0.9999999999999998),
    ];
    for (x, want) in VALUES {
        let distance = erf_f64(x).to_bits().abs_diff(want.to_bits());
        assert!(distance <= 3, "erf({x}) is {distance} ulp off");
        assert_eq!(erf_f64(-x), -erf_f64(x));
    }
    assert_eq!(erf_f64(f64::INFINITY), 1.0);
    assert_eq!(erf_f64(f64::NEG_INFINITY), -1.0);
    assert_eq!(erf_f64(5e-324), 5e-324);
    assert!(erf_f64(f64::NAN).is_nan());
    assert!(erf_f64(-0.0).is_sign_negative());
}

/// Neighbours of multiples of pi / 2, where the result is smallest, on both sides of the bound of the fast way.
#[test]
fn circles_near_their_zeros() {
    for isa in Isa::available() {
        for n in (0..40_000_u32).step_by(7) {
            let at = (f64::from(n) * core::f64::consts::FRAC_PI_2) as f32;
            let a = core::array::from_fn(|i| {
                let near = f32::from_bits((at.to_bits() + i as u32 / 2).saturating_sub(4));
                if i % 2 == 0 { near } else { -near }
            });
            check(isa, 6, &a);
            check(isa, 7, &a);
        }
    }
}
