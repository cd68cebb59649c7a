//! Reverse-mode differentiation: a walk from the loss that asks each primitive for its vector-Jacobian
//! product (Griewank and Walther, "Evaluating Derivatives", chapter 3). What it adds are primitives.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::Span;

use crate::infer;
use crate::ir::{Graph, Name, Node, NodeId, Type};
use crate::ops::{Add, Broadcast, Constant, Op, Scalar};

mod loops;
mod saved;
mod sums;
#[cfg(test)]
mod through_time;

pub(crate) use saved::is_cheap;

/// What a primitive sees when it is asked for the gradients by its operands. Nodes that it adds inherit the
/// span and the name of the node that is differentiated.
pub struct Vjp<'a> {
    graph: &'a mut Graph,
    node: NodeId,
    inputs: Vec<NodeId>,
    grad: NodeId,
}

impl Vjp<'_> {
    /// Operand number `position`.
    ///
    /// # Panics
    /// If there is no such operand.
    pub fn input(&self, position: usize) -> NodeId {
        self.inputs[position]
    }

    /// How many operands there are.
    pub fn arity(&self) -> usize {
        self.inputs.len()
    }

    /// The differentiated node itself, for gradients that are cheaper from the result.
    pub fn output(&self) -> NodeId {
        self.node
    }

    /// The gradient of the loss by the result. It has the result's type.
    pub fn grad(&self) -> NodeId {
        self.grad
    }

    /// The type of a value.
    pub fn ty(&self, id: NodeId) -> Type {
        self.graph.ty(id).clone()
    }

    /// Adds a primitive.
    ///
    /// # Panics
    /// If the operands don't fit: the gradient rule is wrong, which is kiln's bug.
    pub fn push(&mut self, op: impl Into<Op>, inputs: &[NodeId]) -> NodeId {
        let Node { span, name, .. } = self.graph.node(self.node);
        let (span, name) = (*span, name.clone());
        add(self.graph, op.into(), inputs, span, name)
    }

    /// A value of `like`'s type with `value` everywhere.
    pub fn constant_like(&mut self, value: f64, like: NodeId) -> NodeId {
        let Type { dtype, batched, dims } = self.ty(like);
        let constant = self.push(Constant { value: Scalar(value), dtype }, &[]);
        if !batched && dims.is_empty() { constant } else { self.push(Broadcast { batched, dims }, &[constant]) }
    }

    /// The number that a value is everywhere, where that can be seen.
    pub fn constant_value(&self, id: NodeId) -> Option<f64> {
        match self.graph.op(id) {
            Op::Constant(constant) => Some(constant.value.0),
            Op::Broadcast(_) => self.constant_value(self.graph.input(id, 0)),
            _ => None,
        }
    }
}

/// The gradients of a scalar by some values; `None` where it does not depend on one. Dead primitives may be
/// left behind.
///
/// # Panics
/// If `loss` is no scalar or a primitive's gradient rule is wrong: kiln's bug.
pub fn gradients(graph: &mut Graph, loss: NodeId, wrt: &[NodeId]) -> Vec<Option<NodeId>> {
    let Node { ty, span, name, .. } = graph.node(loss).clone();
    assert!(ty.is_scalar() && ty.dtype.is_float(), "the loss is {ty}, not a scalar");
    let seed = add(graph, Constant { value: Scalar(1.0), dtype: ty.dtype }.into(), &[], span, name);
    pull_back(graph, loss, seed, wrt)
}

/// The gradients by `wrt` of the inner product of `output` with `seed`, a value of the same type.
///
/// # Panics
/// If the types differ or a primitive's gradient rule is wrong: kiln's bug.
pub fn pull_back(graph: &mut Graph, output: NodeId, seed: NodeId, wrt: &[NodeId]) -> Vec<Option<NodeId>> {
    pull_back_all(graph, &[(output, seed)], wrt)
}

