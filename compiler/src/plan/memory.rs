//! Where every stored value of a program lives, and where threads must meet.

use std::collections::{BTreeMap, BTreeSet};

use super::barriers;
use super::home::Place;
use super::place::{Buffer, Placement, place};
use super::replay::replay;
use super::validate::validate;
use crate::fuse::in_place::may_overwrite;
use crate::fuse::{self, Kernel, Kind, Program};
use crate::ir::{Graph, NodeId, RootKind, Type};
use crate::ops::Op;

/// Bytes between which every value starts: a cache line, and the widest vector.
pub const ALIGNMENT: usize = 64;

/// A program's memory.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The place of each stored value, external ones included.
    pub places: BTreeMap<NodeId, Place>,
    /// Bytes of the arena.
    pub arena_bytes: usize,
    /// Bytes of the largest set of values that live at once: no placement can be smaller.
    pub lower_bound: usize,
    /// For each kernel, whether all threads must meet before it.
    pub barriers: Vec<bool>,
    /// The arena's buffers with the values in each, for reports and errors.
    pub buffers: Vec<(Buffer, usize, Vec<NodeId>)>,
    /// The memory of the bodies of loops. Offsets in it count from the loop's own place in this arena.
    pub loops: BTreeMap<NodeId, Plan>,
    /// In the body of a loop, where states lie that are no results of the loop.
    pub states: BTreeMap<usize, usize>,
}

/// Plans the memory of a program whose batch has `batch` rows at most.
///
/// # Errors
/// What the validator found wrong with the placement: kiln's bug.
pub fn plan(program: &Program, batch: usize) -> Result<Plan, String> {
    let plan = within(program, batch, &BTreeMap::new())?;
    replay(program, &plan, batch)?;
    Ok(plan)
}

/// The same for the body of a loop; these of its states have no place outside.
fn within(program: &Program, batch: usize, inner_states: &BTreeMap<usize, Type>) -> Result<Plan, String> {
    let graph = &program.function.graph;
    let mut places = external(program);
    let mut loops = BTreeMap::new();
    for kernel in &program.kernels {
        let Kind::Loop(node) = kernel.kind else { continue };
        let body = program.loops.get(&node).ok_or_else(|| format!("`{}` has no body", kernel.name))?;
        loops.insert(node, within(body, batch, &unused_states(graph, kernel, node))?);
    }
    let mut lifetimes = Lifetimes::of(program, &places, &loops, batch);
    // A state lives as long as the loop.
    let first_state = lifetimes.buffers.len();
    for ty in inner_states.values() {
        let size = ty.bytes(batch).next_multiple_of(ALIGNMENT).max(ALIGNMENT);
        lifetimes.buffers.push((Buffer { lower: 0, upper: program.kernels.len() + 1, size }, Vec::new()));
    }
    let buffers: Vec<Buffer> = lifetimes.buffers.iter().map(|(buffer, _)| *buffer).collect();
    let Placement { offsets, height, lower_bound, .. } = {
        let placement = place(&buffers, ALIGNMENT);
        validate(&buffers, &placement, ALIGNMENT)?;
        placement
    };
    for ((_, values), &offset) in lifetimes.buffers.iter().zip(&offsets) {
        for &value in values {
            places.insert(value, Place::Arena(offset));
        }
    }
    let states = inner_states.keys().copied().zip(offsets.iter().skip(first_state).copied()).collect();
    let barriers = barriers::barriers(program, &places, &loops, batch);
    let buffers = lifetimes.buffers.into_iter().zip(offsets).map(|((b, values), offset)| (b, offset, values)).collect();
    debug_assert!(graph.roots.iter().all(|root| places.contains_key(&program.needs.storage(graph, root.node))));
    Ok(Plan { places, arena_bytes: height, lower_bound, barriers, buffers, loops, states })
}

impl Plan {
    /// The kernels in order with what they read and write where, as text.
    pub fn describe(&self, program: &Program) -> String {
        let graph = &program.function.graph;
        let place = |node: NodeId| match self.places.get(&node) {
            Some(Place::Arena(offset)) => format!("@{offset}"),
            Some(place) => place.to_string(),
            None => "nowhere".to_string(),
        };
        let list = |nodes: &mut dyn Iterator<Item = NodeId>| {
            let values: Vec<String> = nodes.map(|node| format!("{} {}", graph.ty(node), place(node))).collect();
            if values.is_empty() { "nothing".to_string() } else { values.join(", ") }
        };
        let mut text = String::new();
        for (kernel, &barrier) in program.kernels.iter().zip(&self.barriers) {
            if barrier {
                text += "-- all threads meet --\n";
            }
            let ops: Vec<&str> = kernel.nodes.iter().map(|&node| graph.op(node).rules().name()).collect();
            text += &format!(
                "{}: {} over {} by {}\n  reads {}\n  writes {}\n",
                kernel.name,
                ops.join(", "),
                kernel.domain,
                kernel.cols(),
                list(&mut kernel.reads.iter().copied()),
                list(&mut kernel.writes.iter().copied()),
            );
            if let Kind::Loop(node) = kernel.kind
                && let (Some(body), Some(plan)) = (program.loops.get(&node), self.loops.get(&node))
            {
                text += &format!("  each step, in {} bytes:\n", plan.arena_bytes);
                for line in plan.describe(body).lines() {
                    text += &format!("    {line}\n");
                }
            }
        }
        text
    }
}

