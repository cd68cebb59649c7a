//! Loops: a function for each kernel of the body, and one that runs them step by step.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::body::{Context, Within, int};
use super::entry::{self, Kernels};
use super::locate::{Located, locate, step_name};
use super::names::ident;
use crate::fuse::Kernel;
use crate::ir::{NodeId, RootKind};
use crate::ops::Op;

/// The loop's function behind a module with the functions of its body, and the scratch that these take.
pub(super) fn looped(cx: Context<'_>, kernel: &Kernel, node: NodeId, float: &Ident) -> (TokenStream, Vec<TokenStream>) {
    let (Some(program), Some(plan), Op::Scan(scan)) =
        (cx.program.loops.get(&node), cx.plan.loops.get(&node), cx.graph().op(node))
    else {
        return (quote!(::core::compile_error!("kiln's bug: a loop without a body");), Vec::new());
    };
    let around = Within { cx, node, kernel };
    let inner = Context { program, plan, within: Some(&around), ..cx };
    let Kernels { functions, scratch, calls } = entry::kernels(inner, entry::statements(inner), None);
    let starts = starts(inner, &around);
    let name = ident(&kernel.name);
    let (t, steps) = (ident(&step_name(cx.depth())), int(scan.steps));
    let range = if scan.reverse { quote!((0..#steps).rev()) } else { quote!(0..#steps) };
    let outer = entry::steps(cx);
    let inside = (cx.depth() > 0).then(|| quote!(pub(super)));
    let doc = entry::describe_loop(cx.graph(), node, scan.steps);
    let code = quote! {
        mod #name {
            use ::kiln::engine::{Memory, Part};
            use ::kiln::simd::Simd;

            #(#functions)*
        }

        #[doc = #doc]
        #inside unsafe fn #name<S: Simd<#float>>(s: S, m: &Memory<'_, #float>, part: &Part<'_> #(, #outer: usize)*) {
            // SAFETY: every offset is the planner's, and the validator has seen it.
            unsafe {
                #(#starts)*
                for #t in #range {
                    #(#calls)*
                }
            }
        }
    };
    (code, scratch)
}

/// The statements that put the states' first values in place.
fn starts(inner: Context<'_>, around: &Within<'_>) -> Vec<TokenStream> {
    let (graph, outside) = (inner.graph(), around.cx.graph());
    let operands = outside.inputs(around.node);
    let sequences = around.scan().map_or(0, |scan| scan.sequences);
    let state = |root: &crate::ir::Root| {
        let RootKind::Carry(state) = root.kind else { return None };
        let first = around.cx.program.needs.storage(outside, *operands.get(sequences + state)?);
        let Located { pointer: from, pitch, .. } = locate(around.cx, first);
        let Located { pointer: to, .. } = locate(inner, inner.program.needs.storage(graph, root.node));
        let ty = graph.ty(root.node);
        let elements = int(ty.elements());
        let rows = if ty.batched { quote!(part.rows(m.rows)) } else { quote!(part.alone(1)) };
        Some(match pitch {
            None => quote! {
                let rows = #rows;
                #from.add(rows.start * #elements).copy_to_nonoverlapping(
                    #to.add(rows.start * #elements),
                    rows.len() * #elements,
                );
            },
            Some(pitch) => {
                let pitch = int(pitch);
                quote! {
                    for row in #rows {
                        #from.add(row * #pitch).copy_to_nonoverlapping(#to.add(row * #elements), #elements);
                    }
                }
            }
        })
    };
    graph.roots.iter().filter_map(state).collect()
}
