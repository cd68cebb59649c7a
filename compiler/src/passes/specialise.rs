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

#[cfg(test)]
mod tests {
    use super::super::testing::Build;
    use super::*;
    use crate::ops::{Exp, Neg, Phase};

    #[test]
    fn each_mode_takes_its_operand() {
        let mut build = Build::default();
        let x = build.input(&[3]);
        let (a, b) = (build.op(Neg, &[x]), build.op(Exp, &[x]));
        let phase = build.op(Phase, &[a, b]);
        build.output(phase);
        for (mode, name) in [(Mode::Training, "neg"), (Mode::Inference, "exp")] {
            let mut graph = build.graph.clone();
            assert_eq!(specialise(&mut graph, mode), Ok(true));
            assert_eq!(graph.op(graph.roots[0].node).rules().name(), name);
            assert_eq!(graph.len(), 3);
            assert_eq!(specialise(&mut graph, mode), Ok(false));
        }
    }
}
