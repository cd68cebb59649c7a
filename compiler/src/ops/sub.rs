//! Subtraction.

use quote::quote;

use super::{Lowering, Neg, Rules, elementwise};
use crate::autodiff::Vjp;
#[cfg(feature = "eval")]
use crate::eval::{Array, Context};
use crate::ir::{NodeId, Type};

/// `a - b`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sub;

impl Rules for Sub {
    fn name(&self) -> &'static str {
        "sub"
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Type, String> {
        elementwise::binary(self.name(), inputs)
    }

    fn vjp(&self, cx: &mut Vjp<'_>) -> Vec<Option<NodeId>> {
        let b = cx.push(Neg, &[cx.grad()]);
        vec![Some(cx.grad()), Some(b)]
    }

    #[cfg(feature = "eval")]
    fn eval(&self, _: &Context<'_>, inputs: &[&Array]) -> Array {
        elementwise::zip(inputs, |a, b| a - b)
    }

    fn lowering(&self) -> Lowering {
        Lowering::Pointwise(|_, operands| {
            let (a, b) = (&operands[0], &operands[1]);
            quote!(s.sub(#a, #b))
        })
    }

    fn flops(&self, _: &[&Type], output: &Type) -> u64 {
        elementwise::flops(output)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::ops::testing::{Gradient, assert_eval, emitted, pairs};

    pub(in crate::ops) fn gradient() -> Gradient {
        Gradient::real(Sub, pairs())
    }

    #[test]
    fn gradient_matches_differences() {
        gradient().check();
    }

    #[test]
    fn definition() {
        assert_eval(Sub, &[[1.5, -1.0], [2.0, 1.0]], [-0.5, -2.0]);
    }

    #[test]
    fn expression() {
        assert_eq!(emitted(Sub), "s.sub(a,b)");
    }
}
