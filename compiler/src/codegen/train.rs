//! The traits of `kiln::train` for generated trainers and predictors: the same calls with the inputs as data, so that
//! code of the library can train any network.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::body::int;
use super::call::{results, used_inputs};
use super::module::{Entry, Module, element};
use super::names::local;
use crate::ir::InputKind;

/// The implementations that the network has entry points for.
pub(super) fn train(module: &Module) -> TokenStream {
    let trainer = module.entry("step").map(|entry| trainer(module, entry));
    let predictor = module.inference().next().map(|_| predictor(module));
    let evaluator = module.entry("loss").map(|_| evaluator(module));
    quote!(#trainer #predictor #evaluator)
}

/// `INPUTS` and `CAPACITY`.
fn inputs(module: &Module) -> TokenStream {
    let name = &module.network.name;
    let infos = module.network.inputs.iter().map(|input| {
        let text = input.name.to_string();
        let shape = input.ty.dims.iter().map(|&dim| int(dim));
        let classes = input.kind.classes().map(int);
        let kind = match input.kind {
            InputKind::Dense => quote!(Dense),
            InputKind::Target => quote!(Target),
            InputKind::Class(_) => quote!(Class(#classes)),
            InputKind::Classes(_) => quote!(Classes(#classes)),
            InputKind::Tokens(_) => quote!(Tokens(#classes)),
            InputKind::Weight => quote!(Weight),
        };
        quote! {
            ::kiln::train::InputInfo { name: #text, shape: &[#(#shape),*], kind: ::kiln::train::InputKind::#kind }
        }
    });
    quote! {
        const INPUTS: &'static [::kiln::train::InputInfo] = &[#(#infos),*];
        const CAPACITY: usize = #name::BATCH;
    }
}

/// `OUTPUTS`, in the order of an entry's results.
fn outputs(module: &Module, entry: Option<&Entry>) -> TokenStream {
    let values = entry.map(|entry| results(module, entry).values).unwrap_or_default();
    let infos = values.iter().map(|(name, ty, _)| {
        let (text, batched) = (name.to_string(), ty.batched);
        let shape = ty.dims.iter().map(|&dim| int(dim));
        quote!(::kiln::train::OutputInfo { name: #text, shape: &[#(#shape),*], batched: #batched })
    });
    quote!(const OUTPUTS: &'static [::kiln::train::OutputInfo] = &[#(#infos),*];)
}

/// The arguments of a call, read from the columns.
fn arguments(module: &Module, columns: &Ident, taken: impl Fn(usize) -> bool) -> Vec<TokenStream> {
    let inputs = module.network.inputs.iter().enumerate().filter(|&(index, _)| taken(index));
    inputs
        .map(|(index, input)| {
            let (text, index, rust) = (input.name.to_string(), int(index), element(input.ty.dtype));
            quote!(::kiln::train::column::<#rust>(#columns, #index, #text)?)
        })
        .collect()
}

/// Statements that hand an entry's results on: `value` is the one, or the struct of several.
fn hand_on(module: &Module, entry: &Entry, value: &TokenStream, to: &Ident) -> TokenStream {
    let values = results(module, entry).values;
    let one = values.len() == 1;
    let calls = values.iter().enumerate().map(|(index, (name, ty, _))| {
        let index = int(index);
        let view = if one { value.clone() } else { quote!(#value.#name) };
        let elements = quote!(#view.as_slice().unwrap_or_default());
        match ty.dtype.is_float() {
            true => quote!(#to(#index, #elements);),
            false => quote!(#to(#index, &::kiln::train::numbers(#elements));),
        }
    });
    quote!(#(#calls)*)
}

fn trainer(module: &Module, entry: &Entry) -> TokenStream {
    let name = &module.network.name;
    let (trainer, predictor) = (format_ident!("{name}Trainer"), format_ident!("{name}Predictor"));
    let float = element(module.network.dtype);
    let (inputs, outputs) = (inputs(module), outputs(module, Some(entry)));
    let [columns, to, step] = ["columns", "outputs", "step"].map(local);
    let arguments = arguments(module, &columns, |_| true);
    let calls = hand_on(module, entry, &quote!(#step.output), &to);
    quote! {
        #[allow(unused_variables)]
        impl ::kiln::train::Trainer for #trainer {
            type Float = #float;
            type Predictor = #predictor;
            #inputs
            #outputs

            fn step_columns(
                &mut self,
                #columns: &[::kiln::train::Column<'_>],
                #to: ::kiln::train::Outputs<'_, #float>,
            ) -> ::kiln::Result<#float> {
                let #step = self.step(#(#arguments),*)?;
                #calls
                Ok(#step.loss)
            }

            ::kiln::trainer_state!(#predictor);
        }
    }
}

fn predictor(module: &Module) -> TokenStream {
    let name = &module.network.name;
    let predictor = format_ident!("{name}Predictor");
    let float = element(module.network.dtype);
    let entry = module.entry("run");
    let (inputs, outputs) = (inputs(module), outputs(module, entry));
    let [columns, to, view] = ["columns", "outputs", "view"].map(local);
    let used = entry.map(used_inputs).unwrap_or_default();
    let run = entry.map(|entry| {
        let arguments = arguments(module, &columns, |index| used.contains(&index));
        let calls = hand_on(module, entry, &quote!(#view), &to);
        quote! {
            let #view = self.run(#(#arguments),*)?;
            #calls
        }
    });
    let used = used.iter().map(|&index| int(index));
    quote! {
        #[allow(unused_variables)]
        impl ::kiln::train::Predictor for #predictor {
            type Float = #float;
            const RUN_INPUTS: &'static [usize] = &[#(#used),*];
            #inputs
            #outputs

            fn run_columns(
                &mut self,
                #columns: &[::kiln::train::Column<'_>],
                #to: ::kiln::train::Outputs<'_, #float>,
            ) -> ::kiln::Result<()> {
                #run
                Ok(())
            }

            fn params_mut(&mut self) -> &mut ::kiln::Params<#float> {
                &mut self.model.params
            }
        }
    }
}

fn evaluator(module: &Module) -> TokenStream {
    let predictor = format_ident!("{}Predictor", module.network.name);
    let float = element(module.network.dtype);
    let columns = local("columns");
    let arguments = arguments(module, &columns, |_| true);
    quote! {
        impl ::kiln::train::Evaluator for #predictor {
            fn loss_columns(&mut self, #columns: &[::kiln::train::Column<'_>]) -> ::kiln::Result<#float> {
                self.loss(#(#arguments),*)
            }
        }
    }
}
