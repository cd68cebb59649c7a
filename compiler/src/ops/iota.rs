//! Positions.

use quote::quote;

use super::{Lowering, Rules, elementwise};
use crate::autodiff::Vjp;
#[cfg(feature = "eval")]
use crate::eval::{Array, Context};
use crate::ir::{DType, NodeId, Type};

/// `0, 1, …` as floats `[length]` (`numpy.arange`), without a batch.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Iota {
    /// How many.
    pub length: usize,
    /// The elements of the result, `F32` or `F64`.
    pub dtype: DType,
}

impl Rules for Iota {
    fn name(&self) -> &'static str {
        "iota"
    }

    /// Both are also part of the type that the line in the printed graph ends with.
    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("length", self.length.to_string()), ("dtype", self.dtype.rust().to_string())]
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Type, String> {
        let [] = elementwise::operands(self.name(), inputs)?;
        let ty = Type::fixed(self.dtype, [self.length]);
        elementwise::float(self.name(), &ty)?;
        Ok(ty)
    }

    fn vjp(&self, _: &mut Vjp<'_>) -> Vec<Option<NodeId>> {
        Vec::new()
    }

    #[cfg(feature = "eval")]
    fn eval(&self, _: &Context<'_>, _: &[&Array]) -> Array {
        (0..self.length).map(|place| place as f64).collect::<ndarray::Array1<f64>>().into_dyn()
    }

    /// Operand 0 is the expression of the first lane's place on the axis (`usize`); the code generator knows it.
    fn lowering(&self) -> Lowering {
        Lowering::Free(|_, operands| {
            let place = &operands[0];
            quote!(s.iota(#place))
        })
    }

    fn flops(&self, _: &[&Type], _: &Type) -> u64 {
        0
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::ops::testing::{Gradient, emitted, error, eval};

    pub(in crate::ops) fn gradient() -> Gradient {
        Gradient::Nothing("it has no operands")
    }

    #[test]
    fn definition() {
        let found = eval(Iota { length: 3, dtype: DType::F64 }, 2, &[]);
        assert_eq!(found, ndarray::arr1(&[0.0, 1.0, 2.0]).into_dyn());
    }

    #[test]
    fn expression() {
        assert_eq!(emitted(Iota { length: 3, dtype: DType::F32 }), "s.iota(a)");
    }

    #[test]
    fn settings_are_printed() {
        let found = Iota { length: 3, dtype: DType::F32 }.attributes();
        assert_eq!(found, [("length", "3".to_string()), ("dtype", "f32".to_string())]);
    }

    #[test]
    fn shape_rule() {
        assert_eq!(Iota { length: 3, dtype: DType::F32 }.infer(&[]), Ok(Type::fixed(DType::F32, [3])));
        assert_eq!(
            error(Iota { length: 3, dtype: DType::U32 }, []),
            "`iota` computes with floats, but is given u32[3]"
        );
    }
}
