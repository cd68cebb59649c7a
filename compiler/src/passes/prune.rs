//! Takes out of loops what they need not do: results that nobody reads, states that only feed themselves or never
//! change, operands given twice, values that are emitted twice or that stand outside already.

use std::collections::BTreeSet;

use super::looped::{Kind, Loop};
use crate::infer;
use crate::ir::{Graph, Node, NodeId, RootKind};
use crate::ops::{Broadcast, Constant, Op, Reshape, Slice, Take};

/// Leaves of every loop what is needed.
///
/// # Errors
/// If a rule builds a node that does not fit: a bug of the rule.
pub fn prune(graph: &mut Graph) -> Result<bool, String> {
    let mut changed = false;
    for id in graph.topological() {
        if !graph.contains(id) {
            continue;
        }
        match graph.op(id) {
            Op::Slice(_) => changed |= last_step(graph, id)?,
            Op::Scan(_) => changed |= tidy(graph, id)?,
            _ => {}
        }
    }
    Ok(changed)
}

fn tidy(graph: &mut Graph, id: NodeId) -> Result<bool, String> {
    let Some(mut this) = Loop::open(graph, id) else { return Ok(false) };
    let before = this.operands.len();
    let mut changed = constant_states(graph, &mut this)?;
    changed |= results_outside(graph, &mut this)?;
    changed |= spread_operands(graph, &mut this)?;
    changed |= equal_operands(&mut this);
    changed |= unread_results(graph, &mut this);
    let read: BTreeSet<usize> = this.inputs().into_iter().map(|(_, place)| place).collect();
    changed |= (0..before).any(|place| !matches!(this.operands[place].0, Kind::State(_)) && !read.contains(&place));
    if changed {
        this.close(graph)?;
    }
    Ok(changed)
}

/// Lets everybody who reads result `index` read `new`, a value outside.
fn settle(graph: &mut Graph, this: &Loop, index: usize, new: NodeId) -> bool {
    let takes = this.takes(graph).remove(&index).unwrap_or_default();
    for &take in &takes {
        graph.replace(take, new);
    }
    !takes.is_empty()
}

/// A state that is the same after each step is a value that every step reads.
fn constant_states(graph: &mut Graph, this: &mut Loop) -> Result<bool, String> {
    let mut changed = false;
    for place in 0..this.operands.len() {
        let (Kind::State(state), initial) = this.operands[place] else { continue };
        let root = this.body.roots.iter().find(|root| root.kind == RootKind::Carry(state)).map(|root| root.node);
        // Whatever it is before the last step.
        if let Some((Kind::Captured, outer)) = root.and_then(|node| this.operand(node)) {
            changed |= settle(graph, this, state, outer);
        }
        let Some(node) = root.filter(|&node| this.operand(node) == Some((Kind::State(state), initial))) else {
            continue;
        };
        settle(graph, this, state, initial);
        this.body.roots.retain(|root| root.kind != RootKind::Carry(state));
        let like = this.body.node(node).clone();
        let new = this.read(Kind::Captured, initial, &like);
        this.body.replace(node, new);
        this.body.remove(node);
        changed = true;
    }
    Ok(changed)
}

/// What is emitted twice is read once, and what is only handed through is read where it comes from.
fn results_outside(graph: &mut Graph, this: &mut Loop) -> Result<bool, String> {
    let mut changed = false;
    let mut emitted: Vec<(usize, NodeId)> = Vec::new();
    for root in this.body.roots.clone() {
        let (RootKind::Output(_), Some(index)) = (&root.kind, this.result(&root.kind)) else { continue };
        if let Some(&(first, _)) = emitted.iter().find(|(_, node)| *node == root.node) {
            let takes = this.takes(graph);
            if let Some(&take) = takes.get(&index).and_then(|takes| takes.first()) {
                let new = match takes.get(&first).and_then(|takes| takes.first()) {
                    Some(&known) => known,
                    None => {
                        let op = Take { index: first, ty: graph.ty(take).clone() }.into();
                        let node = Node { op, ..graph.node(take).clone() };
                        let scan = graph.input(take, 0);
                        graph.push(node, &[scan])
                    }
                };
                changed |= settle(graph, this, index, new);
            }
            continue;
        }
        match this.operand(root.node) {
            Some((Kind::Sequence, outer)) => changed |= settle(graph, this, index, outer),
            Some((Kind::Captured, outer)) if this.takes(graph).contains_key(&index) => {
                let Node { span, name, ty, .. } = this.body.node(root.node).clone();
                let all = this.stacked(&ty);
                let all = Broadcast { batched: all.batched, dims: all.dims };
                let new = infer::add(graph, all, &[outer], span, name)?;
                changed |= settle(graph, this, index, new);
            }
            _ => emitted.push((index, root.node)),
        }
    }
    Ok(changed)
}

