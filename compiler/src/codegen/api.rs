//! The types that users hold: the model, its trainer and its predictor.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::body::int;
use super::call::{Call, results};
use super::module::{Entry, Module, element};
use super::summary;
use crate::ir::Init;

/// Everything that is generated for a network.
pub(super) fn api(module: &Module, kernels: &TokenStream) -> TokenStream {
    let network = &module.network;
    let name = &network.name;
    // As it is written: types of two networks may differ in case alone.
    let hidden = format_ident!("__kiln_{}", name);
    let model = model(module, &hidden);
    let trainer = module.entry("step").map(|entry| trainer(module, entry, &hidden));
    let predictor = module.inference().next().map(|_| predictor(module, &hidden));
    let train = super::train::train(module);
    quote! {
        #model
        #trainer
        #predictor
        #train

        // Setting the variable builds the network anew, and its report with it.
        const _: ::core::option::Option<&str> = ::core::option_env!("KILN_REPORT");

        #[doc(hidden)]
        #[allow(non_snake_case, unused_variables, unused_unsafe, unused_parens, clippy::all, clippy::pedantic)]
        mod #hidden {
            #kernels
        }
    }
}

fn model(module: &Module, hidden: &Ident) -> TokenStream {
    let network = &module.network;
    let (attributes, visibility, name) = (&network.attributes, &network.visibility, &network.name);
    let float = element(network.dtype);
    let docs = summary::rustdoc(module);
    let text = summary::text(module);
    let infos = network.params.iter().enumerate().map(|(index, param)| {
        let (label, trainable) = (&param.name, param.trainable);
        let shape = param.ty.dims.iter().map(|&dim| int(dim));
        let offset = int(module.layout.param(crate::ir::ParamId(index)));
        let init = init(param.init);
        quote! {
            ::kiln::ParamInfo {
                name: #label,
                shape: &[#(#shape),*],
                offset: #offset,
                init: #init,
                trainable: #trainable,
            }
        }
    });
    let len = int(module.layout.len);
    let consts = consts(module, hidden);
    let trainer_name = format_ident!("{name}Trainer");
    let trainer = module.entry("step").map(|_| {
        quote! {
            /// A trainer that starts from these parameters: it holds a copy of them, the optimiser's state and the
            /// memory of a step.
            #visibility fn trainer(&self) -> #trainer_name {
                #trainer_name::of(self.clone())
            }
        }
    });
    let predictor_name = format_ident!("{name}Predictor");
    let predictor = module.inference().next().map(|_| {
        quote! {
            /// A predictor with a snapshot of these parameters and memory of its own.
            #visibility fn predictor(&self) -> #predictor_name {
                #predictor_name::of(self.clone())
            }
        }
    });
    quote! {
        #attributes
        #(#[doc = #docs])*
        #[derive(Clone, Debug)]
        #visibility struct #name {
            params: ::kiln::Params<#float>,
        }

        #[allow(dead_code, clippy::too_many_arguments)]
        impl #name {
            #consts

            const INFOS: &'static [::kiln::ParamInfo] = &[#(#infos),*];
            const LEN: usize = #len;

            /// Fresh parameters: each starts by its initialiser, from random numbers that depend on the seed alone.
            #visibility fn new(seed: u64) -> Self {
                Self { params: ::kiln::Params::new(Self::INFOS, Self::LEN, seed) }
            }

            ::kiln::weight_files!(#visibility fn);

            /// The parameters in order of declaration: name, and values in the public layout.
            #visibility fn parameters(
                &self,
            ) -> impl ExactSizeIterator<Item = (&'static str, ::kiln::ndarray::ArrayViewD<'_, #float>)> {
                self.params.iter()
            }

            /// A parameter's values by name.
            #visibility fn parameter(&self, name: &str) -> ::core::option::Option<::kiln::ndarray::ArrayViewD<'_, #float>> {
                self.params.get(name)
            }

            /// Overwrites a parameter.
            ///
            /// # Errors
            /// If there is no such parameter, or the shape is another.
            #visibility fn set_parameter(
                &mut self,
                name: &str,
                values: ::kiln::ndarray::ArrayViewD<'_, #float>,
            ) -> ::kiln::Result<()> {
                self.params.set(name, values)
            }

            #trainer
            #predictor

            /// The layers with their shapes and parameters, and what the network costs, as a table.
            #visibility const fn summary() -> &'static str {
                #text
            }
        }
    }
}

