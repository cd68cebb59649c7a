//! Kernels that sweep rows: element-wise work and reductions along the rows, in as few sweeps as the reductions
//! allow.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::TokenStream;
use quote::quote;

use super::body::{Body, Context, int};
use super::module::element;
use crate::fuse::{self, Kernel, Level, leaves};
use crate::ir::{Graph, NodeId};
use crate::ops::{Op, ReduceKind};

/// In which sweep over a row each node of a kernel is computed, and what is kept from one to another.
#[derive(Debug, Default)]
pub(super) struct Sweeps {
    /// The sweeps.
    places: fuse::Sweeps,
    /// Values that a later sweep needs and that are dear to compute again, each with its place in scratch memory.
    pub spilled: BTreeMap<NodeId, usize>,
}

impl Sweeps {
    /// Orders a kernel's nodes.
    pub(super) fn of(cx: Context<'_>, kernel: &Kernel) -> Self {
        let places = fuse::Sweeps::of(cx.graph(), &cx.program.needs, kernel);
        let mut sweeps = Self { places, spilled: BTreeMap::new() };
        sweeps.spill(cx, kernel);
        sweeps
    }

    /// Finds what is computed in one sweep, not stored, and needed in a later one.
    fn spill(&mut self, cx: Context<'_>, kernel: &Kernel) {
        let graph = cx.graph();
        let mut seen = BTreeSet::new();
        let mut stack: Vec<(NodeId, usize)> = Vec::new();
        for &node in &kernel.nodes {
            if let Some(&sweep) = self.places.full.get(&node) {
                if kernel.writes.contains(&node) {
                    stack.push((node, sweep));
                }
            } else if matches!(graph.op(node), Op::Reduce(_)) {
                let sweep = self.places.row.get(&node).map_or(0, |after| after - 1);
                stack.push((node, sweep));
            }
        }
        while let Some((node, sweep)) = stack.pop() {
            if !seen.insert((node, sweep)) {
                continue;
            }
            for leaf in leaves(graph, &cx.program.needs, node).iter() {
                let Some(&computed) = self.places.full.get(&leaf.base) else { continue };
                if computed < sweep && (kernel.writes.contains(&leaf.base) || self.spilled.contains_key(&leaf.base)) {
                    continue;
                }
                if computed < sweep && dear(graph, leaf.base) {
                    let slot = self.spilled.len();
                    self.spilled.insert(leaf.base, slot);
                    stack.push((leaf.base, computed));
                } else {
                    stack.push((leaf.base, sweep));
                }
            }
        }
    }
}

/// Whether computing a node again costs more than keeping its value in the nearest cache.
fn dear(graph: &Graph, node: NodeId) -> bool {
    matches!(
        graph.op(node),
        Op::Exp(_)
            | Op::Log(_)
            | Op::Log1p(_)
            | Op::Tanh(_)
            | Op::Erf(_)
            | Op::Sin(_)
            | Op::Cos(_)
            | Op::Sigmoid(_)
            | Op::Pow(_)
            | Op::Div(_)
            | Op::Sqrt(_)
    )
}

