//! The rectifier.

use quote::quote;

use super::{Compare, CompareKind, Lowering, Rules, Select, elementwise};
use crate::autodiff::Vjp;
#[cfg(feature = "eval")]
use crate::eval::{Array, Context};
use crate::ir::{NodeId, Type};

/// The larger of `a` and 0 (Nair and Hinton, 2010), NaN of NaN. The gradient comes from the result, so the operand need
/// not be kept; at 0 it is 0.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Relu;

impl Rules for Relu {
    fn name(&self) -> &'static str {
        "relu"
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Type, String> {
        elementwise::unary(self.name(), inputs)
    }

    fn vjp(&self, cx: &mut Vjp<'_>) -> Vec<Option<NodeId>> {
        let zero = cx.constant_like(0.0, cx.grad());
        let above = cx.push(Compare { kind: CompareKind::Gt }, &[cx.output(), zero]);
        let a = cx.push(Select, &[above, cx.grad(), zero]);
        vec![Some(a)]
    }

    #[cfg(feature = "eval")]
    fn eval(&self, _: &Context<'_>, inputs: &[&Array]) -> Array {
        elementwise::map(inputs, |a| if a <= 0.0 { 0.0 } else { a })
    }

    fn lowering(&self) -> Lowering {
        Lowering::Pointwise(|_, operands| {
            let a = &operands[0];
            quote!(s.max(#a, s.splat(0.0)))
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
        Gradient::real(Relu, singles())
    }

    #[test]
    fn gradient_matches_differences() {
        gradient().check();
    }

    #[test]
    fn definition() {
        assert_eval(Relu, &[[1.5, 0.0, -1.0, f64::NAN]], [1.5, 0.0, 0.0, f64::NAN]);
    }

    #[test]
    fn expression() {
        assert_eq!(emitted(Relu), "s.max(a,s.splat(0.0))");
    }
}
