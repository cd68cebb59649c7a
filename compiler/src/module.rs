//! Everything that is decided before code is generated: each function's kernels and memory.

use std::collections::BTreeSet;

use crate::codegen::{Entry, Layout, Module};
use crate::functions::Optimised;
use crate::fuse::{self, Program};
use crate::ir::{Network, NodeId};
use crate::ops::Op;
use crate::plan::plan;

/// The kernels and the memory of functions that are optimised.
///
/// # Errors
/// Which stage contradicted itself: kiln's bug.
pub fn assemble(network: Network, functions: Vec<Optimised>) -> Result<Module, String> {
    let mut entries = Vec::new();
    for Optimised { function, recomputed, .. } in functions {
        let name = function.name.clone();
        let bug = |stage: &str, error: String| format!("{stage} `{name}`: {error}");
        let program = fuse::fuse(function).map_err(|error| bug("fusing", error))?;
        fuse::verify(&program).map_err(|error| bug("fusing", error))?;
        let plan = plan(&program, network.batch).map_err(|error| bug("planning the memory of", error))?;
        let uniforms = uniforms(&program);
        entries.push(Entry { program, plan, uniforms, recomputed });
    }
    let layout = Layout::of(&network);
    Ok(Module { network, entries, layout })
}

/// The scalars that kernels read: those of a call that are no literals.
fn uniforms(program: &Program) -> Vec<NodeId> {
    let graph = &program.function.graph;
    let needs = &program.needs;
    let mut read = BTreeSet::new();
    for node in graph.ids() {
        if needs.materialised.contains(&node) && needs.uniform.contains(&node) {
            read.insert(node);
        }
        if needs.uniform.contains(&node) && !needs.materialised.contains(&node) {
            continue;
        }
        for operand in graph.inputs(node) {
            let base = needs.access(graph, operand).base;
            if needs.uniform.contains(&base) {
                read.insert(base);
            }
        }
    }
    read.into_iter().filter(|&node| !matches!(graph.op(node), Op::Constant(_))).collect()
}
