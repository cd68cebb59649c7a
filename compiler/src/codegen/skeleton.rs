//! The generated type's interface without anything behind it, emitted beside errors: names and
//! methods that the user's other code uses exist, so it raises no errors of its own. Nothing of it
//! ever runs.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use crate::syntax::Skeleton;

/// The interface. Arguments are of any type.
pub fn emit(skeleton: &Skeleton) -> TokenStream {
    let Skeleton { visibility, name, double, data, labels, trains, outputs, methods, explanations } = skeleton;
    let predictor = format_ident!("{name}Predictor");
    let element = if *double { quote!(f64) } else { quote!(f32) };
    let view = quote!(::kiln::ndarray::ArrayView2<'_, #element>);
    let array = quote!(::kiln::ndarray::ArrayViewD<'_, #element>);
    let output_type = several_outputs(skeleton, &element);
    let output = output(skeleton, &element, &quote!('_));
    let (run, all) = (anything(*data), anything(data + labels));

    let methods = methods.iter().map(|(method, count)| {
        let (arguments, into) = (anything(*count), format_ident!("{method}_into"));
        quote! {
            pub fn #method(&mut self, #arguments) -> ::kiln::Result<#view> { loop {} }
            pub fn #into(&mut self, #arguments _: impl Sized) -> ::kiln::Result<usize> { loop {} }
        }
    });
    // Attributions have the axes of what they attribute to.
    let explanations = explanations.iter().map(|(method, class)| {
        let (arguments, into) = (anything(data + usize::from(*class)), format_ident!("{method}_into"));
        quote! {
            pub fn #method(&mut self, #arguments) -> ::kiln::Result<#array> { loop {} }
            pub fn #into(&mut self, #arguments _: impl Sized) -> ::kiln::Result<usize> { loop {} }
        }
    });
    let buffers = anything(outputs.len().max(1));
    let settings = settings();
    let loss = trains.then(|| quote!(pub fn loss(&mut self, #all) -> ::kiln::Result<#element> { loop {} }));
    let trainer = trains.then(|| trainer(skeleton, &element));

    quote! {
        #[derive(Clone, Debug)]
        #visibility struct #name;

        impl #name {
            pub const BATCH: usize = 1;
            pub const PARAMETERS: usize = 0;
            pub const PARAMETER_BYTES: usize = 0;
            pub const INFER_ARENA_BYTES: usize = 0;
            pub const INFER_FLOPS: u64 = 0;
            pub const SCRATCH_BYTES_PER_THREAD: usize = 0;
            pub const EXPLANATION_BYTES: usize = 0;
            pub fn new(_: impl Sized) -> Self { loop {} }
            pub fn load(_: impl Sized) -> ::kiln::Result<Self> { loop {} }
            pub fn load_matching(&mut self, _: impl Sized) -> ::kiln::Result<::kiln::params::Matched> { loop {} }
            pub fn save(&self, _: impl Sized) -> ::kiln::Result<()> { loop {} }
            pub const fn summary() -> &'static str { "" }
            pub fn predictor(&self) -> #predictor { loop {} }
            pub fn parameters(&self) -> ::std::vec::IntoIter<(&'static str, #array)> { loop {} }
            pub fn parameter(&self, _: impl Sized) -> ::core::option::Option<#array> { loop {} }
            pub fn set_parameter(&mut self, _: impl Sized, _: impl Sized) -> ::kiln::Result<()> { loop {} }
        }

        #visibility struct #predictor;

        impl #predictor {
            pub fn run(&mut self, #run) -> ::kiln::Result<#output> { loop {} }
            pub fn run_into(&mut self, #run #buffers) -> ::kiln::Result<usize> { loop {} }
            pub fn profile(&mut self, #run _: usize) -> ::kiln::Result<::kiln::Profile> { loop {} }
            pub fn model(&self) -> &#name { loop {} }
            #loss
            #(#methods)*
            #(#explanations)*
            #settings
        }

        impl ::kiln::train::Predictor for #predictor {
            type Float = #element;
            const INPUTS: &'static [::kiln::train::InputInfo] = &[];
            const RUN_INPUTS: &'static [usize] = &[];
            const OUTPUTS: &'static [::kiln::train::OutputInfo] = &[];
            const CAPACITY: usize = 1;
            fn run_columns(
                &mut self,
                _: &[::kiln::train::Column<'_>],
                _: ::kiln::train::Outputs<'_, #element>,
            ) -> ::kiln::Result<()> { loop {} }
            fn params_mut(&mut self) -> &mut ::kiln::Params<#element> { loop {} }
        }

        #output_type
        #trainer
    }
}

/// What trains, and what a step gives.
fn trainer(skeleton: &Skeleton, element: &TokenStream) -> TokenStream {
    let Skeleton { visibility, name, data, labels, .. } = skeleton;
    let (trainer, step) = (format_ident!("{name}Trainer"), format_ident!("{name}Step"));
    let predictor = format_ident!("{name}Predictor");
    let all = anything(data + labels);
    let output = output(skeleton, element, &quote!('a));
    let settings = settings();
    quote! {
        impl #name {
            pub const TRAIN_ARENA_BYTES: usize = 0;
            pub const TRAIN_FLOPS: u64 = 0;
            pub const OPTIMIZER_BYTES: usize = 0;
            pub fn trainer(&self) -> #trainer { loop {} }
        }

        #visibility struct #trainer;

        impl #trainer {
            pub fn step(&mut self, #all) -> ::kiln::Result<#step<'_>> { loop {} }
            pub fn profile(&mut self, #all _: usize) -> ::kiln::Result<::kiln::Profile> { loop {} }
            pub fn model(&self) -> &#name { loop {} }
            pub fn model_mut(&mut self) -> &mut #name { loop {} }
            pub fn set_parameter(&mut self, _: impl Sized, _: impl Sized) -> ::kiln::Result<()> { loop {} }
            pub fn into_model(self) -> #name { loop {} }
            pub fn averaged_model(&self) -> #name { loop {} }
            pub fn gradients(&mut self, #all) -> ::kiln::Result<::kiln::Gradients<'_, #element>> { loop {} }
            pub fn freeze(&mut self, _: impl Sized) -> ::kiln::Result<usize> { loop {} }
            pub fn unfreeze(&mut self, _: impl Sized) -> ::kiln::Result<usize> { loop {} }
            pub fn learning_rate(&self) -> f64 { loop {} }
            pub fn set_learning_rate(&mut self, _: impl Sized) { loop {} }
            pub fn set_seed(&mut self, _: impl Sized) { loop {} }
            pub fn steps(&self) -> u64 { loop {} }
            #settings
        }

        impl ::kiln::train::Trainer for #trainer {
            type Float = #element;
            type Predictor = #predictor;
            const INPUTS: &'static [::kiln::train::InputInfo] = &[];
            const OUTPUTS: &'static [::kiln::train::OutputInfo] = &[];
            const CAPACITY: usize = 1;
            fn step_columns(
                &mut self,
                _: &[::kiln::train::Column<'_>],
                _: ::kiln::train::Outputs<'_, #element>,
            ) -> ::kiln::Result<#element> { loop {} }
            fn evaluator(&self) -> #predictor { loop {} }
            fn params(&self) -> &::kiln::Params<#element> { loop {} }
            fn params_mut(&mut self) -> &mut ::kiln::Params<#element> { loop {} }
            fn optimizer_state(&self) -> &[#element] { loop {} }
            fn optimizer_state_mut(&mut self) -> &mut [#element] { loop {} }
            fn rate(&self) -> f64 { loop {} }
            fn set_rate(&mut self, _: f64) { loop {} }
            fn counters(&self) -> (u64, u64) { loop {} }
            fn set_counters(&mut self, _: u64, _: u64) { loop {} }
        }

        impl ::kiln::train::Evaluator for #predictor {
            fn loss_columns(&mut self, _: &[::kiln::train::Column<'_>]) -> ::kiln::Result<#element> { loop {} }
        }

        #[derive(Clone, Copy, Debug)]
        #visibility struct #step<'a> {
            pub loss: #element,
            pub output: #output,
            lifetime: ::core::marker::PhantomData<&'a ()>,
        }
    }
}

/// What trainer and predictor share.
fn settings() -> TokenStream {
    quote! {
        pub fn set_threads(&mut self, _: impl Sized) -> ::kiln::Result<()> { loop {} }
        pub fn threads(&self) -> usize { loop {} }
        pub fn set_isa(&mut self, _: impl Sized) { loop {} }
        pub fn set_paranoid(&mut self, _: impl Sized) { loop {} }
    }
}

/// The type of `run`'s value.
fn output(skeleton: &Skeleton, element: &TokenStream, lifetime: &TokenStream) -> TokenStream {
    if skeleton.outputs.is_empty() {
        return quote!(::kiln::ndarray::ArrayView2<#lifetime, #element>);
    }
    let output = format_ident!("{}Output", skeleton.name);
    quote!(#output<#lifetime>)
}

/// The declaration of that type.
fn several_outputs(skeleton: &Skeleton, element: &TokenStream) -> Option<TokenStream> {
    let Skeleton { visibility, name, outputs, .. } = skeleton;
    let output = format_ident!("{name}Output");
    let fields = outputs.iter().map(|field| quote!(pub #field: ::kiln::ndarray::ArrayView2<'a, #element>));
    (!outputs.is_empty()).then(|| quote!(#[derive(Clone, Copy, Debug)] #visibility struct #output<'a> { #(#fields),* }))
}

/// Parameters that take whatever is given.
fn anything(count: usize) -> TokenStream {
    let parameters = (0..count).map(|_| quote!(_: impl Sized,));
    quote!(#(#parameters)*)
}
