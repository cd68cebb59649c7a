//! Which values kernels had better compute again than read: what an activation's derivative needs of the forward pass
//! mostly follows from one value that is stored anyway, by a few operations, and each value that is stored on top of it is
//! written once and read once or more.

use std::collections::{BTreeMap, BTreeSet};

use super::Kind;
use super::facts::{Facts, ROWS};
use super::grouping::{Group, Grouping};
use super::level::{self, Reader};
use crate::ir::NodeId;
use crate::ops::{Lowering, Op};

/// The nodes that every reader's kernel had better compute for itself.
pub(super) fn again(grouping: &Grouping<'_>, overwrites: &BTreeMap<NodeId, Vec<NodeId>>) -> BTreeSet<NodeId> {
    // In a loop, what a step makes may have its rows apart.
    if grouping.needs.frame.is_some() {
        return BTreeSet::new();
    }
    let facts = Facts::of(grouping, overwrites);
    let reads = reads(grouping);
    (0..grouping.groups.len()).flat_map(|group| chosen(grouping, &facts, &reads, group)).collect()
}

/// Bytes that kernels write and read, each value once for each kernel that does.
pub(super) fn traffic(grouping: &Grouping<'_>) -> usize {
    let bytes = |node: &NodeId| grouping.graph.ty(*node).bytes(ROWS);
    let reads = reads(grouping);
    let read: BTreeSet<NodeId> = reads.iter().flatten().copied().collect();
    let written = read.iter().filter(|node| grouping.group_of.contains_key(node));
    written.chain(reads.iter().flatten()).map(bytes).sum()
}

/// What a sweep computes in the time of moving a byte between the core and the memory behind its own cache, in sums of
/// one element.
const OPERATIONS_A_BYTE: usize = 4;

/// The operations on one element of what a sweep computes.
fn operations(op: &Op) -> usize {
    match op {
        Op::Exp(_) | Op::Log(_) | Op::Log1p(_) | Op::Tanh(_) | Op::Sigmoid(_) | Op::Sin(_) | Op::Cos(_) => 16,
        Op::Erf(_) | Op::Pow(_) => 32,
        Op::Div(_) | Op::Sqrt(_) => 4,
        _ => 1,
    }
}

/// What each kernel reads.
fn reads(grouping: &Grouping<'_>) -> Vec<BTreeSet<NodeId>> {
    let mut reads = vec![BTreeSet::new(); grouping.groups.len()];
    for (&node, &group) in &grouping.group_of {
        let sources = grouping.needs.sources(grouping.graph, node);
        reads[group].extend(sources.iter().filter(|source| grouping.group_of.get(source) != Some(&group)));
    }
    reads
}

/// Of the nodes of one kernel, those that its later readers compute again: as few as bring the cost to its least.
fn chosen(grouping: &Grouping<'_>, facts: &Facts, reads: &[BTreeSet<NodeId>], group: usize) -> BTreeSet<NodeId> {
    let Group { kind, nodes, .. } = &grouping.groups[group];
    let readers = nodes.iter().flat_map(|&node| facts.readers(node));
    let mut later: BTreeSet<usize> = readers.filter_map(|reader| grouping.group_of.get(&reader).copied()).collect();
    later.remove(&group);
    if later.is_empty() || !matches!(kind, Kind::Map | Kind::Product(_)) {
        return BTreeSet::new();
    }
    let mut chosen: BTreeSet<NodeId> =
        nodes.iter().copied().filter(|&node| may_repeat(grouping, facts, group, node)).collect();
    let cost = |again: &BTreeSet<NodeId>| cost(grouping, facts, reads, &later, again);
    let before = cost(&BTreeSet::new());
    let mut least = cost(&chosen);
    for &node in nodes {
        if chosen.remove(&node) {
            let found = cost(&chosen);
            if found <= least {
                least = found;
            } else {
                chosen.insert(node);
            }
        }
    }
    if least < before && all_readable(grouping, &later, &chosen) { chosen } else { BTreeSet::new() }
}

/// Whether a node can be computed wherever it is read: at each element from what stands at that element.
fn may_repeat(grouping: &Grouping<'_>, facts: &Facts, group: usize, node: NodeId) -> bool {
    let (graph, needs) = (grouping.graph, grouping.needs);
    matches!(graph.op(node).rules().lowering(), Lowering::Pointwise(_))
        && !needs.joined.contains(&node)
        && !needs.materialised.contains(&node)
        && !facts.is_stored(node)
        && grouping.wanted_suffix(node).is_none()
        && level::same_shape(graph.ty(node), &grouping.groups[group].domain)
        && !needs.sources(graph, node).iter().any(|source| facts.old.contains(source))
        && facts.readers(node).all(|reader| takes_elements(grouping, node, reader))
}

/// Whether `reader` takes the elements of `node` one by one, each for its own place.
fn takes_elements(grouping: &Grouping<'_>, node: NodeId, reader: NodeId) -> bool {
    let graph = grouping.graph;
    let leaves = level::leaves(graph, grouping.needs, reader);
    matches!(graph.op(reader).rules().lowering(), Lowering::Pointwise(_) | Lowering::Reduce)
        && leaves
            .iter()
            .filter(|leaf| leaf.base == node)
            .all(|leaf| leaf.is_plain() && level::same_shape(&leaf.ty, graph.ty(node)))
}

