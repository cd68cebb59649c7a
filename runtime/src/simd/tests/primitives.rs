//! Loads and stores, arithmetic, comparisons and reductions.

use crate::dispatch;
use crate::simd::{Float, Isa, Simd, random};

/// Equal, or both NaN; zeros by sign too.
fn same<E: Float>(a: E, b: E) -> bool {
    let (a, b) = (a.to_f64(), b.to_f64());
    a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan()
}

/// Whole vectors of awkward numbers, in pairs that meet every combination.
fn operands<E: Float>(lanes: usize) -> Vec<(Vec<E>, Vec<E>)> {
    let some = [0.0, -0.0, 1.0, -1.0, 0.3, -7.25, 1e30, -1e-30, 3.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 5e-39];
    let all: Vec<(E, E)> =
        some.iter().flat_map(|&a| some.iter().map(move |&b| (E::from_f64(a), E::from_f64(b)))).collect();
    all.chunks(lanes).filter(|chunk| chunk.len() == lanes).map(|chunk| chunk.iter().copied().unzip()).collect()
}

fn load<E: Float, S: Simd<E>>(s: S, from: &[E]) -> S::V {
    assert_eq!(from.len(), S::LANES);
    // SAFETY: the length is as asserted.
    unsafe { s.load(from.as_ptr()) }
}

fn lanes<E: Float, S: Simd<E>>(s: S, v: S::V) -> Vec<E> {
    let mut out = vec![E::ZERO; S::LANES];
    // SAFETY: the length is as allocated.
    unsafe { s.store(out.as_mut_ptr(), v) };
    out
}

/// The lanes of a mask as booleans.
fn truth<E: Float, S: Simd<E>>(s: S, m: S::M) -> Vec<bool> {
    lanes(s, s.select(m, s.splat(E::ONE), s.splat(E::ZERO))).into_iter().map(|x| x == E::ONE).collect()
}

