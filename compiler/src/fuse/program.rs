//! A function as kernels.

use std::collections::{BTreeMap, BTreeSet};

use crate::ir::{Function, NodeId, Type};

use super::{Needs, Refusal};

/// What a kernel is built around.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Element by element, row by row, with reductions along rows.
    Map,
    /// A reduction over rows, and what is done to its result.
    Columns(NodeId),
    /// A product and its epilogue.
    Product(NodeId),
    /// A kernel of the runtime as it stands.
    Whole(NodeId),
    /// A strided copy.
    Move(NodeId),
    /// A loop: its body is a program of its own.
    Loop(NodeId),
}

impl Kind {
    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Map => "map",
            Self::Columns(_) => "columns",
            Self::Product(_) => "product",
            Self::Whole(_) => "whole",
            Self::Move(_) => "move",
            Self::Loop(_) => "loop",
        }
    }

    /// The node that the kernel is built around.
    pub fn anchor(self) -> Option<NodeId> {
        match self {
            Self::Map => None,
            Self::Columns(node) | Self::Product(node) | Self::Whole(node) | Self::Move(node) | Self::Loop(node) => {
                Some(node)
            }
        }
    }
}

/// Nodes that are computed together in one sweep over memory.
#[derive(Clone, Debug)]
pub struct Kernel {
    /// A name for people: from the user's names and the anchor.
    pub name: String,
    /// What it is built around.
    pub kind: Kind,
    /// The shape of the elements that it computes (element type aside).
    pub domain: Type,
    /// A sum over the rows of a product's right operand that is taken along; what follows it is in `nodes`, too.
    pub sums: Option<NodeId>,
    /// A max-pool of a convolution's result, which is stored nowhere: one of the nodes that go through its windows.
    pub pool: Option<NodeId>,
    /// How many of the domain's last axes are its columns; the axes before are its rows.
    pub suffix: usize,
    /// The nodes that it computes, operands first. Nodes that every reader computes again are not listed.
    pub nodes: Vec<NodeId>,
    /// Of those, the ones that are stored.
    pub writes: Vec<NodeId>,
    /// Stored values that it reads.
    pub reads: BTreeSet<NodeId>,
    /// Values that must be there before it runs, whether or not it reads them.
    pub awaits: BTreeSet<NodeId>,
}

impl Kernel {
    /// Elements of a row.
    pub fn cols(&self) -> usize {
        let split = self.domain.dims.len() - self.suffix;
        self.domain.dims[split..].iter().product()
    }

    /// Rows for one row of the batch (or in all, unbatched).
    pub fn lead(&self) -> usize {
        let split = self.domain.dims.len() - self.suffix;
        self.domain.dims[..split].iter().product()
    }
}

/// A function with its nodes grouped, in an order that can be run.
#[derive(Clone, Debug)]
pub struct Program {
    /// The graph.
    pub function: Function,
    /// In order.
    pub kernels: Vec<Kernel>,
    /// Which kernel computes a node.
    pub kernel_of: BTreeMap<NodeId, usize>,
    /// What is known of each node's storage.
    pub needs: Needs,
    /// Why neighbouring kernels are two, by their numbers, the lower first.
    pub refusals: BTreeMap<(usize, usize), Refusal>,
    /// The bodies of its loops.
    pub loops: BTreeMap<NodeId, Program>,
}

/// A name for a kernel: the user's name of its first named node, and what the kernel is built around.
pub(super) fn name(graph: &crate::ir::Graph, kind: Kind, nodes: &[NodeId]) -> String {
    let user = nodes.iter().find_map(|&node| graph.node(node).name.clone());
    let what = match kind.anchor().or(nodes.first().copied()) {
        Some(node) => graph.op(node).rules().name(),
        None => "empty",
    };
    let text = match user {
        Some(user) => format!("{user}_{what}"),
        None => what.to_string(),
    };
    crate::codegen::snake(&text)
}

/// The name itself the first time, numbered after that.
pub(super) fn unique(names: &mut BTreeMap<String, usize>, name: String) -> String {
    let count = names.entry(name.clone()).or_default();
    *count += 1;
    let count = *count;
    if count == 1 { name } else { unique(names, format!("{name}_{count}")) }
}
