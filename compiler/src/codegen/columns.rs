//! Reductions over rows: each thread takes columns and goes down all rows, so that the order of a sum does not depend
//! on the threads.

use proc_macro2::TokenStream;
use quote::quote;

use super::body::{Body, Context, int};
use super::map::reduction;
use super::module::element;
use crate::fuse::Kernel;
use crate::ir::NodeId;
use crate::ops::Op;

/// The kernel's statements.
pub(super) fn columns(cx: Context<'_>, kernel: &Kernel, anchor: NodeId) -> TokenStream {
    let graph = cx.graph();
    let Op::Reduce(reduce) = graph.op(anchor) else { return TokenStream::new() };
    let source = graph.ty(graph.input(anchor, 0)).clone();
    let cols = int(kernel.cols());
    let reduced: usize = reduce.axes.iter().filter_map(|&axis| source.dims.get(axis)).product();
    let reduced_count = int(reduced);
    let depth = if reduce.batch && source.batched { quote!(m.rows * #reduced_count) } else { quote!(#reduced_count) };

    let mut body = Body::new(cx, kernel, false);
    // Going down: over the operand.
    body.domain = source;
    let sum = body.name("sum");
    let value = body.operand_value(anchor);
    let down = body.next_sweep();
    // The result: over what is left.
    body.domain = kernel.domain.clone();
    body.full.define(anchor, sum.clone());
    let finish = body.epilogue(&kernel.writes);
    let float = element(cx.network.dtype);
    let (start, join, _) = reduction(reduce.kind, &float);
    let head = std::mem::take(&mut body.head);
    let lead = kernel.lead();
    let (ranges, range) = match (kernel.domain.batched, lead) {
        (true, _) => {
            let lead = int(lead);
            let ranges = quote! {
                let groups = part.rows(m.rows);
                let groups = groups.start * #lead..groups.end * #lead;
            };
            (ranges, quote!(0..#cols))
        }
        (false, 1) => (quote!(let (groups, cols) = part.tile(1, #cols);), quote!(cols.clone())),
        (false, _) => {
            let lead = int(lead);
            (quote!(let groups = part.rows(#lead);), quote!(0..#cols))
        }
    };
    quote! {
        #(#head)*
        #ranges
        for group in groups {
            let depth = #depth;
            ::kiln::engine::fold_columns(
                s,
                depth,
                #range,
                #start,
                #[inline(always)] |#sum, place, col, n| {
                    let row = group * depth + place;
                    #(#down)*
                    s.#join(#sum, #value)
                },
                #[inline(always)] |a, b| s.#join(a, b),
                #[inline(always)] |#sum, col, n| {
                    let row = group;
                    #(#finish)*
                },
            );
        }
    }
}

/// The sums of a product's right operand, by the threads that have the product's first rows: `first` says so, and
/// `summed` are its columns.
pub(super) fn along(body: &mut Body<'_>, kernel: &Kernel, reduce: NodeId, writes: &[NodeId]) -> TokenStream {
    let graph = body.graph();
    let source = graph.ty(graph.input(reduce, 0)).clone();
    let lead: usize = source.dims.iter().rev().skip(1).product();
    let lead = int(lead);
    body.domain = source;
    body.suffix = 1;
    let sum = body.name("sum");
    let value = body.operand_value(reduce);
    let down = body.next_sweep();
    body.domain = graph.ty(reduce).clone();
    body.full.define(reduce, sum.clone());
    let finish = body.epilogue(writes);
    body.domain = kernel.domain.clone();
    body.suffix = kernel.suffix;
    quote! {
        if first {
            ::kiln::engine::fold_columns(
                s,
                m.rows * #lead,
                summed,
                0.0,
                #[inline(always)] |#sum, row, col, n| {
                    #(#down)*
                    s.add(#sum, #value)
                },
                #[inline(always)] |a, b| s.add(a, b),
                #[inline(always)] |#sum, col, n| {
                    let row = 0;
                    #(#finish)*
                },
            );
        }
    }
}
