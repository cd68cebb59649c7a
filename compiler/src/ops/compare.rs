//! Comparisons.

use proc_macro2::TokenStream;
use quote::quote;

use super::{Lowering, Op, Rules, elementwise};
use crate::autodiff::Vjp;
#[cfg(feature = "eval")]
use crate::eval::{Array, Context};
use crate::ir::{DType, NodeId, Type};

/// Which comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CompareKind {
    /// `a < b`
    Lt,
    /// `a <= b`
    Le,
    /// `a > b`
    Gt,
    /// `a >= b`
    Ge,
    /// `a == b`
    Eq,
    /// `a != b`
    Ne,
}

/// Whether two floats compare so. With NaN only `Ne` holds. The result is never stored: every consumer's kernel
/// compares again. No gradient flows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Compare {
    /// Which comparison.
    pub kind: CompareKind,
}

impl Rules for Compare {
    fn name(&self) -> &'static str {
        "compare"
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        let kind = match self.kind {
            CompareKind::Lt => "lt",
            CompareKind::Le => "le",
            CompareKind::Gt => "gt",
            CompareKind::Ge => "ge",
            CompareKind::Eq => "eq",
            CompareKind::Ne => "ne",
        };
        vec![("kind", kind.to_string())]
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Type, String> {
        Ok(elementwise::binary(self.name(), inputs)?.with_dtype(DType::Bool))
    }

    fn vjp(&self, _: &mut Vjp<'_>) -> Vec<Option<NodeId>> {
        vec![None, None]
    }

    #[cfg(feature = "eval")]
    fn eval(&self, _: &Context<'_>, inputs: &[&Array]) -> Array {
        let holds = match self.kind {
            CompareKind::Lt => |a: f64, b: f64| a < b,
            CompareKind::Le => |a: f64, b: f64| a <= b,
            CompareKind::Gt => |a: f64, b: f64| a > b,
            CompareKind::Ge => |a: f64, b: f64| a >= b,
            CompareKind::Eq => |a: f64, b: f64| a == b,
            CompareKind::Ne => |a: f64, b: f64| a != b,
        };
        elementwise::zip(inputs, |a, b| f64::from(u8::from(holds(a, b))))
    }

    /// A mask (`Simd::M`). Vectors have `<`, `<=` and `==` only: the others swap or negate.
    fn lowering(&self) -> Lowering {
        Lowering::Free(emit)
    }

    fn flops(&self, _: &[&Type], output: &Type) -> u64 {
        elementwise::flops(output)
    }
}

fn emit(op: &Op, operands: &[TokenStream]) -> TokenStream {
    let (a, b) = (&operands[0], &operands[1]);
    let Op::Compare(Compare { kind }) = op else { unreachable!("compare emits {op:?}") };
    match kind {
        CompareKind::Lt => quote!(s.lt(#a, #b)),
        CompareKind::Le => quote!(s.le(#a, #b)),
        CompareKind::Gt => quote!(s.lt(#b, #a)),
        CompareKind::Ge => quote!(s.le(#b, #a)),
        CompareKind::Eq => quote!(s.eq(#a, #b)),
        CompareKind::Ne => quote!(s.not(s.eq(#a, #b))),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::ops::testing::{Gradient, assert_eval, emitted, error, fixed, pairs};

    const KINDS: [CompareKind; 6] =
        [CompareKind::Lt, CompareKind::Le, CompareKind::Gt, CompareKind::Ge, CompareKind::Eq, CompareKind::Ne];

    pub(in crate::ops) fn gradient() -> Gradient {
        Gradient::real(Compare { kind: CompareKind::Lt }, pairs())
    }

    #[test]
    fn gradient_is_nothing() {
        gradient().check();
    }

    #[test]
    fn definition() {
        let holds = [[1., 0., 0., 0.], [1., 1., 0., 0.], [0., 0., 1., 0.], [0., 1., 1., 0.], [0., 1., 0., 0.]];
        let differs = [1., 0., 1., 1.];
        for (kind, expected) in KINDS.into_iter().zip(holds.into_iter().chain([differs])) {
            assert_eval(Compare { kind }, &[[1.0, 2.0, 3.0, f64::NAN], [2.0; 4]], expected);
        }
    }

    #[test]
    fn expressions() {
        let found = KINDS.map(|kind| emitted(Compare { kind }));
        assert_eq!(found, ["s.lt(a,b)", "s.le(a,b)", "s.lt(b,a)", "s.le(b,a)", "s.eq(a,b)", "s.not(s.eq(a,b))"]);
    }

    #[test]
    fn operands_are_of_one_shape() {
        assert_eq!(
            error(Compare { kind: CompareKind::Eq }, [fixed([2]), fixed([3])]),
            "`compare` takes operands of one shape, but is given f64[2] and f64[3]"
        );
    }
}
