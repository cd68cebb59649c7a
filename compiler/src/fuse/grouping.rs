//! Kernels in the making: which nodes are together, and which groups must run before which.

use std::collections::{BTreeMap, BTreeSet};

use crate::fuse::level::{self, Level};
use crate::fuse::refusal::{Refusal, Refusals};
use crate::fuse::{Kind, Needs};
use crate::ir::{Graph, NodeId, Type};
use crate::ops::Op;

/// A kernel in the making.
pub(super) struct Group {
    /// What it is built around.
    pub(super) kind: Kind,
    /// The shape of the elements that it computes.
    pub(super) domain: Type,
    /// Fixed by the anchor or by a reduction.
    pub(super) suffix: Option<usize>,
    /// A sum over the rows of the anchor's right operand that is taken along.
    pub(super) sums: Option<NodeId>,
    /// The max-pool that takes a convolution's images while they are in the cache.
    pub(super) pool: Option<NodeId>,
    /// In topological order.
    pub(super) nodes: Vec<NodeId>,
    /// The groups that must run before, transitively, as bits.
    pub(super) before: Vec<u64>,
}

/// All of them.
pub(super) struct Grouping<'a> {
    pub(super) graph: &'a Graph,
    pub(super) needs: &'a Needs,
    pub(super) groups: Vec<Group>,
    pub(super) group_of: BTreeMap<NodeId, usize>,
    /// By what is overwritten, what is written over it.
    pub(super) writers: BTreeMap<NodeId, Vec<NodeId>>,
    /// What stayed apart, and why.
    pub(super) refusals: Refusals,
}

impl<'a> Grouping<'a> {
    /// No kernels yet.
    pub(super) fn new(graph: &'a Graph, needs: &'a Needs, overwrites: &BTreeMap<NodeId, Vec<NodeId>>) -> Self {
        let mut writers: BTreeMap<NodeId, Vec<NodeId>> = BTreeMap::new();
        for (&writer, old) in overwrites {
            for &old in old {
                writers.entry(old).or_default().push(writer);
            }
        }
        Self { graph, needs, groups: Vec::new(), group_of: BTreeMap::new(), writers, refusals: Refusals::default() }
    }

    pub(super) fn open(
        &mut self,
        node: NodeId,
        kind: Kind,
        domain: Type,
        suffix: Option<usize>,
        sources: &BTreeSet<usize>,
    ) {
        let index = self.groups.len();
        self.groups.push(Group { kind, domain, suffix, sums: None, pool: None, nodes: vec![node], before: Vec::new() });
        self.group_of.insert(node, index);
        // Nobody comes after it yet.
        self.groups[index].before = self.all_before(index, sources);
    }

    pub(super) fn join(&mut self, node: NodeId, group: usize, sources: &BTreeSet<usize>) {
        let suffix = match self.graph.op(node) {
            Op::Reduce(reduce) => Some(reduce.axes.len()),
            _ => self.wanted_suffix(node),
        };
        let joined = &mut self.groups[group];
        joined.suffix = joined.suffix.or(suffix);
        joined.nodes.push(node);
        self.group_of.insert(node, group);
        self.depend(group, sources);
    }

    /// Notes why a node is in no kernel of what it reads.
    pub(super) fn refuse(&mut self, node: NodeId, group: usize, refusal: Refusal) {
        if let Some(&member) = self.groups[group].nodes.first() {
            self.refusals.note(node, member, refusal);
        }
    }

    /// Lets `group`, and all that come after it, come after `sources`.
    pub(super) fn depend(&mut self, group: usize, sources: &BTreeSet<usize>) {
        let add = self.all_before(group, sources);
        // Whoever comes after a group comes after all that this one comes after.
        if includes(&self.groups[group].before, &add) {
            return;
        }
        union(&mut self.groups[group].before, &add);
        let (word, bit) = (group / 64, group % 64);
        for other in &mut self.groups {
            if other.before.get(word).is_some_and(|bits| bits >> bit & 1 == 1) {
                union(&mut other.before, &add);
            }
        }
    }

    /// The sources of `group` but itself, and all that come before them.
    fn all_before(&self, group: usize, sources: &BTreeSet<usize>) -> Vec<u64> {
        let mut before = Vec::new();
        for &source in sources.iter().filter(|&&source| source != group) {
            set(&mut before, source);
            union(&mut before, &self.groups[source].before);
        }
        before
    }

    /// Whether no group has to run after one of two and before the other.
    pub(super) fn nothing_between(&self, a: usize, b: usize) -> bool {
        let before = |first: usize, second: usize| get(&self.groups[second].before, first);
        (0..self.groups.len())
            .filter(|&index| index != a && index != b)
            .all(|index| !(before(a, index) && before(index, b) || before(b, index) && before(index, a)))
    }

    /// The groups that are left after merging, numbered anew.
    pub(super) fn compact(self) -> (Vec<Group>, BTreeMap<NodeId, usize>, Refusals) {
        let groups: Vec<Group> = self.groups.into_iter().filter(|group| !group.nodes.is_empty()).collect();
        let members = groups.iter().enumerate();
        let group_of = members.flat_map(|(index, group)| group.nodes.iter().map(move |&node| (node, index))).collect();
        (groups, group_of, self.refusals)
    }

    /// A reduction over the last axes, one result per row; others run over rows.
    pub(super) fn reduces_rows(&self, node: NodeId) -> bool {
        let Op::Reduce(reduce) = self.graph.op(node) else { return false };
        level::reduces_rows(reduce, self.graph.ty(self.graph.input(node, 0)).dims.len())
    }

    pub(super) fn wanted_suffix(&self, node: NodeId) -> Option<usize> {
        (self.needs.joined.contains(&node) || level::counts_columns(self.graph, self.needs, node)).then_some(1)
    }

    /// The type of the elements that a sweep goes over to compute a node.
    pub(super) fn swept(&self, node: NodeId) -> &Type {
        let part = if self.needs.joined.contains(&node) { self.graph.input(node, 0) } else { node };
        self.graph.ty(part)
    }

    pub(super) fn level_of(&self, domain: &Type, suffix: usize, node: NodeId) -> Option<Level> {
        match self.graph.op(node) {
            Op::Reduce(_) if self.reduces_rows(node) => Some(Level::Row),
            _ if self.needs.joined.contains(&node) => None,
            _ => level::level(domain, suffix, self.graph.ty(node)),
        }
    }
}

pub(super) fn get(bits: &[u64], index: usize) -> bool {
    bits.get(index / 64).is_some_and(|word| word >> (index % 64) & 1 == 1)
}

/// Whether all of `other` are in `bits`.
fn includes(bits: &[u64], other: &[u64]) -> bool {
    other.iter().enumerate().all(|(place, &word)| word & !bits.get(place).copied().unwrap_or_default() == 0)
}

pub(super) fn set(bits: &mut Vec<u64>, index: usize) {
    if bits.len() <= index / 64 {
        bits.resize(index / 64 + 1, 0);
    }
    bits[index / 64] |= 1 << (index % 64);
}

pub(super) fn union(bits: &mut Vec<u64>, other: &[u64]) {
    if bits.len() < other.len() {
        bits.resize(other.len(), 0);
    }
    for (word, other) in bits.iter_mut().zip(other) {
        *word |= other;
    }
}
