//! The graph of a function: a directed acyclic graph of primitives over petgraph.

use std::cell::OnceCell;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::fmt;
use std::rc::Rc;

use petgraph::Direction;
use petgraph::stable_graph::{NodeIndex, StableDiGraph};
use petgraph::visit::EdgeRef;
use proc_macro2::Span;

use super::{Name, Type};
use crate::ops::{Input, Op};

/// A value of one graph. Ids of removed nodes are not used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(NodeIndex);

impl NodeId {
    /// The index behind the id.
    pub fn index(self) -> usize {
        self.0.index()
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "%{}", self.index())
    }
}

/// A parameter of the network, by order of declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ParamId(pub usize);

/// One primitive applied to operands; it makes one value.
#[derive(Clone, Debug)]
pub struct Node {
    /// What is computed.
    pub op: Op,
    /// The type of the value.
    pub ty: Type,
    /// The user's tokens that asked for it; derived nodes inherit it.
    pub span: Span,
    /// The user's name for it (`hidden`), for readable kernels; derived nodes inherit it.
    pub name: Option<Name>,
}

/// What a value is computed for. Roots keep nodes alive.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RootKind {
    /// The function's result number n.
    Output(usize),
    /// The scalar loss.
    Loss,
    /// The new value of a parameter, written over the old one.
    Param(ParamId),
    /// The new value of an optimiser slot of a parameter, written over the old one.
    State(ParamId, usize),
    /// In the body of a loop, the value that state n has in the next step.
    Carry(usize),
}

/// A root: its kind and the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    /// What for.
    pub kind: RootKind,
    /// The value.
    pub node: NodeId,
}

/// A graph of primitives with its roots.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    nodes: StableDiGraph<Node, usize>,
    /// How often nodes or edges were changed.
    revision: u64,
    /// The topological order until the next change: everybody asks for it, and hardly anybody changes anything.
    order: OnceCell<Option<Rc<[NodeId]>>>,
    /// The values that the function is there to compute, in order.
    pub roots: Vec<Root>,
}

impl Graph {
    /// A number that grows with every change of nodes or edges. Roots are not counted.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Notes a change, and gives what is to be changed.
    fn change(&mut self) -> &mut StableDiGraph<Node, usize> {
        self.revision += 1;
        self.order.take();
        &mut self.nodes
    }

    /// Adds a node whose type the caller vouches for; `infer::add` is the checked way.
    pub fn push(&mut self, node: Node, inputs: &[NodeId]) -> NodeId {
        let nodes = self.change();
        let id = nodes.add_node(node);
        for (position, input) in inputs.iter().enumerate() {
            nodes.add_edge(input.0, id, position);
        }
        NodeId(id)
    }

