//! The square root.

use quote::quote;

use super::{Div, Lowering, Mul, Rules, elementwise};
use crate::autodiff::Vjp;
#[cfg(feature = "eval")]
use crate::eval::{Array, Context};
use crate::ir::{NodeId, Type};

/// The square root, NaN below 0. The gradient comes from the result; at 0 it is infinite.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sqrt;

impl Rules for Sqrt {
    fn name(&self) -> &'static str {
        "sqrt"
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Type, String> {
        elementwise::unary(self.name(), inputs)
    }

    fn vjp(&self, cx: &mut Vjp<'_>) -> Vec<Option<NodeId>> {
        let half = cx.constant_like(0.5, cx.grad());
        let scaled = cx.push(Mul, &[cx.grad(), half]);
        let a = cx.push(Div, &[scaled, cx.output()]);
        vec![Some(a)]
    }

    #[cfg(feature = "eval")]
    fn eval(&self, _: &Context<'_>, inputs: &[&Array]) -> Array {
        elementwise::map(inputs, f64::sqrt)
    }

    fn lowering(&self) -> Lowering {
        Lowering::Pointwise(|_, operands| {
            let a = &operands[0];
            quote!(s.sqrt(#a))
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
        Gradient::positive(Sqrt, singles())
    }

    #[test]
    fn gradient_matches_differences() {
        gradient().check();
    }

    #[test]
    fn definition() {
        assert_eval(Sqrt, &[[4.0, 0.0, -1.0]], [2.0, 0.0, f64::NAN]);
    }

    #[test]
    fn expression() {
        assert_eq!(emitted(Sqrt), "s.sqrt(a)");
    }
}
