//! Emitted code in f64 against Keras and PyTorch, on every instruction set. `build.rs` makes the networks.

use kiln_tests::emitted::{Emitted, check};

include!(concat!(env!("OUT_DIR"), "/goldens_f64.rs"));

#[test]
fn emitted_code_agrees() {
    check(NETWORKS, 1e-6);
}