/// A sequence of equal steps is one value for all of them; a constant needs no operand.
fn spread_operands(graph: &Graph, this: &mut Loop) -> Result<bool, String> {
    let mut changed = false;
    for (node, place) in this.inputs() {
        let Some(&(kind, outer)) = this.operands.get(place) else { continue };
        let like = this.body.node(node).clone();
        let new = match (kind, graph.op(outer)) {
            (Kind::Captured, Op::Constant(constant)) => {
                let constant: Constant = constant.clone();
                this.body.push(Node { op: constant.into(), ..like.clone() }, &[])
            }
            (Kind::Sequence | Kind::Captured, Op::Broadcast(_)) => {
                let source = graph.input(outer, 0);
                let inner = graph.node(source).clone();
                let rank = inner.ty.dims.len();
                if kind == Kind::Sequence && rank > like.ty.dims.len() || kind == Kind::Captured && rank > 0 {
                    continue;
                }
                let inner = this.read(Kind::Captured, source, &Node { span: like.span, name: None, ..inner });
                if *this.body.ty(inner) == like.ty {
                    inner
                } else {
                    let all = Broadcast { batched: like.ty.batched, dims: like.ty.dims.clone() };
                    infer::add(&mut this.body, all, &[inner], like.span, like.name.clone())?
                }
            }
            _ => continue,
        };
        this.body.replace(node, new);
        this.body.remove(node);
        changed = true;
    }
    Ok(changed)
}

fn equal_operands(this: &mut Loop) -> bool {
    let mut changed = false;
    let mut known: Vec<((Kind, NodeId), NodeId)> = Vec::new();
    for (node, place) in this.inputs() {
        let operand = this.operands[place];
        match known.iter().find(|(other, _)| *other == operand) {
            Some(&(_, first)) => {
                this.body.replace(node, first);
                this.body.remove(node);
                changed = true;
            }
            None => known.push((operand, node)),
        }
    }
    changed
}

/// Takes out the roots that no result that is read needs, be it in a later step.
fn unread_results(graph: &Graph, this: &mut Loop) -> bool {
    let takes = this.takes(graph);
    let roots = this.body.roots.clone();
    let mut kept: BTreeSet<usize> = (0..roots.len())
        .filter(|&place| this.result(&roots[place].kind).is_some_and(|index| takes.contains_key(&index)))
        .collect();
    let mut todo: Vec<NodeId> = kept.iter().map(|&place| roots[place].node).collect();
    let mut seen = BTreeSet::new();
    while let Some(node) = todo.pop() {
        if !seen.insert(node) {
            continue;
        }
        if let Some((Kind::State(state), _)) = this.operand(node)
            && let Some(place) = roots.iter().position(|root| root.kind == RootKind::Carry(state))
            && kept.insert(place)
        {
            todo.push(roots[place].node);
        }
        todo.extend(this.body.inputs(node));
    }
    if kept.len() == roots.len() {
        return false;
    }
    this.body.roots = kept.into_iter().map(|place| roots[place].clone()).collect();
    this.body = this.body.part(&this.inputs().into_iter().collect(), this.body.roots.clone());
    true
}

