//! The verifier of kernels. A program holds, or fusing has a bug:
//!
//! 1. every node that is work is computed by exactly one kernel, and `kernel_of` says by which;
//! 2. a kernel lists operands before users;
//! 3. whatever a kernel reads is external, computed by itself, or stored by an earlier kernel;
//! 4. every root is stored;
//! 5. a kernel that writes over a parameter or a slot comes after every kernel that reads the old value;
//! 6. rows and columns can address every operand;
//! 7. no comparison is stored;
//! 8. every loop has its body's program, and it holds;
//! 9. a kernel comes after those that compute what it awaits.

use std::collections::{BTreeMap, BTreeSet};

use super::{Kernel, Kind, Program, order};
use crate::fuse::level::{self, Level};
use crate::ir::{DType, NodeId};
use crate::ops::{Lowering, Op};

/// Checks every invariant of this module's header.
///
/// # Errors
/// The first that does not hold, and where.
pub fn verify(program: &Program) -> Result<(), String> {
    let graph = &program.function.graph;
    let mut computed: BTreeMap<NodeId, usize> = BTreeMap::new();
    for (index, kernel) in program.kernels.iter().enumerate() {
        for &node in &kernel.nodes {
            let at = |invariant: usize, what: &str| {
                format!("kernel invariant {invariant}: {what} at {node} of `{}`", kernel.name)
            };
            if computed.insert(node, index).is_some() || program.kernel_of.get(&node) != Some(&index) {
                return Err(at(1, "computed twice, or noted elsewhere"));
            }
            for &source in program.needs.sources(graph, node).iter() {
                let external = matches!(graph.op(source).rules().lowering(), Lowering::External);
                match computed.get(&source) {
                    _ if external => {}
                    None => return Err(at(2, "an operand that is computed later")),
                    Some(&by) if by != index && !program.kernels[by].writes.contains(&source) => {
                        return Err(at(3, "an operand that is not stored"));
                    }
                    Some(_) => {}
                }
            }
            if !addressable(program, kernel, node) {
                return Err(at(6, "an operand that is no run of columns"));
            }
        }
        if let Some(node) = kernel.awaits.iter().find(|node| !computed.contains_key(node)) {
            return Err(format!("kernel invariant 9: `{}` does not wait for {node}", kernel.name));
        }
        if let Some(&node) = kernel.writes.iter().find(|&&node| graph.ty(node).dtype == DType::Bool) {
            return Err(format!("kernel invariant 7: {node} of `{}` is a comparison", kernel.name));
        }
    }
    let work: BTreeSet<NodeId> = graph.ids().into_iter().filter(|&node| program.needs.is_work(graph, node)).collect();
    if let Some(node) = work.iter().find(|node| !computed.contains_key(node)) {
        return Err(format!("kernel invariant 1: nobody computes {node}"));
    }
    for root in &graph.roots {
        let base = program.needs.storage(graph, root.node);
        let stored = computed.get(&base).is_some_and(|&kernel| program.kernels[kernel].writes.contains(&base));
        if !stored {
            return Err(format!("kernel invariant 4: nobody stores {base}, which is {}", root.kind));
        }
    }
    for (writer, old) in super::group::overwrites(graph, &program.needs) {
        let Some(&writing) = computed.get(&writer) else { continue };
        for reader in order::readers(graph, &program.needs, &old) {
            if computed.get(&reader).is_none_or(|&reading| reading > writing) {
                return Err(format!("kernel invariant 5: {reader} reads what {writer} has overwritten"));
            }
        }
    }
    for kernel in &program.kernels {
        let Kind::Loop(node) = kernel.kind else { continue };
        let Some(body) = program.loops.get(&node) else {
            return Err(format!("kernel invariant 8: `{}` has no body", kernel.name));
        };
        verify(body).map_err(|error| format!("in the body of `{}`: {error}", kernel.name))?;
    }
    Ok(())
}

/// Invariant 6, for the nodes that are computed element by element.
fn addressable(program: &Program, kernel: &Kernel, node: NodeId) -> bool {
    let graph = &program.function.graph;
    let fixed = matches!(kernel.kind, Kind::Whole(_) | Kind::Move(_) | Kind::Loop(_));
    let pooled = kernel.pool.is_some() && super::pools::is_pool(program.function.graph.op(node));
    if fixed || pooled || kernel.kind.anchor() == Some(node) || kernel.sums.is_some() {
        return true;
    }
    level::leaves(graph, &program.needs, node).iter().all(|leaf| {
        let inside = program.kernel_of.get(&leaf.base).is_some_and(|&by| program.kernels[by].name == kernel.name);
        let inside = inside.then(|| match graph.op(leaf.base) {
            Op::Reduce(_) if kernel.kind.anchor() != Some(leaf.base) => Some(Level::Row),
            _ if program.needs.joined.contains(&leaf.base) => None,
            _ => level::level(&kernel.domain, kernel.suffix, graph.ty(leaf.base)),
        });
        level::readable(&kernel.domain, kernel.suffix, leaf, inside)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Diagnostics;
    use crate::{functions, fuse, resolve, syntax};

    fn program() -> Program {
        let source = "Net<batch = 4> {
            let x = input([8]);
            let y = class(3);
            let logits = x.dense(5).relu().dense(3);
            output(softmax(logits));
            loss(cross_entropy(logits, y));
            optimizer(adam());
        }";
        let mut errors = Diagnostics::default();
        let declaration = syntax::parse(source.parse().unwrap(), &mut errors).unwrap();
        let network = resolve::resolve(&declaration, &mut errors).unwrap();
        fuse::fuse(functions::functions(&network, false).unwrap().swap_remove(0).function).unwrap()
    }

    fn broken(change: impl FnOnce(&mut Program)) -> String {
        let mut program = program();
        assert_eq!(verify(&program), Ok(()));
        change(&mut program);
        verify(&program).unwrap_err()
    }

    #[test]
    fn broken_programs_are_caught() {
        let lost = broken(|program| program.kernels[0].writes.clear());
        assert!(lost.contains("invariant 3"), "{lost}");
        let late = broken(|program| program.kernels.reverse());
        assert!(late.contains("invariant 1"), "{late}");
        let twice = broken(|program| {
            let kernel = program.kernels[0].clone();
            program.kernels.push(kernel);
        });
        assert!(twice.contains("invariant 1"), "{twice}");
        let missing = broken(|program| {
            let last = program.kernels.len() - 1;
            program.kernels.truncate(last);
        });
        assert!(missing.contains("invariant"), "{missing}");
        let unordered = broken(|program| {
            let kernel = program.kernels.iter_mut().find(|kernel| kernel.nodes.len() > 1).unwrap();
            kernel.nodes.reverse();
        });
        assert!(unordered.contains("invariant 2"), "{unordered}");
    }
}
