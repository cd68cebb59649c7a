//! What a kernel waits for without reading it: `Later` says so.

use std::collections::BTreeSet;

use crate::fuse::Needs;
use crate::ir::{Graph, NodeId};
use crate::ops::Op;

/// The values that must be there before `node` is computed because an operand of it is to be read later.
pub(super) fn awaited(graph: &Graph, needs: &Needs, node: NodeId) -> BTreeSet<NodeId> {
    let mut found = BTreeSet::new();
    if !needs.waits {
        return found;
    }
    let mut seen = BTreeSet::new();
    let mut stack = graph.inputs(node);
    while let Some(operand) = stack.pop() {
        if needs.is_work(graph, operand) || !seen.insert(operand) {
            continue;
        }
        match (graph.op(operand), graph.inputs(operand).as_slice()) {
            (Op::Later(_), &[value, ref signals @ ..]) => {
                stack.push(value);
                for &signal in signals {
                    let signal = needs.storage(graph, signal);
                    if needs.is_work(graph, signal) {
                        found.insert(signal);
                    } else {
                        let read = needs.sources(graph, signal);
                        found.extend(read.iter().copied().filter(|&read| needs.is_work(graph, read)));
                    }
                }
            }
            (_, inputs) => stack.extend(inputs),
        }
    }
    found
}
