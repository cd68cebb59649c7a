//! What a trainer has for transfer learning: freezing, averaged parameters, gradients on demand.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::body::int;
use super::call::{Call, offset};
use super::module::{Module, element};
use super::names::local;
use crate::ir::{Optimizer, RootKind};

/// The trainer's methods.
pub(super) fn methods(module: &Module, hidden: &Ident) -> TokenStream {
    let network = &module.network;
    let (visibility, name) = (&network.visibility, &network.name);
    let averaged = network.optimizer.and_then(Optimizer::average_slot).map(|slot| {
        let start = int(slot * module.layout.len);
        quote! {
            /// The model with the moving averages of its trained parameters (the optimiser's `ema`).
            #visibility fn averaged_model(&self) -> #name {
                let mut model = self.model.clone();
                model.params.set_trainable(&self.state[#start..]);
                model
            }
        }
    });
    let gradients = gradients(module, hidden);
    quote! {
        /// Leaves the parameters whose names match alone from the next step on, `*` standing for any text:
        /// `features.*`. They and the optimiser's memory of them keep their bits; steps cost the same. Gives back how
        /// many match.
        ///
        /// # Errors
        /// If none does.
        #visibility fn freeze(&mut self, pattern: &str) -> ::kiln::Result<usize> {
            self.frozen.set(#name::INFOS, #name::LEN, self.state.len(), pattern, true)
        }

        /// Lets the parameters whose names match change again.
        ///
        /// # Errors
        /// If none does.
        #visibility fn unfreeze(&mut self, pattern: &str) -> ::kiln::Result<usize> {
            self.frozen.set(#name::INFOS, #name::LEN, self.state.len(), pattern, false)
        }

        #averaged
        #gradients
    }
}

/// A new trainer's state: 0, but for averages, which start at the parameters.
pub(super) fn state(module: &Module, elements: &proc_macro2::Literal) -> TokenStream {
    match module.network.optimizer.and_then(Optimizer::average_slot) {
        None => quote!(::kiln::AlignedVec::new(#elements)),
        Some(slot) => {
            let (start, len) = (int(slot * module.layout.len), int(module.layout.len));
            quote! {{
                let mut state = ::kiln::AlignedVec::new(#elements);
                state[#start..][..#len].copy_from_slice(model.params.block());
                state
            }}
        }
    }
}

/// `gradients(&x, &y)`, where the network asks for it.
fn gradients(module: &Module, hidden: &Ident) -> Option<TokenStream> {
    let entry = module.entry("gradients")?;
    let visibility = &module.network.visibility;
    let name = &module.network.name;
    let float = element(module.network.dtype);
    let Call { parameters, checks, run, docs, loss } = Call::of(module, entry, hidden);
    let [slots, count] = ["state", "steps"].map(local);
    // Output k is the gradient by trainable parameter k.
    let params = module.network.params.iter().enumerate();
    let trainable: Vec<_> = params.filter(|(_, decl)| decl.trainable).collect();
    let values = entry.program.function.graph.roots.iter().filter_map(|root| {
        let RootKind::Output(index) = root.kind else { return None };
        let &(index, decl) = trainable.get(index)?;
        let (place, index, elements) = (offset(entry, root.node)?, int(index), int(decl.ty.elements()));
        // SAFETY in the generated code: the call has filled it.
        Some(quote!((&#name::INFOS[#index], unsafe { self.engine.result::<#float>(#place, #elements) })))
    });
    Some(quote! {
        /// The gradients of the loss on a batch, without an update: those that the next step would start from, with
        /// the same random masks.
        ///
        #(#[doc = #docs])*
        ///
        /// # Errors
        /// If an input does not fit.
        #visibility fn gradients(&mut self, #(#parameters),*) -> ::kiln::Result<::kiln::Gradients<'_, #float>> {
            #checks
            let (#slots, #count) = (self.state.as_mut_ptr(), self.steps + 1);
            #run
            Ok(::kiln::Gradients::new(#loss, [#(#values),*]))
        }
    })
}
