//! Parameters.

use super::{Lowering, Rules, elementwise};
use crate::autodiff::Vjp;
#[cfg(feature = "eval")]
use crate::eval::{Array, Context};
use crate::ir::{NodeId, ParamId, Type};

/// The value of a parameter before the step, in its public layout.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Param {
    /// Which parameter.
    pub index: ParamId,
    /// Its type.
    pub ty: Type,
}

impl Rules for Param {
    fn name(&self) -> &'static str {
        "param"
    }

    /// The type is what the line in the printed graph ends with.
    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("index", self.index.0.to_string())]
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Type, String> {
        let [] = elementwise::operands(self.name(), inputs)?;
        elementwise::float(self.name(), &self.ty)?;
        if self.ty.batched {
            return Err(format!("a `param` has no batch, but is {}", self.ty));
        }
        Ok(self.ty.clone())
    }

    fn vjp(&self, _: &mut Vjp<'_>) -> Vec<Option<NodeId>> {
        Vec::new()
    }

    #[cfg(feature = "eval")]
    fn eval(&self, cx: &Context<'_>, _: &[&Array]) -> Array {
        cx.params[self.index.0].clone()
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
        let params = [array(&[1.0]), array(&[2.0, 3.0])];
        let op = Param { index: ParamId(1), ty: fixed([2]) };
        assert_eq!(op.eval(&Context { params: &params, ..Context::new(1) }, &[]), params[1]);
    }

    #[test]
    fn shape_rule() {
        let op = Param { index: ParamId(0), ty: batched([2]) };
        assert_eq!(error(op, []), "a `param` has no batch, but is f64[B, 2]");
    }

    #[test]
    fn settings_are_printed() {
        assert_eq!(Param { index: ParamId(3), ty: fixed([]) }.attributes(), [("index", "3".to_string())]);
    }
}