fn init(init: Init) -> TokenStream {
    match init {
        Init::Zeros => quote!(::kiln::Init::Zeros),
        Init::Ones => quote!(::kiln::Init::Ones),
        Init::Constant(value) => quote!(::kiln::Init::Constant(#value)),
        Init::Uniform(low, high) => quote!(::kiln::Init::Uniform(#low, #high)),
        Init::Normal(mean, deviation) => quote!(::kiln::Init::Normal(#mean, #deviation)),
        Init::GlorotUniform => quote!(::kiln::Init::GlorotUniform),
        Init::GlorotNormal => quote!(::kiln::Init::GlorotNormal),
        Init::HeUniform => quote!(::kiln::Init::HeUniform),
        Init::HeNormal => quote!(::kiln::Init::HeNormal),
        Init::LecunUniform => quote!(::kiln::Init::LecunUniform),
        Init::LecunNormal => quote!(::kiln::Init::LecunNormal),
        Init::TruncatedNormal(mean, deviation) => quote!(::kiln::Init::TruncatedNormal(#mean, #deviation)),
        Init::Orthogonal(gain) => quote!(::kiln::Init::Orthogonal(#gain)),
        Init::Identity(gain) => quote!(::kiln::Init::Identity(#gain)),
        Init::ForgetGate(others) => quote!(::kiln::Init::ForgetGate(#others)),
        Init::Sinusoidal(wavelength) => quote!(::kiln::Init::Sinusoidal(#wavelength)),
    }
}

fn consts(module: &Module, hidden: &Ident) -> TokenStream {
    let network = &module.network;
    let visibility = &network.visibility;
    let batch = int(network.batch);
    let elements: usize = network.params.iter().map(|param| param.ty.elements()).sum();
    let parameters = int(elements);
    let bytes = int(module.layout.len * network.dtype.bytes());
    let scratch = module.entries.iter().map(|entry| {
        let name = super::names::ident(&entry.program.function.name);
        quote!(#hidden::#name::SCRATCH_BYTES)
    });
    let flops = |entry: Option<&Entry>| int(entry.map_or(0, |entry| summary::flops(module, entry)) as usize);
    let arena = int(summary::infer_arena(module));
    let infer_flops = flops(module.entry("run"));
    let training = module.entry("step").map(|entry| {
        let arena = int(summary::train_arena(module));
        let flops = flops(Some(entry));
        let state = int(summary::state_elements(module) * network.dtype.bytes());
        quote! {
            /// Bytes of activations, gradients and temporaries of a training step, all that a trainer has for them.
            #visibility const TRAIN_ARENA_BYTES: usize = #arena;
            /// Floating-point operations of a training step on a full batch.
            #visibility const TRAIN_FLOPS: u64 = #flops;
            /// Bytes that the optimiser keeps between steps.
            #visibility const OPTIMIZER_BYTES: usize = #state;
        }
    });
    let explanations = super::explain::sum_elements(module).map(|elements| {
        let bytes = int(elements * network.dtype.bytes());
        quote! {
            /// Bytes in which a predictor adds up explanations that take several calls.
            #visibility const EXPLANATION_BYTES: usize = #bytes;
        }
    });
    quote! {
        /// The most rows that a call takes.
        #visibility const BATCH: usize = #batch;
        /// How many numbers the network has learned or keeps, moving averages included.
        #visibility const PARAMETERS: usize = #parameters;
        /// Bytes of the parameters' block, each parameter on cache lines of its own.
        #visibility const PARAMETER_BYTES: usize = #bytes;
        /// Bytes of activations and temporaries of inference, all that a predictor has for them.
        #visibility const INFER_ARENA_BYTES: usize = #arena;
        /// Floating-point operations of inference on a full batch.
        #visibility const INFER_FLOPS: u64 = #infer_flops;
        /// Bytes that each thread of a trainer or predictor has for packed operands.
        #visibility const SCRATCH_BYTES_PER_THREAD: usize = ::kiln::engine::scratch(&[#(#scratch),*]);
        #explanations
        #training
    }
}

/// Setters that trainer and predictor share.
fn settings(visibility: &TokenStream) -> TokenStream {
    quote! {
        /// Runs on so many threads; results are the same bits for any number.
        ///
        /// # Errors
        /// For 0.
        #visibility fn set_threads(&mut self, threads: usize) -> ::kiln::Result<()> {
            self.engine.set_threads(threads)
        }

        /// How many threads it runs on: at first as many as the machine has cores.
        #visibility fn threads(&self) -> usize {
            self.engine.threads()
        }

        /// Runs on another instruction set than the best one.
        #visibility fn set_isa(&mut self, isa: ::kiln::simd::Isa) {
            self.engine.set_isa(isa);
        }

        /// Checks every call for kernels that read what nobody wrote, at the cost of speed: each fails with an error
        /// then. `KILN_PARANOID=1` in the environment does so from the start.
        #visibility fn set_paranoid(&mut self, paranoid: bool) {
            self.engine.set_paranoid(paranoid);
        }
    }
}

fn trainer(module: &Module, entry: &Entry, hidden: &Ident) -> TokenStream {
    let network = &module.network;
    let (visibility, name) = (&network.visibility, &network.name);
    let float = element(network.dtype);
    let trainer = format_ident!("{name}Trainer");
    let step = format_ident!("{name}Step");
    let doc = format!(" Trains [`{name}`]: parameters, optimiser state, and the memory of a step.");
    let step_doc = format!(" What a training step of [`{name}`] gives back.");
    let settings = settings(visibility);
    let state = super::transfer::state(module, &int(summary::state_elements(module)));
    let transfer = super::transfer::methods(module, hidden);
    let profile = super::profile::profile(module, entry, hidden);
    let rate = network.optimizer.map_or(0.0, crate::ir::Optimizer::learning_rate);
    let call = Call::of(module, entry, hidden);
    let [slots, count] = ["state", "steps"].map(super::names::local);
    let (parameters, checks, run, docs) = (&call.parameters, &call.checks, &call.run, &call.docs);
    let outputs = results(module, entry);
    let (field, value) = if outputs.values.is_empty() {
        (None, None)
    } else {
        let (ty, expression) = (&outputs.ty, &outputs.expression);
        let field = quote! {
            /// The network's outputs as the training pass computed them.
            #visibility output: #ty,
        };
        (Some(field), Some(quote!(output: #expression,)))
    };
    let loss = call.loss.as_ref();
    quote! {
        #[doc = #doc]
        #visibility struct #trainer {
            model: #name,
            state: ::kiln::AlignedVec<#float>,
            frozen: ::kiln::Frozen<#float>,
            engine: ::kiln::engine::Engine,
            learning_rate: f64,
            steps: u64,
            seed: u64,
        }

        #[doc = #step_doc]
        #[derive(Clone, Copy, Debug)]
        #visibility struct #step<'a> {
            /// The mean loss over the rows.
            #visibility loss: #float,
            #field
            lifetime: ::core::marker::PhantomData<&'a ()>,
        }

        #[allow(dead_code, clippy::too_many_arguments)]
        impl #trainer {
            fn of(model: #name) -> Self {
                let state = #state;
                Self {
                    model,
                    state,
                    frozen: ::kiln::Frozen::new(#name::INFOS),
                    engine: ::kiln::engine::Engine::new(#name::TRAIN_ARENA_BYTES, #name::SCRATCH_BYTES_PER_THREAD),
                    learning_rate: #rate,
                    steps: 0,
                    seed: 0,
                }
            }

            /// One training step: forward, backward and update. Allocates nothing.
            ///
            #(#[doc = #docs])*
            ///
            /// # Errors
            /// If an input has no rows, more than the capacity, another shape, or an index out of range, or if the
            /// inputs disagree in rows; the parameters are as before.
            #visibility fn step(&mut self, #(#parameters),*) -> ::kiln::Result<#step<'_>> {
                #checks
                self.steps += 1;
                self.frozen.keep(self.model.params.block(), &self.state);
                let (#slots, #count) = (self.state.as_mut_ptr(), self.steps);
                #run
                self.frozen.put_back(self.model.params.block_mut(), &mut self.state);
                Ok(#step {
                    loss: #loss,
                    #value
                    lifetime: ::core::marker::PhantomData,
                })
            }

            /// The learning rate of the steps to come.
            #visibility fn set_learning_rate(&mut self, learning_rate: f64) {
                self.learning_rate = learning_rate;
            }

            /// The learning rate.
            #visibility fn learning_rate(&self) -> f64 {
                self.learning_rate
            }

            /// The seed of the random masks (dropout) of the steps to come.
            #visibility fn set_seed(&mut self, seed: u64) {
                self.seed = seed;
            }

            /// How many steps have been made.
            #visibility fn steps(&self) -> u64 {
                self.steps
            }

            #settings
            #transfer
            #profile

            /// The model as it is now.
            #visibility fn model(&self) -> &#name {
                &self.model
            }

            /// The model as it is now, to change its parameters: by name, or from a file.
            #visibility fn model_mut(&mut self) -> &mut #name {
                &mut self.model
            }

            /// Overwrites a parameter; the optimiser's state stays.
            ///
            /// # Errors
            /// If there is no such parameter, or the shape is another.
            #visibility fn set_parameter(
                &mut self,
                name: &str,
                values: ::kiln::ndarray::ArrayViewD<'_, #float>,
            ) -> ::kiln::Result<()> {
                self.model.set_parameter(name, values)
            }

            /// The model, without the trainer.
            #visibility fn into_model(self) -> #name {
                self.model
            }
        }
    }
}

fn predictor(module: &Module, hidden: &Ident) -> TokenStream {
    let network = &module.network;
    let (visibility, name) = (&network.visibility, &network.name);
    let predictor = format_ident!("{name}Predictor");
    let doc = format!(" Runs [`{name}`] without training: a snapshot of the parameters, and memory of its own.");
    let settings = settings(visibility);
    let entries: Vec<TokenStream> =
        module.inference().map(|entry| super::call::inference(module, entry, hidden)).collect();
    let profile = module.entry("run").map(|entry| super::profile::profile(module, entry, hidden));
    let output = super::call::output_struct(module);
    let float = element(network.dtype);
    let (sums, new_sums) = match super::explain::sum_elements(module).map(int) {
        Some(len) => {
            (Some(quote!(sums: ::kiln::AlignedVec<#float>,)), Some(quote!(sums: ::kiln::AlignedVec::new(#len),)))
        }
        None => (None, None),
    };
    quote! {
        #[doc = #doc]
        #visibility struct #predictor {
            model: #name,
            engine: ::kiln::engine::Engine,
            #sums
        }

        #output

        #[allow(dead_code, clippy::too_many_arguments)]
        impl #predictor {
            fn of(model: #name) -> Self {
                let engine =
                    ::kiln::engine::Engine::new(#name::INFER_ARENA_BYTES, #name::SCRATCH_BYTES_PER_THREAD);
                Self { model, engine, #new_sums }
            }

            #(#entries)*

            #settings
            #profile

            /// The parameters that it runs with.
            #visibility fn model(&self) -> &#name {
                &self.model
            }
        }
    }
}
