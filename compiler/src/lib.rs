//! The compiler of kiln: `network!` tokens in, Rust code out.

pub mod autodiff;
pub mod budget;
mod bug;
pub mod codegen;
pub mod cost;
pub mod diag;
#[cfg(feature = "eval")]
pub mod eval;
pub mod explain;
pub mod functions;
pub mod fuse;
pub mod infer;
pub mod ir;
pub mod layers;
pub mod module;
pub mod ops;
pub mod optimizer;
pub mod passes;
pub mod plan;
pub mod recompute;
pub mod report;
pub mod resolve;
pub mod syntax;

use std::path::Path;

use proc_macro2::{Span, TokenStream};

use diag::Diagnostics;

/// The code of a network. If anything is wrong, its errors, and as much of the type as keeps the user's
/// other code free of errors. Never panics.
pub fn expand(input: TokenStream) -> TokenStream {
    let mut errors = Diagnostics::default();
    match compile_with(input.clone(), report::wanted().as_deref(), &mut errors) {
        Some(code) if !errors.any() => code,
        _ => errors.to_tokens().into_iter().chain(skeleton(input)).collect(),
    }
}

/// The compiler itself.
pub fn compile(input: TokenStream, errors: &mut Diagnostics) -> Option<TokenStream> {
    compile_with(input, None, errors)
}

/// The same, with a report into a folder if there is one: each stage takes what the one before it made.
fn compile_with(input: TokenStream, folder: Option<&Path>, errors: &mut Diagnostics) -> Option<TokenStream> {
    bug::catch(Span::call_site(), errors, |errors| {
        let declaration = syntax::parse(input, errors)?;
        let network = resolve::resolve(&declaration, errors)?;
        let functions = bug::found(functions::functions(&network, false), errors)?;
        let passes = folder.map(|_| report::Passes::of(&functions));
        let module = bug::found(module::assemble(network, functions), errors)?;
        if let (Some(folder), Some(passes)) = (folder, passes) {
            report::at_build(folder, report::Facts::of(&module, passes), errors);
        }
        budget::check(&module, errors).then(|| codegen::generate(&module))
    })
}

fn skeleton(input: TokenStream) -> TokenStream {
    syntax::skeleton(input).map(|skeleton| codegen::skeleton::emit(&skeleton)).unwrap_or_default()
}
