//! A function of the network: its kernels, its per-call scalars, and the sequence with its barriers.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::body::{Context, int};
use super::map::Sweeps;
use super::module::element;
use super::names::ident;
use super::{columns, map, moves, product, window};
use crate::diag;
use crate::fuse::{Kernel, Kind};
use crate::ir::Graph;
use crate::ops::{Constant, Hyper, HyperKind, Lowering, Op};

/// A function's module: `kernels`, `uniforms` and `call`.
pub(super) fn entry(cx: Context<'_>) -> TokenStream {
    let name = ident(&cx.entry.program.function.name);
    let float = element(cx.network.dtype);
    let mut kernels = Vec::new();
    let mut scratch = Vec::new();
    for kernel in &cx.entry.program.kernels {
        let (code, elements) = statements(cx, kernel);
        kernels.push(function(cx, kernel, &float, &code));
        scratch.extend(elements);
    }
    let uniforms = uniforms(cx, &float);
    let calls = cx.entry.program.kernels.iter().zip(&cx.entry.plan.barriers).map(|(kernel, &barrier)| {
        let name = ident(&kernel.name);
        let barrier = barrier.then(|| quote!(part.barrier();));
        quote! {
            #barrier
            s.vectorize(#[inline(always)] || #name(s, m, part));
        }
    });
    let doc = format!(
        "The kernels of `{}` in order; threads meet where one touches what another wrote.",
        cx.entry.program.function.name
    );
    quote! {
        pub mod #name {
            use ::kiln::engine::{Memory, Part};
            use ::kiln::simd::Simd;

            #(#kernels)*

            #uniforms

            #[doc = " Scratch memory for each thread, in bytes."]
            pub const SCRATCH_BYTES: usize = {
                let needs: &[usize] = &[#(#scratch),*];
                ::kiln::engine::largest(needs) * ::core::mem::size_of::<#float>()
            };

            #[doc = #doc]
            ///
            /// # Safety
            /// `m` is laid out as this network's memory plan says.
            pub unsafe fn call<S: Simd<#float>>(s: S, m: &Memory<'_, #float>, part: &Part<'_>) {
                // SAFETY: the caller's promise is each kernel's.
                unsafe {
                    #(#calls)*
                }
            }
        }
    }
}

/// A kernel's statements, and the scratch that it takes in elements.
fn statements(cx: Context<'_>, kernel: &Kernel) -> (TokenStream, Option<TokenStream>) {
    match kernel.kind {
        Kind::Map => {
            let rows = Sweeps::of(cx, kernel).spilled.len() * kernel.cols();
            let rows = int(rows);
            (map::map(cx, kernel), Some(quote!(#rows)))
        }
        Kind::Columns(anchor) => (columns::columns(cx, kernel, anchor), None),
        Kind::Product(anchor) => {
            let product = product::product(cx, kernel, anchor);
            (product.code, Some(product.scratch))
        }
        Kind::Whole(anchor) => (window::pool(cx, kernel, anchor), None),
        Kind::Move(anchor) => (moves::moves(cx, kernel, anchor), None),
    }
}

fn function(cx: Context<'_>, kernel: &Kernel, float: &Ident, code: &TokenStream) -> TokenStream {
    let name = ident(&kernel.name);
    let doc = describe(cx.graph(), kernel);
    quote! {
        #[doc = #doc]
        #[inline(always)]
        unsafe fn #name<S: Simd<#float>>(s: S, m: &Memory<'_, #float>, part: &Part<'_>) {
            // SAFETY: every offset is the planner's, and the validator has seen it.
            unsafe {
                #code
            }
        }
    }
}

/// What a kernel computes, over what, and for which line of the source.
fn describe(graph: &Graph, kernel: &Kernel) -> String {
    let mut names: Vec<&str> = Vec::new();
    let mut lines = std::collections::BTreeSet::new();
    for &node in &kernel.nodes {
        let name = graph.op(node).rules().name();
        if names.last() != Some(&name) {
            names.push(name);
        }
        lines.extend(diag::location(graph.node(node).span));
    }
    let lines: Vec<String> = lines.into_iter().collect();
    let lines = if lines.is_empty() { String::new() } else { format!(" {}", lines.join(", ")) };
    format!(" {} over {}.{lines}", names.join(", "), kernel.domain)
}

/// The scalars of a call, in f64 with the elements' own expressions.
fn uniforms(cx: Context<'_>, float: &Ident) -> TokenStream {
    let graph = cx.graph();
    let mut lines = Vec::new();
    let mut names = std::collections::BTreeMap::new();
    let mut hypers = [false; 3];
    for node in graph.topological() {
        if !cx.entry.program.needs.uniform.contains(&node) {
            continue;
        }
        let inputs = graph.inputs(node);
        let operands: Vec<TokenStream> =
            inputs.iter().filter_map(|input| names.get(input)).map(|name: &Ident| quote!(#name)).collect();
        let expression = match (graph.op(node), graph.op(node).rules().lowering()) {
            (Op::Constant(constant), Lowering::Free(emit)) => {
                emit(&Constant { value: constant.value, dtype: crate::ir::DType::F64 }.into(), &[])
            }
            (Op::Hyper(Hyper { kind, .. }), Lowering::Free(emit)) => {
                hypers[match kind {
                    HyperKind::LearningRate => 0,
                    HyperKind::Step => 1,
                    HyperKind::Rows => 2,
                }] = true;
                emit(graph.op(node), &[])
            }
            (op, Lowering::Pointwise(emit) | Lowering::Free(emit)) => emit(op, &operands),
            _ => match operands.first() {
                Some(operand) => operand.clone(),
                None => continue,
            },
        };
        let name = format_ident!("{}_{}", graph.op(node).rules().name(), names.len());
        lines.push(quote!(let #name = #expression;));
        names.insert(node, name);
    }
    let results: Vec<&Ident> = cx.entry.uniforms.iter().filter_map(|node| names.get(node)).collect();
    let count = int(results.len());
    if results.is_empty() {
        lines.clear();
        hypers = [false; 3];
    }
    let token = (!results.is_empty()).then(|| quote!(let s = ::kiln::simd::One;));
    let parameter = |used: bool, name: &str| if used { ident(name) } else { format_ident!("_{name}") };
    let (rate, step, rows) =
        (parameter(hypers[0], "learning_rate"), parameter(hypers[1], "step"), parameter(hypers[2], "rows"));
    quote! {
        #[doc = " The scalars that hold for a whole call."]
        pub fn uniforms(#rate: f64, #step: f64, #rows: f64) -> [#float; #count] {
            #token
            #(#lines)*
            [#(#results as #float),*]
        }
    }
}
