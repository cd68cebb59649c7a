//! Indices as vectors.

use quote::quote;

use super::{Lowering, Rules, elementwise};
use crate::autodiff::Vjp;
#[cfg(feature = "eval")]
use crate::eval::{Array, Context};
use crate::ir::{DType, NodeId, Type};

/// Class indices `u32[..]` as `[.., classes]`: 1 at the index, elsewhere 0. No gradient flows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OneHot {
    /// How many classes there are.
    pub classes: usize,
    /// The elements of the result, `F32` or `F64`.
    pub dtype: DType,
}

impl Rules for OneHot {
    fn name(&self) -> &'static str {
        "one_hot"
    }

    /// Both are also part of the type that the line in the printed graph ends with.
    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("classes", self.classes.to_string()), ("dtype", self.dtype.rust().to_string())]
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Type, String> {
        let [index] = elementwise::operands(self.name(), inputs)?;
        if index.dtype != DType::U32 {
            return Err(format!("`one_hot` takes class indices, but is given {index}"));
        }
        let mut ty = index.with_dtype(self.dtype);
        ty.dims.push(self.classes);
        elementwise::float(self.name(), &ty)?;
        Ok(ty)
    }

    fn vjp(&self, _: &mut Vjp<'_>) -> Vec<Option<NodeId>> {
        vec![None]
    }

    #[cfg(feature = "eval")]
    fn eval(&self, _: &Context<'_>, inputs: &[&Array]) -> Array {
        let index = inputs[0];
        let shape: Vec<usize> = index.shape().iter().copied().chain([self.classes]).collect();
        let classes = 0..self.classes;
        let hot = |index: f64| classes.clone().map(move |class| if class as f64 == index { 1.0 } else { 0.0 });
        let values = index.iter().flat_map(|&index| hot(index)).collect();
        Array::from_shape_vec(shape, values).expect("one value per class")
    }

    /// Operand 0 is the expression of the index as a float in all lanes, operand 1 that of the first lane's place on
    /// the axis of the classes (`usize`); the code generator knows both.
    fn lowering(&self) -> Lowering {
        Lowering::Free(|_, operands| {
            let (class, index) = (&operands[0], &operands[1]);
            quote!(s.select(s.eq(s.iota(#index), #class), s.splat(1.0), s.splat(0.0)))
        })
    }

    fn flops(&self, _: &[&Type], _: &Type) -> u64 {
        0
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::ops::testing::{Case, Gradient, Values, batched, emitted, error, eval};

    pub(in crate::ops) fn gradient() -> Gradient {
        let case = |index: Type| Case::new(OneHot { classes: 3, dtype: DType::F64 }, [(index, Values::Index(3))]);
        Gradient::Checked(vec![case(Type::batched(DType::U32, [])), case(Type::fixed(DType::U32, [2, 5]))])
    }

    #[test]
    fn gradient_is_nothing() {
        gradient().check();
    }

    #[test]
    fn definition() {
        let op = OneHot { classes: 3, dtype: DType::F64 };
        let found = eval(op, 2, &[(Type::batched(DType::U32, []), vec![2.0, 0.0])]);
        assert_eq!(found, ndarray::arr2(&[[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]).into_dyn());
    }

    #[test]
    fn expression() {
        let op = OneHot { classes: 3, dtype: DType::F32 };
        assert_eq!(emitted(op), "s.select(s.eq(s.iota(b),a),s.splat(1.0),s.splat(0.0))");
    }

    #[test]
    fn settings_are_printed() {
        let found = OneHot { classes: 3, dtype: DType::F32 }.attributes();
        assert_eq!(found, [("classes", "3".to_string()), ("dtype", "f32".to_string())]);
    }

    #[test]
    fn shape_rule() {
        let op = OneHot { classes: 3, dtype: DType::F32 };
        assert_eq!(error(op, [batched([])]), "`one_hot` takes class indices, but is given f64[B]");
    }
}
