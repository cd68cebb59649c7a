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
mod profile;
mod shared;
pub mod skeleton;
mod store;
mod summary;
mod train;
mod transfer;
mod watched;
mod window;

use proc_macro2::TokenStream;
use quote::quote;

pub use module::{Entry, Layout, Module};
pub use names::snake;
pub(crate) use summary::{bytes, constants};

use shared::Shared;

/// The code of a network: its types, and its kernels in a hidden module.
pub fn generate(module: &Module) -> TokenStream {
    let contexts: Vec<body::Context<'_>> =
        module.entries.iter().map(|entry| body::Context::of(&module.network, &module.layout, entry)).collect();
    let mut shared = Shared::default();
    let prepared: Vec<Vec<entry::Statements>> = contexts.iter().map(|&cx| entry::prepare(cx, &mut shared)).collect();
    let entries = contexts.into_iter().zip(prepared);
    let entries: Vec<TokenStream> = entries.map(|(cx, kernels)| entry::entry(cx, kernels, &mut shared)).collect();
    let shared = shared.functions;
    let shared = (!shared.is_empty()).then(|| {
        quote! {
            #[doc = " Kernels that several layers or functions have in common, apart from their places in memory."]
            mod shared {
                use ::kiln::engine::{Memory, Part};
                use ::kiln::simd::Simd;

                #(#shared)*
            }
        }
    });
    api::api(module, &quote!(#(#entries)* #shared))
}
