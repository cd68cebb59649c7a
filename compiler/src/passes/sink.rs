//! Takes out of loops, behind them, what only their results need: the products that make the gradients by all steps'
//! inputs are one product. What has a product in it always goes; what has none, where no more has to be emitted.

use std::collections::BTreeSet;

use super::lift::{Lift, Lifted, can_lift};
use super::looped::{Kind, Loop};
use crate::ir::{DType, Graph, NodeId, RootKind};
use crate::ops::Op;

/// Moves what can be done for all steps at once behind each loop.
///
/// # Errors
/// If a primitive was lifted wrongly: a bug of the pass.
pub fn sink(graph: &mut Graph) -> Result<bool, String> {
    let mut changed = false;
    for id in graph.topological() {
        let Some(mut this) = Loop::open(graph, id) else { continue };
        let sunk = Region::new(graph, &this);
        let takes = this.takes(graph);
        let mut lift = Lift::new(&this);
        for &node in &sunk.border {
            let stack = this.emit(graph, node)?;
            lift.know(node, Lifted::Stack(stack));
        }
        for root in this.body.roots.clone() {
            let Some(takes) = this.result(&root.kind).and_then(|index| takes.get(&index)) else { continue };
            if !matches!(root.kind, RootKind::Output(_)) || !sunk.nodes.contains(&root.node) {
                continue;
            }
            let outer = match lift.make(graph, &this, root.node)? {
                Lifted::Stack(outer) | Lifted::Same(outer) => outer,
            };
            for &take in takes {
                graph.replace(take, outer);
            }
            changed = true;
        }
    }
    Ok(changed)
}

/// What is computed behind the loop, and what the loop emits for it.
struct Region {
    nodes: BTreeSet<NodeId>,
    border: BTreeSet<NodeId>,
}

impl Region {
    fn new(graph: &Graph, this: &Loop) -> Self {
        let order = this.body.topological();
        let mut varying: BTreeSet<NodeId> = BTreeSet::new();
        for &node in &order {
            let argument = matches!(this.operand(node), Some((Kind::Sequence | Kind::State(_), _)));
            if argument || this.body.inputs(node).iter().any(|input| varying.contains(input)) {
                varying.insert(node);
            }
        }
        let takes = this.takes(graph);
        let read = |kind: &RootKind| this.result(kind).is_some_and(|index| takes.contains_key(&index));
        let roots = |node: NodeId| this.body.roots.iter().filter(move |root| root.node == node);
        // Needed by results alone, and liftable.
        let mut only: BTreeSet<NodeId> = BTreeSet::new();
        for &node in order.iter().rev() {
            let emitted = roots(node).all(|root| matches!(root.kind, RootKind::Output(_)));
            let users = this.body.users(node);
            let liftable = varying.contains(&node) && can_lift(this, node, |input| varying.contains(&input));
            if emitted && liftable && this.operand(node).is_none() && users.iter().all(|user| only.contains(user)) {
                only.insert(node);
            }
        }
        // With a product in it: all that leads from it to the results.
        let mut nodes: BTreeSet<NodeId> = BTreeSet::new();
        let mut there: BTreeSet<NodeId> = order
            .iter()
            .copied()
            .filter(|&node| {
                matches!(this.operand(node), Some((Kind::Sequence, _)))
                    || roots(node).any(|root| matches!(root.kind, RootKind::Output(_)) && read(&root.kind))
            })
            .collect();
        for &node in order.iter().filter(|node| only.contains(node)) {
            let sources: Vec<NodeId> =
                this.body.inputs(node).into_iter().filter(|input| varying.contains(input)).collect();
            let behind = sources.iter().any(|source| nodes.contains(source));
            let free = sources.iter().all(|source| there.contains(source));
            // A comparison can't be emitted.
            let storable = |source: &NodeId| nodes.contains(source) || this.body.ty(*source).dtype != DType::Bool;
            if sources.iter().all(storable) && (is_product(this.body.op(node)) || behind || free) {
                nodes.insert(node);
                there.insert(node);
            }
        }
        // What is behind by itself, and read by somebody who is not, stays.
        let results: BTreeSet<NodeId> = this
            .body
            .roots
            .iter()
            .filter(|root| read(&root.kind) && nodes.contains(&root.node))
            .map(|root| root.node)
            .collect();
        let mut reached = BTreeSet::new();
        let mut border = BTreeSet::new();
        let mut todo: Vec<NodeId> = results.into_iter().collect();
        while let Some(node) = todo.pop() {
            if !reached.insert(node) {
                continue;
            }
            for input in this.body.inputs(node).into_iter().filter(|input| varying.contains(input)) {
                if nodes.contains(&input) {
                    todo.push(input);
                } else if !matches!(this.operand(input), Some((Kind::Sequence, _))) {
                    border.insert(input);
                }
            }
        }
        Self { nodes: reached, border }
    }
}

fn is_product(op: &Op) -> bool {
    matches!(op, Op::MatMul(_) | Op::BatchMatMul(_) | Op::Conv2d(_) | Op::Conv2dInputGrad(_))
}

#[cfg(test)]
mod tests {
    use super::super::testing::Build;
    use super::*;
    use crate::ops::{Add, MatMul, Neg, Tanh};

    const PRODUCT: MatMul = MatMul { transpose: true };

    #[test]
    fn products_that_only_results_need_are_one() {
        let mut build = Build::default();
        let (x, h, w) = (build.input(&[3, 4]), build.input(&[4]), build.param(&[2, 4]));
        let found = build.scan([1, 1], &[x, h, w], |step, args| {
            let next = step.op(Add, &[args[0], args[1]]);
            let tanh = step.op(Tanh, &[next]);
            let product = step.op(PRODUCT, &[tanh, args[2]]);
            vec![next, step.op(Neg, &[product])]
        });
        build.output(found[1]);
        let text = build.after(|graph| Ok(sink(graph)? | super::super::prune(graph)?));
        let (_, behind) = text.split_once("take").expect("a result");
        assert!(
            text.contains("    %3 = tanh %2 : f64[B, 4]\n    carry 0 = %2\n    output 0 = %3\n%3 = take"),
            "{text}"
        );
        assert!(behind.contains("matmul %3, %4 {transpose=true} : f64[B, 3, 2]"), "{text}");
        assert!(behind.contains("neg %5 : f64[B, 3, 2]"), "{text}");
    }

    #[test]
    fn what_the_next_step_needs_stays() {
        let mut build = Build::default();
        let (x, h, w) = (build.input(&[3, 4]), build.input(&[4]), build.param(&[4, 4]));
        let found = build.scan([1, 1], &[x, h, w], |step, args| {
            let product = step.op(PRODUCT, &[args[1], args[2]]);
            let next = step.op(Add, &[product, args[0]]);
            // Its operand would have to be emitted for it.
            vec![next, product, step.op(Neg, &[args[1]])]
        });
        for node in found {
            build.output(node);
        }
        assert_eq!(sink(&mut build.graph), Ok(false));
    }
}
