//! Which values of a loop's steps are kept for the loop backwards, and which are computed again.

use std::collections::BTreeSet;

use super::loops::Backward;
use crate::ir::{DType, NodeId};
use crate::ops::{Lowering, Op};

impl Backward<'_> {
    /// The forward values at which the loop backwards begins: what is read from outside or has to be saved.
    pub(super) fn demand<'n>(
        &self,
        roots: impl Iterator<Item = &'n NodeId>,
        backward: &BTreeSet<NodeId>,
        saved: &BTreeSet<NodeId>,
    ) -> BTreeSet<NodeId> {
        let mut seen: BTreeSet<NodeId> = BTreeSet::new();
        let mut todo: Vec<NodeId> = roots.copied().collect();
        let mut wanted = BTreeSet::new();
        while let Some(node) = todo.pop() {
            if !seen.insert(node) {
                continue;
            }
            if backward.contains(&node) {
                todo.extend(self.step.inputs(node));
            } else {
                wanted.insert(node);
            }
        }
        // Operands first: what is saved for one is there for the next.
        let order = self.step.topological();
        let mut there: BTreeSet<NodeId> = saved.clone();
        for node in order.iter().copied().filter(|node| wanted.contains(node)) {
            self.secure(node, &mut there);
        }
        let mut read = BTreeSet::new();
        let mut todo: Vec<NodeId> = wanted.into_iter().collect();
        let mut seen = BTreeSet::new();
        while let Some(node) = todo.pop() {
            if !seen.insert(node) {
                continue;
            }
            if there.contains(&node) || matches!(self.step.op(node), Op::Input(_)) {
                read.insert(node);
            } else {
                todo.extend(self.step.inputs(node));
            }
        }
        read
    }

    /// Makes a value available: computed again from what is `there`, or saved.
    fn secure(&self, node: NodeId, there: &mut BTreeSet<NodeId>) {
        if self.available(node, there) {
            return;
        }
        // A comparison can't be stored, but what is compared can.
        if self.step.ty(node).dtype == DType::Bool {
            for input in self.step.inputs(node) {
                self.secure(input, there);
            }
        } else {
            there.insert(node);
        }
    }

    fn available(&self, node: NodeId, there: &BTreeSet<NodeId>) -> bool {
        let mut seen = BTreeSet::new();
        let mut todo = vec![node];
        while let Some(node) = todo.pop() {
            if there.contains(&node) || !seen.insert(node) {
                continue;
            }
            if self.state(node).is_some() || !is_cheap(self.step.op(node)) {
                return false;
            }
            todo.extend(self.step.inputs(node));
        }
        true
    }
}

/// Whether computing it again beats reading it: it needs hardly more than its operands.
pub(crate) fn is_cheap(op: &Op) -> bool {
    match op {
        Op::Exp(_) | Op::Log(_) | Op::Log1p(_) | Op::Sqrt(_) | Op::Tanh(_) | Op::Sigmoid(_) | Op::Pow(_) => false,
        Op::Erf(_) | Op::Sin(_) | Op::Cos(_) => false,
        Op::Input(_) | Op::StopGradient(_) => true,
        op => matches!(
            op.rules().lowering(),
            Lowering::Pointwise(_) | Lowering::Free(_) | Lowering::Broadcast | Lowering::Alias | Lowering::Move
        ),
    }
}
