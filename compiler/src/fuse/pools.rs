//! A max-pool behind a convolution: the convolution's image stays in the cache, where the pool reads it, and never
//! reaches the arena.

use std::collections::BTreeMap;

use super::grouping::Grouping;
use super::{Kind, Refusal, merge};
use crate::ir::NodeId;
use crate::ops::Op;

/// Merges max-pools into the convolutions whose results they alone read.
pub(super) fn join_convolutions(grouping: &mut Grouping<'_>, position: &BTreeMap<NodeId, usize>) {
    for pools in 0..grouping.groups.len() {
        let Kind::Whole(pool) = grouping.groups[pools].kind else { continue };
        if !is_pool(grouping.graph.op(pool)) {
            continue;
        }
        let image = grouping.graph.input(pool, 0);
        let Some(&conv) = grouping.group_of.get(&image) else { continue };
        if !is_convolution(grouping, conv, image) {
            continue;
        }
        if only_reader(grouping, conv, pools, image) {
            merge::join(grouping, conv, pools, position);
            grouping.groups[conv].pool = Some(pool);
        } else {
            grouping.refuse(pool, conv, Refusal::ReadByOthers);
        }
    }
}

/// Whether this is one of the two primitives that go through the windows of a max-pool.
pub(super) fn is_pool(op: &Op) -> bool {
    matches!(op, Op::MaxPool2d(_) | Op::MaxPool2dIndex(_))
}

/// Whether the group is a convolution that makes `image` in its epilogue, and has no pool yet.
fn is_convolution(grouping: &Grouping<'_>, group: usize, image: NodeId) -> bool {
    let group = &grouping.groups[group];
    let Kind::Product(anchor) = group.kind else { return false };
    matches!(grouping.graph.op(anchor), Op::Conv2d(_))
        && group.pool.is_none()
        && grouping.graph.ty(image).dims == group.domain.dims
}

/// Whether the convolution's result is read by the pool and nobody else, and nothing has to run between the two.
fn only_reader(grouping: &Grouping<'_>, conv: usize, pools: usize, image: NodeId) -> bool {
    let (graph, needs) = (grouping.graph, grouping.needs);
    let rooted = graph.roots.iter().any(|root| needs.storage(graph, root.node) == image);
    let reads = |&(node, group): &(&NodeId, &usize)| {
        *group != conv && *group != pools && needs.sources(graph, *node).contains(&image)
    };
    !rooted && !grouping.group_of.iter().any(|entry| reads(&entry)) && grouping.nothing_between(conv, pools)
}
