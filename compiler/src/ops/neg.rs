//! Negation.

use quote::quote;

use super::{Lowering, Rules, elementwise};
use crate::autodiff::Vjp;
#[cfg(feature = "eval")]
use crate::eval::{Array, Context};
use crate::ir::{NodeId, Type};

/// `-a`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Neg;

impl Rules for Neg {
    fn name(&self) -> &'static str {
        "neg"
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Type, String> {
        elementwise::unary(self.name(), inputs)
    }

    fn vjp(&self, cx: &mut Vjp<'_>) -> Vec<Option<NodeId>> {
        let a = cx.push(Neg, &[cx.grad()]);
        vec![Some(a)]
    }

    #[cfg(feature = "eval")]
    fn eval(&self, _: &Context<'_>, inputs: &[&Array]) -> Array {
        elementwise::map(inputs, |a| -a)
    }

    fn lowering(&self) -> Lowering {
        Lowering::Pointwise(|_, operands| {
            let a = &operands[0];
            quote!(s.neg(#a))
        })
    }

    fn flops(&self, _: &[&Type], output: &Type) -> u64 {
        elementwise::flops(output)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::ops::testing::{Gradient, assert_eval, emitted, singles};

    pub(in crate::ops) fn gradient() -> Gradient {
        Gradient::real(Neg, singles())
    }

    #[test]
    fn gradient_matches_differences() {
        gradient().check();
    }

    #[test]
    fn definition() {
        assert_eval(Neg, &[[1.5, -1.0]], [-1.5, 1.0]);
    }

    #[test]
    fn expression() {
        assert_eq!(emitted(Neg), "s.neg(a)");
    }
}
