//! What tests of the fuser ask.

use crate::diag::Diagnostics;
use crate::{functions, fuse, resolve, syntax};

/// The kernels of a network's first function: its training step where it has a loss.
pub(super) fn program(source: &str) -> fuse::Program {
    let mut errors = Diagnostics::default();
    let declaration = syntax::parse(source.parse().unwrap(), &mut errors);
    let network = declaration.and_then(|declaration| resolve::resolve(&declaration, &mut errors));
    let Some(network) = network.filter(|_| !errors.any()) else { panic!("{}", errors.render("network", source)) };
    let program = fuse::fuse(functions::functions(&network, false).unwrap().swap_remove(0).function).unwrap();
    assert_eq!(fuse::verify(&program), Ok(()));
    program
}

/// How many values each product of the training step stores, by the names of kernels.
pub(super) fn stored_by_products(source: &str) -> Vec<(String, usize)> {
    let kernels = program(source).kernels.into_iter();
    let products = kernels.filter(|kernel| matches!(kernel.kind, fuse::Kind::Product(_)));
    products.map(|kernel| (kernel.name, kernel.writes.len())).collect()
}
