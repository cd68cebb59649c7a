//! Each kernel against a naive twin in f64, on every instruction set, in both precisions.

use crate::simd::Float;

mod arg_max;
mod conv2d;
mod conv2d_pooled;
mod embed;
mod gemm;
mod pool2d;

/// Calls a generic test with every instruction set and precision.
macro_rules! everywhere {
    ($test:ident) => {
        for isa in $crate::simd::Isa::available() {
            $crate::dispatch!(isa, s => {
                $test::<_, f32>(s);
                $test::<_, f64>(s);
            });
        }
    };
}
use everywhere;

/// Numbers on [-1, 1), the same for the same seed.
fn random<E: Float>(count: usize, seed: u64) -> Vec<E> {
    (0..count as u64).map(|i| E::from_f64(2.0 * f64::from(crate::simd::random(seed, i)) - 1.0)).collect()
}

/// What nobody has written.
fn nan<E: Float>() -> E {
    E::from_f64(f64::NAN)
}

/// Gives a kernel scratch of the promised size, and asserts that it stays within.
fn with_scratch<E: Float>(size: usize, kernel: impl FnOnce(*mut E)) {
    let guard = E::from_f64(12345.0);
    let mut cells = vec![nan(); size];
    cells.resize(size + 64, guard);
    kernel(cells.as_mut_ptr());
    assert!(cells[size..].iter().all(|&cell| cell == guard), "past the end of scratch");
}

/// A result and how much rounding it may show: the sum of its terms' magnitudes.
#[derive(Clone, Copy, Default)]
struct Sum {
    value: f64,
    magnitude: f64,
}

impl Sum {
    fn add<E: Float>(&mut self, a: E, b: E) {
        let term = a.to_f64() * b.to_f64();
        self.value += term;
        self.magnitude += term.abs();
    }
}

/// Rounding of one operation.
fn epsilon<E: Float>() -> f64 {
    let mut epsilon = E::ONE;
    while E::ONE + epsilon > E::ONE {
        epsilon = epsilon / (E::ONE + E::ONE);
    }
    2.0 * epsilon.to_f64()
}

/// Asserts that results agree with their twins after sums of `terms` terms.
#[track_caller]
fn assert_close<E: Float>(got: &[E], want: &[Sum], terms: usize, what: &str) {
    assert_eq!(got.len(), want.len());
    for (i, (got, want)) in got.iter().zip(want).enumerate() {
        let tolerance = 2.0 * epsilon::<E>() * (terms as f64 + 2.0) * want.magnitude;
        let error = (got.to_f64() - want.value).abs();
        assert!(error <= tolerance, "{what}, element {i}: {got:?}, not {} (off by {error:e})", want.value);
    }
}

/// The bits, so that nothing is equal by rounding and NaN equals itself.
fn bits<E: Float>(x: &[E]) -> Vec<u64> {
    x.iter().map(|x| x.to_f64().to_bits()).collect()
}

/// Both halves and uneven thirds of a range, and the whole.
fn splits(len: usize) -> Vec<Vec<core::ops::Range<usize>>> {
    let third = len / 3;
    vec![
        vec![0..len],
        vec![0..len / 2, len / 2..len],
        vec![0..third, third..len.min(third + 1), len.min(third + 1)..len],
    ]
}
