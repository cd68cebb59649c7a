//! Sums over the steps of a loop: the gradients by what every step reads.
//!
//! A sum moves through what is linear, so that `sum_t contract(a_t, g_t)`, a weight gradient in every step, becomes
//! one product of all steps' `a` and `g` behind the loop.

use std::collections::BTreeMap;

use crate::ir::{Graph, NodeId};
use crate::ops::{Op, Reduce, ReduceKind};

/// How the sum over the steps of one of their values is made of values of all steps. The nodes are the body's.
pub(super) enum Sum {
    /// The primitive on sums.
    Of(Op, Vec<Sum>),
    /// A primitive that sums over leading axes, on the operands' values of all steps.
    Over(Op, Vec<NodeId>),
    /// The same in each step: what the loop reads as this operand.
    Captured(usize),
}

impl Sum {
    /// The sum of `node`; `captured` are the values that each step reads, by operand.
    pub(super) fn new(body: &Graph, node: NodeId, captured: &BTreeMap<NodeId, usize>) -> Self {
        let op = body.op(node).clone();
        let inputs = body.inputs(node);
        // A value that somebody else reads too is stored once; sums of its parts would be computed twice.
        let part = |input: NodeId| match body.users(input).len() {
            1 => Self::new(body, input, captured),
            _ => Self::stored(body, input, captured),
        };
        match (&op, &inputs[..]) {
            (Op::Add(_) | Op::Sub(_) | Op::Neg(_) | Op::Concat(_), _)
            | (Op::Reshape(_) | Op::Transpose(_) | Op::Slice(_) | Op::Pad(_) | Op::Broadcast(_), _) => {
                Self::Of(op, inputs.into_iter().map(part).collect())
            }
            (Op::Contract(_) | Op::Mul(_), &[a, b]) => match (captured.get(&a), captured.get(&b)) {
                (Some(&a), _) => Self::Of(op, vec![Self::Captured(a), part(b)]),
                (_, Some(&b)) => Self::Of(op, vec![part(a), Self::Captured(b)]),
                _ => Self::stored(body, node, captured),
            },
            _ => Self::stored(body, node, captured),
        }
    }

    /// The sum of what is stored for all steps.
    fn stored(body: &Graph, node: NodeId, captured: &BTreeMap<NodeId, usize>) -> Self {
        let inputs = body.inputs(node);
        match body.op(node) {
            op @ (Op::Contract(_) | Op::Conv2dWeightGrad(_) | Op::EmbedGrad(_))
                if !inputs.iter().any(|input| captured.contains_key(input)) =>
            {
                Self::Over(op.clone(), inputs)
            }
            Op::Reduce(Reduce { kind: ReduceKind::Sum, axes, batch }) => {
                let axes = [0].into_iter().chain(axes.iter().map(|axis| axis + 1)).collect();
                Self::Over(Reduce { kind: ReduceKind::Sum, axes, batch: *batch }.into(), inputs)
            }
            _ => Self::Over(Reduce { kind: ReduceKind::Sum, axes: vec![0], batch: false }.into(), vec![node]),
        }
    }

    /// The body's nodes whose values of all steps it needs.
    pub(super) fn stacks(&self) -> Vec<NodeId> {
        match self {
            Self::Of(_, parts) => parts.iter().flat_map(Self::stacks).collect(),
            Self::Over(_, nodes) => nodes.clone(),
            Self::Captured(_) => Vec::new(),
        }
    }

    /// Makes it with `push`, given the stacked values.
    pub(super) fn build(
        &self,
        stacked: &BTreeMap<NodeId, NodeId>,
        operands: &[NodeId],
        push: &mut impl FnMut(Op, &[NodeId]) -> NodeId,
    ) -> NodeId {
        match self {
            Self::Of(op, parts) => {
                let parts: Vec<NodeId> = parts.iter().map(|part| part.build(stacked, operands, push)).collect();
                push(op.clone(), &parts)
            }
            Self::Over(op, nodes) => {
                let nodes: Vec<NodeId> = nodes.iter().map(|node| stacked[node]).collect();
                push(op.clone(), &nodes)
            }
            Self::Captured(operand) => operands[*operand],
        }
    }
}
