//! The optimiser's memory.

use super::{Lowering, Rules, elementwise};
use crate::autodiff::Vjp;
#[cfg(feature = "eval")]
use crate::eval::{Array, Context};
use crate::ir::{NodeId, ParamId, Type};

/// The value of an optimiser's slot (a momentum, say) of a parameter before the step. It starts at 0.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// Whose.
    pub index: ParamId,
    /// Which of its slots.
    pub slot: usize,
    /// Its type.
    pub ty: Type,
}

impl Rules for State {
    fn name(&self) -> &'static str {
        "state"
    }

    /// The type is what the line in the printed graph ends with.
    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("index", self.index.0.to_string()), ("slot", self.slot.to_string())]
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Type, String> {
        let [] = elementwise::operands(self.name(), inputs)?;
        elementwise::float(self.name(), &self.ty)?;
        if self.ty.batched {
            return Err(format!("a `state` has no batch, but is {}", self.ty));
        }
        Ok(self.ty.clone())
    }

    fn vjp(&self, _: &mut Vjp<'_>) -> Vec<Option<NodeId>> {
        Vec::new()
    }

    #[cfg(feature = "eval")]
    fn eval(&self, cx: &Context<'_>, _: &[&Array]) -> Array {
        cx.states[&(self.index, self.slot)].clone()
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
        let states = [((ParamId(1), 2), array(&[2.0, 3.0]))].into();
        let op = State { index: ParamId(1), slot: 2, ty: fixed([2]) };
        assert_eq!(op.eval(&Context { states: &states, ..Context::new(1) }, &[]), array(&[2.0, 3.0]));
    }

    #[test]
    fn shape_rule() {
        let op = State { index: ParamId(0), slot: 0, ty: batched([2]) };
        assert_eq!(error(op, []), "a `state` has no batch, but is f64[B, 2]");
    }

    #[test]
    fn settings_are_printed() {
        let op = State { index: ParamId(3), slot: 1, ty: fixed([]) };
        assert_eq!(op.attributes(), [("index", "3".to_string()), ("slot", "1".to_string())]);
    }
}
