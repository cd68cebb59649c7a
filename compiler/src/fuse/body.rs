//! The body of a loop as a program of its own. States are written over as parameters are, what a step emits is stored
//! into its part of the stacked value, and of a sequence a step reads its part where it lies.

use std::collections::{BTreeMap, BTreeSet};

use super::group::fuse_within;
use super::{Kernel, Kind, Needs, Program, verify};
use crate::ir::{Function, Graph, NodeId, RootKind, Type};
use crate::ops::{Lowering, Op};
use crate::passes;

/// What the operands of a loop's body are.
#[derive(Clone, Debug)]
pub struct Frame {
    /// How many of the first are sequences.
    pub sequences: usize,
    /// How many after those are states.
    pub states: usize,
    /// For each operand, whether its rows are further apart than they are long.
    pub pitched: Vec<bool>,
    /// Whether a state may be written over by the kernel that computes it; otherwise a copy comes last of all.
    pub in_place: bool,
}

impl Frame {
    /// Which state an operand is.
    pub fn state(&self, operand: usize) -> Option<usize> {
        operand.checked_sub(self.sequences).filter(|&state| state < self.states)
    }

    /// Whether a result can be what the kernel of `base` stores, without a copy.
    pub(super) fn fits(&self, graph: &Graph, kind: &RootKind, base: NodeId) -> bool {
        let lowering = graph.op(base).rules().lowering();
        match kind {
            // Anything else may read the state elsewhere than where it writes.
            RootKind::Carry(_) => self.in_place && matches!(lowering, Lowering::Pointwise(_)),
            // Rows of the stacked value are further apart than such readers can walk.
            _ => !matches!(lowering, Lowering::Whole) && !read_by_anchors(graph, base),
        }
    }

    /// Whether `base` is another state than the one that it is to become.
    pub(super) fn is_other_state(&self, graph: &Graph, kind: &RootKind, base: NodeId) -> bool {
        match (graph.op(base), kind) {
            (Op::Input(input), RootKind::Carry(state)) => self.state(input.index).is_some_and(|other| other != *state),
            _ => false,
        }
    }
}

fn read_by_anchors(graph: &Graph, base: NodeId) -> bool {
    graph.users(base).into_iter().any(|user| match graph.op(user).rules().lowering() {
        Lowering::Alias => read_by_anchors(graph, user),
        _ => !walks(graph.op(user), graph.ty(base)),
    })
}

/// Whether a value is made of parts of one type side by side, so that a sweep over the parts can store all of it.
pub(super) fn has_equal_parts(graph: &Graph, node: NodeId) -> bool {
    let Op::Concat(concat) = graph.op(node) else { return false };
    let inputs = graph.inputs(node);
    let Some(first) = inputs.first().map(|&part| graph.ty(part)) else { return false };
    concat.axis + 1 == first.dims.len() && first.dtype.is_float() && inputs.iter().all(|&part| graph.ty(part) == first)
}

/// Lets all readers of a loop's result read one node.
pub(super) fn unify_takes(graph: &mut Graph) {
    let mut first: BTreeMap<(NodeId, usize), NodeId> = BTreeMap::new();
    for node in graph.ids() {
        let Op::Take(take) = graph.op(node) else { continue };
        let key = (graph.input(node, 0), take.index);
        match first.get(&key) {
            Some(&same) => {
                graph.replace(node, same);
                graph.remove(node);
            }
            None => {
                first.insert(key, node);
            }
        }
    }
}

/// Copies the parts of sequences that a product or a window can't read where they lie.
pub(super) fn copy_for_anchors(graph: &mut Graph, needs: &mut Needs) {
    if needs.frame.is_none() {
        return;
    }
    for node in graph.topological() {
        for (position, operand) in graph.inputs(node).into_iter().enumerate() {
            let base = needs.storage(graph, operand);
            let pitched = matches!(graph.op(base), Op::Input(_)) && needs.is_pitched(graph, base);
            if pitched && !walks(graph.op(node), graph.ty(operand)) {
                let copy = needs.copy(graph, operand);
                graph.set_input(node, position, copy);
            }
        }
    }
}

