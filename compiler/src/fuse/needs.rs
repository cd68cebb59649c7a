//! Which nodes are work, which are only addressing, and which must be stored whatever is fused.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::body::{self, Frame};
use super::level::Reader;
use super::memo::Memo;
use crate::fuse::access::{self, Access};
use crate::ir::{DType, Graph, Node, NodeId, Root, RootKind};
use crate::ops::{Lowering, Op, Reshape, Transpose};

/// The sorts of nodes of a graph, by set membership.
#[derive(Clone, Debug, Default)]
pub struct Needs {
    /// Scalars that depend on nothing but constants and run-time settings: computed once per call.
    pub uniform: BTreeSet<NodeId>,
    /// Views and generators that are stored all the same, because a reader can't address or recompute them.
    pub materialised: BTreeSet<NodeId>,
    /// Pointwise nodes that each reader's kernel computes again.
    pub inlined: BTreeSet<NodeId>,
    /// Slices that every reader reads where they lie.
    pub viewed: BTreeSet<NodeId>,
    /// Values that are stored part by part, as their equal parts are computed.
    pub joined: BTreeSet<NodeId>,
    /// Copies that the kernel of what they copy may store along with it.
    pub echoes: BTreeSet<NodeId>,
    /// For the body of a loop, what its operands are.
    pub frame: Option<Frame>,
    /// Whether anything is read later than it could be.
    pub(super) waits: bool,
    /// What nodes read in the end.
    sources: Memo<BTreeSet<NodeId>>,
    /// What kernels read to compute nodes.
    pub(super) leaves: Memo<Vec<Reader>>,
    /// Which nodes count columns along an axis.
    pub(super) counts_columns: Memo<bool>,
}

impl Needs {
    /// Finds them. A root whose bytes belong to something else (an input, a parameter, another update) gets a
    /// copy in the graph.
    pub fn of(graph: &mut Graph, frame: Option<Frame>) -> Self {
        let mut needs = Self { frame, ..Self::default() };
        body::copy_for_anchors(graph, &mut needs);
        let order = graph.topological();
        needs.waits = order.iter().any(|&node| matches!(graph.op(node), Op::Later(_)));
        for &node in &order {
            if needs.is_uniform(graph, node) {
                needs.uniform.insert(node);
            }
        }
        if needs.frame.is_some() {
            needs.joined = order.iter().copied().filter(|&node| body::has_equal_parts(graph, node)).collect();
        }
        needs.viewed = order.iter().copied().filter(|&node| is_addressed(graph, node)).collect();
        for &node in &order {
            needs.require_stored_operands(graph, node);
        }
        needs.give_roots_memory(graph);
        needs.settle_views(graph);
        for &node in order.iter().rev() {
            if needs.only_feeds_reductions(graph, node) {
                needs.inlined.insert(node);
            }
        }
        needs
    }

    /// A stored view is one step of addressing behind a stored value: what lies further behind is stored as well.
    pub(super) fn settle_views(&mut self, graph: &Graph) {
        for node in graph.topological().into_iter().rev() {
            if !self.materialised.contains(&node) || !is_view(graph, node) {
                continue;
            }
            let base = self.access_through(graph, node).base;
            let (from, to) = (graph.ty(base), graph.ty(node));
            let moved = from.dims != to.dims || from.batched != to.batched;
            let generated = matches!(graph.op(base).rules().lowering(), Lowering::Free(_));
            if !self.uniform.contains(&base) && (is_view(graph, base) || generated && moved) {
                self.materialised.insert(base);
            }
        }
    }

    /// Whether a kernel computes the node for its own sake.
    pub fn is_work(&self, graph: &Graph, node: NodeId) -> bool {
        if self.materialised.contains(&node) {
            return true;
        }
        if self.uniform.contains(&node) || self.inlined.contains(&node) || self.viewed.contains(&node) {
            return false;
        }
        match graph.op(node).rules().lowering() {
            Lowering::Pointwise(_)
            | Lowering::Reduce
            | Lowering::Move
            | Lowering::Product
            | Lowering::Whole
            | Lowering::Loop
            | Lowering::Part => true,
            Lowering::External | Lowering::Free(_) | Lowering::Broadcast | Lowering::Alias | Lowering::Absent => false,
        }
    }

    /// Whether the rows of a stored value are further apart than they are long: in the body of a loop it is the part
    /// of one step of something larger.
    pub fn is_pitched(&self, graph: &Graph, node: NodeId) -> bool {
        let Some(frame) = &self.frame else { return false };
        let emitted = |root: &Root| matches!(root.kind, RootKind::Output(_)) && self.storage(graph, root.node) == node;
        graph.ty(node).batched
            && match graph.op(node) {
                Op::Input(input) => frame.pitched.get(input.index).copied().unwrap_or_default(),
                _ => graph.roots.iter().any(emitted),
            }
    }

