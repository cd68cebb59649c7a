//! Absolute values.

use quote::quote;

use super::{Compare, CompareKind, Lowering, Neg, Rules, Select, elementwise};
use crate::autodiff::Vjp;
#[cfg(feature = "eval")]
use crate::eval::{Array, Context};
use crate::ir::{NodeId, Type};

/// `|a|`. The gradient at 0 is 0.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Abs;

impl Rules for Abs {
    fn name(&self) -> &'static str {
        "abs"
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Type, String> {
        elementwise::unary(self.name(), inputs)
    }

    fn vjp(&self, cx: &mut Vjp<'_>) -> Vec<Option<NodeId>> {
        let zero = cx.constant_like(0.0, cx.grad());
        let negated = cx.push(Neg, &[cx.grad()]);
        let below = cx.push(Compare { kind: CompareKind::Lt }, &[cx.input(0), zero]);
        let above = cx.push(Compare { kind: CompareKind::Gt }, &[cx.input(0), zero]);
        let a = cx.push(Select, &[below, negated, zero]);
        let a = cx.push(Select, &[above, cx.grad(), a]);
        vec![Some(a)]
    }

    #[cfg(feature = "eval")]
    fn eval(&self, _: &Context<'_>, inputs: &[&Array]) -> Array {
        elementwise::map(inputs, f64::abs)
    }

    fn lowering(&self) -> Lowering {
        Lowering::Pointwise(|_, operands| {
            let a = &operands[0];
            quote!(s.abs(#a))
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
        Gradient::real(Abs, singles())
    }

    #[test]
    fn gradient_matches_differences() {
        gradient().check();
    }

    #[test]
    fn definition() {
        assert_eval(Abs, &[[1.5, -1.0, 0.0]], [1.5, 1.0, 0.0]);
    }

    #[test]
    fn expression() {
        assert_eq!(emitted(Abs), "s.abs(a)");
    }
}
