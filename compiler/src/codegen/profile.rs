//! `profile` of trainers and predictors: calls whose kernels are timed.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::call::Call;
use super::module::{Entry, Module, element};
use super::names::{ident, local};

/// The method for the entry point `step` or `run`.
pub(super) fn profile(module: &Module, entry: &Entry, hidden: &Ident) -> TokenStream {
    let (visibility, name) = (&module.network.visibility, module.network.name.to_string());
    let float = element(module.network.dtype);
    let Call { parameters, checks, run, docs, .. } = Call::of(module, entry, hidden);
    let function = &entry.program.function.name;
    let kernels = ident(function);
    let [calls, rows, before, state, steps] = ["calls", "rows", "before", "state", "steps"].map(local);
    let training = function == "step";
    let (doc, keep, each, restore) = if training {
        (
            " Makes training steps on a batch and measures each kernel: `profile(.., 50)` makes 50. Parameters, \
             optimiser state and the count of steps are afterwards as before.",
            quote!(let #before = (self.model.clone(), self.state.clone(), self.steps);),
            quote! {
                self.steps += 1;
                let (#state, #steps) = (self.state.as_mut_ptr(), self.steps);
            },
            quote!((self.model, self.state, self.steps) = #before;),
        )
    } else {
        (
            " Runs the network on a batch and measures each kernel: `profile(.., 50)` runs it 50 times.",
            TokenStream::new(),
            quote!(let (#state, #steps) = (::core::ptr::null_mut(), 0);),
            TokenStream::new(),
        )
    };
    quote! {
        #[doc = #doc]
        /// With several threads all meet after each kernel, which they otherwise do where they have to.
        ///
        #(#[doc = #docs])*
        ///
        /// # Errors
        /// If an input does not fit, or for 0 calls.
        #visibility fn profile(&mut self, #(#parameters,)* #calls: usize) -> ::kiln::Result<::kiln::Profile> {
            #checks
            self.engine.start_profile(#calls)?;
            #keep
            for _ in 0..#calls {
                #each
                #run
            }
            #restore
            Ok(self.engine.finish_profile::<#float>(#name, #function, #hidden::#kernels::KERNELS, #rows))
        }
    }
}
