//! Kernels and what they store as numbers: all that an order depends on.

use std::collections::{BTreeMap, BTreeSet};

use crate::fuse::in_place::may_overwrite;
use crate::fuse::order::readers;
use crate::fuse::{Kernel, Needs};
use crate::ir::{Graph, NodeId, RootKind};

/// Rows of the batch for which orders are compared.
const ROWS: usize = 1 << 10;

/// Rows of a small batch.
const FEW_ROWS: usize = 16;

/// Bytes between which values start, in the arena that is planned later.
const LINE: usize = 64;

/// A value that a kernel stores.
#[derive(Clone, Debug)]
pub(super) struct Value {
    /// Its bytes in the arena: none where it is written over a parameter, or into the caller's memory.
    pub bytes: i128,
    /// Its bytes for few rows of the batch.
    pub few: i128,
    /// The kernel that stores it.
    pub writer: usize,
    /// The kernels that read it.
    pub readers: Vec<usize>,
    /// Whether it lives to the end.
    pub kept: bool,
}

/// What is to be ordered.
#[derive(Clone, Debug, Default)]
pub(super) struct Problem {
    /// All stored values.
    pub values: Vec<Value>,
    /// The values that each kernel reads.
    pub reads: Vec<Vec<usize>>,
    /// The values that each kernel stores.
    pub writes: Vec<Vec<usize>>,
    /// For each kernel and value that it may write in place of another: which those are.
    pub heirs: Vec<Vec<(usize, Vec<usize>)>>,
    /// The kernels that come before each kernel.
    pub before: Vec<Vec<usize>>,
    /// The kernels that come after each kernel.
    pub after: Vec<Vec<usize>>,
}

impl Problem {
    /// The problem of a function's kernels.
    pub(super) fn of(
        graph: &Graph,
        needs: &Needs,
        kernels: &[Kernel],
        group_of: &BTreeMap<NodeId, usize>,
        overwrites: &BTreeMap<NodeId, Vec<NodeId>>,
    ) -> Self {
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
        let kept: BTreeSet<NodeId> = graph.roots.iter().map(|root| needs.storage(graph, root.node)).collect();
        // What the body of a loop emits has its place outside.
        let outside = |node: &NodeId| {
            overwrites.contains_key(node)
                || needs.frame.is_some()
                    && graph.roots.iter().any(|root| {
                        matches!(root.kind, RootKind::Output(_)) && needs.storage(graph, root.node) == *node
                    })
        };
        let mut problem = Self::with_waits(waits);
        let mut number = BTreeMap::new();
        for (writer, kernel) in kernels.iter().enumerate() {
            for &node in &kernel.writes {
                let size = |rows: usize| graph.ty(node).bytes(rows).next_multiple_of(LINE).max(LINE) as i128;
                let [bytes, few] = if outside(&node) { [0, 0] } else { [ROWS, FEW_ROWS].map(size) };
                number.insert(node, problem.store(writer, [bytes, few], kept.contains(&node)));
            }
        }
        for (reader, kernel) in kernels.iter().enumerate() {
            for value in kernel.reads.iter().filter_map(|read| number.get(read)) {
                problem.read(reader, *value);
            }
        }
        for (at, kernel) in kernels.iter().enumerate() {
            for node in &kernel.writes {
                let Some(&value) = number.get(node).filter(|&&value| problem.values[value].bytes > 0) else { continue };
                let stored = kernel.reads.iter().filter_map(|read| Some((read, *number.get(read)?)));
                let fit = stored.filter(|&(&read, old)| {
                    let old = &problem.values[old];
                    !old.kept && old.bytes > 0 && may_overwrite(graph, needs, kernel, *node, read)
                });
                let fit: Vec<usize> = fit.map(|(_, old)| old).collect();
                if !fit.is_empty() {
                    problem.heirs[at].push((value, fit));
                }
            }
        }
        problem
    }

    /// Kernels that wait for each other and store nothing yet.
    pub(super) fn with_waits(waits: Vec<BTreeSet<usize>>) -> Self {
        let count = waits.len();
        let mut after = vec![Vec::new(); count];
        for (kernel, waits) in waits.iter().enumerate() {
            for &wait in waits {
                after[wait].push(kernel);
            }
        }
        Self {
            values: Vec::new(),
            reads: vec![Vec::new(); count],
            writes: vec![Vec::new(); count],
            heirs: vec![Vec::new(); count],
            before: waits.into_iter().map(|waits| waits.into_iter().collect()).collect(),
            after,
        }
    }

    /// Lets a kernel store a value of so many bytes, for many rows and for few; its number.
    pub(super) fn store(&mut self, writer: usize, [bytes, few]: [i128; 2], kept: bool) -> usize {
        let value = self.values.len();
        self.values.push(Value { bytes, few, writer, readers: Vec::new(), kept });
        self.writes[writer].push(value);
        value
    }

    /// Lets a kernel read a value.
    pub(super) fn read(&mut self, reader: usize, value: usize) {
        self.values[value].readers.push(reader);
        self.reads[reader].push(value);
    }

    /// The same for few rows of the batch.
    pub(super) fn with_few_rows(&self) -> Self {
        let mut problem = self.clone();
        for value in &mut problem.values {
            value.bytes = value.few;
        }
        problem
    }

    /// The number of kernels.
    pub(super) fn len(&self) -> usize {
        self.reads.len()
    }

    /// The bytes of what a kernel stores.
    pub(super) fn stored(&self, kernel: usize) -> i128 {
        self.writes[kernel].iter().map(|&value| self.values[value].bytes).sum()
    }
}
