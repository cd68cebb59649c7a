//! Takes `StopGradient` out, which means nothing once gradients are taken.

use super::rewrite::walk;
use crate::ir::Graph;
use crate::ops::Op;

/// Lets everybody read what stands behind a `StopGradient`.
///
/// # Errors
/// None; the signature is every pass's.
pub fn strip(graph: &mut Graph) -> Result<bool, String> {
    walk(graph, |at| match at.op() {
        Op::StopGradient(_) => at.one().map(Some),
        _ => Ok(None),
    })
}
