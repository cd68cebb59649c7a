//! Passes go into the bodies of loops, which are graphs like any other.

use crate::ir::Graph;
use crate::ops::{Body, Op};

/// Runs a pass on the bodies of all loops, innermost first, then on the graph itself; whether anything changed.
pub(super) fn everywhere(graph: &mut Graph, pass: &dyn Fn(&mut Graph) -> Result<bool, String>) -> Result<bool, String> {
    let mut changed = false;
    for id in graph.topological() {
        let Op::Scan(scan) = graph.op(id) else { continue };
        let mut body = scan.body.graph().clone();
        if everywhere(&mut body, pass)? {
            let scan = crate::ops::Scan { body: Body::new(body), ..scan.clone() };
            graph.node_mut(id).op = scan.into();
            changed = true;
        }
    }
    Ok(pass(graph)? || changed)
}
