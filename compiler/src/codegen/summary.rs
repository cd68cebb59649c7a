//! What a network is and costs, as a table for people.

use super::module::{Entry, Module};
use crate::cost;
use crate::ir::{Optimizer, Type};

/// Floating-point operations of a function on a full batch, multiply and add counted as two.
pub(super) fn flops(module: &Module, entry: &Entry) -> u64 {
    cost::graph_flops(&entry.program.function.graph).of_rows(module.network.batch)
}

/// The constants of the generated type that say what the network costs.
pub(crate) fn constants(module: &Module) -> Vec<(&'static str, u64)> {
    let size = module.network.dtype.bytes();
    let parameters: usize = module.network.params.iter().map(|param| param.ty.elements()).sum();
    let mut found = vec![("PARAMETERS", parameters as u64), ("PARAMETER_BYTES", (module.layout.len * size) as u64)];
    if let Some(step) = module.entry("step") {
        found.push(("OPTIMIZER_BYTES", (state_elements(module) * size) as u64));
        found.push(("TRAIN_FLOPS", flops(module, step)));
        found.push(("TRAIN_ARENA_BYTES", train_arena(module) as u64));
    }
    found.push(("INFER_FLOPS", module.entry("run").map_or(0, |run| flops(module, run))));
    found.push(("INFER_ARENA_BYTES", infer_arena(module) as u64));
    found
}

/// Bytes of a trainer's arena: of steps, and of gradients where it computes those too.
pub(super) fn train_arena(module: &Module) -> usize {
    let entries = ["step", "gradients"].into_iter().filter_map(|name| module.entry(name));
    entries.map(|entry| entry.plan.arena_bytes).max().unwrap_or(0)
}

/// Bytes of the arena that all of inference shares.
pub(super) fn infer_arena(module: &Module) -> usize {
    module.inference().map(|entry| entry.plan.arena_bytes).max().unwrap_or(0)
}

/// Elements that the optimiser keeps between steps.
pub(super) fn state_elements(module: &Module) -> usize {
    module.network.optimizer.map_or(0, Optimizer::slots) * module.layout.len
}

/// `1234567` as `1,234,567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Bytes in the unit that reads best.
pub(crate) fn bytes(count: usize) -> String {
    match count {
        0..=1023 => format!("{count} B"),
        1024..=1_048_575 => format!("{:.1} KiB", count as f64 / 1024.0),
        _ => format!("{:.2} MiB", count as f64 / 1_048_576.0),
    }
}

fn shape(ty: &Type) -> String {
    let dims = ty.dims.iter().map(ToString::to_string);
    let axes: Vec<String> = ty.batched.then(|| "B".to_string()).into_iter().chain(dims).collect();
    format!("[{}]", axes.join(", "))
}

struct Row {
    name: String,
    kind: String,
    shape: String,
    params: String,
}

fn rows(module: &Module) -> Vec<Row> {
    let network = &module.network;
    let inputs = network.inputs.iter().map(|input| Row {
        name: input.name.to_string(),
        kind: match input.kind.classes() {
            Some(classes) => format!("indices below {classes}"),
            None => "input".to_string(),
        },
        shape: shape(&input.ty),
        params: "0".to_string(),
    });
    let layers = network.layers.iter().map(|layer| {
        let count: usize =
            layer.params.iter().filter_map(|param| network.params.get(param.0)).map(|param| param.ty.elements()).sum();
        Row {
            name: layer.name.clone(),
            kind: layer.kind.clone(),
            shape: shape(&layer.ty),
            params: grouped(count as u64),
        }
    });
    inputs.chain(layers).collect()
}

/// How many of the operations compute values again, if any do.
fn again(entry: &Entry) -> String {
    match entry.recomputed {
        0 => String::new(),
        flops => format!(" ({} of them again, for less memory)", grouped(flops)),
    }
}

