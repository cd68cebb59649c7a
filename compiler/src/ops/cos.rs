//! The cosine.

use quote::quote;

use super::{Lowering, Mul, Neg, Rules, Sin, elementwise};
use crate::autodiff::Vjp;
#[cfg(feature = "eval")]
use crate::eval::{Array, Context};
use crate::ir::{NodeId, Type};

/// The cosine. The gradient is the sine, negated.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cos;

impl Rules for Cos {
    fn name(&self) -> &'static str {
        "cos"
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Type, String> {
        elementwise::unary(self.name(), inputs)
    }

    fn vjp(&self, cx: &mut Vjp<'_>) -> Vec<Option<NodeId>> {
        let slope = cx.push(Sin, &[cx.input(0)]);
        let slope = cx.push(Neg, &[slope]);
        let a = cx.push(Mul, &[cx.grad(), slope]);
        vec![Some(a)]
    }

    #[cfg(feature = "eval")]
    fn eval(&self, _: &Context<'_>, inputs: &[&Array]) -> Array {
        elementwise::map(inputs, f64::cos)
    }

    fn lowering(&self) -> Lowering {
        Lowering::Pointwise(|_, operands| {
            let a = &operands[0];
            quote!(s.cos(#a))
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
        Gradient::real(Cos, singles())
    }

    #[test]
    fn gradient_matches_differences() {
        gradient().check();
    }

    #[test]
    fn definition() {
        assert_eval(Cos, &[[0.0, 1.0, -1e3]], [1.0, 0.540_302_305_868_139_8, 0.562_379_076_290_702_9]);
    }

    #[test]
    fn expression() {
        assert_eq!(emitted(Cos), "s.cos(a)");
    }
}
