//! Joining whole kernels: two sweeps over the same elements that share an operand, or of which one reads the other's
//! result, become one. Softmax, cross entropy and their gradients meet here.

use std::collections::{BTreeMap, BTreeSet};

use super::grouping::{Grouping, get, set, union};
use super::{Kind, Refusal, level};
use crate::ir::NodeId;

/// Merges until nothing more can be, for a bounded number of rounds.
pub(super) fn merge(
    grouping: &mut Grouping<'_>,
    position: &BTreeMap<NodeId, usize>,
    overwrites: &BTreeMap<NodeId, Vec<NodeId>>,
) {
    for _ in 0..ROUNDS {
        let mut changed = false;
        for (a, b) in neighbours(grouping, overwrites) {
            match mergeable(grouping, a, b, overwrites) {
                Ok(()) => {
                    join(grouping, a, b, position);
                    changed = true;
                }
                Err(refusal) => {
                    if let Some(&node) = grouping.groups[b].nodes.first() {
                        grouping.refuse(node, a, refusal);
                    }
                }
            }
        }
        if !changed {
            break;
        }
    }
}

/// Merging rarely enables more than one further merge.
const ROUNDS: usize = 4;

/// Pairs of sweeps that touch a common value.
fn neighbours(grouping: &Grouping<'_>, overwrites: &BTreeMap<NodeId, Vec<NodeId>>) -> BTreeSet<(usize, usize)> {
    let mut touching: BTreeMap<NodeId, BTreeSet<usize>> = BTreeMap::new();
    for (index, group) in grouping.groups.iter().enumerate() {
        if group.kind != Kind::Map {
            continue;
        }
        for &node in &group.nodes {
            touching.entry(node).or_default().insert(index);
            // In the body of a loop, a sweep that reads a state may be the one that writes over it.
            for &old in overwrites.get(&node).filter(|_| grouping.needs.frame.is_some()).into_iter().flatten() {
                touching.entry(old).or_default().insert(index);
            }
            for &source in grouping.needs.sources(grouping.graph, node).iter() {
                touching.entry(source).or_default().insert(index);
            }
        }
    }
    let mut pairs = BTreeSet::new();
    for groups in touching.values() {
        // A value that very many read (a bias of a shared block) is no reason to try all pairs.
        let groups: Vec<usize> = groups.iter().copied().take(MANY).collect();
        for (place, &a) in groups.iter().enumerate() {
            pairs.extend(groups[place + 1..].iter().map(|&b| (a, b)));
        }
    }
    pairs
}

const MANY: usize = 16;

/// Whether two sweeps can be one, or the rule that is against it.
fn mergeable(
    grouping: &Grouping<'_>,
    a: usize,
    b: usize,
    overwrites: &BTreeMap<NodeId, Vec<NodeId>>,
) -> Result<(), Refusal> {
    let (first, second) = (&grouping.groups[a], &grouping.groups[b]);
    // A group that was merged away has no nodes, and nobody hears of it.
    if first.nodes.is_empty()
        || second.nodes.is_empty()
        || first.domain.dims != second.domain.dims
        || first.domain.batched != second.domain.batched
    {
        return Err(Refusal::Shape);
    }
    let suffix = match (first.suffix, second.suffix) {
        (Some(a), Some(b)) if a != b => return Err(Refusal::Columns),
        (a, b) => a.or(b).unwrap_or(1.min(first.domain.dims.len())),
    };
    // Updates keep the order that their readers need; in the body of a loop these are there by now.
    let members = || first.nodes.iter().chain(&second.nodes);
    if members().any(|node| overwrites.contains_key(node)) {
        let nodes: Vec<NodeId> = members().copied().collect();
        if grouping.needs.frame.is_none() || !grouping.overwrites_in_place(Kind::Map, &nodes, overwrites) {
            return Err(Refusal::Overwrite);
        }
    }
    if !grouping.nothing_between(a, b) {
        return Err(Refusal::Between);
    }
    let readable = members().all(|&member| {
        level::leaves(grouping.graph, grouping.needs, member).iter().all(|leaf| {
            let home = grouping.group_of.get(&leaf.base);
            let inside =
                (home == Some(&a) || home == Some(&b)).then(|| grouping.level_of(&first.domain, suffix, leaf.base));
            level::readable(&first.domain, suffix, leaf, inside)
        })
    });
    if readable { Ok(()) } else { Err(Refusal::Reach) }
}

/// Moves everything of `b` to `a`.
pub(super) fn join(grouping: &mut Grouping<'_>, a: usize, b: usize, position: &BTreeMap<NodeId, usize>) {
    let nodes = std::mem::take(&mut grouping.groups[b].nodes);
    let (suffix, before) = (grouping.groups[b].suffix, std::mem::take(&mut grouping.groups[b].before));
    for &node in &nodes {
        grouping.group_of.insert(node, a);
    }
    let joined = &mut grouping.groups[a];
    joined.nodes.extend(nodes);
    joined.nodes.sort_by_key(|node| position.get(node));
    joined.suffix = joined.suffix.or(suffix);
    union(&mut joined.before, &before);
    clear(&mut joined.before, a);
    clear(&mut joined.before, b);
    let before = joined.before.clone();
    for (index, group) in grouping.groups.iter_mut().enumerate() {
        if index != a && (get(&group.before, a) || get(&group.before, b)) {
            clear(&mut group.before, b);
            set(&mut group.before, a);
            union(&mut group.before, &before);
        }
    }
}

fn clear(bits: &mut [u64], index: usize) {
    if let Some(word) = bits.get_mut(index / 64) {
        *word &= !(1 << (index % 64));
    }
}
