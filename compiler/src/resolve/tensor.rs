//! Nodes of the graph: primitives with their checks, constants, broadcasting.

use proc_macro2::Span;

use super::value::Eval;
use super::{Effect, Resolver, Trace};
use crate::diag::Diagnostic;
use crate::infer::{self, MAX_ELEMENTS};
use crate::ir::{DType, Name, NodeId, Type, shape};
use crate::ops::{Broadcast, Constant, Op, Reshape, Scalar, Select};

/// More primitives than this make no build that anybody waits for.
const MAX_NODES: usize = 50_000;

/// The shape that both shapes broadcast to, aligned from the right.
pub(crate) fn broadcast_dims(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let rank = a.len().max(b.len());
    let at = |dims: &[usize], axis: usize| match (axis + dims.len()).checked_sub(rank) {
        Some(axis) => dims.get(axis).copied().unwrap_or(1),
        None => 1,
    };
    (0..rank)
        .map(|axis| match (at(a, axis), at(b, axis)) {
            (a, b) if a == b => Some(a),
            (1, other) | (other, 1) => Some(other),
            _ => None,
        })
        .collect()
}

impl Resolver<'_> {
    /// The type of a node.
    pub(crate) fn ty(&self, node: NodeId) -> Type {
        self.net.graph.ty(node).clone()
    }

    /// The axes of a node.
    pub(crate) fn dims(&self, node: NodeId) -> Vec<usize> {
        self.net.graph.ty(node).dims.clone()
    }

    /// One more primitive.
    pub(crate) fn node(&mut self, op: impl Into<Op>, inputs: &[NodeId], span: Span) -> Eval<NodeId> {
        if self.net.graph.len() >= MAX_NODES {
            return self.exhaust(span);
        }
        let name = self.label.clone().map(|label| Name::new(label, self.origin));
        match infer::add(&mut self.net.graph, op, inputs, span, name) {
            Ok(node) => {
                let ty = self.net.graph.ty(node);
                if ty.batched && ty.elements().saturating_mul(self.net.batch) > MAX_ELEMENTS {
                    let message =
                        format!("{} rows of {} have more than 2^40 elements", self.net.batch, shape(&ty.dims));
                    return self.shape_error(span, message, &[node], None);
                }
                Ok(node)
            }
            Err(message) => self.shape_error(span, message, inputs, None),
        }
    }

    /// A number as a tensor without axes.
    pub(crate) fn scalar(&mut self, value: f64, span: Span) -> Eval<NodeId> {
        let dtype = self.net.dtype;
        if dtype == DType::F32 && value.is_finite() && !(value as f32).is_finite() {
            return self.fail(span, format!("{value:?} is past what f32 holds"));
        }
        self.node(Constant { value: Scalar(value), dtype }, &[], span)
    }

    /// A number in each element of a type.
    pub(crate) fn filled(&mut self, value: f64, ty: &Type, span: Span) -> Eval<NodeId> {
        let scalar = self.scalar(value, span)?;
        self.broadcast(scalar, ty.batched, &ty.dims, span)
    }

    /// A tensor repeated to a batching and shape.
    pub(crate) fn broadcast(&mut self, x: NodeId, batched: bool, dims: &[usize], span: Span) -> Eval<NodeId> {
        let ty = self.net.graph.ty(x);
        if ty.batched == batched && ty.dims == dims {
            return Ok(x);
        }
        let from = x;
        let x = self.node(Broadcast { batched, dims: dims.to_vec() }, &[x], span)?;
        self.history.record(x, Some(from), span, Trace::Silent, Effect::Other);
        Ok(x)
    }

    /// The same elements under another shape.
    pub(crate) fn reshape(&mut self, x: NodeId, dims: &[usize], span: Span) -> Eval<NodeId> {
        if self.net.graph.ty(x).dims == dims {
            return Ok(x);
        }
        self.node(Reshape { dims: dims.to_vec() }, &[x], span)
    }

    /// Two operands brought to one shape. `what` completes "can't …": `add [3] and [4]`.
    pub(crate) fn aligned(&mut self, a: NodeId, b: NodeId, what: &str, span: Span) -> Eval<(NodeId, NodeId)> {
        let (left, right) = (self.ty(a), self.ty(b));
        let Some(dims) = broadcast_dims(&left.dims, &right.dims) else {
            let message = format!("can't {what} {} and {}: the axes differ", left.shape(), right.shape());
            return self.shape_error(span, message, &[a, b], None);
        };
        let batched = left.batched || right.batched;
        Ok((self.broadcast(a, batched, &dims, span)?, self.broadcast(b, batched, &dims, span)?))
    }

    /// A primitive of two operands, broadcast.
    pub(crate) fn binary(&mut self, op: impl Into<Op>, a: NodeId, b: NodeId, what: &str, span: Span) -> Eval<NodeId> {
        let (left, right) = self.aligned(a, b, what, span)?;
        let node = self.node(op, &[left, right], span)?;
        // The operand whose shape the result has tells the story.
        let result = self.dims(node);
        let (from, effect) = if self.dims(a) == result {
            (a, Effect::Keep)
        } else if self.dims(b) == result {
            (b, Effect::Keep)
        } else {
            (a, Effect::Other)
        };
        let trace = match effect {
            Effect::Keep => Trace::Silent,
            _ => Trace::Gives(format!("{what} with {} gives {}", shape(&self.dims(b)), shape(&result))),
        };
        self.history.record(node, Some(from), span, trace, effect);
        Ok(node)
    }

    /// The tensor as floats: a comparison becomes 1 and 0.
    pub(crate) fn float(&mut self, x: NodeId, span: Span) -> Eval<NodeId> {
        let ty = self.ty(x);
        match ty.dtype {
            DType::F32 | DType::F64 => Ok(x),
            DType::Bool => {
                let float = ty.with_dtype(self.net.dtype);
                let (one, zero) = (self.filled(1.0, &float, span)?, self.filled(0.0, &float, span)?);
                let node = self.node(Select, &[x, one, zero], span)?;
                self.history.record(node, Some(x), span, Trace::Silent, Effect::Keep);
                Ok(node)
            }
            DType::U32 | DType::U8 => Err(self.error(
                Diagnostic::new(span, "class indices are not numbers to compute with")
                    .help("one_hot(…) makes floats of them"),
            )),
        }
    }

    /// The most evaluation that a network may ask for is used up.
    pub(super) fn exhaust<T>(&mut self, span: Span) -> Eval<T> {
        if !self.exhausted {
            self.exhausted = true;
            self.loops = 0;
            return Err(self.error(
                Diagnostic::new(span, "the network is too large: its loops and blocks unroll without end")
                    .help(format!("at most {MAX_NODES} primitives make one network")),
            ));
        }
        Err(super::value::Poisoned::reported())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_broadcast_from_the_right() {
        assert_eq!(broadcast_dims(&[28, 28, 3], &[3]), Some(vec![28, 28, 3]));
        assert_eq!(broadcast_dims(&[4, 1], &[5]), Some(vec![4, 5]));
        assert_eq!(broadcast_dims(&[], &[7]), Some(vec![7]));
        assert_eq!(broadcast_dims(&[4], &[5]), None);
    }
}
