//! What local rewrites share: a view of one node, and a walk that replaces nodes by cheaper ones.

use crate::infer;
use crate::ir::{Graph, NodeId, Type};
use crate::ops::{Broadcast, Constant, Op, Scalar};

/// The value that takes a node's place, if a rule applies. An error is a bug of the rule.
pub(super) type Rewritten = Result<Option<NodeId>, String>;

/// How often one node may be rewritten in a walk. Rules that undo each other would not end otherwise.
const MAX_REWRITES: usize = 32;

/// Rewrites every node, operands first, until no rule applies to what stands in its place.
pub(super) fn walk(graph: &mut Graph, rule: impl Fn(&mut At<'_>) -> Rewritten) -> Result<bool, String> {
    let mut changed = false;
    for id in graph.topological() {
        let mut current = id;
        for _ in 0..MAX_REWRITES {
            let Some(new) = rule(&mut At::new(graph, current))? else { break };
            adopt(graph, new, current);
            graph.replace(current, new);
            graph.remove(current);
            changed = true;
            // An operand that was there before has had its turn.
            if new < current {
                break;
            }
            current = new;
        }
    }
    Ok(changed)
}

/// Lets a value without a name take the name of the one whose place it takes.
pub(super) fn adopt(graph: &mut Graph, new: NodeId, old: NodeId) {
    if graph.node(new).name.is_none() {
        let name = graph.node(old).name.clone();
        graph.node_mut(new).name = name;
    }
}

/// The number that a value is everywhere, where that can be seen.
pub(super) fn constant_value(graph: &Graph, mut id: NodeId) -> Option<f64> {
    loop {
        match graph.op(id) {
            Op::Constant(constant) => return Some(constant.value.0),
            Op::Broadcast(_) => id = *graph.inputs(id).first()?,
            _ => return None,
        }
    }
}

/// A node that a rule looks at. Operands are given by value, not position.
pub(super) struct At<'a> {
    pub(super) graph: &'a mut Graph,
    pub(super) id: NodeId,
    inputs: Vec<NodeId>,
}

impl<'a> At<'a> {
    fn new(graph: &'a mut Graph, id: NodeId) -> Self {
        let inputs = graph.inputs(id);
        Self { graph, id, inputs }
    }

    /// The node's primitive.
    pub(super) fn op(&self) -> &Op {
        self.graph.op(self.id)
    }

    /// The node's type.
    pub(super) fn ty(&self) -> &Type {
        self.graph.ty(self.id)
    }

    /// The node's operands.
    pub(super) fn inputs(&self) -> &[NodeId] {
        &self.inputs
    }

    /// The only operand of a node that has one.
    pub(super) fn one(&self) -> Result<NodeId, String> {
        match self.inputs[..] {
            [a] => Ok(a),
            _ => Err(self.arity()),
        }
    }

    /// The operands of a node that has two.
    pub(super) fn two(&self) -> Result<(NodeId, NodeId), String> {
        match self.inputs[..] {
            [a, b] => Ok((a, b)),
            _ => Err(self.arity()),
        }
    }

    /// The operands of a node that has three.
    pub(super) fn three(&self) -> Result<(NodeId, NodeId, NodeId), String> {
        match self.inputs[..] {
            [a, b, c] => Ok((a, b, c)),
            _ => Err(self.arity()),
        }
    }

    fn arity(&self) -> String {
        format!("{} = {:?} has {} operands", self.id, self.op(), self.inputs.len())
    }

    /// The operand of `id`, if `id` is a node of the kind that `is` accepts, with one operand.
    pub(super) fn under(&self, id: NodeId, is: impl FnOnce(&Op) -> bool) -> Option<NodeId> {
        if !is(self.graph.op(id)) {
            return None;
        }
        match self.graph.inputs(id)[..] {
            [input] => Some(input),
            _ => None,
        }
    }

    /// The number that `id` is everywhere, where that can be seen.
    pub(super) fn constant(&self, id: NodeId) -> Option<f64> {
        constant_value(self.graph, id)
    }

    /// Whether the node that is looked at is the only one to read `id`, which is no root.
    pub(super) fn only_user(&self, id: NodeId) -> bool {
        self.graph.users(id) == [self.id] && !self.graph.is_root(id)
    }

    /// Adds a node in place of this one, with its span and name.
    pub(super) fn push(&mut self, op: impl Into<Op>, inputs: &[NodeId]) -> Result<NodeId, String> {
        let node = self.graph.node(self.id);
        let (span, name) = (node.span, node.name.clone());
        infer::add(self.graph, op, inputs, span, name)
    }

    /// Adds a node that the one in place of this one reads: it has the span, but no name.
    pub(super) fn push_part(&mut self, op: impl Into<Op>, inputs: &[NodeId]) -> Result<NodeId, String> {
        let span = self.graph.node(self.id).span;
        infer::add(self.graph, op, inputs, span, None)
    }

    /// Adds a value of type `ty` that is `value` everywhere.
    pub(super) fn splat(&mut self, value: f64, ty: &Type) -> Result<NodeId, String> {
        let constant = self.push_part(Constant { value: Scalar(value), dtype: ty.dtype }, &[])?;
        self.spread(constant, ty)
    }

    /// `id`, broadcast to `ty` unless it has that type.
    pub(super) fn spread(&mut self, id: NodeId, ty: &Type) -> Result<NodeId, String> {
        if self.graph.ty(id) == ty {
            return Ok(id);
        }
        self.push_part(Broadcast { batched: ty.batched, dims: ty.dims.clone() }, &[id])
    }
}
