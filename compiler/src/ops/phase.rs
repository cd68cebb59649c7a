//! What differs between training and inference.

use super::{Lowering, Rules, elementwise};
use crate::autodiff::Vjp;
#[cfg(feature = "eval")]
use crate::eval::{Array, Context};
use crate::ir::{NodeId, Type};

/// The first operand in training, the second in inference. Making a function settles which.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Phase;

impl Rules for Phase {
    fn name(&self) -> &'static str {
        "phase"
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Type, String> {
        elementwise::binary(self.name(), inputs)
    }

    fn vjp(&self, cx: &mut Vjp<'_>) -> Vec<Option<NodeId>> {
        let zero = cx.constant_like(0.0, cx.grad());
        let train = cx.push(Phase, &[cx.grad(), zero]);
        let infer = cx.push(Phase, &[zero, cx.grad()]);
        vec![Some(train), Some(infer)]
    }

    #[cfg(feature = "eval")]
    fn eval(&self, cx: &Context<'_>, inputs: &[&Array]) -> Array {
        inputs[usize::from(!cx.training)].clone()
    }

    fn lowering(&self) -> Lowering {
        Lowering::Absent
    }

    fn flops(&self, _: &[&Type], _: &Type) -> u64 {
        0
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::ops::testing::{Gradient, error, fixed, pairs};

    pub(in crate::ops) fn gradient() -> Gradient {
        Gradient::real(Phase, pairs())
    }

    #[test]
    fn gradient_matches_differences() {
        gradient().check();
    }

    #[test]
    fn definition() {
        let (train, infer) = (ndarray::arr0(1.0).into_dyn(), ndarray::arr0(2.0).into_dyn());
        let cx = Context::new(1);
        assert_eq!(Phase.eval(&cx, &[&train, &infer]), train);
        assert_eq!(Phase.eval(&Context { training: false, ..cx }, &[&train, &infer]), infer);
    }

    #[test]
    fn shape_rule() {
        assert_eq!(
            error(Phase, [fixed([2]), fixed([])]),
            "`phase` takes operands of one shape, but is given f64[2] and f64[]"
        );
    }
}
