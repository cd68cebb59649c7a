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

#[cfg(test)]
mod tests {
    use super::super::testing::Build;
    use super::*;
    use crate::ops::{Exp, StopGradient};

    #[test]
    fn chains_of_stops_go() {
        let mut build = Build::default();
        let x = build.input(&[3]);
        let stopped = build.op(StopGradient, &[x]);
        let twice = build.op(StopGradient, &[stopped]);
        let y = build.op(Exp, &[twice]);
        build.output(y);
        build.output(twice);
        build.name(twice, "held");
        let text = build.after(strip);
        assert_eq!(
            text,
            "%0 = input {index=0} : f64[B, 3]  # held\n%1 = exp %0 : f64[B, 3]\noutput 0 = %1\noutput 1 = %0\n"
        );
    }
}
