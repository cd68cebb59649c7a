//! A value for readers that have to wait.

use super::{Lowering, Rules};
use crate::autodiff::Vjp;
#[cfg(feature = "eval")]
use crate::eval::{Array, Context};
use crate::ir::{NodeId, Type};

/// Operand 0, for readers that must not run before all other operands are there, which they don't read. What is computed again
/// reads its operands so: it is not the same as what was computed first, and it is not computed before it is needed
/// (XLA and JAX call this an optimisation barrier).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Later;

impl Rules for Later {
    fn name(&self) -> &'static str {
        "later"
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Type, String> {
        match inputs {
            [value, _, ..] => Ok((*value).clone()),
            _ => Err(format!("`later` waits for another value, but is given {} operands", inputs.len())),
        }
    }

    fn vjp(&self, cx: &mut Vjp<'_>) -> Vec<Option<NodeId>> {
        std::iter::once(Some(cx.grad())).chain(std::iter::repeat(None)).take(cx.arity()).collect()
    }

    #[cfg(feature = "eval")]
    fn eval(&self, _: &Context<'_>, inputs: &[&Array]) -> Array {
        inputs[0].clone()
    }

    fn lowering(&self) -> Lowering {
        Lowering::Alias
    }

    fn flops(&self, _: &[&Type], _: &Type) -> u64 {
        0
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::ir::DType;
    use crate::ops::testing::{Gradient, assert_eval, batched, error, fixed};

    pub(in crate::ops) fn gradient() -> Gradient {
        Gradient::real(Later, [[fixed([2]), batched([3])], [batched([2, 3]), fixed([])]])
    }

    #[test]
    fn gradient_matches_differences() {
        gradient().check();
    }

    #[test]
    fn definition() {
        assert_eval(Later, &[[1.0, f64::NAN], [3.0, 4.0]], [1.0, f64::NAN]);
    }

    #[test]
    fn operands_may_differ() {
        let (value, other) = (Type::fixed(DType::U32, [2]), batched([3]));
        assert_eq!(Later.infer(&[&value, &other]), Ok(value.clone()));
        assert_eq!(Later.infer(&[&value, &other, &value]), Ok(value.clone()));
        assert_eq!(error(Later, [fixed([2])]), "`later` waits for another value, but is given 1 operands");
    }
}