/// The kernel's statements.
pub(super) fn map(cx: Context<'_>, kernel: &Kernel) -> TokenStream {
    let graph = cx.graph();
    let sweeps = Sweeps::of(cx, kernel);
    let mut body = Body::new(cx, kernel, true);
    let reduces = kernel.nodes.iter().any(|&node| matches!(graph.op(node), Op::Reduce(_)));
    let cols = int(kernel.cols());
    let whole = quote!(0..#cols);
    let (ranges, range) = loops(kernel, reduces);
    let range = if reduces || kernel.domain.batched { whole } else { range };
    rows_known_after(&mut body, kernel, &sweeps, 0);
    for sweep in 0..sweeps.places.count {
        one_sweep(&mut body, cx, kernel, &sweeps, sweep, &range);
        rows_known_after(&mut body, kernel, &sweeps, sweep + 1);
    }
    let scratch = (!sweeps.spilled.is_empty()).then(|| {
        let float = element(cx.network.dtype);
        quote!(let scratch = part.scratch::<#float>();)
    });
    let head = std::mem::take(&mut body.head);
    let lines = body.row.take().unwrap_or_default().lines;
    quote! {
        #(#head)*
        #scratch
        #ranges
        for row in rows {
            #(#lines)*
        }
    }
}

/// The statement that takes this thread's share, and the columns of each row.
fn loops(kernel: &Kernel, reduces: bool) -> (TokenStream, TokenStream) {
    let (lead, cols) = (int(kernel.lead()), int(kernel.cols()));
    if kernel.domain.batched {
        let rows = if kernel.lead() == 1 {
            quote!(let rows = part.rows(m.rows);)
        } else {
            quote! {
                let rows = part.rows(m.rows);
                let rows = rows.start * #lead..rows.end * #lead;
            }
        };
        (rows, quote!(0..#cols))
    } else if reduces {
        (quote!(let rows = part.rows(#lead);), quote!(0..#cols))
    } else {
        (quote!(let (rows, cols) = part.tile(#lead, #cols);), quote!(cols.clone()))
    }
}

/// What is known per row once `after` sweeps are through.
fn rows_known_after(body: &mut Body<'_>, kernel: &Kernel, sweeps: &Sweeps, after: usize) {
    for &node in &kernel.nodes {
        if sweeps.places.row.get(&node) == Some(&after) {
            body.value(node, Level::Row);
            if kernel.writes.contains(&node) {
                body.store(node);
            }
        }
    }
}

fn one_sweep(
    body: &mut Body<'_>,
    cx: Context<'_>,
    kernel: &Kernel,
    sweeps: &Sweeps,
    sweep: usize,
    range: &TokenStream,
) {
    let graph = cx.graph();
    let now = |node: &NodeId| sweeps.places.full.get(node) == Some(&sweep);
    let reduces: Vec<NodeId> = kernel
        .nodes
        .iter()
        .copied()
        .filter(|node| matches!(graph.op(*node), Op::Reduce(_)) && sweeps.places.row.get(node) == Some(&(sweep + 1)))
        .collect();
    let mut before = Vec::new();
    let mut after = Vec::new();
    let mut inner = Vec::new();
    for &node in &reduces {
        let Op::Reduce(reduce) = graph.op(node) else { continue };
        let value = body.operand_value(node);
        let name = body.name(reduction_name(reduce.kind));
        let sum = body.name(&format!("{name}_lanes"));
        let float = element(cx.network.dtype);
        let (start, join, fold) = reduction(reduce.kind, &float);
        before.push(quote!(let mut #sum = s.splat(#start);));
        inner.push(quote!(#sum = s.#join(#sum, s.first(n, #value, s.splat(#start)));));
        after.push(quote!(let #name = s.splat(s.#fold(#sum));));
        body.define_row(node, name);
    }
    let stored: Vec<NodeId> = kernel.writes.iter().copied().filter(now).collect();
    for &node in &stored {
        body.value(node, Level::Full);
    }
    let spills: Vec<(NodeId, usize)> =
        sweeps.spilled.iter().filter(|(node, _)| now(node)).map(|(&node, &slot)| (node, slot)).collect();
    for &(node, slot) in &spills {
        body.spill(node, slot);
    }
    for &node in &stored {
        body.store(node);
    }
    body.stored.extend(stored);
    body.spilled.extend(spills);
    let lines = body.next_sweep();
    if lines.is_empty() && inner.is_empty() {
        return;
    }
    if let Some(row) = &mut body.row {
        row.lines.extend(before);
        row.lines.push(quote! {
            ::kiln::engine::sweep(s, #range, #[inline(always)] |col, n| {
                #(#lines)*
                #(#inner)*
            });
        });
        row.lines.extend(after);
    }
}

fn reduction_name(kind: ReduceKind) -> &'static str {
    match kind {
        ReduceKind::Sum => "sum",
        ReduceKind::Prod => "product",
        ReduceKind::Max => "max",
        ReduceKind::Min => "min",
    }
}

/// A reduction's neutral element, the operation on vectors, and the one over lanes.
pub(super) fn reduction(kind: ReduceKind, float: &proc_macro2::Ident) -> (TokenStream, TokenStream, TokenStream) {
    match kind {
        ReduceKind::Sum => (quote!(0.0), quote!(add), quote!(sum)),
        ReduceKind::Prod => (quote!(1.0), quote!(mul), quote!(product)),
        ReduceKind::Max => (quote!(#float::NEG_INFINITY), quote!(max), quote!(max_lane)),
        ReduceKind::Min => (quote!(#float::INFINITY), quote!(min), quote!(min_lane)),
    }
}
