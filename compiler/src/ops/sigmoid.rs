//! The logistic function.

use quote::quote;

use super::{Lowering, Mul, Rules, Sub, elementwise};
use crate::autodiff::Vjp;
#[cfg(feature = "eval")]
use crate::eval::{Array, Context};
use crate::ir::{NodeId, Type};

/// 1 / (1 + e^-a), without overflow. The gradient comes from the result y: y * (1 - y).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sigmoid;

impl Rules for Sigmoid {
    fn name(&self) -> &'static str {
        "sigmoid"
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Type, String> {
        elementwise::unary(self.name(), inputs)
    }

    fn vjp(&self, cx: &mut Vjp<'_>) -> Vec<Option<NodeId>> {
        let one = cx.constant_like(1.0, cx.grad());
        let rest = cx.push(Sub, &[one, cx.output()]);
        let slope = cx.push(Mul, &[cx.output(), rest]);
        let a = cx.push(Mul, &[cx.grad(), slope]);
        vec![Some(a)]
    }

    #[cfg(feature = "eval")]
    fn eval(&self, _: &Context<'_>, inputs: &[&Array]) -> Array {
        elementwise::map(inputs, |a| {
            let small = (-a.abs()).exp();
            if a >= 0.0 { 1.0 / (1.0 + small) } else { small / (1.0 + small) }
        })
    }

    fn lowering(&self) -> Lowering {
        Lowering::Pointwise(|_, operands| {
            let a = &operands[0];
            quote!(s.sigmoid(#a))
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
        Gradient::real(Sigmoid, singles())
    }

    #[test]
    fn gradient_matches_differences() {
        gradient().check();
    }

    #[test]
    fn definition() {
        assert_eval(Sigmoid, &[[0.0, 1e4, -1e4, 1.0]], [0.5, 1.0, 0.0, 0.731_058_578_630_004_9]);
    }

    #[test]
    fn expression() {
        assert_eq!(emitted(Sigmoid), "s.sigmoid(a)");
    }
}
