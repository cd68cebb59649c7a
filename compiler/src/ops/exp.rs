//! The exponential function.

use quote::quote;

use super::{Lowering, Mul, Rules, elementwise};
use crate::autodiff::Vjp;
#[cfg(feature = "eval")]
use crate::eval::{Array, Context};
use crate::ir::{NodeId, Type};

/// e^a. The gradient comes from the result.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Exp;

impl Rules for Exp {
    fn name(&self) -> &'static str {
        "exp"
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Type, String> {
        elementwise::unary(self.name(), inputs)
    }

    fn vjp(&self, cx: &mut Vjp<'_>) -> Vec<Option<NodeId>> {
        let a = cx.push(Mul, &[cx.grad(), cx.output()]);
        vec![Some(a)]
    }

    #[cfg(feature = "eval")]
    fn eval(&self, _: &Context<'_>, inputs: &[&Array]) -> Array {
        elementwise::map(inputs, f64::exp)
    }

    fn lowering(&self) -> Lowering {
        Lowering::Pointwise(|_, operands| {
            let a = &operands[0];
            quote!(s.exp(#a))
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
        Gradient::real(Exp, singles())
    }

    #[test]
    fn gradient_matches_differences() {
        gradient().check();
    }

    #[test]
    fn definition() {
        assert_eval(Exp, &[[0.0, 1.0, f64::NEG_INFINITY]], [1.0, std::f64::consts::E, 0.0]);
    }

    #[test]
    fn expression() {
        assert_eq!(emitted(Exp), "s.exp(a)");
    }
}
