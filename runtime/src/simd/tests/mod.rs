//! Every primitive on every instruction set of this machine against scalar twins.

mod math;
mod primitives;

use super::{Isa, Simd};

#[test]
fn the_best_is_last_and_the_portable_always_there() {
    let available = Isa::available();
    assert_eq!(available.first(), Some(&Isa::portable()));
    assert!(available.contains(&Isa::detect()));
    assert_eq!(format!("{:>9}", Isa::portable()), " portable");
}

#[test]
fn dispatch_reaches_each() {
    for isa in Isa::available() {
        fn on<S: Simd<f64>>(s: S) -> (usize, f64) {
            (S::LANES, s.vectorize(|| s.sum(s.iota(2))))
        }
        let (lanes, sum) = crate::dispatch!(isa, s => on(s));
        assert_eq!(sum, (2..2 + lanes).sum::<usize>() as f64);
    }
}
