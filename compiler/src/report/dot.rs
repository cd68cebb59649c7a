//! A function's graph in the language of Graphviz: every node, kernels as boxes inside the boxes of their groups.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::facts::{Node, Phase, Program, Role};

/// The text. Bodies of loops stand beside what is around them, each in a box of its own.
pub(super) fn dot(name: &str, program: &Program) -> String {
    let mut text = format!("digraph {} {{\n", quoted(name));
    text += "  rankdir=TB; compound=true; fontname=\"sans-serif\";\n";
    text += "  node [shape=box, style=\"rounded,filled\", fontname=\"sans-serif\", fontsize=10];\n";
    text += "  edge [color=\"#888888\", arrowsize=0.6];\n";
    body(program, "n", &mut text);
    text += "}\n";
    text
}

/// The nodes of a program, whose names begin with `prefix`, and those of its loops.
fn body(program: &Program, prefix: &str, text: &mut String) {
    let mut boxes: BTreeMap<Option<usize>, Vec<usize>> = BTreeMap::new();
    for (index, node) in program.nodes.iter().enumerate() {
        boxes.entry(node.kernel).or_default().push(index);
    }
    for (kernel, nodes) in &boxes {
        if let Some(kernel) = kernel.and_then(|index| program.kernels.get(index)) {
            let label = format!("{} ({})", kernel.name, kernel.kind);
            let _ = writeln!(text, "  subgraph {} {{", quoted(&format!("cluster_{prefix}_{}", kernel.name)));
            let _ = writeln!(text, "    label={}; color=\"#999999\"; fontsize=9;", quoted(&label));
        }
        for &index in nodes {
            if let Some(node) = program.nodes.get(index) {
                let indent = if kernel.is_some() { "    " } else { "  " };
                let _ = writeln!(text, "{indent}{prefix}{index} [{}];", look(node));
            }
        }
        if kernel.is_some() {
            text.push_str("  }\n");
        }
    }
    for (index, node) in program.nodes.iter().enumerate() {
        for input in &node.inputs {
            let _ = writeln!(text, "  {prefix}{input} -> {prefix}{index};");
        }
    }
    for (number, inner) in program.loops.iter().enumerate() {
        let name = program.kernels.get(inner.kernel).map_or("loop", |kernel| kernel.name.as_str());
        let _ = writeln!(text, "  subgraph {} {{", quoted(&format!("cluster_{prefix}_loop{number}")));
        let _ = writeln!(text, "    label={}; style=dashed;", quoted(&format!("{name}: {} steps", inner.steps)));
        body(&inner.program, &format!("{prefix}_{number}_"), text);
        text.push_str("  }\n");
    }
}

fn look(node: &Node) -> String {
    let title = node.name.as_ref().map_or_else(|| node.op.to_string(), |name| format!("{name}: {}", node.op));
    let fill = match (node.role, node.phase) {
        (Role::External, _) => "#ffffff",
        (Role::View | Role::Inlined | Role::Scalar, _) => "#eeeeee",
        (Role::Work, Phase::Forward) => "#cfe2ff",
        (Role::Work, Phase::Backward) => "#ffdcc2",
        (Role::Work, Phase::Update) => "#d3efd3",
    };
    format!("label={}, fillcolor=\"{fill}\"", quoted(&format!("{title}\n{}", node.ty)))
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}
