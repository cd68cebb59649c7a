//! What holds of a graph's values while nodes move between kernels.

use std::collections::{BTreeMap, BTreeSet};

use super::grouping::Grouping;
use super::later;
use crate::ir::NodeId;

/// Rows of a batch at which bytes are compared.
pub(super) const ROWS: usize = 64;

/// What stays as it is.
pub(super) struct Facts {
    /// Who reads a value, as nodes.
    readers: BTreeMap<NodeId, BTreeSet<NodeId>>,
    /// Values that are stored for the caller.
    pub(super) rooted: BTreeSet<NodeId>,
    /// Values that a kernel writes over.
    pub(super) old: BTreeSet<NodeId>,
    /// Values that a kernel waits for, be it that it reads them or not.
    pub(super) awaited: BTreeSet<NodeId>,
}

impl Facts {
    /// Those of nodes that have their kernels.
    pub(super) fn of(grouping: &Grouping<'_>, overwrites: &BTreeMap<NodeId, Vec<NodeId>>) -> Self {
        let (graph, needs) = (grouping.graph, grouping.needs);
        let mut readers: BTreeMap<NodeId, BTreeSet<NodeId>> = BTreeMap::new();
        let mut awaited = BTreeSet::new();
        for &node in grouping.group_of.keys() {
            for &source in needs.sources(graph, node).iter() {
                readers.entry(source).or_default().insert(node);
            }
            awaited.extend(later::awaited(graph, needs, node));
        }
        let rooted = graph.roots.iter().map(|root| needs.storage(graph, root.node)).collect();
        let old = overwrites.values().flatten().copied().collect();
        Self { readers, rooted, old, awaited }
    }

    /// Who reads a value.
    pub(super) fn readers(&self, node: NodeId) -> impl Iterator<Item = NodeId> {
        self.readers.get(&node).into_iter().flatten().copied()
    }

    /// Whether a value is stored whoever reads it.
    pub(super) fn is_stored(&self, node: NodeId) -> bool {
        self.rooted.contains(&node) || self.awaited.contains(&node)
    }
}
