//! From a planned network to Rust code. Everything is decided before: this only says it in `quote!`.

mod api;
mod body;
mod call;
mod columns;
mod entry;
mod explain;
mod locate;
mod looped;
mod map;
mod module;
mod moves;
mod names;
mod product;
pub mod skeleton;
mod store;
mod summary;
mod train;
mod transfer;
mod window;

use proc_macro2::TokenStream;

pub use module::{Entry, Layout, Module};
pub use names::snake;
pub(crate) use summary::bytes;

/// The code of a network: its types, and its kernels in a hidden module.
pub fn generate(module: &Module) -> TokenStream {
    let kernels =
        module.entries.iter().map(|entry| entry::entry(body::Context::of(&module.network, &module.layout, entry)));
    api::api(module, &kernels.collect())
}
