//! One result of a loop.

use super::{Lowering, Rules, elementwise};
use crate::autodiff::Vjp;
#[cfg(feature = "eval")]
use crate::eval::{Array, Context};
use crate::ir::{NodeId, Type};

/// Result number `index` of a `Scan`, the operand: [`Scan::results`](super::Scan::results) says which that is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Take {
    /// Which of the loop's results.
    pub index: usize,
    /// Its type, which the verifier holds against the loop's.
    pub ty: Type,
}

impl Rules for Take {
    fn name(&self) -> &'static str {
        "take"
    }

    /// The type is what the line in the printed graph ends with.
    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("index", self.index.to_string())]
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Type, String> {
        let [_] = elementwise::operands(self.name(), inputs)?;
        Ok(self.ty.clone())
    }

    /// The loop's gradient takes those of all its results at once: see `autodiff`.
    fn vjp(&self, _: &mut Vjp<'_>) -> Vec<Option<NodeId>> {
        vec![None]
    }

    /// `eval::run` puts the loop's result in this node's place before anybody asks.
    #[cfg(feature = "eval")]
    fn eval(&self, cx: &Context<'_>, _: &[&Array]) -> Array {
        Array::zeros(cx.shape(&self.ty))
    }

    fn lowering(&self) -> Lowering {
        Lowering::Part
    }

    fn flops(&self, _: &[&Type], _: &Type) -> u64 {
        0
    }
}

#[cfg(test)]
pub(super) mod tests {
    use crate::ops::testing::Gradient;

    pub(in crate::ops) fn gradient() -> Gradient {
        Gradient::Nothing("the loop's own: autodiff checks it")
    }
}
