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

#[cfg(test)]
mod tests {
    use super::super::testing::Build;
    use super::*;
    use crate::ops::{Add, MatMul, Mul, Relu, Tanh};

    const PRODUCT: MatMul = MatMul { transpose: false };

    #[test]
    fn the_products_of_all_inputs_are_one() {
        let mut build = Build::default();
        let (x, h, w) = (build.input(&[3, 2]), build.input(&[4]), build.param(&[2, 4]));
        let found = build.scan([1, 1], &[x, h, w], |step, args| {
            let product = step.op(PRODUCT, &[args[0], args[2]]);
            let positive = step.op(Relu, &[product]);
            vec![step.op(Mul, &[positive, args[1]])]
        });
        build.output(found[0]);
        assert_eq!(
            build.after(hoist),
            "%0 = input {index=0} : f64[B, 3, 2]\n%1 = param {index=0} : f64[2, 4]\n\
             %2 = matmul %0, %1 {transpose=false} : f64[B, 3, 4]\n%3 = relu %2 : f64[B, 3, 4]\n\
             %4 = input {index=1} : f64[B, 4]\n\
             %5 = scan %3, %4 {steps=3, reverse=false, sequences=1, states=1} : u8[0]\n    \
             %0 = input {index=0} : f64[B, 4]\n    %1 = input {index=1} : f64[B, 4]\n    \
             %2 = mul %0, %1 : f64[B, 4]\n    carry 0 = %2\n\
             %6 = take %5 {index=0} : f64[B, 4]\noutput 0 = %6\n"
        );
    }

    #[test]
    fn what_depends_on_the_state_or_is_cheap_stays() {
        let mut build = Build::default();
        let (x, h, w) = (build.input(&[3, 4]), build.input(&[4]), build.param(&[4, 4]));
        let found = build.scan([1, 1], &[x, h, w], |step, args| {
            let product = step.op(PRODUCT, &[args[1], args[2]]);
            let next = step.op(Tanh, &[product]);
            // The sequence is read all the same.
            let positive = step.op(Relu, &[args[0]]);
            let sum = step.op(Add, &[positive, args[0]]);
            vec![step.op(Add, &[next, sum]), positive]
        });
        build.output(found[0]);
        build.output(found[1]);
        assert_eq!(hoist(&mut build.graph), Ok(false));
    }

    #[test]
    fn a_loop_without_states_is_none() {
        let mut build = Build::default();
        let (x, w, row) = (build.input(&[3, 5, 2]), build.param(&[2, 4]), build.input(&[4]));
        let found = build.scan([1, 0], &[x, w, row], |step, args| {
            let product = step.op(PRODUCT, &[args[0], args[1]]);
            let row = step.broadcast(args[2], true, &[1, 4]);
            let row = step.broadcast(row, true, &[5, 4]);
            vec![step.op(Add, &[product, row]), row]
        });
        build.output(found[0]);
        let text = build.after(|graph| Ok(hoist(graph)? | super::super::prune(graph)?));
        assert!(!text.contains("scan"), "{text}");
        assert!(text.contains("%1 = param {index=0} : f64[2, 4]\n%2 = matmul %0, %1"), "{text}");
    }
}
