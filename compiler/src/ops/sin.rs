//! The sine.

use quote::quote;

use super::{Cos, Lowering, Mul, Rules, elementwise};
use crate::autodiff::Vjp;
#[cfg(feature = "eval")]
use crate::eval::{Array, Context};
use crate::ir::{NodeId, Type};

/// The sine. The gradient is the cosine.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sin;

impl Rules for Sin {
    fn name(&self) -> &'static str {
        "sin"
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Type, String> {
        elementwise::unary(self.name(), inputs)
    }

    fn vjp(&self, cx: &mut Vjp<'_>) -> Vec<Option<NodeId>> {
        let slope = cx.push(Cos, &[cx.input(0)]);
        let a = cx.push(Mul, &[cx.grad(), slope]);
        vec![Some(a)]
    }

    #[cfg(feature = "eval")]
    fn eval(&self, _: &Context<'_>, inputs: &[&Array]) -> Array {
        elementwise::map(inputs, f64::sin)
    }

    fn lowering(&self) -> Lowering {
        Lowering::Pointwise(|_, operands| {
            let a = &operands[0];
            quote!(s.sin(#a))
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
        Gradient::real(Sin, singles())
    }

    #[test]
    fn gradient_matches_differences() {
        gradient().check();
    }

    #[test]
    fn definition() {
        assert_eval(Sin, &[[0.0, 1.0, -1e3]], [0.0, 0.841_470_984_807_896_5, -0.826_879_540_532_002_6]);
    }

    #[test]
    fn expression() {
        assert_eq!(emitted(Sin), "s.sin(a)");
    }
}
