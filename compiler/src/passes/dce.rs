//! Removes dead code: what no root needs.

use std::collections::HashSet;

use crate::ir::{Graph, NodeId};

/// Keeps what the roots reach and removes the rest.
///
/// # Errors
/// None; the signature is every pass's.
pub fn dce(graph: &mut Graph) -> Result<bool, String> {
    let mut live: HashSet<NodeId> = graph.roots.iter().map(|root| root.node).collect();
    let mut todo: Vec<NodeId> = live.iter().copied().collect();
    while let Some(id) = todo.pop() {
        todo.extend(graph.inputs(id).into_iter().filter(|&input| live.insert(input)));
    }
    let mut changed = false;
    // Users first, for only what nobody reads can be removed.
    for id in graph.topological().into_iter().rev().filter(|id| !live.contains(id)) {
        graph.remove(id);
        changed = true;
    }
    Ok(changed)
}

#[cfg(test)]
mod tests {
    use super::super::testing::Build;
    use super::*;
    use crate::ops::{Add, Exp, Neg};

    #[test]
    fn what_no_root_needs_goes() {
        let mut build = Build::default();
        let x = build.input(&[3]);
        let y = build.op(Neg, &[x]);
        let dead = build.op(Exp, &[y]);
        build.op(Add, &[dead, dead]);
        build.output(y);
        assert_eq!(dce(&mut build.graph), Ok(true));
        assert_eq!(build.graph.ids(), [x, y]);
        assert_eq!(dce(&mut build.graph), Ok(false));
    }
}
