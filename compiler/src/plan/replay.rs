//! Goes through a plan kernel by kernel as a run would, and checks that whatever is read in the arena was written
//! there before and that nothing was written over it since. It knows places and sizes alone: neither lifetimes nor
//! what may lie over what.

use std::collections::BTreeMap;
use std::ops::Range;

use super::Plan;
use super::home::Place;
use crate::fuse::{Kind, Program};
use crate::ir::NodeId;

/// Checks a program's plan, and those of the bodies of its loops.
///
/// # Errors
/// The first kernel that reads what is not there, or writes where it must not: kiln's bug.
pub(super) fn replay(program: &Program, plan: &Plan, batch: usize) -> Result<(), String> {
    let graph = &program.function.graph;
    let bytes = |value: NodeId| match plan.places.get(&value) {
        Some(&Place::Arena(offset)) => Some(offset..offset + graph.ty(value).bytes(batch)),
        _ => None,
    };
    // What can be read in the arena, and where it lies.
    let mut held: BTreeMap<NodeId, Range<usize>> = BTreeMap::new();
    for kernel in &program.kernels {
        let name = &kernel.name;
        for &read in kernel.reads.iter().filter(|read| !kernel.writes.contains(read)) {
            let Some(place) = plan.places.get(&read) else {
                return Err(format!("`{name}` reads {read}, which has no place"));
            };
            if matches!(place, Place::Arena(_)) && !held.contains_key(&read) {
                return Err(format!("`{name}` reads {read}, which is not in the arena any more, or not yet"));
            }
        }
        let mut written: Vec<(NodeId, Range<usize>)> = Vec::new();
        for &value in &kernel.writes {
            let Some(place) = bytes(value) else { continue };
            // In place of what it reads, it begins where that does.
            let astray = |(read, old): (&NodeId, &Range<usize>)| {
                kernel.reads.contains(read) && overlap(old, &place) && old.start != place.start
            };
            if held.iter().any(astray) {
                return Err(format!("`{name}` writes {value} across what it reads"));
            }
            written.push((value, place));
        }
        if let Kind::Loop(node) = kernel.kind
            && let (Some(&Place::Arena(offset)), Some(inner)) = (plan.places.get(&node), plan.loops.get(&node))
        {
            let block = offset..offset + inner.arena_bytes;
            if held.iter().any(|(read, old)| kernel.reads.contains(read) && overlap(old, &block)) {
                return Err(format!("`{name}` works in what it reads"));
            }
            written.push((node, block));
        }
        for (index, (value, place)) in written.iter().enumerate() {
            if place.end > plan.arena_bytes {
                return Err(format!("`{name}` writes {value} past the end of the arena"));
            }
            if written[..index].iter().any(|(_, other)| overlap(other, place)) {
                return Err(format!("`{name}` writes {value} over another of its results"));
            }
        }
        held.retain(|_, old| !written.iter().any(|(_, place)| overlap(old, place)));
        held.extend(written);
    }
    for root in &graph.roots {
        let value = program.needs.storage(graph, root.node);
        if bytes(value).is_some() && !held.contains_key(&value) {
            return Err(format!("{value}, which is {}, is not there in the end", root.kind));
        }
    }
    for (node, inner) in &plan.loops {
        let Some(body) = program.loops.get(node) else { return Err(format!("the loop {node} has no body")) };
        replay(body, inner, batch).map_err(|error| format!("in the loop {node}: {error}"))?;
    }
    Ok(())
}

fn overlap(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start.max(b.start) < a.end.min(b.end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Diagnostics;
    use crate::{functions, fuse, resolve, syntax};

    fn program() -> Program {
        let source = "Net<batch = 4> {
            let x = input([6, 8]);
            let y = class(3);
            let h = x.lstm(5, return_sequences = true).lstm(7);
            let logits = h.dense(20).tanh().dense(3);
            output(softmax(logits));
            loss(cross_entropy(logits, y));
            optimizer(adam());
        }";
        let mut errors = Diagnostics::default();
        let declaration = syntax::parse(source.parse().unwrap(), &mut errors).unwrap();
        let network = resolve::resolve(&declaration, &mut errors).unwrap();
        fuse::fuse(functions::functions(&network, false).unwrap().swap_remove(0).function).unwrap()
    }

    #[test]
    fn what_a_kernel_reads_cannot_lie_over_what_else_it_reads() {
        let program = program();
        let plan = super::super::plan(&program, 4).unwrap();
        assert_eq!(replay(&program, &plan, 4), Ok(()));
        let in_arena = |value: &&NodeId| matches!(plan.places.get(value), Some(Place::Arena(_)));
        let mut tried = 0;
        for kernel in &program.kernels {
            let reads: Vec<&NodeId> = kernel.reads.iter().filter(in_arena).collect();
            for (&&moved, &other) in reads.iter().zip(reads.iter().skip(1)) {
                let mut plan = plan.clone();
                plan.places.insert(moved, plan.places[other]);
                assert!(replay(&program, &plan, 4).is_err(), "{moved} over {other} in `{}`", kernel.name);
                tried += 1;
            }
        }
        assert!(tried > 3, "{tried}");
    }

    #[test]
    fn each_fault_is_named() {
        let program = program();
        let plan = super::super::plan(&program, 4).unwrap();
        let fault = |change: &dyn Fn(&mut Program, &mut Plan)| {
            let (mut program, mut plan) = (program.clone(), plan.clone());
            change(&mut program, &mut plan);
            replay(&program, &plan, 4).unwrap_err()
        };
        let early = fault(&|program, _| program.kernels.reverse());
        assert!(early.contains("not in the arena any more, or not yet"), "{early}");
        let small = fault(&|_, plan| plan.arena_bytes = 0);
        assert!(small.contains("past the end"), "{small}");
        let nowhere = fault(&|_, plan| plan.places.clear());
        assert!(nowhere.contains("has no place"), "{nowhere}");
        let inner = fault(&|program, _| {
            for body in program.loops.values_mut() {
                body.kernels.reverse();
            }
        });
        assert!(inner.contains("in the loop"), "{inner}");
    }
}
