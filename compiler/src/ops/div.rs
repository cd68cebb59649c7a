//! Division.

use quote::quote;

use super::{Lowering, Mul, Neg, Rules, elementwise};
use crate::autodiff::Vjp;
#[cfg(feature = "eval")]
use crate::eval::{Array, Context};
use crate::ir::{NodeId, Type};

/// `a / b`. As floats have it: no error where `b` is 0.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Div;

impl Rules for Div {
    fn name(&self) -> &'static str {
        "div"
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Type, String> {
        elementwise::binary(self.name(), inputs)
    }

    fn vjp(&self, cx: &mut Vjp<'_>) -> Vec<Option<NodeId>> {
        let a = cx.push(Div, &[cx.grad(), cx.input(1)]);
        // d(a/b)/db = -(a/b)/b
        let scaled = cx.push(Mul, &[a, cx.output()]);
        let b = cx.push(Neg, &[scaled]);
        vec![Some(a), Some(b)]
    }

    #[cfg(feature = "eval")]
    fn eval(&self, _: &Context<'_>, inputs: &[&Array]) -> Array {
        elementwise::zip(inputs, |a, b| a / b)
    }

    fn lowering(&self) -> Lowering {
        Lowering::Pointwise(|_, operands| {
            let (a, b) = (&operands[0], &operands[1]);
            quote!(s.div(#a, #b))
        })
    }

    fn flops(&self, _: &[&Type], output: &Type) -> u64 {
        elementwise::flops(output)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::ops::testing::{Gradient, assert_eval, emitted, pairs};

    pub(in crate::ops) fn gradient() -> Gradient {
        Gradient::real(Div, pairs())
    }

    #[test]
    fn gradient_matches_differences() {
        gradient().check();
    }

    #[test]
    fn definition() {
        assert_eval(Div, &[[1.5, -1.0], [2.0, 0.0]], [0.75, f64::NEG_INFINITY]);
    }

    #[test]
    fn expression() {
        assert_eq!(emitted(Div), "s.div(a,b)");
    }
}
