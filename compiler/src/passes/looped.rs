//! A loop taken apart, to be changed and put together again.

use std::collections::{BTreeMap, BTreeSet};

use crate::infer;
use crate::ir::{Graph, Node, NodeId, Root, RootKind, Type};
use crate::ops::{Body, Input, Op, Scan, Take};

/// What an operand of a loop is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Sequence,
    State(usize),
    Captured,
}

/// A loop of a graph, taken apart. The body's `Input(i)` stands for `operands[i]`, whatever their order; roots may be
/// taken out, and operands added, until it is put together.
pub(super) struct Loop {
    id: NodeId,
    scan: Scan,
    pub(super) body: Graph,
    pub(super) operands: Vec<(Kind, NodeId)>,
}

impl Loop {
    /// The loop that a node is. Each operand is one input of the body, and what no root needs is gone.
    pub(super) fn open(graph: &Graph, id: NodeId) -> Option<Self> {
        let Op::Scan(scan) = graph.op(id) else { return None };
        let kind = |place: usize| match place.checked_sub(scan.sequences) {
            None => Kind::Sequence,
            Some(state) if state < scan.states => Kind::State(state),
            _ => Kind::Captured,
        };
        let operands = graph.inputs(id).into_iter().enumerate().map(|(place, input)| (kind(place), input)).collect();
        let body = scan.body.graph().part(&BTreeMap::new(), scan.body.graph().roots.clone());
        let mut this = Self { id, scan: scan.clone(), body, operands };
        let mut first: BTreeMap<usize, NodeId> = BTreeMap::new();
        for (node, index) in this.inputs() {
            let known = *first.entry(index).or_insert(node);
            if known != node {
                this.body.replace(node, known);
                this.body.remove(node);
            }
        }
        Some(this)
    }

    /// The body's inputs and the operands that they stand for.
    pub(super) fn inputs(&self) -> Vec<(NodeId, usize)> {
        let number = |id: NodeId| match self.body.op(id) {
            Op::Input(input) => Some((id, input.index)),
            _ => None,
        };
        self.body.ids().into_iter().filter_map(number).collect()
    }

    /// The operand that a node of the body stands for.
    pub(super) fn operand(&self, node: NodeId) -> Option<(Kind, NodeId)> {
        match self.body.op(node) {
            Op::Input(input) => self.operands.get(input.index).copied(),
            _ => None,
        }
    }

    pub(super) fn steps(&self) -> usize {
        self.scan.steps
    }

    pub(super) fn reverse(&self) -> bool {
        self.scan.reverse
    }

    pub(super) fn states(&self) -> usize {
        self.scan.states
    }

    /// What a value of the step is for all steps.
    pub(super) fn stacked(&self, step: &Type) -> Type {
        self.scan.stacked(step)
    }

    /// A new operand, and the body's input for it.
    pub(super) fn read(&mut self, kind: Kind, outer: NodeId, like: &Node) -> NodeId {
        let op = Input { index: self.operands.len(), ty: like.ty.clone() }.into();
        self.operands.push((kind, outer));
        self.body.push(Node { op, ..like.clone() }, &[])
    }

    /// The number of the result that a root is.
    pub(super) fn result(&self, kind: &RootKind) -> Option<usize> {
        match *kind {
            RootKind::Carry(state) => Some(state),
            RootKind::Output(output) => Some(self.scan.states + output),
            _ => None,
        }
    }

    /// The results that somebody reads.
    pub(super) fn takes(&self, graph: &Graph) -> BTreeMap<usize, Vec<NodeId>> {
        let mut takes: BTreeMap<usize, Vec<NodeId>> = BTreeMap::new();
        for user in graph.users(self.id) {
            if let Op::Take(take) = graph.op(user)
                && (!graph.users(user).is_empty() || graph.is_root(user))
            {
                takes.entry(take.index).or_default().push(user);
            }
        }
        takes
    }

