//! `network!` of the crate `kiln`: forwards its tokens to the compiler.

/// Declares a neural network and compiles it into the type that it names.
#[proc_macro]
pub fn network(tokens: proc_macro::TokenStream) -> proc_macro::TokenStream {
    kiln_compiler::expand(tokens.into()).into()
}
