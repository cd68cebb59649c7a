//! What tests of the fuser ask.

use crate::diag::Diagnostics;
use crate::{functions, fuse, resolve, syntax};

/// The kernels of a network's training step.
pub(super) fn step(source: &str) -> fuse::Program {
    let mut errors = Diagnostics::default();
    let declaration = syntax::parse(source.parse().unwrap(), &mut errors).unwrap();
    let network = resolve::resolve(&declaration, &mut errors).unwrap();
    let program = fuse::fuse(functions::functions(&network, false).unwrap().swap_remove(0).function).unwrap();
    assert_eq!(fuse::verify(&program), Ok(()));
    program
}

/// How many values each product of the training step stores, by the names of kernels.
pub(super) fn stored_by_products(source: &str) -> Vec<(String, usize)> {
    let kernels = step(source).kernels.into_iter();
    let products = kernels.filter(|kernel| matches!(kernel.kind, fuse::Kind::Product(_)));
    products.map(|kernel| (kernel.name, kernel.writes.len())).collect()
}