/// What the kernels `later` read of other kernels' values, what of it is stored for them, and what they compute again,
/// in bytes.
fn cost(
    grouping: &Grouping<'_>,
    facts: &Facts,
    reads: &[BTreeSet<NodeId>],
    later: &BTreeSet<usize>,
    again: &BTreeSet<NodeId>,
) -> usize {
    let graph = grouping.graph;
    let mut stored: BTreeSet<NodeId> = BTreeSet::new();
    let mut cost = 0;
    for &kernel in later {
        let mut seen: BTreeSet<NodeId> = BTreeSet::new();
        let mut stack: Vec<NodeId> = reads[kernel].iter().copied().collect();
        while let Some(node) = stack.pop() {
            if !seen.insert(node) || grouping.group_of.get(&node) == Some(&kernel) {
                continue;
            }
            let ty = graph.ty(node);
            if again.contains(&node) {
                let rows = if ty.batched { ROWS } else { 1 };
                cost += operations(graph.op(node)) * ty.elements() * rows / OPERATIONS_A_BYTE;
                stack.extend(grouping.needs.sources(graph, node).iter());
            } else {
                cost += ty.bytes(ROWS);
                if grouping.group_of.contains_key(&node) && !facts.is_stored(node) {
                    stored.insert(node);
                }
            }
        }
    }
    cost + stored.iter().map(|&node| graph.ty(node).bytes(ROWS)).sum::<usize>()
}

/// Whether these kernels can address what they read once they compute some nodes again.
fn all_readable(grouping: &Grouping<'_>, later: &BTreeSet<usize>, again: &BTreeSet<NodeId>) -> bool {
    later.iter().all(|&kernel| {
        let Group { kind, domain, suffix, nodes, .. } = &grouping.groups[kernel];
        nodes.iter().all(|&member| {
            let (over, suffix) = match kind {
                Kind::Columns(anchor) if *anchor == member => {
                    (grouping.graph.ty(grouping.graph.input(member, 0)), suffix.unwrap_or_default())
                }
                _ => (domain, suffix.unwrap_or(1.min(domain.dims.len()))),
            };
            new_leaves(grouping, member, again).iter().all(|leaf| {
                let inside = (grouping.group_of.get(&leaf.base) == Some(&kernel))
                    .then(|| grouping.level_of(domain, suffix, leaf.base));
                level::readable(over, suffix, leaf, inside)
            })
        })
    })
}

/// What a kernel comes to read for a node of its own that reads some of `again`.
fn new_leaves(grouping: &Grouping<'_>, member: NodeId, again: &BTreeSet<NodeId>) -> Vec<Reader> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    let mut stack = vec![member];
    while let Some(node) = stack.pop() {
        for leaf in level::leaves(grouping.graph, grouping.needs, node).iter() {
            if again.contains(&leaf.base) {
                if seen.insert(leaf.base) {
                    stack.push(leaf.base);
                }
            } else if node != member {
                found.push(leaf.clone());
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::fuse::testing::{program, stored_by_products};
    use crate::ops::Op;

    fn hidden(activation: &str) -> String {
        format!(
            "Net<batch = 4> {{
                let x = input([8]);
                let y = class(3);
                let hidden = x.dense(16);
                loss(cross_entropy(hidden{activation}.dense(3), y));
                optimizer(sgd(lr = 0.1));
            }}"
        )
    }

    #[test]
    fn a_derivative_follows_from_what_the_activation_reads() {
        for activation in [".gelu(approximate = true)", ".silu()", ".softplus()", ".elu()"] {
            let stored = stored_by_products(&hidden(activation));
            assert_eq!(stored[0], ("hidden_matmul".to_string(), 2), "{activation}: {stored:?}");
        }
    }

    #[test]
    fn what_takes_longer_to_compute_than_to_read_is_stored() {
        for activation in [".gelu()", ".mish()"] {
            let stored = stored_by_products(&hidden(activation));
            assert_eq!(stored[0], ("hidden_matmul".to_string(), 3), "{activation}: {stored:?}");
        }
    }

    #[test]
    fn what_follows_from_the_result_is_taken_from_it() {
        for activation in [".relu()", ".tanh()", ".sigmoid()"] {
            let stored = stored_by_products(&hidden(activation));
            assert_eq!(stored[0], ("hidden_matmul".to_string(), 1), "{activation}: {stored:?}");
        }
    }

    #[test]
    fn a_norm_keeps_what_it_is_given_and_a_number_or_two_for_each_row() {
        let program = program(
            "Net<batch = 4> {
                let x = input([8]);
                let y = class(3);
                let mut h = x.dense(16);
                h = h + h.layer_norm().dense(16);
                loss(cross_entropy(h.dense(3), y));
                optimizer(sgd(lr = 0.1));
            }",
        );
        let graph = &program.function.graph;
        let norm = program
            .kernels
            .iter()
            .find(|kernel| kernel.nodes.iter().any(|&node| matches!(graph.op(node), Op::Sqrt(_))));
        let stored: Vec<usize> = norm.unwrap().writes.iter().map(|&node| graph.ty(node).elements()).collect();
        assert_eq!(stored.iter().filter(|&&elements| elements == 16).count(), 1, "{stored:?}");
    }
}
