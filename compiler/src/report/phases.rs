//! What each value of a function is computed for.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::Phase;
use crate::ir::{Graph, NodeId, RootKind};
use crate::ops::{Lowering, Op};

/// Forward is what results and the loss need. Of the rest, what depends on the optimiser's state and settings is the
/// update, with what is done to gradients element by element for it alone; gradients are what is left. In
/// `gradients`, the results are gradients.
pub(super) fn phases(function: &str, graph: &Graph) -> BTreeMap<NodeId, Phase> {
    let is_result = |kind: &RootKind| match kind {
        RootKind::Output(_) => function != "gradients",
        RootKind::Loss => true,
        RootKind::Carry(_) => true,
        RootKind::Param(_) | RootKind::State(..) => false,
    };
    let roots = graph.roots.iter().filter(|root| is_result(&root.kind)).map(|root| root.node);
    let mut forward: BTreeSet<NodeId> = roots.collect();
    let mut todo: Vec<NodeId> = forward.iter().copied().collect();
    while let Some(node) = todo.pop() {
        todo.extend(graph.inputs(node).into_iter().filter(|&input| forward.insert(input)));
    }
    let order = graph.topological();
    let mut update: BTreeSet<NodeId> = BTreeSet::new();
    for &node in &order {
        let settings = matches!(graph.op(node), Op::State(_) | Op::Hyper(_));
        if !forward.contains(&node) && (settings || graph.inputs(node).iter().any(|input| update.contains(input))) {
            update.insert(node);
        }
    }
    for &node in order.iter().rev() {
        let users = graph.users(node);
        let cheap = matches!(
            graph.op(node).rules().lowering(),
            Lowering::Pointwise(_) | Lowering::Free(_) | Lowering::Broadcast | Lowering::Alias
        );
        if cheap && !forward.contains(&node) && !users.is_empty() && users.iter().all(|user| update.contains(user)) {
            update.insert(node);
        }
    }
    let phase = |node: NodeId| match (forward.contains(&node), update.contains(&node)) {
        (true, _) => Phase::Forward,
        (_, true) => Phase::Update,
        _ => Phase::Backward,
    };
    order.into_iter().map(|node| (node, phase(node))).collect()
}
