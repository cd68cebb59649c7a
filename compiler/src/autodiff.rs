//! Reverse-mode differentiation: a walk from the loss that asks each primitive for its vector-Jacobian
//! product (Griewank and Walther, "Evaluating Derivatives", chapter 3). What it adds are primitives.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use proc_macro2::Span;

use crate::infer;
use crate::ir::{Graph, Node, NodeId, Type};
use crate::ops::{Add, Broadcast, Constant, Op, Scalar};

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
    assert_eq!(graph.ty(output), graph.ty(seed), "the seed has another type than the output");
    let order = graph.topological();
    let mut active: BTreeSet<NodeId> = wrt.iter().copied().collect();
    for &id in &order {
        if graph.inputs(id).iter().any(|input| active.contains(input)) {
            active.insert(id);
        }
    }
    let mut gradients: BTreeMap<NodeId, NodeId> = BTreeMap::new();
    if active.contains(&output) {
        gradients.insert(output, seed);
    }
    for &id in order.iter().rev() {
        let Some(&grad) = gradients.get(&id) else { continue };
        let inputs = graph.inputs(id);
        if !inputs.iter().any(|input| active.contains(input)) {
            continue;
        }
        let op = graph.op(id).clone();
        let mut cx = Vjp { graph: &mut *graph, node: id, inputs: inputs.clone(), grad };
        let contributions = op.rules().vjp(&mut cx);
        assert_eq!(contributions.len(), inputs.len(), "{op:?} has another number of gradients than operands");
        for (input, contribution) in inputs.into_iter().zip(contributions) {
            let Some(contribution) = contribution.filter(|_| active.contains(&input)) else { continue };
            assert_eq!(
                graph.ty(contribution),
                graph.ty(input),
                "a gradient of {op:?} has another type than its operand"
            );
            let sum = match gradients.get(&input) {
                None => contribution,
                Some(&other) => {
                    let Node { span, name, .. } = graph.node(input).clone();
                    add(graph, Add.into(), &[other, contribution], span, name)
                }
            };
            gradients.insert(input, sum);
        }
    }
    wrt.iter().map(|id| gradients.get(id).copied()).collect()
}

fn add(graph: &mut Graph, op: Op, inputs: &[NodeId], span: Span, name: Option<Rc<str>>) -> NodeId {
    let text = format!("{op:?}");
    infer::add(graph, op, inputs, span, name)
        .unwrap_or_else(|error| panic!("a gradient rule made {text} of the wrong operands: {error}"))
}
