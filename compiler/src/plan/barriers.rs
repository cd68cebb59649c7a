//! Where threads must meet: before a kernel that touches what another thread may still be reading or writing.

use std::collections::BTreeMap;

use super::Plan;
use super::home::Place;
use crate::fuse::{self, Kernel, Kind, Program};
use crate::ir::{NodeId, RootKind, Type};
use crate::ops::Op;

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
        let same_rows = self.own_rows.is_some() && self.own_rows == other.own_rows;
        match (self.place, other.place) {
            (Region::External(a), Region::External(b)) => a == b && !same_rows,
            (Region::Arena { start, end }, Region::Arena { start: other_start, end: other_end }) => {
                let apart = end <= other_start || other_end <= start;
                !(apart || same_rows && start == other_start)
            }
            _ => false,
        }
    }
}

/// For each kernel, whether a barrier stands before it.
pub(super) fn barriers(
    program: &Program,
    places: &BTreeMap<NodeId, Place>,
    loops: &BTreeMap<NodeId, Plan>,
    batch: usize,
) -> Vec<bool> {
    let cx = Touching { program, places, loops, batch };
    let mut since: Vec<Touch> = cx.initial_states();
    let mut barriers = vec![false; program.kernels.len()];
    // After a loop's last kernel comes its first again.
    for _ in 0..if program.needs.frame.is_some() { 2 } else { 1 } {
        for (kernel, barrier) in program.kernels.iter().zip(&mut barriers) {
            let touches = cx.touches(kernel);
            *barrier |= touches.iter().any(|touch| since.iter().any(|before| before.conflicts(touch)));
            if *barrier {
                since.clear();
            }
            since.extend(touches);
        }
    }
    barriers
}

/// A program whose values have places.
#[derive(Clone, Copy)]
struct Touching<'a> {
    program: &'a Program,
    places: &'a BTreeMap<NodeId, Place>,
    loops: &'a BTreeMap<NodeId, Plan>,
    batch: usize,
}

impl Touching<'_> {
    fn touches(&self, kernel: &Kernel) -> Vec<Touch> {
        if let Kind::Loop(node) = kernel.kind {
            return self.looped(kernel, node);
        }
        // Only a kernel over the batch splits it by rows.
        let split = kernel.domain.batched;
        let reads = kernel.reads.iter().filter_map(|&node| self.touch(node, split, false));
        let writes = kernel.writes.iter().filter_map(|&node| self.touch(node, split, true));
        reads.chain(writes).collect()
    }

    fn touch(&self, node: NodeId, split: bool, write: bool) -> Option<Touch> {
        let ty: &Type = self.program.function.graph.ty(node);
        let place = match *self.places.get(&node)? {
            Place::Arena(start) => Region::Arena { start, end: start + ty.bytes(self.batch) },
            external => Region::External(external),
        };
        let own_rows = (split && ty.batched).then(|| ty.bytes(1));
        Some(Touch { place, own_rows, write })
    }

    /// In the body of a loop, the states' first values, which each thread writes for its own rows.
    fn initial_states(&self) -> Vec<Touch> {
        let graph = &self.program.function.graph;
        let Some(frame) = &self.program.needs.frame else { return Vec::new() };
        let states = graph.roots.iter().filter_map(|root| match root.kind {
            RootKind::Carry(state) => Some((state, graph.ty(root.node))),
            _ => None,
        });
        let touches = states.flat_map(|(state, ty)| {
            let own_rows = ty.batched.then(|| ty.bytes(1));
            let write = Touch { place: Region::External(Place::Carried(state)), own_rows, write: true };
            let place = Region::External(Place::Operand(frame.sequences + state));
            [write, Touch { place, own_rows, write: false }]
        });
        touches.collect()
    }

    /// What the body of a loop touches, in terms of the program around it.
    fn looped(&self, kernel: &Kernel, node: NodeId) -> Vec<Touch> {
        let graph = &self.program.function.graph;
        let (Some(body), Some(plan), Op::Scan(scan)) =
            (self.program.loops.get(&node), self.loops.get(&node), graph.op(node))
        else {
            return Vec::new();
        };
        let operands = graph.inputs(node);
        let take = |index: usize| kernel.writes.iter().copied().find(|&take| fuse::index(graph, take) == Some(index));
        let workspace = match self.places.get(&node) {
            Some(&Place::Arena(offset)) => offset,
            _ => 0,
        };
        let inner = Touching { program: body, places: &plan.places, loops: &plan.loops, batch: self.batch };
        let touches = body.kernels.iter().flat_map(|kernel| inner.touches(kernel)).chain(inner.initial_states());
        let outside = touches.filter_map(|touch| {
            let of = |node: NodeId| self.touch(node, touch.own_rows.is_some(), touch.write);
            let inside = |start: usize, end: usize| {
                let place = Region::Arena { start: workspace + start, end: workspace + end };
                Some(Touch { place, ..touch.clone() })
            };
            match touch.place {
                Region::Arena { start, end } => inside(start, end),
                Region::External(Place::Operand(index)) => of(self.program.needs.storage(graph, *operands.get(index)?)),
                Region::External(Place::Carried(state)) => match (take(state), plan.states.get(&state)) {
                    (Some(take), _) => of(take),
                    (None, Some(&start)) => {
                        inside(start, start + graph.ty(*operands.get(scan.sequences + state)?).bytes(self.batch))
                    }
                    (None, None) => None,
                },
                Region::External(Place::Emitted(output)) => of(take(scan.states + output)?),
                Region::External(_) => Some(touch),
            }
        });
        outside.collect()
    }
}
