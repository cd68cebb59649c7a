//! The logarithm of 1 + a.

use quote::quote;

use super::{Add, Div, Lowering, Rules, elementwise};
use crate::autodiff::Vjp;
#[cfg(feature = "eval")]
use crate::eval::{Array, Context};
use crate::ir::{NodeId, Type};

/// log(1 + a), exact near 0.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Log1p;

impl Rules for Log1p {
    fn name(&self) -> &'static str {
        "log1p"
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Type, String> {
        elementwise::unary(self.name(), inputs)
    }

    fn vjp(&self, cx: &mut Vjp<'_>) -> Vec<Option<NodeId>> {
        let one = cx.constant_like(1.0, cx.grad());
        let sum = cx.push(Add, &[one, cx.input(0)]);
        let a = cx.push(Div, &[cx.grad(), sum]);
        vec![Some(a)]
    }

    #[cfg(feature = "eval")]
    fn eval(&self, _: &Context<'_>, inputs: &[&Array]) -> Array {
        elementwise::map(inputs, f64::ln_1p)
    }

    fn lowering(&self) -> Lowering {
        Lowering::Pointwise(|_, operands| {
            let a = &operands[0];
            quote!(s.log1p(#a))
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
        Gradient::positive(Log1p, singles())
    }

    #[test]
    fn gradient_matches_differences() {
        gradient().check();
    }

    #[test]
    fn definition() {
        assert_eval(Log1p, &[[0.0, 1e-20, -1.0]], [0.0, 1e-20, f64::NEG_INFINITY]);
    }

    #[test]
    fn expression() {
        assert_eq!(emitted(Log1p), "s.log1p(a)");
    }
}
