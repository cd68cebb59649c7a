//! Emitted code in f32 against Keras and PyTorch, on every instruction set. `build.rs` makes the networks.

use kiln_tests::emitted::{Emitted, check};

include!(concat!(env!("OUT_DIR"), "/goldens_f32.rs"));

#[test]
fn emitted_code_agrees() {
    check(NETWORKS, 1e-4);
}