/// What the network costs, a line each.
fn totals(module: &Module) -> Vec<String> {
    let network = &module.network;
    let count = |trainable: bool| -> usize {
        network.params.iter().filter(|param| param.trainable == trainable).map(|param| param.ty.elements()).sum()
    };
    let size = network.dtype.bytes();
    let mut lines = vec![format!(
        "Parameters: {} ({}), of which {} trainable",
        grouped((count(true) + count(false)) as u64),
        bytes((count(true) + count(false)) * size),
        grouped(count(true) as u64)
    )];
    if let Some(entry) = module.entry("step") {
        lines.push(format!(
            "Training step of {} rows: {} FLOPs{}, {} arena, {} optimiser state",
            network.batch,
            grouped(flops(module, entry)),
            again(entry),
            bytes(entry.plan.arena_bytes),
            bytes(state_elements(module) * size)
        ));
    }
    if let Some(entry) = module.entry("run") {
        lines.push(format!(
            "Inference of {} rows: {} FLOPs{}, {} arena",
            network.batch,
            grouped(flops(module, entry)),
            again(entry),
            bytes(entry.plan.arena_bytes)
        ));
    }
    lines
}

/// The table in plain text.
pub(super) fn text(module: &Module) -> String {
    let header = Row { name: "Name".into(), kind: "Layer".into(), shape: "Output".into(), params: "Parameters".into() };
    let rows: Vec<Row> = std::iter::once(header).chain(rows(module)).collect();
    let width = |cell: fn(&Row) -> &str| rows.iter().map(|row| cell(row).chars().count()).max().unwrap_or(0);
    let widths = [width(|row| &row.name), width(|row| &row.kind), width(|row| &row.shape), width(|row| &row.params)];
    let line = "─".repeat(widths.iter().sum::<usize>() + 6);
    let mut text = format!("{}\n{line}\n", module.network.name);
    for (place, row) in rows.iter().enumerate() {
        let [name, kind, shape, params] = widths;
        text += &format!("{:name$}  {:kind$}  {:shape$}  {:>params$}\n", row.name, row.kind, row.shape, row.params);
        if place == 0 {
            text += &format!("{line}\n");
        }
    }
    text += &format!("{line}\n");
    text += &totals(module).join("\n");
    text
}

/// The table and how to call the network, as lines of rustdoc.
pub(super) fn rustdoc(module: &Module) -> Vec<String> {
    let mut lines = vec![String::new(), " # Layers".into(), String::new()];
    lines.push(" | name | layer | output | parameters |".into());
    lines.push(" |---|---|---|---:|".into());
    for row in rows(module) {
        lines.push(format!(" | `{}` | {} | `{}` | {} |", row.name, row.kind, row.shape, row.params));
    }
    lines.push(String::new());
    lines.extend(totals(module).into_iter().map(|line| format!(" - {line}")));
    lines.extend([String::new(), " # Use".into(), String::new(), " ```ignore".into()]);
    let name = &module.network.name;
    lines.push(format!(" let model = {name}::new(42);"));
    let names = |entry: &Entry, all: bool| -> String {
        let graph = &entry.program.function.graph;
        let used = |index: usize| {
            all || graph
                .ids()
                .into_iter()
                .any(|node| matches!(graph.op(node), crate::ops::Op::Input(input) if input.index == index))
        };
        let inputs = entry.program.function.inputs.iter().enumerate().filter(|(index, _)| used(*index));
        inputs.map(|(_, input)| format!("&{}", input.name)).collect::<Vec<_>>().join(", ")
    };
    if let Some(entry) = module.entry("step") {
        lines.push(" let mut trainer = model.trainer();".into());
        lines.push(format!(" let loss = trainer.step({})?.loss;", names(entry, true)));
    }
    if let Some(entry) = module.entry("run") {
        lines.push(" let mut predictor = model.predictor();".into());
        lines.push(format!(" let output = predictor.run({})?;", names(entry, false)));
    }
    lines.push(" ```".into());
    lines
}
