//! The stages of the compiler one by one, as text.

use std::collections::BTreeMap;
use std::fmt::Write;

use kiln_compiler::codegen::{Module, generate};
use kiln_compiler::diag::{Diagnostics, did_you_mean};
use kiln_compiler::functions::{Optimised, functions};
use kiln_compiler::fuse::Program;
use kiln_compiler::ir::{Graph, NodeId};
use kiln_compiler::module::assemble;
use kiln_compiler::plan::Plan;
use kiln_compiler::resolve::resolve;
use kiln_compiler::syntax::parse;

use super::networks::networks;

/// What the networks in `source` are after a stage; without one, the generated Rust.
///
/// # Errors
/// The mistakes of the network with their places in `file`, or the names of the stages if there is none of that name.
pub(crate) fn dump(file: &str, source: &str, after: Option<&str>) -> Result<String, String> {
    let mut text = String::new();
    for network in networks(file, source)? {
        let mut errors = Diagnostics::default();
        let resolved = parse(network, &mut errors).and_then(|decl| resolve(&decl, &mut errors));
        let Some(network) = resolved.filter(|_| !errors.any()) else { return Err(errors.render(file, source)) };
        let functions = functions(&network, true).map_err(|failure| failure.to_string())?;
        let names = names(&functions);
        let after = after.unwrap_or("rust");
        if !names.contains(&after) {
            let near = did_you_mean(after, names.iter().copied()).map(|name| format!(", did you mean `{name}`?"));
            let near = near.unwrap_or_default();
            return Err(format!("error: there is no stage `{after}`{near}\n = note: there are {}", names.join(", ")));
        }
        let shown = |stage: &str| after == "all" || after == stage;
        if shown("network") {
            let _ = writeln!(text, "// {}, resolved\n{}", network.name, network.graph);
        }
        passes(&functions, after, &mut text);
        if !["all", "fuse", "plan", "rust"].contains(&after) {
            continue;
        }
        let module = assemble(network, functions)?;
        if shown("fuse") {
            kernels(&module, &mut text);
        }
        if shown("plan") {
            memory(&module, &mut text);
        }
        if shown("rust") {
            let file = syn::parse2(generate(&module)).map_err(|error| format!("the generated code: {error}"))?;
            text += &prettyplease::unparse(&file);
        }
    }
    Ok(text)
}

/// All that `--after` takes, in the order of the road.
fn names(functions: &[Optimised]) -> Vec<&'static str> {
    let mut names = vec!["network"];
    for trace in functions.iter().flat_map(|function| &function.trace) {
        if !names.contains(&trace.name) {
            names.push(trace.name);
        }
    }
    names.extend(["fuse", "plan", "rust", "all"]);
    names
}

/// The graph after each run of the pass that changed it; where none did, after the last.
fn passes(functions: &[Optimised], after: &str, text: &mut String) {
    for Optimised { function, trace, .. } in functions {
        let runs = || trace.iter().enumerate().filter(|(_, run)| after == "all" || run.name == after);
        let any = runs().any(|(_, run)| run.changed);
        let last = runs().next_back().map(|(place, _)| place);
        for (place, run) in runs().filter(|&(place, run)| run.changed || !any && Some(place) == last) {
            let count = trace[..=place].iter().filter(|other| other.name == run.name).count();
            let (before, left) = (run.nodes_before, run.nodes_after);
            let _ = writeln!(text, "// {}: {} (run {count}), {before} → {left} nodes", function.name, run.name);
            let _ = writeln!(text, "{}", run.text.as_deref().unwrap_or_default());
        }
    }
}

fn kernels(module: &Module, text: &mut String) {
    for entry in &module.entries {
        program(&entry.program, text);
        text.push('\n');
    }
}

/// The kernels of a function, then those of the bodies of its loops.
fn program(program: &Program, text: &mut String) {
    let function = &program.function;
    let lines = lines(&function.graph);
    let list = |nodes: &mut dyn Iterator<Item = &NodeId>| {
        nodes.map(|node| format!("%{}", lines[node])).collect::<Vec<_>>().join(", ")
    };
    let _ = writeln!(text, "// {}: kernels\n{}", function.name, function.graph);
    for kernel in &program.kernels {
        let kind = kernel.kind.name();
        let domain = &kernel.domain;
        let _ = writeln!(text, "{kind} {} over {domain}, rows of {}", kernel.name, kernel.cols());
        let _ = writeln!(text, "    computes {}", list(&mut kernel.nodes.iter()));
        let _ = writeln!(text, "    reads {}", list(&mut kernel.reads.iter()));
        let _ = writeln!(text, "    writes {}", list(&mut kernel.writes.iter()));
    }
    for body in program.loops.values() {
        self::program(body, text);
    }
}

/// The number of each node's printed line.
fn lines(graph: &Graph) -> BTreeMap<NodeId, usize> {
    graph.lines().into_iter().enumerate().map(|(line, node)| (node, line)).collect()
}

fn memory(module: &Module, text: &mut String) {
    for entry in &module.entries {
        arena(&entry.program, &entry.plan, text);
        text.push('\n');
    }
}

/// The places of a function's values, then those in the bodies of its loops.
fn arena(program: &Program, plan: &Plan, text: &mut String) {
    let function = &program.function;
    let lines = lines(&function.graph);
    let _ = writeln!(
        text,
        "// {}: an arena of {} bytes, of which {} are needed at once",
        function.name, plan.arena_bytes, plan.lower_bound
    );
    for (node, place) in &plan.places {
        let _ = writeln!(text, "%{} : {} at {place}", lines[node], function.graph.ty(*node));
    }
    for (kernel, _) in program.kernels.iter().zip(&plan.barriers).filter(|(_, meet)| **meet) {
        let _ = writeln!(text, "all threads meet before {}", kernel.name);
    }
    for (node, body) in &program.loops {
        if let Some(plan) = plan.loops.get(node) {
            arena(body, plan, text);
        }
    }
}
