//! Which results of a kernel may be written where something lies that it reads.

use crate::fuse::{Kernel, Kind, Level, Needs, access, leaves, level};
use crate::ir::{Graph, NodeId, Type};
use crate::ops::Op;

/// Whether `value` may be written where `read` is, given that nobody reads `read` after this kernel: the kernel reads
/// each element of `read` only to compute the element that goes over it.
pub fn may_overwrite(graph: &Graph, needs: &Needs, kernel: &Kernel, value: NodeId, read: NodeId) -> bool {
    let same = |a: &Type, b: &Type| {
        a.dtype.bytes() == b.dtype.bytes() && a.batched == b.batched && a.elements() == b.elements()
    };
    if !same(graph.ty(value), graph.ty(read))
        || matches!(kernel.kind, Kind::Whole(_) | Kind::Move(_) | Kind::Columns(_) | Kind::Loop(_))
        || kernel.pool.is_some()
    {
        return false;
    }
    if kernel.nodes.iter().any(|&node| matches!(graph.op(node), Op::Reduce(_))) {
        return false;
    }
    if kernel.kind.anchor().is_some_and(|anchor| needs.sources(graph, anchor).contains(&read)) {
        return false;
    }
    level(&kernel.domain, kernel.suffix, graph.ty(value)) == Some(Level::Full)
        && kernel.nodes.iter().filter(|&&node| Some(node) != kernel.kind.anchor()).all(|&node| {
            leaves(graph, needs, node)
                .iter()
                .all(|leaf| leaf.base != read || leaf.offset == 0 && leaf.strides == access::strides(&kernel.domain))
        })
}
