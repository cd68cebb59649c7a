//! The hyperbolic tangent.

use quote::quote;

use super::{Lowering, Mul, Rules, Sub, elementwise};
use crate::autodiff::Vjp;
#[cfg(feature = "eval")]
use crate::eval::{Array, Context};
use crate::ir::{NodeId, Type};

/// The hyperbolic tangent. The gradient comes from the result: 1 - tanh².
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tanh;

impl Rules for Tanh {
    fn name(&self) -> &'static str {
        "tanh"
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Type, String> {
        elementwise::unary(self.name(), inputs)
    }

    fn vjp(&self, cx: &mut Vjp<'_>) -> Vec<Option<NodeId>> {
        let square = cx.push(Mul, &[cx.output(), cx.output()]);
        let one = cx.constant_like(1.0, cx.grad());
        let slope = cx.push(Sub, &[one, square]);
        let a = cx.push(Mul, &[cx.grad(), slope]);
        vec![Some(a)]
    }

    #[cfg(feature = "eval")]
    fn eval(&self, _: &Context<'_>, inputs: &[&Array]) -> Array {
        elementwise::map(inputs, f64::tanh)
    }

    fn lowering(&self) -> Lowering {
        Lowering::Pointwise(|_, operands| {
            let a = &operands[0];
            quote!(s.tanh(#a))
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
        Gradient::real(Tanh, singles())
    }

    #[test]
    fn gradient_matches_differences() {
        gradient().check();
    }

    #[test]
    fn definition() {
        assert_eval(Tanh, &[[0.0, 1.0, -1e3]], [0.0, 0.761_594_155_955_764_9, -1.0]);
    }

    #[test]
    fn expression() {
        assert_eq!(emitted(Tanh), "s.tanh(a)");
    }
}
