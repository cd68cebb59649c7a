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
        let sum: f64 = crate::dispatch!(isa, s => s.vectorize(|| {
            let v = Simd::<f64>::iota(s, 2);
            Simd::<f64>::sum(s, v)
        }));
        assert_eq!(sum, 2.0 + 3.0 + 4.0 + 5.0);
    }
}
