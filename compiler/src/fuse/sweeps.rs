//! In which of its sweeps over a row a kernel computes what.

use std::collections::BTreeMap;

use crate::fuse::{Kernel, Level, Needs, leaves, level};
use crate::ir::{Graph, NodeId};
use crate::ops::Op;

/// The sweeps of a kernel that goes through its rows element by element, as few as its reductions allow.
#[derive(Debug, Default)]
pub struct Sweeps {
    /// What is computed per element, and in which sweep first, from 0.
    pub full: BTreeMap<NodeId, usize>,
    /// What is computed per row, and after which sweep it is known, 0 for before the first.
    pub row: BTreeMap<NodeId, usize>,
    /// How many sweeps there are.
    pub count: usize,
}

impl Sweeps {
    /// Orders a kernel's nodes.
    pub fn of(graph: &Graph, needs: &Needs, kernel: &Kernel) -> Self {
        let mut sweeps = Self::default();
        for &node in &kernel.nodes {
            let reduce = matches!(graph.op(node), Op::Reduce(_));
            let row = reduce || level(&kernel.domain, kernel.suffix, graph.ty(node)) == Some(Level::Row);
            let first = leaves(graph, needs, node)
                .iter()
                .filter_map(|leaf| sweeps.full.get(&leaf.base).or(sweeps.row.get(&leaf.base)).copied())
                .max()
                .unwrap_or(0);
            if row {
                // Known after the sweep that adds it up.
                let after = if reduce { first + 1 } else { first };
                sweeps.row.insert(node, after);
                sweeps.count = sweeps.count.max(after);
            } else {
                sweeps.full.insert(node, first);
                sweeps.count = sweeps.count.max(first + 1);
            }
        }
        sweeps
    }
}
