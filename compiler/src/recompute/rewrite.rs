//! Puts the clones into the graph: readers behind the turn read them instead, and they read what they need as
//! [`Later`](crate::ops::Later), so that they come in front of their first reader.

use std::collections::{BTreeMap, BTreeSet};

use super::estimate::Estimate;
use super::model::{Model, Value};
use crate::ir::{Graph, Node, NodeId, Root};
use crate::ops::{Later, Lowering, Op};
use crate::passes;

/// The graph with the clones of an estimate.
///
/// # Errors
/// None of its own; removing what nobody needs is a pass.
pub(super) fn rewrite(graph: &Graph, model: &Model<'_>, estimate: &Estimate) -> Result<Graph, String> {
    let mut rewriter = Rewriter {
        original: graph,
        model,
        estimate,
        graph: graph.clone(),
        clones: BTreeMap::new(),
        late: BTreeMap::new(),
        waiting: BTreeMap::new(),
    };
    for kernel in model.program.kernels.iter().skip(model.turn + 1) {
        for &node in kernel.nodes.iter().filter(|&&node| graph.contains(node)) {
            for (position, operand) in graph.inputs(node).into_iter().enumerate() {
                let late = rewriter.late(operand);
                if late != operand {
                    rewriter.graph.set_input(node, position, late);
                }
            }
        }
    }
    let mut changed = rewriter.graph;
    passes::dce(&mut changed)?;
    Ok(renumbered(&changed, &graph.topological()))
}

/// The graph with its nodes in an order of which `order` holds all but the clones: each clone stands in front of its
/// first reader. Kernels are grouped in this order.
fn renumbered(graph: &Graph, order: &[NodeId]) -> Graph {
    let mut result = Graph::default();
    let mut made: BTreeMap<NodeId, NodeId> = BTreeMap::new();
    for &node in order.iter().filter(|&&node| graph.contains(node)) {
        let mut stack = vec![node];
        while let Some(&node) = stack.last() {
            let inputs = graph.inputs(node);
            let missing: Vec<NodeId> = inputs.iter().copied().filter(|input| !made.contains_key(input)).collect();
            if missing.is_empty() || made.contains_key(&node) {
                stack.pop();
                let inputs: Vec<NodeId> = inputs.iter().map(|input| made[input]).collect();
                made.entry(node).or_insert_with(|| result.push(graph.node(node).clone(), &inputs));
            } else {
                stack.extend(missing.into_iter().rev());
            }
        }
    }
    result.roots = graph.roots.iter().map(|root| Root { kind: root.kind.clone(), node: made[&root.node] }).collect();
    result
}

struct Rewriter<'a> {
    original: &'a Graph,
    model: &'a Model<'a>,
    estimate: &'a Estimate,
    graph: Graph,
    /// For a value that is computed again: the clone of a node that it needs.
    clones: BTreeMap<(usize, NodeId), NodeId>,
    /// What a reader behind the turn reads in place of a node.
    late: BTreeMap<NodeId, NodeId>,
    /// For a value that is computed again: what its clone reads in place of a stored value.
    waiting: BTreeMap<(usize, NodeId), NodeId>,
}

impl Rewriter<'_> {
    fn late(&mut self, node: NodeId) -> NodeId {
        if let Some(&late) = self.late.get(&node) {
            return late;
        }
        let late = if let Some(&value) = self.model.index.get(&node) {
            self.stored(value)
        } else if self.is_there(node) || self.model.program.kernel_of.contains_key(&node) {
            node
        } else {
            // A view, or what each kernel computes for itself.
            let inputs = self.graph.inputs(node);
            let late: Vec<NodeId> = inputs.iter().map(|&input| self.late(input)).collect();
            if late == inputs { node } else { self.copy(node, &late) }
        };
        self.late.insert(node, late);
        late
    }

    /// A value of the arena behind the turn.
    fn stored(&mut self, value: usize) -> NodeId {
        let node = self.model.values[value].node;
        if self.estimate.clones.contains_key(&value) { self.clone(value, node) } else { node }
    }

    /// The clone of a node that computing `value` again needs.
    fn clone(&mut self, value: usize, node: NodeId) -> NodeId {
        if let Some(&clone) = self.clones.get(&(value, node)) {
            return clone;
        }
        let inputs: Vec<NodeId> =
            self.graph.inputs(node).into_iter().map(|operand| self.operand(value, operand)).collect();
        let clone = self.copy(node, &inputs);
        self.clones.insert((value, node), clone);
        clone
    }

    fn operand(&mut self, value: usize, operand: NodeId) -> NodeId {
        match self.model.index.get(&operand) {
            Some(&read) => {
                let stored = self.stored(read);
                self.wait(value, stored)
            }
            None if self.model.program.needs.uniform.contains(&operand) => operand,
            None if self.is_external(operand) => self.wait(value, operand),
            None if self.model.program.kernel_of.contains_key(&operand) || self.reads(operand) => {
                self.clone(value, operand)
            }
            None => operand,
        }
    }

    /// What the clone of `value` reads for something stored: it waits for the kernel that the clone is to run in front
    /// of, unless another clone does that for it.
    fn wait(&mut self, value: usize, stored: NodeId) -> NodeId {
        let clones = &self.estimate.clones;
        let at = clones[&value];
        if self.model.values[value].reads.iter().any(|read| clones.get(read) == Some(&at)) {
            return stored;
        }
        if let Some(&waiting) = self.waiting.get(&(value, stored)) {
            return waiting;
        }
        let node = Node { op: Later.into(), ..self.graph.node(stored).clone() };
        let operands: Vec<NodeId> = std::iter::once(stored).chain(self.signals(at)).collect();
        let waiting = self.graph.push(node, &operands);
        self.waiting.insert((value, stored), waiting);
        waiting
    }

    /// What is there before a kernel behind the turn runs, in the order without clones: what it reads from behind the
    /// turn, and the last value of all. With the clone between those and the kernel, that order is still one.
    fn signals(&self, kernel: usize) -> BTreeSet<NodeId> {
        let values = &self.model.values;
        let read = self.model.program.kernels[kernel].reads.iter().filter_map(|read| self.model.index.get(read));
        let read = read.map(|&read| &values[read]).filter(|value| value.kernel > self.model.turn);
        // Copies of results are made with the kernels.
        let stands = |value: &&Value| self.original.contains(value.node);
        let last = values.iter().rev().filter(stands).find(|value| value.kernel < kernel);
        read.filter(stands).chain(last).map(|value| value.node).collect()
    }

    fn copy(&mut self, node: NodeId, inputs: &[NodeId]) -> NodeId {
        let node = self.graph.node(node).clone();
        self.graph.push(node, inputs)
    }

    fn is_there(&self, node: NodeId) -> bool {
        self.is_external(node) || self.model.program.needs.uniform.contains(&node)
    }

    fn is_external(&self, node: NodeId) -> bool {
        matches!(self.graph.op(node).rules().lowering(), Lowering::External)
    }

    /// Whether anything stored stands behind a node that each kernel computes for itself.
    fn reads(&self, node: NodeId) -> bool {
        self.graph.inputs(node).into_iter().any(|input| {
            let stored = self.model.index.contains_key(&input) || self.is_external(input);
            stored || !matches!(self.graph.op(input), Op::Constant(_)) && self.reads(input)
        })
    }
}
