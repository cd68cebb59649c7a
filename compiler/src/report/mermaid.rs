//! A function's graph in the language of Mermaid. Its drawings hold some hundred boxes at most, so the boxes are
//! kernels, and the frames around them the outermost groups; `dot` has every node.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::facts::{Phase, Program};

/// The text.
pub(super) fn mermaid(program: &Program) -> String {
    let mut text = String::from("flowchart TB\n");
    let mut inside: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (index, kernel) in program.kernels.iter().enumerate() {
        inside.entry(outermost(program, kernel.group)).or_default().push(index);
    }
    for (group, kernels) in inside {
        let title = program.groups.get(group).map_or("", |group| group.title.as_str());
        let _ = writeln!(text, "  subgraph g{group}[{}]", quoted(title));
        for index in kernels {
            if let Some(kernel) = program.kernels.get(index) {
                let steps = kernel.body.and_then(|body| program.loops.get(body)).map(|body| body.steps);
                let steps = steps.map(|steps| format!(" × {steps}")).unwrap_or_default();
                let label = format!("{}{steps}<br/>{}", kernel.name, kernel.domain);
                let class = match kernel.phase {
                    Phase::Forward => "forward",
                    Phase::Backward => "backward",
                    Phase::Update => "update",
                };
                let _ = writeln!(text, "    k{index}[{}]:::{class}", quoted(&label));
            }
        }
        text += "  end\n";
    }
    for pair in &program.neighbours {
        let _ = writeln!(text, "  k{} --> k{}", pair.from, pair.to);
    }
    text += "  classDef forward fill:#cfe2ff,stroke:#5b8def,color:#111\n";
    text += "  classDef backward fill:#ffdcc2,stroke:#e08a4a,color:#111\n";
    text += "  classDef update fill:#d3efd3,stroke:#5aa469,color:#111\n";
    text
}

fn outermost(program: &Program, group: usize) -> usize {
    let mut group = group;
    while let Some(parent) = program.groups.get(group).and_then(|group| group.parent) {
        group = parent;
    }
    group
}

/// Mermaid knows no escapes but entities.
fn quoted(text: &str) -> String {
    let text = text.replace('#', "#35;").replace('"', "#quot;").replace('\n', " ");
    format!("\"{text}\"")
}
