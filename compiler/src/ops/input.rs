//! Data of the user.

use super::{Lowering, Rules, elementwise};
use crate::autodiff::Vjp;
#[cfg(feature = "eval")]
use crate::eval::{Array, Context};
use crate::ir::{DType, NodeId, Type};

/// Data that the user hands over at run time: input number `index` of the function.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Input {
    /// Which of the function's inputs.
    pub index: usize,
    /// Its type.
    pub ty: Type,
}

impl Rules for Input {
    fn name(&self) -> &'static str {
        "input"
    }

    /// The type is what the line in the printed graph ends with.
    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("index", self.index.to_string())]
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Type, String> {
        let [] = elementwise::operands(self.name(), inputs)?;
        if self.ty.dtype == DType::Bool {
            return Err("comparisons are no data".to_string());
        }
        Ok(self.ty.clone())
    }

    fn vjp(&self, _: &mut Vjp<'_>) -> Vec<Option<NodeId>> {
        Vec::new()
    }

    #[cfg(feature = "eval")]
    fn eval(&self, cx: &Context<'_>, _: &[&Array]) -> Array {
        cx.inputs[self.index].clone()
    }

    fn lowering(&self) -> Lowering {
        Lowering::External
    }

    fn flops(&self, _: &[&Type], _: &Type) -> u64 {
        0
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::ops::testing::{Gradient, batched, error, fixed};

    pub(in crate::ops) fn gradient() -> Gradient {
        Gradient::Nothing("it has no operands")
    }

    fn array(values: &[f64]) -> Array {
        ndarray::Array1::from(values.to_vec()).into_dyn()
    }

    #[test]
    fn definition() {
        let data = [array(&[2.0, 3.0])];
        let op = Input { index: 0, ty: batched([]) };
        assert_eq!(op.eval(&Context { inputs: &data, ..Context::new(2) }, &[]), data[0]);
    }

    #[test]
    fn shape_rule() {
        let op = Input { index: 0, ty: Type::batched(DType::Bool, [2]) };
        assert_eq!(error(op, []), "comparisons are no data");
        let op = Input { index: 0, ty: batched([2]) };
        assert_eq!(error(op, [fixed([])]), "`input` takes 0 operands, but is given 1");
    }

    #[test]
    fn settings_are_printed() {
        assert_eq!(Input { index: 3, ty: fixed([]) }.attributes(), [("index", "3".to_string())]);
    }
}