/// Inputs, parameters and optimiser slots, and what is written over them.
fn external(program: &Program) -> BTreeMap<NodeId, Place> {
    let graph = &program.function.graph;
    let mut places = BTreeMap::new();
    for node in graph.ids() {
        let place = match graph.op(node) {
            Op::Input(input) => match &program.needs.frame {
                None => Place::Input(input.index),
                Some(frame) => frame.state(input.index).map_or(Place::Operand(input.index), Place::Carried),
            },
            Op::Param(param) => Place::Param(param.index),
            Op::State(state) => Place::State(state.index, state.slot),
            _ => continue,
        };
        places.insert(node, place);
    }
    for root in &graph.roots {
        let place = match root.kind {
            RootKind::Param(param) => Place::Param(param),
            RootKind::State(param, slot) => Place::State(param, slot),
            RootKind::Carry(state) => Place::Carried(state),
            RootKind::Output(output) if program.needs.frame.is_some() => Place::Emitted(output),
            RootKind::Output(_) | RootKind::Loss => continue,
        };
        places.insert(program.needs.storage(graph, root.node), place);
    }
    places
}

/// The states of a loop that are no results of it, with their types.
fn unused_states(graph: &Graph, kernel: &Kernel, node: NodeId) -> BTreeMap<usize, Type> {
    let Op::Scan(scan) = graph.op(node) else { return BTreeMap::new() };
    let used = |state: usize| kernel.writes.iter().any(|&take| fuse::index(graph, take) == Some(state));
    let states = graph.inputs(node).into_iter().skip(scan.sequences).take(scan.states).enumerate();
    states.filter(|&(state, _)| !used(state)).map(|(state, operand)| (state, graph.ty(operand).clone())).collect()
}

struct Lifetimes {
    /// Each buffer with the values that use it in turn.
    buffers: Vec<(Buffer, Vec<NodeId>)>,
}

impl Lifetimes {
    fn of(program: &Program, external: &BTreeMap<NodeId, Place>, loops: &BTreeMap<NodeId, Plan>, batch: usize) -> Self {
        let graph = &program.function.graph;
        let end = program.kernels.len();
        let mut last: BTreeMap<NodeId, usize> = BTreeMap::new();
        for (step, kernel) in program.kernels.iter().enumerate() {
            for &value in kernel.writes.iter().chain(&kernel.reads) {
                last.insert(value, step);
            }
        }
        let results: BTreeSet<NodeId> =
            graph.roots.iter().map(|root| program.needs.storage(graph, root.node)).collect();
        for &value in &results {
            last.insert(value, end);
        }
        let mut buffers: Vec<(Buffer, Vec<NodeId>)> = Vec::new();
        let mut home: BTreeMap<NodeId, usize> = BTreeMap::new();
        for (step, kernel) in program.kernels.iter().enumerate() {
            let mut taken = BTreeSet::new();
            // What a loop's steps share lives during the loop alone.
            if let Kind::Loop(node) = kernel.kind {
                let size = loops.get(&node).map_or(0, |plan| plan.arena_bytes).max(ALIGNMENT);
                buffers.push((Buffer { lower: step, upper: step + 1, size }, vec![node]));
            }
            for &value in &kernel.writes {
                if external.contains_key(&value) {
                    continue;
                }
                let upper = last[&value] + 1;
                let heir = kernel.reads.iter().copied().find(|&read| {
                    home.get(&read).is_some_and(|buffer| !taken.contains(buffer))
                        && last[&read] == step
                        && may_overwrite(graph, &program.needs, kernel, value, read)
                });
                let buffer = match heir.and_then(|read| home.get(&read).copied()) {
                    Some(buffer) => {
                        buffers[buffer].0.upper = upper;
                        buffers[buffer].1.push(value);
                        buffer
                    }
                    None => {
                        let bytes = graph.ty(value).bytes(batch).next_multiple_of(ALIGNMENT);
                        buffers.push((Buffer { lower: step, upper, size: bytes.max(ALIGNMENT) }, vec![value]));
                        buffers.len() - 1
                    }
                };
                taken.insert(buffer);
                home.insert(value, buffer);
            }
        }
        Self { buffers }
    }
}
