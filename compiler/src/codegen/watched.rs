//! What the runtime has to know of a function's kernels to watch them: a line of text each, in the form that its
//! `engine/table.rs` reads. Text costs rustc a token, and a call nothing.

use super::body::Context;
use crate::fuse::Kernel;
use crate::ir::{DType, NodeId};
use crate::ops::Op;
use crate::plan::Place;

/// Bytes of poison are no smaller: a pool of so many cells has numbers that look like it.
const SMALLEST_POISON: usize = 0xad;

/// A line for each kernel of a function.
pub(super) fn lines(cx: Context<'_>) -> Vec<String> {
    let kernels = cx.program.kernels.iter().enumerate();
    kernels.map(|(step, kernel)| line(cx, step, kernel)).collect()
}

fn line(cx: Context<'_>, step: usize, kernel: &Kernel) -> String {
    let mut line = kernel.name.clone();
    let reads = kernel.reads.iter().map(|&node| ('<', node));
    let writes = kernel.writes.iter().map(|&node| ('>', node));
    for (mark, node) in reads.chain(writes) {
        // What a kernel reads of the caller's data and of parameters is not its own doing.
        let place = cx.plan.places.get(&node).filter(|place| mark == '>' || matches!(place, Place::Arena(_)));
        if let Some(value) = place.and_then(|place| value(cx, node, *place)) {
            line += &format!(" {mark}{value}");
        }
    }
    for (buffer, offset, _) in &cx.plan.buffers {
        if buffer.upper == step + 1 {
            line += &format!(" -{offset}:{}", buffer.size);
        }
    }
    line
}

/// A stored value, if poison can be told from it.
fn value(cx: Context<'_>, node: NodeId, place: Place) -> Option<String> {
    let ty = cx.graph().ty(node);
    let (kind, offset) = match place {
        Place::Arena(offset) if ty.dtype == DType::U8 => match cx.graph().op(node) {
            Op::MaxPool2dIndex(index) if index.pool.size.iter().product::<usize>() <= SMALLEST_POISON => ("u8", offset),
            _ => return None,
        },
        Place::Arena(offset) => (ty.dtype.rust(), offset),
        Place::Param(param) => ("param", cx.layout.param(param)),
        Place::State(param, slot) => ("state", cx.layout.state(param, slot)),
        Place::Input(_) | Place::Operand(_) | Place::Carried(_) | Place::Emitted(_) => return None,
    };
    let each = if ty.batched { "*" } else { "" };
    Some(format!("{kind}:{offset}:{}{each}", ty.elements()))
}
