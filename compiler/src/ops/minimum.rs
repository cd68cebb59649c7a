//! The smaller of two.

use quote::quote;

use super::{Compare, CompareKind, Lowering, Rules, Select, elementwise};
use crate::autodiff::Vjp;
#[cfg(feature = "eval")]
use crate::eval::{Array, Context};
use crate::ir::{NodeId, Type};

/// The smaller of `a` and `b`, NaN where either is. At ties the gradient goes to the first operand.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Minimum;

impl Rules for Minimum {
    fn name(&self) -> &'static str {
        "minimum"
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Type, String> {
        elementwise::binary(self.name(), inputs)
    }

    fn vjp(&self, cx: &mut Vjp<'_>) -> Vec<Option<NodeId>> {
        let first = cx.push(Compare { kind: CompareKind::Le }, &[cx.input(0), cx.input(1)]);
        let zero = cx.constant_like(0.0, cx.grad());
        let a = cx.push(Select, &[first, cx.grad(), zero]);
        let b = cx.push(Select, &[first, zero, cx.grad()]);
        vec![Some(a), Some(b)]
    }

    #[cfg(feature = "eval")]
    fn eval(&self, _: &Context<'_>, inputs: &[&Array]) -> Array {
        elementwise::zip(inputs, |a, b| if a < b || a.is_nan() { a } else { b })
    }

    fn lowering(&self) -> Lowering {
        Lowering::Pointwise(|_, operands| {
            let (a, b) = (&operands[0], &operands[1]);
            quote!(s.min(#a, #b))
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
        Gradient::real(Minimum, pairs())
    }

    #[test]
    fn gradient_matches_differences() {
        gradient().check();
    }

    #[test]
    fn definition() {
        assert_eval(Minimum, &[[1.5, -1.0, f64::NAN], [2.0, -3.0, 1.0]], [1.5, -3.0, f64::NAN]);
    }

    #[test]
    fn expression() {
        assert_eq!(emitted(Minimum), "s.min(a,b)");
    }
}
