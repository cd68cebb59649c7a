//! A choice between two values.

use quote::quote;

use super::{Lowering, Rules, elementwise};
use crate::autodiff::Vjp;
#[cfg(feature = "eval")]
use crate::eval::{Array, Context};
use crate::ir::{DType, NodeId, Type};

/// `a` where the condition holds, elsewhere `b`. What is not chosen does not matter, NaN included, nor does it get a
/// gradient.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Select;

impl Rules for Select {
    fn name(&self) -> &'static str {
        "select"
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Type, String> {
        let [condition, a, b] = elementwise::operands(self.name(), inputs)?;
        if condition.dtype != DType::Bool {
            return Err(format!("`select` chooses by a comparison, but is given {condition}"));
        }
        elementwise::float(self.name(), a)?;
        elementwise::same(self.name(), a, b)?;
        elementwise::same(self.name(), condition, &a.with_dtype(DType::Bool))?;
        Ok(a.clone())
    }

    fn vjp(&self, cx: &mut Vjp<'_>) -> Vec<Option<NodeId>> {
        let zero = cx.constant_like(0.0, cx.grad());
        let a = cx.push(Select, &[cx.input(0), cx.grad(), zero]);
        let b = cx.push(Select, &[cx.input(0), zero, cx.grad()]);
        vec![None, Some(a), Some(b)]
    }

    #[cfg(feature = "eval")]
    fn eval(&self, _: &Context<'_>, inputs: &[&Array]) -> Array {
        let mut result = inputs[1].clone();
        ndarray::Zip::from(&mut result).and(inputs[0]).and(inputs[2]).for_each(|result, &condition, &b| {
            if condition == 0.0 {
                *result = b;
            }
        });
        result
    }

    fn lowering(&self) -> Lowering {
        Lowering::Pointwise(|_, operands| {
            let (condition, a, b) = (&operands[0], &operands[1], &operands[2]);
            quote!(s.select(#condition, #a, #b))
        })
    }

    fn flops(&self, _: &[&Type], _: &Type) -> u64 {
        0
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::ops::testing::{Case, Gradient, Values, emitted, error, eval, fixed, shapes};

    pub(in crate::ops) fn gradient() -> Gradient {
        let case = |ty: Type| {
            let condition = (ty.with_dtype(DType::Bool), Values::Index(2));
            Case::new(Select, [condition, (ty.clone(), Values::Real), (ty, Values::Real)])
        };
        Gradient::Checked(shapes().into_iter().map(case).collect())
    }

    #[test]
    fn gradient_matches_differences() {
        gradient().check();
    }

    #[test]
    fn definition() {
        let condition = (Type::fixed(DType::Bool, [2]), vec![1.0, 0.0]);
        let found = eval(Select, 1, &[condition, (fixed([2]), vec![1.0, f64::NAN]), (fixed([2]), vec![f64::NAN, 2.0])]);
        assert_eq!(found.as_slice(), Some([1.0, 2.0].as_slice()));
    }

    #[test]
    fn expression() {
        assert_eq!(emitted(Select), "s.select(a,b,c)");
    }

    #[test]
    fn operands_fit() {
        let condition = Type::fixed(DType::Bool, [3]);
        assert_eq!(
            error(Select, [fixed([2]), fixed([2]), fixed([2])]),
            "`select` chooses by a comparison, but is given f64[2]"
        );
        assert_eq!(
            error(Select, [condition, fixed([2]), fixed([2])]),
            "`select` takes operands of one shape, but is given bool[3] and bool[2]"
        );
    }
}
