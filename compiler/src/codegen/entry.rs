//! A function of the network: its kernels, its per-call scalars, and the sequence with its barriers.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::body::{Context, int};
use super::locate::step_name;
use super::map::Sweeps;
use super::module::element;
use super::names::ident;
use super::shared::{Placeless, Shared};
use super::{columns, looped, map, moves, product, shared, watched, window};
use crate::diag;
use crate::fuse::{Kernel, Kind};
use crate::ir::{Graph, NodeId};
use crate::ops::{Constant, Hyper, HyperKind, Lowering, Op};

/// A function's module: `kernels`, `uniforms` and `call`.
pub(super) fn entry(cx: Context<'_>, prepared: Vec<Statements>, shared: &mut Shared) -> TokenStream {
    let name = ident(&cx.program.function.name);
    let float = element(cx.network.dtype);
    let Kernels { functions, scratch, calls } = kernels(cx, prepared, Some(shared));
    let uniforms = uniforms(cx, &float);
    let lines = watched::lines(cx);
    let doc = format!(
        "The kernels of `{}` in order; threads meet where one touches what another wrote.",
        cx.program.function.name
    );
    quote! {
        pub mod #name {
            use ::kiln::engine::{Memory, Part};
            use ::kiln::simd::Simd;

            #(#functions)*

            #uniforms

            #[doc = " Scratch memory for each thread, in bytes."]
            pub const SCRATCH_BYTES: usize = {
                let needs: &[usize] = &[#(#scratch),*];
                ::kiln::engine::largest(needs) * ::core::mem::size_of::<#float>()
            };

            #[doc = " What each kernel reads and writes, for the runtime's `engine::table`."]
            pub static KERNELS: &[&str] = &[#(#lines),*];

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

/// The kernels of a function, or of a loop's body.
pub(super) struct Kernels {
    /// A function for each.
    pub functions: Vec<TokenStream>,
    /// The scratch that each takes, in elements.
    pub scratch: Vec<TokenStream>,
    /// The statements that run them in order, with the barriers.
    pub calls: Vec<TokenStream>,
}

/// What a kernel says; of a loop, which says it itself, nothing.
pub(super) struct Statements {
    code: TokenStream,
    /// The scratch that they take, in elements.
    scratch: Option<TokenStream>,
    /// The same without its places, where it may be shared.
    placeless: Option<Placeless>,
}

/// The statements of a function's kernels, of which `shared` takes note.
pub(super) fn prepare(cx: Context<'_>, shared: &mut Shared) -> Vec<Statements> {
    let mut prepared = statements(cx);
    for (kernel, statements) in cx.program.kernels.iter().zip(&mut prepared) {
        if !matches!(kernel.kind, Kind::Loop(_)) {
            let placeless = Placeless::of(statements.code.clone());
            shared.note(&placeless, describe(cx.graph(), kernel));
            statements.placeless = Some(placeless);
        }
    }
    prepared
}

/// The statements of a program's kernels.
pub(super) fn statements(cx: Context<'_>) -> Vec<Statements> {
    let statements = |kernel| {
        let (code, scratch) = say(cx, kernel);
        Statements { code, scratch, placeless: None }
    };
    cx.program.kernels.iter().map(statements).collect()
}

/// The code of a program's kernels, given what they say; those that others have too are taken from `shared`.
pub(super) fn kernels(cx: Context<'_>, prepared: Vec<Statements>, mut shared: Option<&mut Shared>) -> Kernels {
    let float = element(cx.network.dtype);
    let mut found = Kernels { functions: Vec::new(), scratch: Vec::new(), calls: Vec::new() };
    let steps = steps(cx);
    let inside = (cx.depth() > 0).then(|| {
        let module = ident(&cx.program.function.name);
        quote!(#module::)
    });
    let kernels = cx.program.kernels.iter().zip(&cx.plan.barriers).zip(prepared).enumerate();
    for (index, ((kernel, &barrier), Statements { code, scratch, placeless })) in kernels {
        let name = ident(&kernel.name);
        let barrier = barrier.then(|| quote!(part.barrier();));
        // A loop is one kernel to who watches.
        let done = (cx.depth() == 0).then(|| {
            let index = int(index);
            quote!(part.done(#index);)
        });
        if let Kind::Loop(node) = kernel.kind {
            let (code, scratch) = looped::looped(cx, kernel, node, &float);
            found.functions.push(code);
            found.scratch.extend(scratch);
            found.calls.push(quote!(#barrier #inside #name(s, m, part #(, #steps)*); #done));
            continue;
        }
        found.scratch.extend(scratch);
        if let (Some(shared), Some(placeless)) = (&mut shared, &placeless)
            && let Some(common) = shared.function(placeless, &kernel.name, &float)
        {
            let at = shared::places(placeless);
            found.calls.push(quote!(#barrier super::shared::#common(s, m, part, #at); #done));
            continue;
        }
        found.functions.push(function(cx, kernel, &float, &code));
        found.calls.push(quote! {
            #barrier
            s.vectorize(#[inline(always)] || #inside #name(s, m, part #(, #steps)*));
            #done
        });
    }
    found
}

/// The variables of the steps of the loops around.
pub(super) fn steps(cx: Context<'_>) -> Vec<Ident> {
    (0..cx.depth()).map(|depth| ident(&step_name(depth))).collect()
}

/// A kernel's statements, and the scratch that it takes in elements.
fn say(cx: Context<'_>, kernel: &Kernel) -> (TokenStream, Option<TokenStream>) {
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
        Kind::Whole(anchor) => (window::whole(cx, kernel, anchor), None),
        Kind::Move(anchor) => (moves::moves(cx, kernel, anchor), None),
        // `looped` says these.
        Kind::Loop(_) => (TokenStream::new(), None),
    }
}

fn function(cx: Context<'_>, kernel: &Kernel, float: &Ident, code: &TokenStream) -> TokenStream {
    let name = ident(&kernel.name);
    let doc = describe(cx.graph(), kernel);
    let steps = steps(cx);
    let inside = (cx.depth() > 0).then(|| quote!(pub(super)));
    quote! {
        #[doc = #doc]
        #[inline(always)]
        #inside unsafe fn #name<S: Simd<#float>>(s: S, m: &Memory<'_, #float>, part: &Part<'_> #(, #steps: usize)*) {
            // SAFETY: every offset is the planner's, and the validator has seen it.
            unsafe {
                #code
            }
        }
    }
}

/// What a kernel computes, over what, and for which line of the source.
pub(super) fn describe(graph: &Graph, kernel: &Kernel) -> String {
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

/// What a loop is, and for which line of the source.
pub(super) fn describe_loop(graph: &Graph, node: NodeId, steps: usize) -> String {
    let line = diag::location(graph.node(node).span).map(|line| format!(" {line}")).unwrap_or_default();
    format!(" {steps} steps of a loop.{line}")
}

/// The scalars of a call, in f64 with the elements' own expressions.
fn uniforms(cx: Context<'_>, float: &Ident) -> TokenStream {
    let graph = cx.graph();
    let mut lines = Vec::new();
    let mut names = std::collections::BTreeMap::new();
    let mut hypers = [false; 3];
    for node in graph.topological() {
        if !cx.program.needs.uniform.contains(&node) {
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
                    HyperKind::Step | HyperKind::Due(_) => 1,
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
    let results: Vec<&Ident> = cx.uniforms.iter().filter_map(|node| names.get(node)).collect();
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