/// As `pull_back`, of the sum of the inner products of several values with a seed each.
fn pull_back_all(graph: &mut Graph, seeds: &[(NodeId, NodeId)], wrt: &[NodeId]) -> Vec<Option<NodeId>> {
    let order = graph.topological();
    let active = depending(graph, wrt.iter().copied());
    let mut gradients: BTreeMap<NodeId, NodeId> = BTreeMap::new();
    for &(output, seed) in seeds {
        assert_eq!(graph.ty(output), graph.ty(seed), "the seed has another type than the output");
        if active.contains(&output) {
            accumulate(graph, &mut gradients, output, seed);
        }
    }
    for &id in order.iter().rev() {
        let inputs = graph.inputs(id);
        if !inputs.iter().any(|input| active.contains(input)) {
            continue;
        }
        let op = graph.op(id).clone();
        let contributions = if let Op::Scan(_) = op {
            let wanted: Vec<bool> = inputs.iter().map(|input| active.contains(input)).collect();
            loops::gradients(graph, id, &gradients, &wanted)
        } else {
            let Some(&grad) = gradients.get(&id) else { continue };
            let mut cx = Vjp { graph: &mut *graph, node: id, inputs: inputs.clone(), grad };
            op.rules().vjp(&mut cx)
        };
        assert_eq!(contributions.len(), inputs.len(), "{op:?} has another number of gradients than operands");
        for (input, contribution) in inputs.into_iter().zip(contributions) {
            let Some(contribution) = contribution.filter(|_| active.contains(&input)) else { continue };
            assert_eq!(
                graph.ty(contribution),
                graph.ty(input),
                "a gradient of {op:?} has another type than its operand"
            );
            accumulate(graph, &mut gradients, input, contribution);
        }
    }
    wrt.iter().map(|id| gradients.get(id).copied()).collect()
}

/// The values and all that depends on them.
fn depending(graph: &Graph, values: impl IntoIterator<Item = NodeId>) -> BTreeSet<NodeId> {
    let mut found: BTreeSet<NodeId> = values.into_iter().collect();
    for id in graph.topological() {
        if graph.inputs(id).iter().any(|input| found.contains(input)) {
            found.insert(id);
        }
    }
    found
}

fn accumulate(graph: &mut Graph, gradients: &mut BTreeMap<NodeId, NodeId>, of: NodeId, contribution: NodeId) {
    let sum = match gradients.get(&of) {
        None => contribution,
        Some(&other) => {
            let Node { span, name, .. } = graph.node(of).clone();
            add(graph, Add.into(), &[other, contribution], span, name)
        }
    };
    gradients.insert(of, sum);
}

