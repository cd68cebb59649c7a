//! The facts of a program's arena.

use std::collections::BTreeMap;

use super::facts::{Buffer, Memory};
use crate::fuse;
use crate::ir::NodeId;
use crate::ops::Op;
use crate::plan::Plan;

/// Where the values of a program lie, and when.
///
/// `called` is the name of a value whose node has none.
pub(super) fn memory(
    program: &fuse::Program,
    plan: &Plan,
    number: &BTreeMap<NodeId, usize>,
    called: impl Fn(NodeId) -> String,
) -> Memory {
    let buffers: Vec<Buffer> = plan
        .buffers
        .iter()
        .map(|(buffer, offset, values)| Buffer {
            name: match values.first() {
                Some(&value) => name(program, value, &called),
                None => "a state of the loop".to_string(),
            },
            values: values.iter().filter_map(|value| number.get(value).copied()).collect(),
            from: buffer.lower,
            // As the planner has it, a result lives one step past the last kernel.
            to: buffer.upper.max(buffer.lower + 1),
            offset: *offset,
            size: buffer.size,
        })
        .collect();
    let steps = program.kernels.len();
    let live = |step: usize| -> usize {
        let live = buffers.iter().filter(|buffer| (buffer.from..buffer.to).contains(&step));
        live.map(|buffer| buffer.size).fold(0, usize::saturating_add)
    };
    // Of equals the first.
    let peak = (0..=steps).rev().max_by_key(|&step| live(step)).unwrap_or_default();
    Memory { arena: plan.arena_bytes, bound: plan.lower_bound, peak, buffers }
}

/// `features conv2d`: the user's name, or that of what it belongs to, and what is computed; of a loop, that it is its
/// steps' memory.
fn name(program: &fuse::Program, value: NodeId, called: impl Fn(NodeId) -> String) -> String {
    let node = program.function.graph.node(value);
    let what = match node.op {
        Op::Scan(_) => "steps of a loop",
        _ => node.op.rules().name(),
    };
    match &node.name {
        Some(name) => format!("{name} {what}"),
        None => format!("{} {what}", called(value)),
    }
}
