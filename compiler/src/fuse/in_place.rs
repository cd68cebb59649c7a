//! Which results of a kernel may be written where something lies that it reads.

use crate::fuse::{Kernel, Kind, Level, Needs, Sweeps, access, leaves, level};
use crate::ir::{Graph, NodeId, Type};
use crate::ops::Op;

/// Whether `value` may be written where `read` is, given that nobody reads `read` after this kernel: the kernel reads
/// each element of `read` only to compute the element that goes over it, and not again once that is written.
pub fn may_overwrite(graph: &Graph, needs: &Needs, kernel: &Kernel, value: NodeId, read: NodeId) -> bool {
    let same = |a: &Type, b: &Type| {
        a.dtype.bytes() == b.dtype.bytes() && a.batched == b.batched && a.elements() == b.elements()
    };
    if !same(graph.ty(value), graph.ty(read))
        || matches!(kernel.kind, Kind::Whole(_) | Kind::Move(_) | Kind::Columns(_) | Kind::Loop(_))
        || kernel.pool.is_some()
        || level(&kernel.domain, kernel.suffix, graph.ty(value)) != Some(Level::Full)
    {
        return false;
    }
    if kernel.kind.anchor().is_some_and(|anchor| needs.sources(graph, anchor).contains(&read)) {
        return false;
    }
    let strides = access::strides(&kernel.domain);
    let by_element = kernel.nodes.iter().filter(|&&node| Some(node) != kernel.kind.anchor()).all(|&node| {
        leaves(graph, needs, node).iter().all(|leaf| leaf.base != read || leaf.offset == 0 && leaf.strides == strides)
    });
    let reduces = || kernel.nodes.iter().any(|&node| matches!(graph.op(node), Op::Reduce(_)));
    by_element && (!reduces() || written_last(graph, needs, kernel, value))
}

/// Whether a kernel that goes through its rows in several sweeps writes `value` in the last of them.
///
/// Then all that reads the row of an operand at the elements of the domain has read it by that time: a row belongs to
/// one thread, which ends with it before it begins another; the sweeps before are through; in the last one, a vector is
/// loaded wherever it is needed before anything is stored at its columns; and what is known per row alone reads no
/// element. In an earlier sweep it would not do: a later one may compute something again from the operand.
fn written_last(graph: &Graph, needs: &Needs, kernel: &Kernel, value: NodeId) -> bool {
    let sweeps = Sweeps::of(graph, needs, kernel);
    kernel.kind == Kind::Map && sweeps.full.get(&value).is_some_and(|sweep| sweep + 1 == sweeps.count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuse::Program;
    use crate::fuse::testing::program;

    /// The function `run` of a network.
    fn run(body: &str) -> Program {
        program(&format!("Net<batch = 4> {{ {body} }}"))
    }

    /// Of the last kernel's results, by their primitives' names, whether they may be written over its operand.
    fn over_operand(program: &Program) -> Vec<(&'static str, bool)> {
        let (graph, kernel) = (&program.function.graph, program.kernels.last().unwrap());
        let stored = kernel.reads.iter().copied().filter(|read| program.kernel_of.contains_key(read));
        let [read] = stored.collect::<Vec<_>>().try_into().unwrap();
        let answer = |&value: &NodeId| {
            (graph.op(value).rules().name(), may_overwrite(graph, &program.needs, kernel, value, read))
        };
        kernel.writes.iter().map(answer).collect()
    }

    #[test]
    fn what_the_last_sweep_writes_goes_over_the_operand() {
        let program = run("let x = input([8]); output(x.dense(6).softmax());");
        assert_eq!(over_operand(&program), [("div", true)]);
    }

    #[test]
    fn what_an_earlier_sweep_writes_does_not() {
        // The last sweep reads the operand once more.
        let program = run("let x = input([8]);
            let h = x.dense(6);
            let centred = h - mean(h);
            output(centred, scaled = h / sum(centred * centred));");
        assert_eq!(over_operand(&program), [("sub", false), ("div", true)]);
    }
}