fn add(graph: &mut Graph, op: Op, inputs: &[NodeId], span: Span, name: Option<Name>) -> NodeId {
    let text = format!("{op:?}");
    infer::add(graph, op, inputs, span, name)
        .unwrap_or_else(|error| panic!("a gradient rule made {text} of the wrong operands: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::{Array, Context, run};
    use crate::ir::DType;
    use crate::ops::{Exp, Input, Log, Mul, Reduce, ReduceKind, Sigmoid, StopGradient, Sub};

    fn node(graph: &mut Graph, op: impl Into<Op>, inputs: &[NodeId]) -> NodeId {
        infer::add(graph, op, inputs, Span::call_site(), Some("made".into())).expect("the operands fit")
    }

    fn input(graph: &mut Graph, index: usize, dims: &[usize]) -> NodeId {
        node(graph, Input { index, ty: Type::batched(DType::F64, dims) }, &[])
    }

    fn sum(graph: &mut Graph, value: NodeId) -> NodeId {
        let axes = (0..graph.ty(value).dims.len()).collect();
        node(graph, Reduce { kind: ReduceKind::Sum, axes, batch: true }, &[value])
    }

    #[test]
    fn contributions_of_all_users_are_summed() {
        // sum(x * x * x + exp(x)), x read five times
        let mut graph = Graph::default();
        let x = input(&mut graph, 0, &[2]);
        let square = node(&mut graph, Mul, &[x, x]);
        let cube = node(&mut graph, Mul, &[square, x]);
        let exp = node(&mut graph, Exp, &[x]);
        let all = node(&mut graph, Add, &[cube, exp]);
        let loss = sum(&mut graph, all);
        let gradient = gradients(&mut graph, loss, &[x])[0].expect("it depends on x");
        assert_eq!(graph.ty(gradient), graph.ty(x));
        assert_eq!(graph.node(gradient).name.as_deref(), Some("made"));

        let values = [[0.5, -1.0], [2.0, 0.0], [-3.0, 1.5]];
        let inputs: [Array; 1] = [ndarray::arr2(&values).into_dyn()];
        let found = &run(&graph, &Context { inputs: &inputs, ..Context::new(3) })[&gradient];
        for (found, x) in found.iter().zip(values.as_flattened()) {
            assert!((found - (3.0 * x * x + x.exp())).abs() < 1e-12);
        }
    }

    #[test]
    fn what_the_loss_does_not_depend_on_has_no_gradient() {
        let mut graph = Graph::default();
        let (x, y, z) = (input(&mut graph, 0, &[2]), input(&mut graph, 1, &[2]), input(&mut graph, 2, &[2]));
        let stopped = node(&mut graph, StopGradient, &[y]);
        let product = node(&mut graph, Mul, &[x, stopped]);
        let later = node(&mut graph, Sigmoid, &[product]);
        let loss = sum(&mut graph, product);
        let found = gradients(&mut graph, loss, &[x, y, z, later, loss]);
        assert_eq!(found.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false, false, false, true]);
        assert_eq!(graph.op(found[4].expect("the seed")), &Constant { value: Scalar(1.0), dtype: DType::F64 }.into());
    }

    #[test]
    fn only_what_leads_to_the_values_is_walked() {
        let mut graph = Graph::default();
        let (x, y) = (input(&mut graph, 0, &[2]), input(&mut graph, 1, &[2]));
        let log = node(&mut graph, Log, &[y]);
        let difference = node(&mut graph, Sub, &[x, log]);
        let loss = sum(&mut graph, difference);
        let before = graph.len();
        gradients(&mut graph, loss, &[x]);
        let added: Vec<&Op> = graph.ids().into_iter().skip(before).map(|id| graph.op(id)).collect();
        assert!(!added.iter().any(|op| matches!(op, Op::Div(_))), "log was differentiated: {added:?}");
    }

    #[test]
    fn inner_values_have_gradients_too() {
        // loss = sum(s * s), s = sigmoid(x): by s it is 2 s
        let mut graph = Graph::default();
        let x = input(&mut graph, 0, &[1]);
        let s = node(&mut graph, Sigmoid, &[x]);
        let square = node(&mut graph, Mul, &[s, s]);
        let loss = sum(&mut graph, square);
        let found = gradients(&mut graph, loss, &[s, x]);
        let inputs: [Array; 1] = [ndarray::arr2(&[[0.3]]).into_dyn()];
        let values = run(&graph, &Context { inputs: &inputs, ..Context::new(1) });
        let value = |id: NodeId| values[&id].sum();
        let (by_s, by_x) = (found[0].expect("it depends on s"), found[1].expect("it depends on x"));
        assert!((value(by_s) - 2.0 * value(s)).abs() < 1e-15);
        assert!((value(by_x) - 2.0 * value(s) * value(s) * (1.0 - value(s))).abs() < 1e-15);
    }

    #[test]
    #[should_panic(expected = "not a scalar")]
    fn a_loss_is_a_scalar() {
        let mut graph = Graph::default();
        let x = input(&mut graph, 0, &[2]);
        gradients(&mut graph, x, &[x]);
    }
}