    /// The node of an id.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0]
    }

    /// The node of an id, to change its span or name.
    pub fn node_mut(&mut self, id: NodeId) -> &mut Node {
        // No edge can change, so the order stays.
        self.revision += 1;
        &mut self.nodes[id.0]
    }

    /// Whether the id still stands.
    pub fn contains(&self, id: NodeId) -> bool {
        self.nodes.contains_node(id.0)
    }

    /// The primitive of a node.
    pub fn op(&self, id: NodeId) -> &Op {
        &self.node(id).op
    }

    /// The type of a node.
    pub fn ty(&self, id: NodeId) -> &Type {
        &self.node(id).ty
    }

    /// The operands of a node with their positions, in order.
    pub(super) fn operands(&self, id: NodeId) -> Vec<(usize, NodeId)> {
        let mut edges: Vec<(usize, NodeId)> = self
            .nodes
            .edges_directed(id.0, Direction::Incoming)
            .map(|edge| (*edge.weight(), NodeId(edge.source())))
            .collect();
        edges.sort_unstable();
        edges
    }

    /// The operands of a node, in order.
    pub fn inputs(&self, id: NodeId) -> Vec<NodeId> {
        self.operands(id).into_iter().map(|(_, input)| input).collect()
    }

    /// Operand number `position` of a node.
    ///
    /// # Panics
    /// If there is no such operand.
    pub fn input(&self, id: NodeId, position: usize) -> NodeId {
        self.inputs(id)[position]
    }

    /// The nodes that read a value, each once, by id.
    pub fn users(&self, id: NodeId) -> Vec<NodeId> {
        let mut users: Vec<NodeId> = self.nodes.neighbors_directed(id.0, Direction::Outgoing).map(NodeId).collect();
        users.sort_unstable();
        users.dedup();
        users
    }

    /// Lets everybody who reads `old`, roots included, read `new` instead.
    pub fn replace(&mut self, old: NodeId, new: NodeId) {
        let edges: Vec<_> = self
            .nodes
            .edges_directed(old.0, Direction::Outgoing)
            .map(|edge| (edge.id(), edge.target(), *edge.weight()))
            .collect();
        let nodes = self.change();
        for (edge, user, position) in edges {
            nodes.remove_edge(edge);
            nodes.add_edge(new.0, user, position);
        }
        for root in &mut self.roots {
            if root.node == old {
                root.node = new;
            }
        }
    }

    /// Lets one user's operand be another value.
    pub fn set_input(&mut self, user: NodeId, position: usize, new: NodeId) {
        let edge = self
            .nodes
            .edges_directed(user.0, Direction::Incoming)
            .find(|edge| *edge.weight() == position)
            .map(|edge| edge.id());
        if let Some(edge) = edge {
            let nodes = self.change();
            nodes.remove_edge(edge);
            nodes.add_edge(new.0, user.0, position);
        }
    }

    /// Takes an operand out and leaves a gap, which no pass may do.
    #[cfg(test)]
    pub(super) fn unplug(&mut self, user: NodeId, position: usize) {
        self.change().retain_edges(|nodes, edge| {
            nodes.edge_endpoints(edge).is_none_or(|(_, to)| to != user.0) || nodes[edge] != position
        });
    }

    /// Removes a node that nobody reads.
    pub fn remove(&mut self, id: NodeId) {
        debug_assert!(self.users(id).is_empty(), "{id} is still read");
        self.change().remove_node(id.0);
    }

    /// All ids, ascending.
    pub fn ids(&self) -> Vec<NodeId> {
        self.nodes.node_indices().map(NodeId).collect()
    }

    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.nodes.node_count()
    }

    /// Whether there is no node.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All ids, operands before users, lowest id first among those that are ready.
    /// `None` where there is a cycle.
    pub fn try_topological(&self) -> Option<Vec<NodeId>> {
        self.order.get_or_init(|| self.sorted().map(Rc::from)).as_deref().map(<[NodeId]>::to_vec)
    }

    fn sorted(&self) -> Option<Vec<NodeId>> {
        // By index: how many operands have not had their turn.
        let mut waiting = Vec::new();
        let mut ready = BinaryHeap::new();
        for id in self.ids() {
            let count = self.nodes.edges_directed(id.0, Direction::Incoming).count();
            if count == 0 {
                ready.push(Reverse(id));
            }
            waiting.resize(id.index(), 0);
            waiting.push(count);
        }
        let mut order = Vec::with_capacity(self.len());
        while let Some(Reverse(id)) = ready.pop() {
            order.push(id);
            for user in self.nodes.neighbors_directed(id.0, Direction::Outgoing).map(NodeId) {
                if let Some(count) = waiting.get_mut(user.index()) {
                    *count -= 1;
                    if *count == 0 {
                        ready.push(Reverse(user));
                    }
                }
            }
        }
        (order.len() == self.len()).then_some(order)
    }

    /// As `try_topological`, for graphs that are verified.
    pub fn topological(&self) -> Vec<NodeId> {
        self.try_topological().unwrap_or_else(|| unreachable!("the graph has a cycle"))
    }

    /// A graph of its own of what these roots need, in which each of the leaves is an input of this number.
    pub fn part(&self, leaves: &BTreeMap<NodeId, usize>, roots: Vec<Root>) -> Self {
        let mut needed: BTreeSet<NodeId> = roots.iter().map(|root| root.node).collect();
        let mut todo: Vec<NodeId> = needed.iter().copied().collect();
        while let Some(id) = todo.pop() {
            if !leaves.contains_key(&id) {
                todo.extend(self.inputs(id).into_iter().filter(|&input| needed.insert(input)));
            }
        }
        let mut part = Self::default();
        let mut made: BTreeMap<NodeId, NodeId> = BTreeMap::new();
        for id in self.topological().into_iter().filter(|id| needed.contains(id)) {
            let mut node = self.node(id).clone();
            let inputs: Vec<NodeId> = match leaves.get(&id) {
                Some(&index) => {
                    node.op = Input { index, ty: node.ty.clone() }.into();
                    Vec::new()
                }
                None => self.inputs(id).iter().map(|input| made[input]).collect(),
            };
            made.insert(id, part.push(node, &inputs));
        }
        part.roots = roots.into_iter().map(|root| Root { node: made[&root.node], ..root }).collect();
        part
    }

    /// Whether a root holds the node.
    pub fn is_root(&self, id: NodeId) -> bool {
        self.roots.iter().any(|root| root.node == id)
    }
}
