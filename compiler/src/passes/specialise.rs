//! Settles every `Phase`: a function either trains or infers.

use super::rewrite::walk;
use crate::ir::Graph;
use crate::ops::Op;

/// What a function is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Dropout drops, normalisation uses the batch's own statistics.
    Training,
    /// Dropout is off, normalisation uses the moving averages.
    Inference,
}

/// Lets everybody who reads a `Phase` read its operand for `mode`.
///
/// # Errors
/// If a `Phase` has not two operands.
pub fn specialise(graph: &mut Graph, mode: Mode) -> Result<bool, String> {
    walk(graph, |at| match at.op() {
        Op::Phase(_) => {
            let (training, inference) = at.two()?;
            Ok(Some(if mode == Mode::Training { training } else { inference }))
        }
        _ => Ok(None),
    })
}
