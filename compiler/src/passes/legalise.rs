//! Puts primitives into the forms that kernels exist for: reductions over one run of axes, picks as masked sums,
//! no view of a comparison, no comparison that a loop reads.

use proc_macro2::Span;

use super::loop_forms;
use crate::infer;
use crate::ir::{DType, Graph, NodeId, Type};
use crate::ops::{
    Broadcast, Compare, CompareKind, Constant, Lowering, OneHot, Op, Reduce, ReduceKind, Reshape, Scalar, Select,
};

/// Runs until nothing changes; whether anything did.
pub fn legalise(graph: &mut Graph) -> bool {
    let mut changed = false;
    loop {
        let mut again = false;
        for node in graph.topological() {
            again |= rewrite(graph, node);
        }
        if !again {
            return changed;
        }
        changed = true;
    }
}

fn rewrite(graph: &mut Graph, node: NodeId) -> bool {
    if !graph.contains(node) {
        return false;
    }
    let new = match graph.op(node).clone() {
        Op::Gather(_) => pick(graph, node),
        Op::Reduce(reduce) => match split(graph, node, &reduce) {
            Some(new) => new,
            None => return false,
        },
        Op::Broadcast(_) | Op::Reshape(_) if graph.ty(node).dtype == DType::Bool => match view_operands(graph, node) {
            Some(new) => new,
            None => return false,
        },
        Op::Scan(scan) => {
            let new = loop_forms::numbers_for_masks(graph, node, &scan);
            match new.or_else(|| loop_forms::weights_upright(graph, node, &scan)) {
                Some(new) => new,
                None => return false,
            }
        }
        Op::Add(_) => match loop_forms::side_by_side(graph, node) {
            Some(new) => new,
            None => return false,
        },
        _ => return false,
    };
    graph.replace(node, new);
    graph.remove(node);
    true
}

/// A builder that inherits where and whose a node is.
pub(super) struct Heir {
    span: Span,
    name: Option<crate::ir::Name>,
}

impl Heir {
    pub(super) fn of(graph: &Graph, node: NodeId) -> Self {
        Self { span: graph.node(node).span, name: graph.node(node).name.clone() }
    }

    pub(super) fn push(&self, graph: &mut Graph, op: impl Into<Op>, inputs: &[NodeId]) -> NodeId {
        infer::add(graph, op, inputs, self.span, self.name.clone())
            .unwrap_or_else(|error| unreachable!("legalise made an ill-typed node: {error}"))
    }

    pub(super) fn constant(&self, graph: &mut Graph, value: f64, like: &Type) -> NodeId {
        let scalar = self.push(graph, Constant { value: Scalar(value), dtype: like.dtype }, &[]);
        self.push(graph, Broadcast { batched: like.batched, dims: like.dims.clone() }, &[scalar])
    }
}

/// `x[.., index]` as the sum over the last axis of `x` where the index is, 0 elsewhere: one sweep with the
/// softmax around it.
fn pick(graph: &mut Graph, node: NodeId) -> NodeId {
    let heir = Heir::of(graph, node);
    let (values, index) = (graph.input(node, 0), graph.input(node, 1));
    let ty = graph.ty(values).clone();
    let hot = heir.push(graph, OneHot { classes: ty.last(), dtype: ty.dtype }, &[index]);
    let zero = heir.constant(graph, 0.0, &ty);
    let mask = heir.push(graph, Compare { kind: CompareKind::Gt }, &[hot, zero]);
    let picked = heir.push(graph, Select {}, &[mask, values, zero]);
    heir.push(graph, Reduce { kind: ReduceKind::Sum, axes: vec![ty.dims.len() - 1], batch: false }, &[picked])
}

/// Splits a reduction until it runs over the last axes, over the first ones with the batch, or over one run in
/// the middle.
fn split(graph: &mut Graph, node: NodeId, reduce: &Reduce) -> Option<NodeId> {
    let operand = graph.input(node, 0);
    let ty = graph.ty(operand).clone();
    let rank = ty.dims.len();
    let heir = Heir::of(graph, node);
    let one = |axes: Vec<usize>, batch: bool| Reduce { kind: reduce.kind, axes, batch };
    if reduce.axes.is_empty() && !(reduce.batch && ty.batched) {
        return Some(operand);
    }
    if reduce.batch && ty.batched {
        // First whatever leaves one value per row, then the rows.
        let prefix = reduce.axes.iter().enumerate().all(|(place, &axis)| place == axis);
        let all = reduce.axes.len() == rank;
        if rank > 0 && all || !prefix {
            let inner = heir.push(graph, one(reduce.axes.clone(), false), &[operand]);
            return Some(heir.push(graph, one(Vec::new(), true), &[inner]));
        }
        return None;
    }
    // The last run first; what remains comes after.
    let run = reduce.axes.windows(2).rposition(|pair| pair[1] != pair[0] + 1).map_or(0, |place| place + 1);
    if run > 0 {
        let inner = heir.push(graph, one(reduce.axes[run..].to_vec(), false), &[operand]);
        return Some(heir.push(graph, one(reduce.axes[..run].to_vec(), false), &[inner]));
    }
    None
}

/// A view of a comparison (or of what is made of comparisons) as the comparison of views.
fn view_operands(graph: &mut Graph, node: NodeId) -> Option<NodeId> {
    let source = graph.input(node, 0);
    if !matches!(graph.op(source).rules().lowering(), Lowering::Free(_) | Lowering::Pointwise(_)) {
        return None;
    }
    let heir = Heir::of(graph, node);
    let view = graph.op(node).clone();
    let operands: Vec<NodeId> = graph
        .inputs(source)
        .into_iter()
        .map(|operand| match &view {
            Op::Reshape(reshape) => heir.push(graph, Reshape { dims: reshape.dims.clone() }, &[operand]),
            other => heir.push(graph, other.clone(), &[operand]),
        })
        .collect();
    let op = graph.op(source).clone();
    Some(heir.push(graph, op, &operands))
}
