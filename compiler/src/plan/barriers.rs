//! Where threads must meet: before a kernel that touches what another thread may still be reading or writing.

use std::collections::BTreeMap;

use super::home::Place;
use crate::fuse::{Kernel, Program};
use crate::ir::{NodeId, Type};

/// Memory that a kernel touches.
#[derive(Clone, Debug)]
struct Touch {
    place: Region,
    /// Bytes of one row where each thread touches the rows of its own share of the batch only.
    own_rows: Option<usize>,
    write: bool,
}

/// A run of bytes.
#[derive(Clone, Copy, Debug)]
enum Region {
    /// Inputs, parameters, slots: a block of its own each.
    External(Place),
    /// Bytes of the arena.
    Arena { start: usize, end: usize },
}

impl Touch {
    fn conflicts(&self, other: &Self) -> bool {
        if !self.write && !other.write {
            return false;
        }
        match (self.place, other.place) {
            (Region::External(a), Region::External(b)) => a == b,
            (Region::Arena { start, end }, Region::Arena { start: other_start, end: other_end }) => {
                let apart = end <= other_start || other_end <= start;
                let same_rows = start == other_start && self.own_rows.is_some() && self.own_rows == other.own_rows;
                !apart && !same_rows
            }
            _ => false,
        }
    }
}

/// For each kernel, whether a barrier stands before it.
pub(super) fn barriers(program: &Program, places: &BTreeMap<NodeId, Place>, batch: usize) -> Vec<bool> {
    let mut since: Vec<Touch> = Vec::new();
    let mut barriers = Vec::new();
    for kernel in &program.kernels {
        let touches = touches(program, kernel, places, batch);
        let barrier = touches.iter().any(|touch| since.iter().any(|before| before.conflicts(touch)));
        if barrier {
            since.clear();
        }
        since.extend(touches);
        barriers.push(barrier);
    }
    barriers
}

fn touches(program: &Program, kernel: &Kernel, places: &BTreeMap<NodeId, Place>, batch: usize) -> Vec<Touch> {
    let graph = &program.function.graph;
    let touch = |node: NodeId, write: bool| {
        let ty: &Type = graph.ty(node);
        let place = match *places.get(&node)? {
            Place::Arena(start) => Region::Arena { start, end: start + ty.bytes(batch) },
            external => Region::External(external),
        };
        // Only a kernel over the batch splits it by rows.
        let own_rows = (kernel.domain.batched && ty.batched).then(|| ty.bytes(1));
        Some(Touch { place, own_rows, write })
    };
    let reads = kernel.reads.iter().filter_map(|&node| touch(node, false));
    let writes = kernel.writes.iter().filter_map(|&node| touch(node, true));
    reads.chain(writes).collect()
}
