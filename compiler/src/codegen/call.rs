//! One generated entry point: its arguments, their checks, the call, and the views of its results.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use syn::ext::IdentExt;

use super::body::int;
use super::module::{Entry, Module, element};
use super::names::{Names, ident, local};
use crate::ir::{InputDecl, NodeId, RootKind, Type};
use crate::ops::Op;
use crate::plan::Place;

/// The parts of an entry point.
pub(super) struct Call {
    /// `image: impl ::kiln::Rows<f32>`.
    pub parameters: Vec<TokenStream>,
    /// Statements that check the arguments and leave `rows` and the pointers.
    pub checks: TokenStream,
    /// Statements that run the kernels. They expect the [`local`]s `state` and `steps`.
    pub run: TokenStream,
    /// The expression of the loss.
    pub loss: Option<TokenStream>,
    /// Lines that describe the arguments.
    pub docs: Vec<String>,
}

impl Call {
    /// The parts for a function.
    pub(super) fn of(module: &Module, entry: &Entry, hidden: &Ident) -> Self {
        let function = &entry.program.function;
        let used = used_inputs(entry);
        let all = matches!(function.name.as_str(), "step" | "gradients" | "loss");
        let taken = |index: &usize| all || used.contains(index);
        let arguments: Vec<(usize, &InputDecl)> =
            function.inputs.iter().enumerate().filter(|(index, _)| taken(index)).collect();
        let model = &module.network.name;
        let mut parameters = Vec::new();
        let mut docs = Vec::new();
        let mut checks = Vec::new();
        let mut counts = Vec::new();
        let [rows, isa, inputs, uniforms, memory, state, steps, part, s] =
            ["rows", "isa", "inputs", "uniforms", "memory", "state", "steps", "part", "s"].map(local);
        for (_, input) in &arguments {
            let (name, rust) = (&input.name, element(input.ty.dtype));
            let text = name.to_string();
            let shape: Vec<_> = input.ty.dims.iter().map(|&dim| int(dim)).collect();
            let (data, count) = (data(name), local(&format!("{}_rows", name.unraw())));
            parameters.push(quote!(#name: impl ::kiln::Rows<#rust>));
            checks.push(quote! {
                let (#data, #count) = ::kiln::rows::check(#text, &#name, &[#(#shape),*], #model::BATCH)?;
            });
            if let Some(classes) = input.kind.classes() {
                let classes = int(classes);
                checks.push(quote!(::kiln::rows::check_indices(#text, #data, #classes)?;));
            }
            counts.push(quote!((#text, #count)));
            let below = input.kind.classes().map_or_else(String::new, |classes| format!(", each below {classes}"));
            docs.push(format!(" - `{text}`: `{rust}`, rows of `{}`{below}", input.ty.shape()));
        }
        let agree = if arguments.is_empty() {
            quote!(let #rows = #model::BATCH;)
        } else {
            quote!(let #rows = ::kiln::rows::check_agree(&[#(#counts),*])?;)
        };
        let pointers = function.inputs.iter().enumerate().map(|(index, input)| {
            let data = data(&input.name);
            if taken(&index) { quote!(#data.as_ptr().cast::<u8>()) } else { quote!(::core::ptr::null::<u8>()) }
        });
        let name = ident(&function.name);
        let training = matches!(function.name.as_str(), "step" | "gradients");
        let rate = if training { quote!(self.learning_rate) } else { quote!(0.0) };
        let seed = if training { quote!(self.seed) } else { quote!(0) };
        let params = if training {
            quote!(self.model.params.as_mut_ptr())
        } else {
            quote!(self.model.params.as_ptr().cast_mut())
        };
        let loss = root(entry, &RootKind::Loss).map(|offset| {
            let float = element(module.network.dtype);
            // The step has written it.
            quote!(unsafe { self.engine.result::<#float>(#offset, 1) }[0])
        });
        Self {
            parameters,
            checks: quote!(#(#checks)* #agree),
            run: quote! {
                let #isa = self.engine.isa();
                let #inputs = [#(#pointers),*];
                let #uniforms = #hidden::#name::uniforms(#rate, #steps as f64, #rows as f64);
                let #memory = ::kiln::engine::Memory {
                    arena: self.engine.arena(),
                    params: #params,
                    #state,
                    inputs: &#inputs,
                    uniforms: &#uniforms,
                    #rows,
                    seed: #seed,
                    step: #steps,
                };
                self.engine.run(&#memory, #hidden::#name::KERNELS, &|#part| {
                    // SAFETY: the arguments are checked, and the memory is this network's.
                    ::kiln::dispatch!(#isa, #s => unsafe { #hidden::#name::call(#s, &#memory, #part) });
                })?;
            },
            loss,
            docs,
        }
    }
}

/// The variable that holds an input's elements.
fn data(input: &Ident) -> Ident {
    local(&format!("{}_data", input.unraw()))
}

/// The inputs that an entry reads.
pub(super) fn used_inputs(entry: &Entry) -> std::collections::BTreeSet<usize> {
    let graph = &entry.program.function.graph;
    graph
        .ids()
        .into_iter()
        .filter_map(|node| match graph.op(node) {
            Op::Input(input) => Some(input.index),
            _ => None,
        })
        .collect()
}

/// The offset of a root's bytes.
fn root(entry: &Entry, kind: &RootKind) -> Option<proc_macro2::Literal> {
    let graph = &entry.program.function.graph;
    let root = graph.roots.iter().find(|root| root.kind == *kind)?;
    offset(entry, root.node)
}

pub(super) fn offset(entry: &Entry, node: NodeId) -> Option<proc_macro2::Literal> {
    let base = entry.program.needs.storage(&entry.program.function.graph, node);
    match entry.plan.places.get(&base) {
        Some(&Place::Arena(offset)) => Some(int(offset)),
        _ => None,
    }
}

/// A function's results as views into the arena.
pub(super) struct Results {
    /// The type that holds them.
    pub ty: TokenStream,
    /// The expression.
    pub expression: TokenStream,
    /// Name, type and view of each.
    pub values: Vec<(Ident, Type, TokenStream)>,
}

/// The views of a function's outputs.
pub(super) fn results(module: &Module, entry: &Entry) -> Results {
    let graph = &entry.program.function.graph;
    let mut values = Vec::new();
    let mut names = Names::default();
    let rows = local("rows");
    for root in &graph.roots {
        let RootKind::Output(index) = root.kind else { continue };
        let Some(offset) = offset(entry, root.node) else { continue };
        let name = match module.network.outputs.get(index) {
            Some((name, _)) => names.fresh(name),
            None => names.fresh(&format!("output_{index}")),
        };
        let ty = graph.ty(root.node).clone();
        let (element, elements) = (element(ty.dtype), int(ty.elements()));
        let (len, axes) =
            if ty.batched { (quote!(#rows * #elements), Some(quote!(#rows))) } else { (quote!(#elements), None) };
        let dims: Vec<TokenStream> = axes
            .into_iter()
            .chain(ty.dims.iter().map(|&dim| {
                let dim = int(dim);
                quote!(#dim)
            }))
            .collect();
        // SAFETY in the generated code: the call above has filled it.
        let view = quote! {
            ::kiln::engine::view(unsafe { self.engine.result::<#element>(#offset, #len) }, [#(#dims),*])
        };
        values.push((name, ty, view));
    }
    let output = format_ident!("{}Output", module.network.name);
    match values.as_slice() {
        [(_, ty, view)] => Results { ty: view_type(ty), expression: view.clone(), values },
        _ => {
            let fields = values.iter().map(|(name, _, view)| quote!(#name: #view));
            Results { ty: quote!(#output<'a>), expression: quote!(#output { #(#fields),* }), values: values.clone() }
        }
    }
}

pub(super) fn view_type(ty: &Type) -> TokenStream {
    let element = element(ty.dtype);
    let rank = int(ty.dims.len() + usize::from(ty.batched));
    quote!(::kiln::engine::View<'a, #element, #rank>)
}

/// The struct that several outputs come back in.
pub(super) fn output_struct(module: &Module) -> Option<TokenStream> {
    let entry = module.entry("run")?;
    let outputs = results(module, entry);
    if outputs.values.len() < 2 {
        return None;
    }
    let (visibility, name) = (&module.network.visibility, &module.network.name);
    let output = format_ident!("{name}Output");
    let doc = format!(" The outputs of [`{name}`], views into its memory.");
    let fields = outputs.values.iter().map(|(field, ty, _)| {
        let view = view_type(ty);
        let doc = format!(" `{ty}`.");
        quote! {
            #[doc = #doc]
            #visibility #field: #view
        }
    });
    Some(quote! {
        #[doc = #doc]
        #[derive(Clone, Copy, Debug)]
        #visibility struct #output<'a> {
            #(#fields),*
        }
    })
}

/// An entry point of the predictor.
pub(super) fn inference(module: &Module, entry: &Entry, hidden: &Ident) -> TokenStream {
    if let Some(explanation) = super::explain::of(module, entry) {
        return super::explain::method(module, entry, hidden, explanation);
    }
    let visibility = &module.network.visibility;
    let float = element(module.network.dtype);
    let function = &entry.program.function;
    let Call { parameters, checks, run, loss, docs } = Call::of(module, entry, hidden);
    let name = ident(&function.name);
    let [rows, state, steps, result] = ["rows", "state", "steps", "view"].map(local);
    let prepare = quote! {
        #checks
        let (#state, #steps) = (::core::ptr::null_mut(), 0);
        #run
    };
    if let Some(loss) = loss {
        return quote! {
            /// The mean loss over the rows, as in inference: dropout off, moving averages in use.
            ///
            #(#[doc = #docs])*
            ///
            /// # Errors
            /// If an input does not fit.
            #visibility fn loss(&mut self, #(#parameters),*) -> ::kiln::Result<#float> {
                #prepare
                Ok(#loss)
            }
        };
    }
    let outputs = results(module, entry);
    let (ty, expression) = (&outputs.ty, &outputs.expression);
    let summary = if function.name == "run" {
        " The network's outputs, as views into the predictor's memory.".to_string()
    } else {
        format!(" The part of the network that `method({name}, ..)` names.")
    };
    let into = format_ident!("{}_into", name);
    let into_doc =
        format!(" As [`{name}`](Self::{name}), into buffers of the caller's; gives back the number of rows.");
    let buffers = outputs.values.iter().map(|(value, ty, _)| {
        let (buffer, element) = (buffer_name(value, outputs.values.len()), element(ty.dtype));
        quote!(#buffer: &mut [#element])
    });
    let copies = outputs.values.iter().map(|(value, _, view)| {
        let buffer = buffer_name(value, outputs.values.len());
        let text = buffer.to_string();
        quote! {
            let #result = #view;
            ::kiln::rows::check_output(#text, #buffer, #result.len())?;
            ::kiln::engine::copy_view(&#result, #buffer);
        }
    });
    quote! {
        #[doc = #summary]
        ///
        #(#[doc = #docs])*
        ///
        /// # Errors
        /// If an input does not fit.
        #visibility fn #name<'a>(&'a mut self, #(#parameters),*) -> ::kiln::Result<#ty> {
            #prepare
            Ok(#expression)
        }

        #[doc = #into_doc]
        ///
        /// # Errors
        /// If an input does not fit, or a buffer is not as long as its result.
        #visibility fn #into(&mut self, #(#parameters,)* #(#buffers),*) -> ::kiln::Result<usize> {
            #prepare
            #(#copies)*
            Ok(#rows)
        }
    }
}

fn buffer_name(value: &Ident, count: usize) -> Ident {
    if count == 1 { local("output") } else { local(&format!("{value}_output")) }
}
