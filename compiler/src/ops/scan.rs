//! A loop over the first axis of sequences.

use std::hash::{Hash, Hasher};
use std::rc::Rc;

use super::{Lowering, Rules};
use crate::autodiff::Vjp;
#[cfg(feature = "eval")]
use crate::eval::{Array, Context};
use crate::ir::{DType, Graph, NodeId, RootKind, Type};

/// Runs a body for each index of the first axis of its sequences, carrying states from one step to the next.
///
/// The operands are `sequences` values `[steps, ..]`, then the `states` initial states, then whatever the body reads
/// in every step (weights, values of the same row). The body is a graph of its own: its `Input(i)` stands for operand
/// i (of a sequence, for the part of this step), its roots are `Carry(0..states)`, the next states, and `Output(j)`,
/// what each step emits. It has no `Param`, `State`, `Hyper`, `Random` or root of another kind: those are operands.
///
/// The node itself has no bytes: each `Take` of it is one of its results. Numbers below `states` are the states after
/// the last step, the others are what the steps emitted, stacked along a new first axis by the index of the step.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scan {
    /// What one step computes.
    pub body: Body,
    /// Steps.
    pub steps: usize,
    /// Whether the last index comes first. What is emitted still stands at its own index.
    pub reverse: bool,
    /// How many operands are sequences.
    pub sequences: usize,
    /// How many operands, after those, are initial states.
    pub states: usize,
}

/// The graph of a loop's step, compared and hashed by its text.
#[derive(Clone, Debug)]
pub struct Body {
    graph: Rc<Graph>,
    text: Rc<str>,
}

impl Body {
    /// A body of this graph.
    pub fn new(graph: Graph) -> Self {
        let text = graph.to_string().into();
        Self { graph: Rc::new(graph), text }
    }

    /// The graph.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The graph as text.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl PartialEq for Body {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Body {}

impl Hash for Body {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl Scan {
    /// The type of every result: the states after the last step, then what is emitted, stacked.
    pub fn results(&self) -> Vec<Type> {
        let graph = self.body.graph();
        let result = |root: &crate::ir::Root| {
            let ty = graph.ty(root.node);
            match root.kind {
                RootKind::Output(_) => self.stacked(ty),
                _ => ty.clone(),
            }
        };
        graph.roots.iter().map(result).collect()
    }

    /// What the steps' values of this type are when stacked.
    pub fn stacked(&self, step: &Type) -> Type {
        step.with_dims([&[self.steps], step.dims.as_slice()].concat())
    }

    /// The types of the body's inputs, given those of the operands.
    ///
    /// # Errors
    /// If a sequence has another number of steps.
    pub fn arguments(&self, operands: &[&Type]) -> Result<Vec<Type>, String> {
        operands.iter().enumerate().map(|(index, ty)| self.argument(index, ty)).collect()
    }

    fn argument(&self, index: usize, operand: &Type) -> Result<Type, String> {
        if index >= self.sequences {
            return Ok(operand.clone());
        }
        match operand.dims.split_first() {
            Some((&steps, rest)) if steps == self.steps => Ok(operand.with_dims(rest)),
            _ => Err(format!("a sequence of `scan` has {} steps, found {}", self.steps, operand.shape())),
        }
    }
}

#[cfg(feature = "eval")]
impl Scan {
    /// The results, step by step.
    pub(crate) fn run(&self, cx: &Context<'_>, operands: &[&Array]) -> Vec<Array> {
        let graph = self.body.graph();
        let axis = |index: usize| ndarray::Axis(usize::from(cx.operands[index].batched));
        let mut states: Vec<Array> =
            operands[self.sequences..][..self.states].iter().map(|&state| state.clone()).collect();
        let emitted = &graph.roots[self.states..];
        let mut stacked: Vec<Array> =
            emitted.iter().map(|root| Array::zeros(cx.shape(&self.stacked(graph.ty(root.node))))).collect();
        for index in 0..self.steps {
            let step = if self.reverse { self.steps - 1 - index } else { index };
            let sequences = (0..self.sequences).map(|i| operands[i].index_axis(axis(i), step).to_owned());
            let captured = operands[self.sequences + self.states..].iter().map(|&value| value.clone());
            let inputs: Vec<Array> = sequences.chain(states).chain(captured).collect();
            let values = crate::eval::run(graph, &Context { inputs: &inputs, params: &[], ..*cx });
            states = graph.roots[..self.states].iter().map(|root| values[&root.node].clone()).collect();
            for (stack, root) in stacked.iter_mut().zip(emitted) {
                let axis = ndarray::Axis(usize::from(graph.ty(root.node).batched));
                stack.index_axis_mut(axis, step).assign(&values[&root.node]);
            }
        }
        states.into_iter().chain(stacked).collect()
    }
}

impl Rules for Scan {
    fn name(&self) -> &'static str {
        "scan"
    }

    /// The printer shows the body under the node.
    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![
            ("steps", self.steps.to_string()),
            ("reverse", self.reverse.to_string()),
            ("sequences", self.sequences.to_string()),
            ("states", self.states.to_string()),
        ]
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Type, String> {
        if self.steps == 0 {
            return Err("`scan` goes over at least 1 step".to_string());
        }
        if inputs.len() < self.sequences + self.states {
            return Err(format!("`scan` takes {} operands at least", self.sequences + self.states));
        }
        let arguments = self.arguments(inputs)?;
        let graph = self.body.graph();
        for node in graph.ids() {
            if let super::Op::Input(input) = graph.op(node)
                && arguments.get(input.index) != Some(graph.ty(node))
            {
                return Err(format!("the body of `scan` reads operand {} as {}", input.index, graph.ty(node)));
            }
        }
        let expected = |index: usize| match index.checked_sub(self.states) {
            None => RootKind::Carry(index),
            Some(output) => RootKind::Output(output),
        };
        if graph.roots.len() < self.states || graph.roots.iter().enumerate().any(|(i, root)| root.kind != expected(i)) {
            return Err("the body of `scan` carries its states and emits after them".to_string());
        }
        for (state, root) in graph.roots.iter().take(self.states).enumerate() {
            let (next, before) = (graph.ty(root.node), &arguments[self.sequences + state]);
            if next != before {
                return Err(format!("state {state} of `scan` is {before}, and after a step {next}"));
            }
        }
        Ok(Type::fixed(DType::U8, [0]))
    }

    /// `autodiff` asks all results' gradients at once: see there.
    fn vjp(&self, cx: &mut Vjp<'_>) -> Vec<Option<NodeId>> {
        vec![None; cx.arity()]
    }

    /// `eval::run` keeps the results (`Scan::run`) beside it: the node itself is empty.
    #[cfg(feature = "eval")]
    fn eval(&self, _: &Context<'_>, _: &[&Array]) -> Array {
        Array::zeros(vec![0])
    }

    fn lowering(&self) -> Lowering {
        Lowering::Loop
    }

    fn flops(&self, _: &[&Type], _: &Type) -> u64 {
        let graph = self.body.graph();
        let node = |id: NodeId| {
            let inputs = graph.inputs(id);
            let types: Vec<&Type> = inputs.iter().map(|&input| graph.ty(input)).collect();
            graph.op(id).rules().flops(&types, graph.ty(id))
        };
        graph.ids().into_iter().map(node).fold(0u64, u64::saturating_add).saturating_mul(self.steps as u64)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use crate::ops::testing::Gradient;

    pub(in crate::ops) fn gradient() -> Gradient {
        Gradient::Nothing("it has many results: autodiff checks it")
    }
}