/// Whether a kernel around `op` reads an operand whose rows of the batch lie apart.
fn walks(op: &Op, operand: &Type) -> bool {
    let above = |axes: usize| operand.dims.iter().rev().skip(axes).product::<usize>() == 1;
    match op {
        Op::MatMul(_) | Op::Contract(_) => above(1),
        Op::BatchMatMul(_) => above(2),
        _ => !matches!(op.rules().lowering(), Lowering::Product | Lowering::Whole),
    }
}

/// The programs of all loops among these kernels.
///
/// # Errors
/// A body whose kernels wait for each other: kiln's bug.
pub(super) fn programs(graph: &Graph, needs: &Needs, kernels: &[Kernel]) -> Result<BTreeMap<NodeId, Program>, String> {
    let mut programs = BTreeMap::new();
    for kernel in kernels {
        if let Kind::Loop(node) = kernel.kind {
            programs.insert(node, program(graph, needs, kernel, node)?);
        }
    }
    Ok(programs)
}

fn program(graph: &Graph, needs: &Needs, kernel: &Kernel, node: NodeId) -> Result<Program, String> {
    let Op::Scan(scan) = graph.op(node) else { return Err(format!("{node} is no loop")) };
    let used: BTreeSet<usize> = kernel.writes.iter().filter_map(|&take| index(graph, take)).collect();
    let mut body = scan.body.graph().clone();
    body.roots.retain(|root| match root.kind {
        RootKind::Output(output) => used.contains(&(scan.states + output)),
        _ => true,
    });
    passes::dce(&mut body)?;
    let operands = graph.inputs(node).into_iter().enumerate();
    let pitched = operands
        .map(|(place, operand)| {
            let base = needs.storage(graph, operand);
            let sequence = place < scan.sequences && graph.ty(operand).batched;
            let state = (scan.sequences..scan.sequences + scan.states).contains(&place);
            !state && (sequence || needs.is_pitched(graph, base))
        })
        .collect();
    let function = Function { name: kernel.name.clone(), inputs: Vec::new(), graph: body };
    let frame = Frame { sequences: scan.sequences, states: scan.states, pitched, in_place: true };
    let attempt = fuse_within(function.clone(), Some(frame.clone()));
    // States whose new values wait for readers of each other's old ones are copied at the end of a step.
    match attempt.and_then(|program| verify(&program).map(|()| program)) {
        Ok(program) => Ok(program),
        Err(_) => fuse_within(function, Some(Frame { in_place: false, ..frame })),
    }
}

/// Which of a loop's results a node is.
pub fn index(graph: &Graph, take: NodeId) -> Option<usize> {
    match graph.op(take) {
        Op::Take(take) => Some(take.index),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::codegen::Entry;
    use crate::diag::Diagnostics;
    use crate::fuse::{Kind, Program};
    use crate::plan::Plan;
    use crate::{functions, module, resolve, syntax};

    /// The function `run` of a network.
    fn run(body: &str) -> Entry {
        let source = format!("Net<batch = 4> {{ {body} }}");
        let mut errors = Diagnostics::default();
        let declaration = syntax::parse(source.parse().unwrap(), &mut errors).unwrap();
        let Some(network) = resolve::resolve(&declaration, &mut errors).filter(|_| !errors.any()) else {
            panic!("{}", errors.render("network", &source))
        };
        let functions = functions::functions(&network, false).unwrap();
        module::assemble(network, functions).unwrap().entries.swap_remove(0)
    }

    /// The body of its only loop.
    fn body(entry: &Entry) -> (&Program, &Plan) {
        let loops = entry.program.loops.values().zip(entry.plan.loops.values());
        let [only] = loops.collect::<Vec<_>>().try_into().unwrap();
        only
    }

    #[test]
    fn the_gates_of_a_cell_are_one_sweep_behind_the_product() {
        let entry = run("let x = input([5, 3]); output(x.lstm(8, return_sequences = true));");
        let (program, plan) = body(&entry);
        let kinds: Vec<Kind> = program.kernels.iter().map(|kernel| kernel.kind).collect();
        assert!(matches!(kinds.as_slice(), [Kind::Product(_), Kind::Map]), "{kinds:?}");
        // Every thread goes through all steps of its own rows.
        assert_eq!(plan.barriers, [false, false]);
    }
}
