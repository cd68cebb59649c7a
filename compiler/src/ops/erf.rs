//! The error function.

use quote::quote;

use super::{Exp, Lowering, Mul, Neg, Rules, elementwise};
use crate::autodiff::Vjp;
#[cfg(feature = "eval")]
use crate::eval::{Array, Context};
use crate::ir::{NodeId, Type};

/// 2/√π times the integral of exp(-t²) from 0 to `a`. The gradient is 2/√π·exp(-a²).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Erf;

impl Rules for Erf {
    fn name(&self) -> &'static str {
        "erf"
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Type, String> {
        elementwise::unary(self.name(), inputs)
    }

    fn vjp(&self, cx: &mut Vjp<'_>) -> Vec<Option<NodeId>> {
        let square = cx.push(Mul, &[cx.input(0), cx.input(0)]);
        let square = cx.push(Neg, &[square]);
        let bell = cx.push(Exp, &[square]);
        let factor = cx.constant_like(std::f64::consts::FRAC_2_SQRT_PI, cx.grad());
        let slope = cx.push(Mul, &[factor, bell]);
        let a = cx.push(Mul, &[cx.grad(), slope]);
        vec![Some(a)]
    }

    #[cfg(feature = "eval")]
    fn eval(&self, _: &Context<'_>, inputs: &[&Array]) -> Array {
        elementwise::map(inputs, erf)
    }

    fn lowering(&self) -> Lowering {
        Lowering::Pointwise(|_, operands| {
            let a = &operands[0];
            quote!(s.erf(#a))
        })
    }

    fn flops(&self, _: &[&Type], output: &Type) -> u64 {
        elementwise::flops(output)
    }
}

/// By the series 2x/√π·exp(-x²)·(1 + 2x²/3·(1 + 2x²/5·(1 + …))), whose terms are all positive (Abramowitz and Stegun,
/// "Handbook of Mathematical Functions", 1964, 7.1.6). Past 6 it is 1.
#[cfg(feature = "eval")]
fn erf(x: f64) -> f64 {
    if x.abs() > 6.0 {
        return x.signum();
    }
    let double = 2.0 * x * x;
    let series = (1..150).rev().fold(1.0, |sum, n| 1.0 + sum * double / f64::from(2 * n + 1));
    std::f64::consts::FRAC_2_SQRT_PI * x * (-x * x).exp() * series
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::ops::testing::{Gradient, emitted, singles};

    pub(in crate::ops) fn gradient() -> Gradient {
        Gradient::real(Erf, singles())
    }

    #[test]
    fn gradient_matches_differences() {
        gradient().check();
    }

    #[test]
    fn definition() {
        let found = [0.0, 0.5, -1.9, 2.6, 4.5, 30.0, 1e300].map(erf);
        let expected = [0.0, 0.520_499_877_813_046_5, -0.992_790_429_235_257_5, 0.999_763_965_583_470_7];
        for (found, expected) in found.into_iter().zip(expected.into_iter().chain([0.999_999_999_803_383_9, 1.0, 1.0])) {
            assert!((found - expected).abs() <= 4e-16, "{found}, expected {expected}");
        }
        assert!(erf(f64::NAN).is_nan());
    }

    #[test]
    fn expression() {
        assert_eq!(emitted(Erf), "s.erf(a)");
    }
}
