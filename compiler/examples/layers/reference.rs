//! The reference of the language's functions, from the tables that the compiler checks calls by.

use std::fmt::Write;

use kiln_compiler::layers::{EXPLANATIONS, FAMILIES, Fallback, INITIALISERS, Kind, Parameter, SETTINGS, Template};

const HEAD: &str = "# Layers, operations, losses, optimisers

This page is generated from the tables that the compiler checks calls by (`compiler/src/layers/`):
`cargo run -p kiln-compiler --example layers > docs/layers.md`. The language around them is in
[language.md](language.md).

`x.f(a)` and `f(x, a)` are the same call. Arguments stand in the order of the signature or behind their names. An
argument with `=` may be left out; `…` stands for a default that its line explains. Shapes and axes leave the batch
out, and negative axes count from the end. A layer (marked below) is a line of the summary and takes `name = \"…\"` too;
one with parameters also takes the [settings](#how-parameters-train) at the end of this page.
";

/// The whole page.
pub(crate) fn reference() -> String {
    let mut text = HEAD.to_string();
    for (title, family) in FAMILIES {
        section(&mut text, title, family);
    }
    section(&mut text, "Initialisers with numbers", INITIALISERS);
    section(&mut text, "Explanations: explain(kind, …)", EXPLANATIONS);
    text.push_str("\n## How parameters train\n\nBehind the arguments of every layer with parameters, and of `param`. ");
    text.push_str("Penalties and constraints are about weights alone, as Keras's kernel_regularizer and ");
    text.push_str("kernel_constraint: not about biases, nor about recurrent weights.\n");
    arguments(&mut text, SETTINGS);
    text
}

fn arguments(text: &mut String, params: &[Parameter]) {
    text.push_str("\n| argument | takes | default | |\n|---|---|---|---|\n");
    for param in params {
        let (name, kind, docs) = (param.name, param.kind.expected(), cell(param.docs));
        let _ = writeln!(text, "| `{name}` | {kind} | {} | {docs} |", default(param));
    }
}

fn section(text: &mut String, title: &str, family: &[Template]) {
    let _ = write!(text, "\n## {title}\n");
    for template in family {
        let _ = write!(text, "\n### `{}`\n\n", template.signature());
        let layer = if template.layer { " A layer." } else { "" };
        let _ = writeln!(text, "{}{layer}{}", cell(template.docs), aliases(template));
        if template.params.is_empty() {
            continue;
        }
        arguments(text, template.params);
    }
}

fn aliases(template: &Template) -> String {
    let names: Vec<String> = template.aliases.iter().map(|name| format!("`{name}`")).collect();
    if names.is_empty() { String::new() } else { format!(" Also called {}.", names.join(", ")) }
}

fn default(param: &Parameter) -> String {
    match (param.kind, param.default) {
        (Kind::Tensors, Fallback::Required) => "at least one".to_string(),
        (_, Fallback::Required) => "required".to_string(),
        (_, Fallback::Absent) => "…".to_string(),
        (_, default) => format!("`{default}`"),
    }
}

/// Text that means nothing else in a Markdown table.
fn cell(docs: &str) -> String {
    docs.replace('|', "\\|").replace('*', "\\*")
}
