//! The order of kernels.

use std::collections::{BTreeMap, BTreeSet};

use crate::fuse::{Kernel, Needs};
use crate::ir::{Graph, NodeId};

/// An order in which every kernel finds what it reads, lowest memory first: of those that are ready the one that
/// frees most and allocates least.
pub(super) fn order(
    graph: &Graph,
    needs: &Needs,
    kernels: &[Kernel],
    group_of: &BTreeMap<NodeId, usize>,
    overwrites: &BTreeMap<NodeId, Vec<NodeId>>,
) -> Result<Vec<usize>, String> {
    let mut waits: Vec<BTreeSet<usize>> = kernels
        .iter()
        .map(|kernel| {
            kernel.reads.iter().chain(&kernel.awaits).filter_map(|node| group_of.get(node).copied()).collect()
        })
        .collect();
    for (writer, old) in overwrites {
        let Some(&writing) = group_of.get(writer) else { continue };
        for reader in readers(graph, needs, old) {
            waits[writing].extend(group_of.get(&reader).filter(|&&group| group != writing));
        }
    }
    let mut unread: BTreeMap<NodeId, usize> = BTreeMap::new();
    for kernel in kernels {
        for &read in &kernel.reads {
            *unread.entry(read).or_default() += 1;
        }
    }
    let kept: BTreeSet<NodeId> = graph.roots.iter().map(|root| needs.storage(graph, root.node)).collect();
    let bytes = |node: NodeId| graph.ty(node).bytes(1 << 10) as i128;
    let mut order = Vec::new();
    let mut done = vec![false; kernels.len()];
    while order.len() < kernels.len() {
        let ready = (0..kernels.len()).filter(|&kernel| !done[kernel] && waits[kernel].iter().all(|&wait| done[wait]));
        let cost = |kernel: usize| {
            let new: i128 =
                kernels[kernel].writes.iter().filter(|node| !overwrites.contains_key(node)).map(|&n| bytes(n)).sum();
            let freed: i128 = kernels[kernel]
                .reads
                .iter()
                .filter(|read| group_of.contains_key(read) && !kept.contains(read) && unread[read] == 1)
                .map(|&n| bytes(n))
                .sum();
            (new - freed, kernel)
        };
        let Some(next) = ready.min_by_key(|&kernel| cost(kernel)) else {
            return Err("kernels wait for each other".into());
        };
        done[next] = true;
        for read in &kernels[next].reads {
            if let Some(count) = unread.get_mut(read) {
                *count -= 1;
            }
        }
        order.push(next);
    }
    Ok(order)
}

/// The nodes that read any of `values` as they are computed.
pub(super) fn readers(graph: &Graph, needs: &Needs, values: &[NodeId]) -> Vec<NodeId> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    let mut stack: Vec<NodeId> = values.iter().flat_map(|&value| graph.users(value)).collect();
    while let Some(user) = stack.pop() {
        if !seen.insert(user) {
            continue;
        }
        if needs.is_work(graph, user) {
            found.push(user);
        } else {
            stack.extend(graph.users(user));
        }
    }
    found
}