    /// How a kernel over the type of `operand` reads it.
    pub fn access(&self, graph: &Graph, operand: NodeId) -> Access {
        access::access(graph, operand, &|node| self.materialised.contains(&node), &|node| self.viewed.contains(&node))
    }

    /// How a materialised view reads what it views.
    pub fn access_through(&self, graph: &Graph, view: NodeId) -> Access {
        let stop = |node| node != view && self.materialised.contains(&node);
        access::access(graph, view, &stop, &|node| self.viewed.contains(&node))
    }

    /// The stored value behind reshapes.
    pub fn storage(&self, graph: &Graph, mut node: NodeId) -> NodeId {
        while !self.materialised.contains(&node) && matches!(graph.op(node).rules().lowering(), Lowering::Alias) {
            node = graph.input(node, 0);
        }
        node
    }

    /// Everything about the graph is known, and nothing changes any more: answers may be remembered.
    pub(super) fn settled(&mut self) {
        self.sources.switch_on();
        self.leaves.switch_on();
        self.counts_columns.switch_on();
    }

    /// The same with more nodes that each reader's kernel computes again, if there are any.
    pub(super) fn computing_again(&self, nodes: &BTreeSet<NodeId>) -> Option<Self> {
        if nodes.is_empty() {
            return None;
        }
        let mut needs = self.clone();
        needs.inlined.extend(nodes);
        (needs.sources, needs.leaves, needs.counts_columns) = Default::default();
        needs.settled();
        Some(needs)
    }

    /// The values that a node reads as a kernel computes it: views and recomputed nodes looked through.
    pub fn sources(&self, graph: &Graph, node: NodeId) -> Rc<BTreeSet<NodeId>> {
        self.sources.get(node, || self.find_sources(graph, node))
    }

    fn find_sources(&self, graph: &Graph, node: NodeId) -> BTreeSet<NodeId> {
        let mut found = BTreeSet::new();
        let mut seen = BTreeSet::new();
        let mut stack = if self.materialised.contains(&node) && is_view(graph, node) {
            vec![self.access_through(graph, node).base]
        } else {
            self.operand_bases(graph, node)
        };
        while let Some(base) = stack.pop() {
            if !seen.insert(base) || self.uniform.contains(&base) {
                continue;
            }
            let external = matches!(graph.op(base).rules().lowering(), Lowering::External);
            if external || self.is_work(graph, base) {
                found.insert(base);
            } else {
                stack.extend(self.operand_bases(graph, base));
            }
        }
        found
    }

    fn give_roots_memory(&mut self, graph: &mut Graph) {
        let mut owners: BTreeMap<NodeId, bool> = BTreeMap::new();
        for place in 0..graph.roots.len() {
            let Root { kind, node } = graph.roots[place].clone();
            let base = self.storage(graph, node);
            let overwrites = matches!(kind, RootKind::Param(_) | RootKind::State(..) | RootKind::Carry(_));
            // Two results may share bytes; what is written over a parameter is nobody else's, and each result of a
            // loop's body has bytes of its own.
            let alone = overwrites || self.frame.is_some();
            let taken = owners.get(&base).is_some_and(|&alone_before| alone_before || alone);
            let stored = self.owns_memory(graph, base) || self.materialised.contains(&base);
            let part = matches!(graph.op(base).rules().lowering(), Lowering::Part);
            let fits = !(part && alone) && self.frame.as_ref().is_none_or(|frame| frame.fits(graph, &kind, base));
            if stored && !taken && fits {
                owners.insert(base, alone);
                continue;
            }
            let echo = stored && self.frame.as_ref().is_some_and(|frame| frame.in_place);
            let swapped = self.frame.as_ref().is_some_and(|frame| frame.is_other_state(graph, &kind, base));
            // A state that takes another one's place is copied before that one changes.
            let source = if swapped { self.copy(graph, node) } else { node };
            let copy = self.copy(graph, source);
            if echo {
                self.echoes.insert(copy);
            }
            owners.insert(copy, alone);
            graph.roots[place].node = copy;
        }
    }

    /// A stored copy of a value.
    pub(super) fn copy(&mut self, graph: &mut Graph, node: NodeId) -> NodeId {
        let source = graph.node(node).clone();
        let dims = &source.ty.dims;
        // Sweeps compute with floats; indices are moved.
        let op = match source.ty.dtype.is_float() {
            true => Op::from(Reshape { dims: dims.clone() }),
            false => Op::from(Transpose { perm: (0..dims.len()).collect() }),
        };
        let copy = graph.push(Node { op, ..source }, &[node]);
        self.materialised.insert(copy);
        copy
    }

    /// Stores an operand that was to be computed inside its reader.
    pub(super) fn store(&mut self, operand: NodeId) {
        if self.viewed.remove(&operand) {
            return;
        }
        self.inlined.remove(&operand);
        self.materialised.insert(operand);
    }