    /// Lets the loop emit a value of its body too; the value for all steps. The loop stays where it is.
    pub(super) fn emit(&mut self, graph: &mut Graph, node: NodeId) -> Result<NodeId, String> {
        let outputs = self.body.roots.len() - self.scan.states;
        let known = self.body.roots.iter().skip(self.scan.states).position(|root| root.node == node);
        let place = known.unwrap_or(outputs);
        if known.is_none() {
            self.body.roots.push(Root { kind: RootKind::Output(outputs), node });
            self.scan.body = Body::new(self.body.clone());
            graph.node_mut(self.id).op = self.scan.clone().into();
        }
        self.take(graph, self.id, self.scan.states + place, self.stacked(self.body.ty(node)))
    }

    fn take(&self, graph: &mut Graph, scan: NodeId, index: usize, ty: Type) -> Result<NodeId, String> {
        let Node { span, name, .. } = graph.node(self.id).clone();
        infer::add(graph, Take { index, ty }, &[scan], span, name)
    }

    /// Puts the loop together in place of the one it was: without the operands that the body does not read, and
    /// without the results and states whose roots are gone. Nobody may read those.
    pub(super) fn close(mut self, graph: &mut Graph) -> Result<(), String> {
        let takes = self.takes(graph);
        if self.body.roots.is_empty() {
            return Ok(());
        }
        let kept: BTreeSet<usize> = self
            .body
            .roots
            .iter()
            .filter_map(|root| match root.kind {
                RootKind::Carry(state) => Some(state),
                _ => None,
            })
            .collect();
        let needed = self.body.part(&BTreeMap::new(), self.body.roots.clone());
        let read: BTreeSet<usize> = needed
            .ids()
            .into_iter()
            .filter_map(|id| match needed.op(id) {
                Op::Input(input) => Some(input.index),
                _ => None,
            })
            .collect();
        let mut order: Vec<usize> = (0..self.operands.len())
            .filter(|place| match self.operands[*place].0 {
                Kind::State(state) => kept.contains(&state),
                _ => read.contains(place),
            })
            .collect();
        order.sort_by_key(|&place| self.operands[place].0);
        let number = |place: usize| order.iter().position(|&old| old == place);
        let leaves: BTreeMap<NodeId, usize> =
            self.inputs().into_iter().filter_map(|(node, place)| Some((node, number(place)?))).collect();
        let mut sorted = self.body.roots.clone();
        sorted.sort_by_key(|root| self.result(&root.kind));
        self.body.roots = sorted;
        let mut results: BTreeMap<usize, usize> = BTreeMap::new();
        let mut roots = Vec::new();
        for (place, root) in self.body.roots.iter().enumerate() {
            results.extend(self.result(&root.kind).map(|old| (old, place)));
            let kind = match place.checked_sub(kept.len()) {
                None => RootKind::Carry(place),
                Some(output) => RootKind::Output(output),
            };
            roots.push(Root { kind, node: root.node });
        }
        let body = Body::new(self.body.part(&leaves, roots));
        let sequences = order.iter().filter(|&&place| self.operands[place].0 == Kind::Sequence).count();
        let (steps, reverse) = (self.scan.steps, self.scan.reverse);
        let scan = Scan { body, steps, reverse, sequences, states: kept.len() };
        let operands: Vec<NodeId> = order.iter().map(|&place| self.operands[place].1).collect();
        let types = scan.results();
        let Node { span, name, .. } = graph.node(self.id).clone();
        let new = infer::add(graph, scan, &operands, span, name)?;
        for (old, takes) in takes {
            let Some(&index) = results.get(&old) else { return Err(format!("result {old} of a loop is still read")) };
            for take in takes {
                let node = Node { op: Take { index, ty: types[index].clone() }.into(), ..graph.node(take).clone() };
                let new = graph.push(node, &[new]);
                graph.replace(take, new);
                graph.remove(take);
            }
        }
        for take in graph.users(self.id) {
            graph.remove(take);
        }
        graph.remove(self.id);
        Ok(())
    }
}