/// An operation and its scalar twin.
type Binary<E, S> =
    (&'static str, fn(S, <S as Simd<E>>::V, <S as Simd<E>>::V) -> <S as Simd<E>>::V, fn(f64, f64) -> f64);
/// A comparison and its scalar twin.
type Relation<E, S> =
    (&'static str, fn(S, <S as Simd<E>>::V, <S as Simd<E>>::V) -> <S as Simd<E>>::M, fn(f64, f64) -> bool);

/// Rounding a sum, product, quotient or root from f64 to f32 gives what f32 would have given, so one twin serves both.
fn arithmetic<E: Float, S: Simd<E>>(s: S) {
    let binary: [Binary<E, S>; 9] = [
        ("add", S::add, |a, b| a + b),
        ("sub", S::sub, |a, b| a - b),
        ("mul", S::mul, |a, b| a * b),
        ("div", S::div, |a, b| a / b),
        ("max", S::max, |a, b| if a > b || a.is_nan() { a } else { b }),
        ("min", S::min, |a, b| if a < b || a.is_nan() { a } else { b }),
        ("neg", |s, a, _| s.neg(a), |a, _| -a),
        ("abs", |s, a, _| s.abs(a), |a, _| a.abs()),
        ("sqrt", |s, a, _| s.sqrt(a), |a, _| a.sqrt()),
    ];
    let relations: [Relation<E, S>; 4] = [
        ("lt", S::lt, |a, b| a < b),
        ("le", S::le, |a, b| a <= b),
        ("eq", S::eq, |a, b| a == b),
        ("not lt", |s, a, b| s.not(s.lt(a, b)), |a, b| a.partial_cmp(&b).is_none_or(|order| order.is_ge())),
    ];
    for (a, b) in operands::<E>(S::LANES) {
        let (x, y) = (load(s, &a), load(s, &b));
        for (name, op, twin) in &binary {
            for (i, got) in lanes(s, op(s, x, y)).into_iter().enumerate() {
                let want = E::from_f64(twin(a[i].to_f64(), b[i].to_f64()));
                assert!(same(got, want), "{s:?} {name} {:?} {:?}: {got:?}, not {want:?}", a[i], b[i]);
            }
        }
        for (name, relation, twin) in &relations {
            for (i, got) in truth(s, relation(s, x, y)).into_iter().enumerate() {
                assert_eq!(got, twin(a[i].to_f64(), b[i].to_f64()), "{s:?} {name} {:?} {:?}", a[i], b[i]);
            }
        }
        let c = E::from_f64(0.7);
        for (i, got) in lanes(s, s.mul_add(x, y, s.splat(c))).into_iter().enumerate() {
            let fused = E::from_f64(a[i].to_f64().mul_add(b[i].to_f64(), c.to_f64()));
            assert!(same(got, fused) || same(got, a[i] * b[i] + c), "{s:?} mul_add {:?} {:?}", a[i], b[i]);
        }
    }
}

fn parts<E: Float, S: Simd<E>>(s: S) {
    const GUARD: f64 = 77.0;
    let from: Vec<E> = (1..=S::LANES).map(|i| E::from_f64(i as f64)).collect();
    let (whole, other) = (load(s, &from), s.splat(E::from_f64(-3.0)));
    for n in 0..=S::LANES {
        // As long as it may be and no longer, so that a sanitiser sees what lies beyond.
        let short = from[..n].to_vec();
        // SAFETY: `n` elements are there.
        let got = lanes(s, unsafe { s.load_n(short.as_ptr(), n) });
        let want: Vec<E> = (0..S::LANES).map(|i| if i < n { from[i] } else { E::ZERO }).collect();
        assert_eq!(got, want, "{s:?} load_n {n}");

        let mut to = vec![E::from_f64(GUARD); S::LANES + 2];
        // SAFETY: more than `n` elements follow the first.
        unsafe { s.store_n(to.as_mut_ptr().add(1), whole, n) };
        let want: Vec<E> =
            (0..S::LANES + 2).map(|i| if (1..=n).contains(&i) { from[i - 1] } else { E::from_f64(GUARD) }).collect();
        assert_eq!(to, want, "{s:?} store_n {n}");

        let want: Vec<E> = (0..S::LANES).map(|i| if i < n { from[i] } else { E::from_f64(-3.0) }).collect();
        assert_eq!(lanes(s, s.first(n, whole, other)), want, "{s:?} first {n}");
    }
    for start in [0, 1, 13, (1 << 24) - 1 - S::LANES] {
        let want: Vec<E> = (start..start + S::LANES).map(|i| E::from_f64(i as f64)).collect();
        assert_eq!(lanes(s, s.iota(start)), want, "{s:?} iota {start}");
    }
}

/// By halves, quarters, …: the order is part of what a sum is.
fn fold<E: Float>(mut a: Vec<E>, f: impl Fn(E, E) -> E) -> E {
    while a.len() > 1 {
        let upper = a.split_off(a.len() / 2);
        a = a.into_iter().zip(upper).map(|(a, b)| f(a, b)).collect();
    }
    a[0]
}

fn reductions<E: Float, S: Simd<E>>(s: S) {
    for seed in 0..50_u64 {
        let mut a: Vec<E> = (0..S::LANES).map(|i| E::from_f64(f64::from(random(seed, i as u64)) * 3.0 - 1.5)).collect();
        let v = load(s, &a);
        assert!(same(s.sum(v), fold(a.clone(), |a, b| a + b)));
        assert!(same(s.product(v), fold(a.clone(), |a, b| a * b)));
        assert!(same(s.max_lane(v), fold(a.clone(), |a, b| if a > b { a } else { b })));
        assert!(same(s.min_lane(v), fold(a.clone(), |a, b| if a < b { a } else { b })));
        let place = seed as usize % S::LANES;
        a[place] = E::from_f64(f64::NAN);
        let v = load(s, &a);
        for got in [s.sum(v), s.product(v), s.max_lane(v), s.min_lane(v)] {
            assert!(got.to_f64().is_nan(), "{s:?} NaN in lane {place}");
        }
    }
}

fn uniform<E: Float, S: Simd<E>>(s: S) {
    let wrap = u64::from(u32::MAX);
    for key in [0, 1, 0x1234_5678_9abc_def0, u64::MAX] {
        for index in [0, 1, 1000, wrap - 9, wrap - 7, wrap - 3, wrap, wrap + 1, 5 * wrap, 1 << 40, u64::MAX - 2] {
            let want: Vec<E> =
                (0..S::LANES as u64).map(|i| E::from_f64(f64::from(random(key, index.wrapping_add(i))))).collect();
            assert_eq!(lanes(s, s.random(key, index)), want, "{s:?} random {key} {index}");
        }
    }
}

fn transposed<E: Float, S: Simd<E>>(s: S) {
    let (from_stride, to_stride) = (S::LANES + 3, S::LANES + 1);
    let from: Vec<E> = (0..S::LANES * from_stride).map(|i| E::from_f64(i as f64)).collect();
    let mut to = vec![E::ZERO; S::LANES * to_stride];
    // SAFETY: a row of either is within its stride.
    s.vectorize(|| unsafe { s.transpose(from.as_ptr(), from_stride, to.as_mut_ptr(), to_stride) });
    for (i, row) in to.chunks(to_stride).enumerate() {
        for (j, &x) in row[..S::LANES].iter().enumerate() {
            assert_eq!(x, from[j * from_stride + i]);
        }
        assert_eq!(row[S::LANES], E::ZERO);
    }
}

fn all<E: Float, S: Simd<E>>(s: S) {
    arithmetic(s);
    parts(s);
    reductions(s);
    transposed(s);
    uniform(s);
    assert_eq!(s.vectorize(|| lanes(s, s.splat(E::ONE))), vec![E::ONE; S::LANES]);
}

#[test]
fn f32_as_scalars() {
    for isa in Isa::available() {
        dispatch!(isa, s => all::<f32, _>(s));
    }
}

#[test]
fn f64_as_scalars() {
    for isa in Isa::available() {
        dispatch!(isa, s => all::<f64, _>(s));
    }
}

/// Mean, variance and correlation of neighbours, far inside what chance would exceed once in a million.
#[test]
fn random_is_uniform() {
    let n = 1_000_000_u64;
    let x: Vec<f64> = (0..n).map(|i| f64::from(random(42, i)) - 0.5).collect();
    let mean = x.iter().sum::<f64>() / n as f64;
    let variance = x.iter().map(|x| x * x).sum::<f64>() / n as f64;
    let neighbours = x.windows(2).map(|w| w[0] * w[1]).sum::<f64>() / n as f64;
    assert!(mean.abs() < 0.0015 && (variance - 1.0 / 12.0).abs() < 0.0004 && neighbours.abs() < 0.0004);
}
