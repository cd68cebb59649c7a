//! Common subexpressions: what is computed twice is computed once.
//!
//! Two nodes are the same if primitive, settings and operands are; `Add` and `Mul` may have
//! theirs swapped, which gives the same number. Random numbers are counter-based: equal streams are equal
//! numbers and are joined, different streams are different settings and are not.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::rewrite::adopt;
use crate::ir::{Graph, NodeId};
use crate::ops::Op;

/// Joins equal nodes; the first one stays.
///
/// # Errors
/// None; the signature is every pass's.
pub fn cse(graph: &mut Graph) -> Result<bool, String> {
    let order = graph.topological();
    let mut known: HashMap<(Op, Vec<NodeId>), NodeId> = HashMap::with_capacity(order.len());
    let mut changed = false;
    for id in order {
        let op = graph.op(id).clone();
        let mut inputs = graph.inputs(id);
        if matches!(op, Op::Add(_) | Op::Mul(_)) {
            inputs.sort_unstable();
        }
        match known.entry((op, inputs)) {
            Entry::Vacant(entry) => {
                entry.insert(id);
            }
            Entry::Occupied(entry) => {
                let first = *entry.get();
                adopt(graph, first, id);
                graph.replace(id, first);
                graph.remove(id);
                changed = true;
            }
        }
    }
    Ok(changed)
}