    fn operand_bases(&self, graph: &Graph, node: NodeId) -> Vec<NodeId> {
        graph.inputs(node).into_iter().map(|operand| self.access(graph, operand).base).collect()
    }

    fn is_uniform(&self, graph: &Graph, node: NodeId) -> bool {
        let ty = graph.ty(node);
        let scalar = ty.is_scalar() && ty.dtype != DType::U32;
        // What a loop computes from constants alone has no place among the scalars of the call.
        let computed = match graph.op(node).rules().lowering() {
            Lowering::Pointwise(_) | Lowering::Free(_) => {
                self.frame.is_none() || matches!(graph.op(node), Op::Constant(_))
            }
            _ => false,
        };
        let kind = computed || matches!(graph.op(node), Op::Broadcast(_) | Op::Reshape(_));
        scalar
            && kind
            && !matches!(graph.op(node), Op::Random(_))
            && graph.inputs(node).iter().all(|input| self.uniform.contains(input))
    }

    /// Whether the value has bytes that a kernel writes.
    fn owns_memory(&self, graph: &Graph, base: NodeId) -> bool {
        !self.uniform.contains(&base)
            && matches!(
                graph.op(base).rules().lowering(),
                Lowering::Pointwise(_)
                    | Lowering::Reduce
                    | Lowering::Move
                    | Lowering::Product
                    | Lowering::Whole
                    | Lowering::Part
            )
    }

    /// Marks operands that this node can only read from memory.
    fn require_stored_operands(&mut self, graph: &Graph, node: NodeId) {
        if self.viewed.contains(&node) {
            return;
        }
        match graph.op(node).rules().lowering() {
            Lowering::Move if self.joined.contains(&node) => self.require_addressed(graph, node),
            Lowering::Move | Lowering::Product | Lowering::Whole | Lowering::Loop => {
                for operand in graph.inputs(node) {
                    let base = self.storage(graph, operand);
                    let external = matches!(graph.op(base).rules().lowering(), Lowering::External);
                    if !external && !self.owns_memory(graph, base) && !self.materialised.contains(&base) {
                        self.materialised.insert(base);
                    }
                }
            }
            Lowering::Pointwise(_) | Lowering::Free(_) | Lowering::Reduce => self.require_addressed(graph, node),
            Lowering::External | Lowering::Broadcast | Lowering::Alias | Lowering::Part | Lowering::Absent => {}
        }
    }

    /// Marks operands that can't be read element by element through their views.
    fn require_addressed(&mut self, graph: &Graph, node: NodeId) {
        for operand in graph.inputs(node) {
            let access = self.access(graph, operand);
            let base = access.base;
            let generated = matches!(graph.op(base).rules().lowering(), Lowering::Free(_));
            let view = matches!(graph.op(base), Op::Broadcast(_));
            let moved = base != operand
                && (graph.ty(base).dims != graph.ty(operand).dims
                    || graph.ty(base).batched != graph.ty(operand).batched);
            if !self.uniform.contains(&base) && (view || generated && moved) {
                self.materialised.insert(base);
            }
        }
    }

    /// A pointwise node that only reductions (or nodes like itself) read is computed inside them.
    fn only_feeds_reductions(&self, graph: &Graph, node: NodeId) -> bool {
        let users = graph.users(node);
        matches!(graph.op(node).rules().lowering(), Lowering::Pointwise(_))
            && !self.uniform.contains(&node)
            && !self.materialised.contains(&node)
            && !graph.is_root(node)
            && users.len() == 1
            && users.iter().all(|&user| {
                matches!(graph.op(user).rules().lowering(), Lowering::Reduce) || self.inlined.contains(&user)
            })
    }
}

/// Whether a node is only another way to address its operand.
pub(super) fn is_view(graph: &Graph, node: NodeId) -> bool {
    matches!(graph.op(node).rules().lowering(), Lowering::Alias | Lowering::Broadcast)
}

/// Whether all readers of a slice can read it where it lies: neighbours along the last axis stay neighbours, and nobody
/// needs its bytes.
fn is_addressed(graph: &Graph, node: NodeId) -> bool {
    let Op::Slice(slice) = graph.op(node) else { return false };
    let users = graph.users(node);
    graph.ty(node).dtype.is_float()
        && slice.steps.iter().all(|&step| step == 1)
        && !users.is_empty()
        && !graph.is_root(node)
        && users.into_iter().all(|user| reads_by_address(graph, user))
}

fn reads_by_address(graph: &Graph, user: NodeId) -> bool {
    match graph.op(user).rules().lowering() {
        Lowering::Pointwise(_) | Lowering::Free(_) | Lowering::Reduce => true,
        _ => match graph.op(user) {
            Op::Broadcast(_) => graph.users(user).into_iter().all(|user| reads_by_address(graph, user)),
            _ => false,
        },
    }
}
