//! What a kernel makes for one later kernel alone is made there, where less is stored for it: the parts of a loss or
//! of an activation's derivative all follow from one value, and each of them would be written and read.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::{Facts, ROWS};
use super::grouping::Grouping;
use super::{Kind, level};
use crate::ir::NodeId;
use crate::ops::Lowering;

/// Moves nodes to the kernels that read them.
pub(super) fn sink(
    grouping: &mut Grouping<'_>,
    position: &BTreeMap<NodeId, usize>,
    overwrites: &BTreeMap<NodeId, Vec<NodeId>>,
) {
    // In a loop, what a step makes may have its rows apart.
    if grouping.needs.frame.is_some() {
        return;
    }
    let facts = Facts::of(grouping, overwrites);
    for from in 0..grouping.groups.len() {
        for to in later(grouping, &facts, from) {
            let moved = movable(grouping, &facts, from, to);
            if !moved.is_empty() {
                hand_over(grouping, position, &moved, from, to);
            }
        }
    }
}

/// The kernels over the same elements that read what a kernel makes, where both compute element by element behind
/// whatever they are built around.
fn later(grouping: &Grouping<'_>, facts: &Facts, from: usize) -> BTreeSet<usize> {
    let open = |group: usize| matches!(grouping.groups[group].kind, Kind::Map | Kind::Product(_));
    if !open(from) {
        return BTreeSet::new();
    }
    let nodes = grouping.groups[from].nodes.iter();
    nodes
        .flat_map(|&node| facts.readers(node))
        .filter_map(|reader| grouping.group_of.get(&reader).copied())
        .filter(|&group| group != from && open(group))
        .filter(|&group| level::same_shape(&grouping.groups[group].domain, &grouping.groups[from].domain))
        .collect()
}

/// The nodes of `from` that `to` had better compute: as few as bring what is stored between kernels to its least; none
/// where that is no less than now.
fn movable(grouping: &Grouping<'_>, facts: &Facts, from: usize, to: usize) -> BTreeSet<NodeId> {
    let nodes = &grouping.groups[from].nodes;
    let mut moved = BTreeSet::new();
    for &node in nodes.iter().rev() {
        if may_move(grouping, facts, node, to, &moved) {
            moved.insert(node);
        }
    }
    let before = stored(grouping, facts, from, to, &BTreeSet::new());
    let mut least = stored(grouping, facts, from, to, &moved);
    for &node in nodes {
        let follows = grouping.needs.sources(grouping.graph, node).iter().any(|source| moved.contains(source));
        if follows || !moved.remove(&node) {
            continue;
        }
        let bytes = stored(grouping, facts, from, to, &moved);
        if bytes <= least {
            least = bytes;
        } else {
            moved.insert(node);
        }
    }
    if least < before && all_readable(grouping, to, &moved) { moved } else { BTreeSet::new() }
}

/// Whether a node can be computed where its readers are: in `to`, or with it among `moved`.
fn may_move(grouping: &Grouping<'_>, facts: &Facts, node: NodeId, to: usize, moved: &BTreeSet<NodeId>) -> bool {
    let (graph, needs) = (grouping.graph, grouping.needs);
    let target = &grouping.groups[to];
    let reads = needs.sources(graph, node);
    matches!(graph.op(node).rules().lowering(), Lowering::Pointwise(_))
        && !needs.joined.contains(&node)
        && !facts.rooted.contains(&node)
        && !facts.awaited.contains(&node)
        && grouping.wanted_suffix(node).is_none()
        && level::same_shape(graph.ty(node), &target.domain)
        && !reads.iter().any(|read| facts.old.contains(read))
        && facts.readers(node).all(|reader| {
            let there = grouping.group_of.get(&reader) == Some(&to) && target.kind.anchor() != Some(reader);
            there || moved.contains(&reader)
        })
}

/// Bytes that `from` stores, and that are kept longer for `to`, once some nodes have moved.
fn stored(grouping: &Grouping<'_>, facts: &Facts, from: usize, to: usize, moved: &BTreeSet<NodeId>) -> usize {
    let (graph, needs) = (grouping.graph, grouping.needs);
    let place = |node: NodeId| if moved.contains(&node) { Some(to) } else { grouping.group_of.get(&node).copied() };
    let leaves = |&&node: &&NodeId| {
        place(node) == Some(from)
            && (facts.rooted.contains(&node) || facts.readers(node).any(|reader| place(reader) != Some(from)))
    };
    let own = grouping.groups[from].nodes.iter().filter(leaves).copied();
    let kept: BTreeSet<NodeId> = moved
        .iter()
        .flat_map(|&node| needs.sources(graph, node).iter().copied().collect::<Vec<_>>())
        .filter(|source| grouping.group_of.get(source).is_some_and(|&group| group != from && group != to))
        .filter(|&source| !facts.readers(source).any(|reader| grouping.group_of.get(&reader) == Some(&to)))
        .collect();
    own.chain(kept).map(|node| graph.ty(node).bytes(ROWS)).sum()
}

/// Whether the kernel can address what it reads once nodes have moved there.
fn all_readable(grouping: &Grouping<'_>, to: usize, moved: &BTreeSet<NodeId>) -> bool {
    let group = &grouping.groups[to];
    let suffix = group.suffix.unwrap_or(1.min(group.domain.dims.len()));
    let members = group.nodes.iter().chain(moved).filter(|&&node| group.kind.anchor() != Some(node));
    members.copied().all(|member| {
        level::leaves(grouping.graph, grouping.needs, member).iter().all(|leaf| {
            let inside = moved.contains(&leaf.base) || grouping.group_of.get(&leaf.base) == Some(&to);
            let inside = inside.then(|| grouping.level_of(&group.domain, suffix, leaf.base));
            level::readable(&group.domain, suffix, leaf, inside)
        })
    })
}

fn hand_over(
    grouping: &mut Grouping<'_>,
    position: &BTreeMap<NodeId, usize>,
    moved: &BTreeSet<NodeId>,
    from: usize,
    to: usize,
) {
    let mut sources: BTreeSet<usize> = BTreeSet::new();
    for &node in moved {
        let reads = grouping.needs.sources(grouping.graph, node);
        sources.extend(reads.iter().filter_map(|read| grouping.group_of.get(read).copied()));
    }
    grouping.groups[from].nodes.retain(|node| !moved.contains(node));
    for &node in moved {
        grouping.group_of.insert(node, to);
    }
    let nodes = &mut grouping.groups[to].nodes;
    nodes.extend(moved);
    nodes.sort_by_key(|node| position.get(node));
    grouping.depend(to, &sources);
}

#[cfg(test)]
mod tests {
    use crate::fuse::testing::stored_by_products;

    #[test]
    fn a_loss_follows_from_the_logits_alone() {
        let stored = stored_by_products(
            "Net<batch = 4> {
                let x = input([8]);
                let y = target([8]);
                let logits = x.dense(8);
                output(logits);
                loss(binary_cross_entropy(logits, y));
                optimizer(sgd(lr = 0.1));
            }",
        );
        assert_eq!(stored[0], ("logits_matmul".to_string(), 1), "{stored:?}");
    }
}
