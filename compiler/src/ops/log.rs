//! The natural logarithm.

use quote::quote;

use super::{Div, Lowering, Rules, elementwise};
use crate::autodiff::Vjp;
#[cfg(feature = "eval")]
use crate::eval::{Array, Context};
use crate::ir::{NodeId, Type};

/// The natural logarithm: -infinity at 0, NaN below.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Log;

impl Rules for Log {
    fn name(&self) -> &'static str {
        "log"
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Type, String> {
        elementwise::unary(self.name(), inputs)
    }

    fn vjp(&self, cx: &mut Vjp<'_>) -> Vec<Option<NodeId>> {
        let a = cx.push(Div, &[cx.grad(), cx.input(0)]);
        vec![Some(a)]
    }

    #[cfg(feature = "eval")]
    fn eval(&self, _: &Context<'_>, inputs: &[&Array]) -> Array {
        elementwise::map(inputs, f64::ln)
    }

    fn lowering(&self) -> Lowering {
        Lowering::Pointwise(|_, operands| {
            let a = &operands[0];
            quote!(s.log(#a))
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
        Gradient::positive(Log, singles())
    }

    #[test]
    fn gradient_matches_differences() {
        gradient().check();
    }

    #[test]
    fn definition() {
        assert_eval(Log, &[[1.0, std::f64::consts::E, 0.0, -1.0]], [0.0, 1.0, f64::NEG_INFINITY, f64::NAN]);
    }

    #[test]
    fn expression() {
        assert_eq!(emitted(Log), "s.log(a)");
    }
}
