//! The predictor's methods that say what an output comes from.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::body::int;
use super::call::{Call, results, view_type};
use super::module::{Entry, Module, element};
use super::names::{ident, local};
use crate::ir::{Explain, Explanation};

/// The explanation that an entry computes.
pub(super) fn of<'m>(module: &'m Module, entry: &Entry) -> Option<&'m Explanation> {
    let name = &entry.program.function.name;
    module.network.explanations.iter().find(|explanation| explanation.name == name)
}

/// Elements of the largest sum that methods of several calls add up, if there is such a method.
pub(super) fn sum_elements(module: &Module) -> Option<usize> {
    let sums = module.entries.iter().filter_map(|entry| {
        let explanation = of(module, entry)?;
        let (_, ty, _) = results(module, entry).values.into_iter().next()?;
        (explanation.kind.rounds() > 1).then(|| ty.elements() * module.network.batch)
    });
    sums.max()
}

/// An explanation's method, and the same into a buffer of the caller's.
pub(super) fn method(module: &Module, entry: &Entry, hidden: &Ident, explanation: &Explanation) -> TokenStream {
    let visibility = &module.network.visibility;
    let float = element(module.network.dtype);
    let Call { parameters, checks, run, docs, .. } = Call::of(module, entry, hidden);
    let name = ident(&entry.program.function.name);
    let into = format_ident!("{}_into", name);
    let [state, steps, rows, sum, output] = ["state", "steps", "rows", "sum", "output"].map(local);
    let Some((_, ty, part)) = results(module, entry).values.into_iter().next() else { return TokenStream::new() };
    let (elements, view) = (int(ty.elements()), view_type(&ty));
    let dims: Vec<_> = ty.dims.iter().map(|&dim| int(dim)).collect();
    let rounds = explanation.kind.rounds();
    let (work, result) = if rounds > 1 {
        let count = int(rounds);
        let work = quote! {
            for #steps in 1..=#count as u64 {
                let #state = ::core::ptr::null_mut();
                #run
                let #sum = &mut self.sums[..#rows * #elements];
                ::kiln::engine::accumulate(#sum, &#part, #steps == 1);
            }
        };
        (work, quote!(::kiln::engine::view(&self.sums[..#rows * #elements], [#rows, #(#dims),*])))
    } else {
        (quote! { let (#state, #steps) = (::core::ptr::null_mut(), 1); #run }, part)
    };
    let doc =
        format!(" {} of `explain({}, ..)`, as a view into the predictor's memory.", shape(&ty), kind(explanation.kind));
    let into_doc =
        format!(" As [`{name}`](Self::{name}), into a buffer of the caller's; gives back the number of rows.");
    quote! {
        #[doc = #doc]
        ///
        #(#[doc = #docs])*
        ///
        /// # Errors
        /// If an input does not fit.
        #visibility fn #name<'a>(&'a mut self, #(#parameters),*) -> ::kiln::Result<#view> {
            #checks
            #work
            Ok(#result)
        }

        #[doc = #into_doc]
        ///
        /// # Errors
        /// If an input does not fit, or the buffer is not as long as the result.
        #visibility fn #into(&mut self, #(#parameters,)* #output: &mut [#float]) -> ::kiln::Result<usize> {
            #checks
            ::kiln::rows::check_output("output", #output, #rows * #elements)?;
            #work
            ::kiln::engine::copy_view(&#result, #output);
            Ok(#rows)
        }
    }
}

fn shape(ty: &crate::ir::Type) -> String {
    format!("The attribution `{ty}`")
}

/// The word of the language.
fn kind(kind: Explain) -> &'static str {
    match kind {
        Explain::Saliency => "saliency",
        Explain::InputXGradient => "input_x_gradient",
        Explain::SmoothGrad { .. } => "smooth_grad",
        Explain::IntegratedGradients { .. } => "integrated_gradients",
        Explain::GradCam => "grad_cam",
    }
}
