//! Reductions over rows: each thread takes columns and goes down all rows, so that the order of a sum does not depend
//! on the threads.

use proc_macro2::TokenStream;
use quote::quote;

use super::body::{Body, Context, int};
use super::map::reduction;
use super::module::element;
use crate::fuse::{Kernel, Level};
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
    let value = body.operand_value(anchor);
    let down = body.next_sweep();
    // The result: over what is left.
    body.domain = kernel.domain.clone();
    let sum = body.name("sum");
    body.full.define(anchor, sum.clone());
    for &node in &kernel.writes {
        body.value(node, Level::Full);
    }
    for &node in &kernel.writes {
        body.store(node);
    }
    let finish = body.next_sweep();
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
            (quote!(let groups = part.lines(#lead);), quote!(0..#cols))
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
                #[inline(always)] |sum, place, col, n| {
                    let row = group * depth + place;
                    #(#down)*
                    s.#join(sum, #value)
                },
                #[inline(always)] |#sum, col, n| {
                    let row = group;
                    #(#finish)*
                },
            );
        }
    }
}
