//! Takes out of loops, in front of them, what does not depend on the states: the products of all steps' inputs with a
//! weight are one product (Appleyard, Kočiský and Blunsom, "Optimizing performance of recurrent neural networks on
//! GPUs", 2016, section 3). What is dear always goes; what is cheap, where no more has to be read in the loop.

use std::collections::BTreeSet;

use super::lift::{Lift, Lifted, can_lift};
use super::looped::{Kind, Loop};
use crate::autodiff::is_cheap;
use crate::ir::{DType, Graph, NodeId};
use crate::ops::Op;

/// Moves what can be done for all steps at once in front of each loop.
///
/// # Errors
/// If a primitive was lifted wrongly: a bug of the pass.
pub fn hoist(graph: &mut Graph) -> Result<bool, String> {
    let mut changed = false;
    for id in graph.topological() {
        if !graph.contains(id) {
            continue;
        }
        let Some(mut this) = Loop::open(graph, id) else { continue };
        let chosen = choose(&this);
        let outside: Vec<NodeId> =
            chosen.iter().copied().filter(|&node| is_read_inside(&this, node, &chosen)).collect();
        if outside.is_empty() {
            continue;
        }
        let mut lift = Lift::new(&this);
        for node in outside {
            let made = lift.make(graph, &this, node)?;
            let (kind, outer) = match made {
                Lifted::Stack(outer) => (Kind::Sequence, outer),
                Lifted::Same(outer) => (Kind::Captured, outer),
            };
            let like = this.body.node(node).clone();
            let input = this.read(kind, outer, &like);
            lift.know(input, made);
            this.body.replace(node, input);
        }
        this.close(graph)?;
        changed = true;
    }
    Ok(changed)
}

fn is_read_inside(this: &Loop, node: NodeId, chosen: &BTreeSet<NodeId>) -> bool {
    this.body.is_root(node) || this.body.users(node).iter().any(|user| !chosen.contains(user))
}

/// The nodes that are computed outside.
fn choose(this: &Loop) -> BTreeSet<NodeId> {
    let order = this.body.topological();
    let is_state = |node: NodeId| matches!(this.operand(node), Some((Kind::State(_), _)));
    let mut varying: BTreeSet<NodeId> = BTreeSet::new();
    let mut free: BTreeSet<NodeId> = BTreeSet::new();
    for &node in &order {
        let inputs = this.body.inputs(node);
        let operand = this.operand(node);
        if matches!(operand, Some((Kind::Sequence, _))) || inputs.iter().any(|input| varying.contains(input)) {
            varying.insert(node);
        }
        let stateless = !is_state(node) && inputs.iter().all(|input| free.contains(input));
        let same = !inputs.iter().any(|input| varying.contains(input));
        let whole = !matches!(this.body.op(node), Op::Scan(_) | Op::Take(_));
        if operand.is_some() && !is_state(node)
            || stateless && whole && (same || can_lift(this, node, |input| varying.contains(&input)))
        {
            free.insert(node);
        }
    }
    let computed = |node: &NodeId| this.operand(*node).is_none();
    let nothing_left = this.states() == 0 && order.iter().all(|node| free.contains(node));
    let mut chosen = BTreeSet::new();
    for node in order.into_iter().filter(|node| free.contains(node) && computed(node)) {
        let stored = this.body.ty(node).dtype != DType::Bool;
        let varies = varying.contains(&node);
        let dear = !is_cheap(this.body.op(node));
        let lighter = || {
            let sources: Vec<NodeId> =
                this.body.inputs(node).into_iter().filter(|input| varying.contains(input)).collect();
            let alone = sources.iter().all(|&source| {
                (!computed(&source) || chosen.contains(&source))
                    && this.body.users(source) == [node]
                    && !this.body.is_root(source)
            });
            let bytes = |node: NodeId| this.body.ty(node).bytes(1);
            alone && bytes(node) <= BTreeSet::from_iter(sources).into_iter().map(bytes).sum()
        };
        if stored && (dear || varies && (nothing_left || lighter())) {
            chosen.insert(node);
        }
    }
    // A root that is the same in every step is lifted with the rest.
    if nothing_left {
        let roots = this.body.roots.iter().map(|root| root.node).filter(|node| computed(node));
        chosen.extend(roots.filter(|&node| this.body.ty(node).dtype != DType::Bool));
    }
    chosen
}
