//! A value that counts as given.

use super::{Lowering, Rules, elementwise};
use crate::autodiff::Vjp;
#[cfg(feature = "eval")]
use crate::eval::{Array, Context};
use crate::ir::{NodeId, Type};

/// Its operand, through which no gradient flows. A pass takes it out once gradients are made.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StopGradient;

impl Rules for StopGradient {
    fn name(&self) -> &'static str {
        "stop_gradient"
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Type, String> {
        elementwise::unary(self.name(), inputs)
    }

    fn vjp(&self, _: &mut Vjp<'_>) -> Vec<Option<NodeId>> {
        vec![None]
    }

    #[cfg(feature = "eval")]
    fn eval(&self, _: &Context<'_>, inputs: &[&Array]) -> Array {
        inputs[0].clone()
    }

    fn lowering(&self) -> Lowering {
        Lowering::Absent
    }

    fn flops(&self, _: &[&Type], _: &Type) -> u64 {
        0
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::autodiff::pull_back;
    use crate::ir::Graph;
    use crate::ops::Mul;
    use crate::ops::testing::{Gradient, assert_eval, batched, input, node};

    pub(in crate::ops) fn gradient() -> Gradient {
        Gradient::Nothing("its gradient is not its derivative; a test below has it")
    }

    #[test]
    fn no_gradient_flows() {
        let mut graph = Graph::default();
        let x = input(&mut graph, 0, &batched([2]));
        let seed = input(&mut graph, 1, &batched([2]));
        let stopped = node(&mut graph, StopGradient, &[x]);
        assert_eq!(pull_back(&mut graph, stopped, seed, &[x]), [None]);
        // x * stop(x) has the gradient stop(x).
        let product = node(&mut graph, Mul, &[x, stopped]);
        let gradient = pull_back(&mut graph, product, seed, &[x])[0].expect("one factor depends on x");
        assert_eq!(graph.inputs(gradient), [seed, stopped]);
    }

    #[test]
    fn definition() {
        assert_eval(StopGradient, &[[1.0, 2.0]], [1.0, 2.0]);
    }
}