/// The last step of a state's values is the final state.
fn last_step(graph: &mut Graph, id: NodeId) -> Result<bool, String> {
    let Op::Slice(slice) = graph.op(id).clone() else { return Ok(false) };
    let source = graph.input(id, 0);
    let Op::Take(take) = graph.op(source).clone() else { return Ok(false) };
    let scan = graph.input(source, 0);
    let Some(this) = Loop::open(graph, scan) else { return Ok(false) };
    let (last, ty) = (if this.reverse() { 0 } else { this.steps() - 1 }, graph.ty(id).clone());
    if slice.starts[0] != last || ty.dims[0] != 1 || take.index < this.states() {
        return Ok(false);
    }
    let node = this.body.roots[take.index].node;
    let Some(state) = this.body.roots.iter().take(this.states()).position(|root| root.node == node) else {
        return Ok(false);
    };
    let Node { span, name, .. } = graph.node(id).clone();
    let step = this.body.ty(node).clone();
    let mut new = infer::add(graph, Take { index: state, ty: step.clone() }, &[scan], span, name.clone())?;
    let dims = [&[1], step.dims.as_slice()].concat();
    new = infer::add(graph, Reshape { dims }, &[new], span, name.clone())?;
    let Slice { mut starts, mut ends, mut steps } = slice;
    (starts[0], ends[0], steps[0]) = (0, 1, 1);
    new = infer::add(graph, Slice { starts, ends, steps }, &[new], span, name)?;
    graph.replace(id, new);
    graph.remove(id);
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::super::testing::Build;
    use super::*;
    use crate::ops::{Add, Exp, Neg};

    #[test]
    fn results_states_and_operands_that_nobody_needs_go() {
        let mut build = Build::default();
        let (x, a, b, c) = (build.input(&[3, 4]), build.input(&[4]), build.input(&[4]), build.input(&[4]));
        let found = build.scan([1, 3], &[x, a, b, c], |step, args| {
            let &[x, a, b, c] = args else { panic!("four operands") };
            let next = step.op(Add, &[a, x]);
            // `b` needs itself alone, and `c` never changes.
            let alone = step.op(Exp, &[b]);
            let sum = step.op(Add, &[next, c]);
            let unread = step.op(Neg, &[sum]);
            vec![next, alone, c, sum, unread]
        });
        build.output(found[2]);
        build.output(found[3]);
        assert_eq!(
            build.after(prune),
            "%0 = input {index=3} : f64[B, 4]\n%1 = input {index=0} : f64[B, 3, 4]\n%2 = input {index=1} : f64[B, 4]\n\
             %3 = scan %1, %2, %0 {steps=3, reverse=false, sequences=1, states=1} : u8[0]\n    \
             %0 = input {index=1} : f64[B, 4]\n    %1 = input {index=0} : f64[B, 4]\n    \
             %2 = add %0, %1 : f64[B, 4]\n    %3 = input {index=2} : f64[B, 4]\n    \
             %4 = add %2, %3 : f64[B, 4]\n    carry 0 = %2\n    output 0 = %4\n\
             %4 = take %3 {index=1} : f64[B, 3, 4]\noutput 0 = %0\noutput 1 = %4\n"
        );
    }

    #[test]
    fn nothing_is_given_or_emitted_twice() {
        let mut build = Build::default();
        let (x, h) = (build.input(&[3, 4]), build.input(&[4]));
        let found = build.scan([2, 1], &[x, x, h], |step, args| {
            let sum = step.op(Add, &[args[0], args[1]]);
            let next = step.op(Add, &[sum, args[2]]);
            vec![next, next, next, args[1]]
        });
        for &node in &found[1..] {
            build.output(node);
        }
        let text = build.after(prune);
        assert!(text.contains("scan %0, %1 {steps=3, reverse=false, sequences=1, states=1}"), "{text}");
        assert_eq!(text.matches("take").count(), 1, "{text}");
        assert!(text.ends_with("output 0 = %3\noutput 1 = %3\noutput 2 = %0\n"), "{text}");
    }

    #[test]
    fn the_last_of_all_states_is_the_final_one() {
        let mut build = Build::default();
        let (x, h) = (build.input(&[3, 4]), build.input(&[4]));
        let found = build.scan([1, 1], &[x, h], |step, args| {
            let next = step.op(Add, &[args[0], args[1]]);
            vec![next, next]
        });
        let last = Slice { starts: vec![2, 1], ends: vec![3, 3], steps: vec![1, 1] };
        let last = build.op(last, &[found[1]]);
        build.output(last);
        let text = build.after(|graph| Ok(prune(graph)? | prune(graph)?));
        assert!(text.contains("take %2 {index=0} : f64[B, 4]\n%4 = reshape %3 : f64[B, 1, 4]"), "{text}");
        assert!(!text.contains("    output"), "{text}");
    }
}
