//! A bias gradient is the sum over all rows of what a weight gradient has as its right operand: the product takes the
//! sum along while the operand is in the cache.

use std::collections::BTreeMap;

use super::Kind;
use super::grouping::{Grouping, get};
use super::merge;
use crate::ir::NodeId;
use crate::ops::{Op, ReduceKind};

/// Merges sums over rows into the products that read the same rows.
pub(super) fn join_products(grouping: &mut Grouping<'_>, position: &BTreeMap<NodeId, usize>) {
    for sums in 0..grouping.groups.len() {
        let Kind::Columns(reduce) = grouping.groups[sums].kind else { continue };
        let Some(operand) = summed_rows(grouping, reduce) else { continue };
        let product = grouping.groups.iter().enumerate().position(|(index, group)| {
            !group.nodes.is_empty()
                && group.sums.is_none()
                && reads_rows(grouping, group.kind, operand)
                && free(grouping, index, sums)
        });
        if let Some(product) = product {
            merge::join(grouping, product, sums, position);
            grouping.groups[product].sums = Some(reduce);
        }
    }
}

/// The stored value whose rows a reduction adds up, all of them, leaving its last axis.
fn summed_rows(grouping: &Grouping<'_>, node: NodeId) -> Option<NodeId> {
    let graph = grouping.graph;
    let Op::Reduce(reduce) = graph.op(node) else { return None };
    let operand = graph.input(node, 0);
    let ty = graph.ty(operand);
    let all = ty.batched && reduce.batch && reduce.axes.len() + 1 == ty.dims.len();
    let stored = grouping.needs.is_work(graph, operand);
    (reduce.kind == ReduceKind::Sum && all && stored).then_some(operand)
}

fn reads_rows(grouping: &Grouping<'_>, kind: Kind, operand: NodeId) -> bool {
    let Kind::Product(anchor) = kind else { return false };
    matches!(grouping.graph.op(anchor), Op::Contract(_) | Op::Conv2dWeightGrad(_))
        && grouping.graph.input(anchor, 1) == operand
}

/// Whether two groups can run in either order, and nothing has to run between them.
fn free(grouping: &Grouping<'_>, a: usize, b: usize) -> bool {
    let before = |first: usize, second: usize| get(&grouping.groups[second].before, first);
    !before(a, b) && !before(b, a) && grouping.nothing_between(a, b)
}
