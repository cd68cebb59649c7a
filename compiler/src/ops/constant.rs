//! Numbers.

use proc_macro2::{Literal, TokenStream};
use quote::quote;

use super::{Lowering, Op, Rules, Scalar, elementwise};
use crate::autodiff::Vjp;
#[cfg(feature = "eval")]
use crate::eval::{Array, Context};
use crate::ir::{DType, NodeId, Type};

/// A number that is known now: a scalar; `Broadcast` makes tensors of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Constant {
    /// The number, rounded to the dtype only where it is emitted.
    pub value: Scalar,
    /// `F32` or `F64`.
    pub dtype: DType,
}

impl Rules for Constant {
    fn name(&self) -> &'static str {
        "constant"
    }

    /// The dtype is part of the type that the line in the printed graph ends with.
    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("value", self.value.to_string())]
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Type, String> {
        let [] = elementwise::operands(self.name(), inputs)?;
        let ty = Type::scalar(self.dtype);
        elementwise::float(self.name(), &ty)?;
        Ok(ty)
    }

    fn vjp(&self, _: &mut Vjp<'_>) -> Vec<Option<NodeId>> {
        Vec::new()
    }

    #[cfg(feature = "eval")]
    fn eval(&self, _: &Context<'_>, _: &[&Array]) -> Array {
        ndarray::arr0(self.value.0).into_dyn()
    }

    /// The number in all lanes, as a float literal without a suffix, so the kernel's element type decides.
    fn lowering(&self) -> Lowering {
        Lowering::Free(emit)
    }

    fn flops(&self, _: &[&Type], _: &Type) -> u64 {
        0
    }
}

fn emit(op: &Op, _: &[TokenStream]) -> TokenStream {
    let Op::Constant(Constant { value: Scalar(value), dtype }) = op else { unreachable!("constant emits {op:?}") };
    // A literal past f32's range is an error to rustc.
    let value =
        if *dtype == DType::F32 && (*value as f32).is_infinite() { f64::INFINITY.copysign(*value) } else { *value };
    let float = dtype.rust().parse::<TokenStream>().unwrap_or_default();
    let magnitude = if value.is_nan() {
        quote!(#float::NAN)
    } else if value.is_infinite() {
        quote!(#float::INFINITY)
    } else {
        let literal = Literal::f64_unsuffixed(value.abs());
        quote!(#literal)
    };
    if value.is_sign_negative() && !value.is_nan() { quote!(s.splat(-#magnitude)) } else { quote!(s.splat(#magnitude)) }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::ops::testing::{Gradient, emitted, error, eval};

    pub(in crate::ops) fn gradient() -> Gradient {
        Gradient::Nothing("it has no operands")
    }

    fn constant(value: f64, dtype: DType) -> Constant {
        Constant { value: Scalar(value), dtype }
    }

    #[test]
    fn definition() {
        assert_eq!(eval(constant(2.5, DType::F32), 3, &[]), ndarray::arr0(2.5).into_dyn());
    }

    #[test]
    fn shape_rule() {
        assert_eq!(error(constant(1.0, DType::U32), []), "`constant` computes with floats, but is given u32[]");
    }

    #[test]
    fn settings_are_printed() {
        assert_eq!(constant(1e-7, DType::F32).attributes(), [("value", "1e-7".to_string())]);
    }

    #[test]
    fn expressions() {
        let found =
            [2.0, 1e-7, -0.5, -0.0, f64::NEG_INFINITY, f64::NAN, 1e300].map(|v| emitted(constant(v, DType::F32)));
        let expected = [
            "s.splat(2.0)",
            "s.splat(0.0000001)",
            "s.splat(-0.5)",
            "s.splat(-0.0)",
            "s.splat(-f32::INFINITY)",
            "s.splat(f32::NAN)",
            "s.splat(f32::INFINITY)",
        ];
        assert_eq!(found, expected);
        assert_eq!(emitted(constant(f64::INFINITY, DType::F64)), "s.splat(f64::INFINITY)");
    }
}
