//! What a step computes, computed for all steps at once: each primitive with the steps as one more first axis.

use std::collections::BTreeMap;

use super::looped::{Kind, Loop};
use crate::infer;
use crate::ir::{DType, Graph, Node, NodeId};
use crate::ops::{Broadcast, Concat, Flip, Lowering, Op, Pad, Reduce, Reshape, Slice, Transpose};

/// A value of the body, outside of the loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lifted {
    /// The values of all steps, `[steps, ..]`.
    Stack(NodeId),
    /// The same value in every step.
    Same(NodeId),
}

/// The values of a loop's body that stand outside.
#[derive(Default)]
pub(super) struct Lift {
    known: BTreeMap<NodeId, Lifted>,
}

impl Lift {
    /// Outside stand the operands other than states.
    pub(super) fn new(this: &Loop) -> Self {
        let known = this.inputs().into_iter().filter_map(|(node, _)| match this.operand(node)? {
            (Kind::Sequence, outer) => Some((node, Lifted::Stack(outer))),
            (Kind::Captured, outer) => Some((node, Lifted::Same(outer))),
            (Kind::State(_), _) => None,
        });
        Self { known: known.collect() }
    }

    /// Says where a node's values stand.
    pub(super) fn know(&mut self, node: NodeId, outside: Lifted) {
        self.known.insert(node, outside);
    }

    /// A value outside of the loop, made there with all that it needs.
    ///
    /// # Errors
    /// If it can't be: `can_lift` says so before.
    pub(super) fn make(&mut self, graph: &mut Graph, this: &Loop, node: NodeId) -> Result<Lifted, String> {
        // An explicit stack: bodies may be deep.
        let mut todo = vec![node];
        while let Some(&next) = todo.last() {
            let missing: Vec<NodeId> =
                this.body.inputs(next).into_iter().filter(|input| !self.known.contains_key(input)).collect();
            if self.known.contains_key(&next) {
                todo.pop();
            } else if missing.is_empty() {
                let made = self.one(graph, this, next)?;
                self.known.insert(next, made);
                todo.pop();
            } else {
                todo.extend(missing);
            }
        }
        Ok(self.known[&node])
    }

    fn one(&self, graph: &mut Graph, this: &Loop, node: NodeId) -> Result<Lifted, String> {
        let inputs: Vec<Lifted> = this.body.inputs(node).iter().map(|input| self.known[input]).collect();
        let Node { op, ty, span, name } = this.body.node(node).clone();
        let mut push = |op: Op, inputs: &[NodeId]| infer::add(graph, op, inputs, span, name.clone());
        let outer: Vec<NodeId> = inputs
            .iter()
            .map(|input| match *input {
                Lifted::Stack(id) | Lifted::Same(id) => id,
            })
            .collect();
        if !inputs.iter().any(|input| matches!(input, Lifted::Stack(_))) {
            return push(op, &outer).map(Lifted::Same);
        }
        let stack = this.stacked(&ty);
        let op: Op = match op {
            Op::Broadcast(_) => {
                // The axes that are put in stand behind the steps.
                let from = this.body.ty(this.body.input(node, 0)).dims.clone();
                let ones = vec![1; ty.dims.len() - from.len()];
                let dims = [vec![this.steps()], ones, from].concat();
                let aligned = push(Reshape { dims }.into(), &outer)?;
                let all = Broadcast { batched: stack.batched, dims: stack.dims };
                return push(all.into(), &[aligned]).map(Lifted::Stack);
            }
            Op::Reshape(_) => Reshape { dims: stack.dims.clone() }.into(),
            Op::Transpose(Transpose { perm }) => {
                Transpose { perm: [0].into_iter().chain(perm.iter().map(|axis| axis + 1)).collect() }.into()
            }
            Op::Slice(Slice { starts, ends, steps }) => {
                Slice { starts: before(0, starts), ends: before(this.steps(), ends), steps: before(1, steps) }.into()
            }
            Op::Pad(Pad { low, high, interior }) => {
                Pad { low: before(0, low), high: before(0, high), interior: before(0, interior) }.into()
            }
            Op::Flip(Flip { axes }) => Flip { axes: axes.iter().map(|axis| axis + 1).collect() }.into(),
            Op::Concat(Concat { axis }) => Concat { axis: axis + 1 }.into(),
            Op::Reduce(Reduce { kind, axes, batch }) => {
                Reduce { kind, axes: axes.iter().map(|axis| axis + 1).collect(), batch }.into()
            }
            other => other,
        };
        // What reads a weight reads it as it is; all other operands are of all steps.
        let mut operands = Vec::new();
        for (place, (&input, &id)) in inputs.iter().zip(&outer).enumerate() {
            operands.push(match input {
                Lifted::Same(_) if weight(&op) != Some(place) => {
                    let ty = this.stacked(this.body.ty(this.body.input(node, place)));
                    push(Broadcast { batched: ty.batched, dims: ty.dims }.into(), &[id])?
                }
                _ => id,
            });
        }
        let made = push(op, &operands)?;
        if *graph.ty(made) != stack {
            return Err(format!("a step's {ty} became {} for all steps", graph.ty(made)));
        }
        Ok(Lifted::Stack(made))
    }
}

fn before(first: usize, rest: Vec<usize>) -> Vec<usize> {
    [vec![first], rest].concat()
}

/// The operand that is a weight: all rows read the same.
fn weight(op: &Op) -> Option<usize> {
    match op {
        Op::Embed(_) => Some(0),
        Op::MatMul(_) | Op::Conv2d(_) | Op::Conv2dInputGrad(_) => Some(1),
        _ => None,
    }
}

/// Whether a node of a body can be computed for all steps at once, given which of its operands vary.
pub(super) fn can_lift(this: &Loop, node: NodeId, varies: impl Fn(NodeId) -> bool) -> bool {
    let op = this.body.op(node);
    let inputs = this.body.inputs(node);
    let spread = |&input: &NodeId| varies(input) || this.body.ty(input).dtype.is_float();
    match op {
        Op::MatMul(_) | Op::Conv2d(_) | Op::Conv2dInputGrad(_) | Op::Embed(_) => {
            weight(op).and_then(|place| inputs.get(place)).is_some_and(|&weight| !varies(weight))
        }
        Op::Reduce(_) | Op::Gather(_) | Op::ArgMax(_) | Op::BatchMatMul(_) => inputs.iter().all(spread),
        Op::MaxPool2d(_) | Op::MaxPool2dIndex(_) | Op::MaxPool2dGrad(_) | Op::MaxPool2dTake(_) => {
            inputs.iter().all(spread)
        }
        Op::AvgPool2d(_) | Op::AvgPool2dGrad(_) => inputs.iter().all(spread),
        Op::Reshape(_) | Op::Broadcast(_) => this.body.ty(node).dtype != DType::Bool,
        op => match op.rules().lowering() {
            Lowering::Pointwise(_) | Lowering::Free(_) | Lowering::Move => inputs.iter().all(spread),
            _ => false,
        },
    }
}
