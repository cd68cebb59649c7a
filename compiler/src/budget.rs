//! `memory(max = …)`: what a call's values take once `recompute` has done what it can, against the user's bound.

use crate::codegen::{Entry, Module, bytes};
use crate::cost;
use crate::diag::{Diagnostic, Diagnostics, location};
use crate::ir::NodeId;
use crate::ops::Op;

/// How many values are named.
const SHOWN: usize = 6;

/// Whether the largest arena keeps the bound. If not, reports it with the values that live at its peak.
pub fn check(module: &Module, errors: &mut Diagnostics) -> bool {
    let Some((max, span)) = module.network.memory_max else { return true };
    let size = |entry: &&Entry| entry.plan.arena_bytes;
    // Of equals the first: a step comes before inference.
    let Some(entry) = module.entries.iter().rev().max_by_key(size) else { return true };
    let (needed, function) = (entry.plan.arena_bytes, &entry.program.function.name);
    if needed as u64 <= max {
        return true;
    }
    let message =
        format!("`{function}` takes {} for {} rows, past the bound", exact(needed, max), module.network.batch);
    let (kernel, live) = peak(entry);
    let least = match entry.recomputed {
        0 => "nothing that could be computed again instead of being kept lowers that".to_string(),
        again => {
            let all = cost::graph_flops(&entry.program.function.graph).of_rows(module.network.batch);
            let more = 100.0 * again as f64 / all.saturating_sub(again).max(1) as f64;
            format!("that is the least that was found, with {more:.1} % more arithmetic to compute values again")
        }
    };
    let mut error =
        Diagnostic::new(span, message).note(least).note(format!("most is needed in `{kernel}`, where these live:"));
    for &(size, value) in live.iter().take(SHOWN) {
        error = error.note(describe(entry, value, size));
    }
    if live.len() > SHOWN {
        let rest: usize = live.iter().skip(SHOWN).map(|(size, _)| size).sum();
        error = error.note(format!("{} more with {}", live.len() - SHOWN, bytes(rest)));
    }
    errors.push(error.help("a smaller `batch` takes less"));
    false
}

/// The size as people write it; to the byte where that reads as the bound itself.
fn exact(needed: usize, max: u64) -> String {
    let text = bytes(needed);
    match usize::try_from(max) {
        Ok(max) if bytes(max) == text => format!("{needed} bytes"),
        _ => text,
    }
}

/// The kernel during which most bytes live, and its buffers, the largest first, each by the last value in it.
fn peak(entry: &Entry) -> (&str, Vec<(usize, NodeId)>) {
    let at = |step: usize| {
        let live = entry.plan.buffers.iter().filter(move |(buffer, ..)| (buffer.lower..buffer.upper).contains(&step));
        live.filter_map(|(buffer, _, values)| Some((buffer.size, *values.last()?))).collect::<Vec<_>>()
    };
    let total = |live: &[(usize, NodeId)]| live.iter().map(|(size, _)| size).sum::<usize>();
    let kernels = entry.program.kernels.iter().enumerate();
    let largest = kernels.map(|(step, kernel)| (kernel, at(step))).rev().max_by_key(|(_, live)| total(live));
    let Some((kernel, mut live)) = largest else { return ("", Vec::new()) };
    live.sort_by_key(|&(size, value)| (std::cmp::Reverse(size), value));
    (&kernel.name, live)
}

/// `2.64 MiB  features, conv2d f32[B, 26, 26, 32]  src/main.rs:8`
fn describe(entry: &Entry, value: NodeId, size: usize) -> String {
    let graph = &entry.program.function.graph;
    let node = graph.node(value);
    if let Op::Scan(_) = node.op {
        let name = node.name.as_ref().map(|name| format!("{name}, ")).unwrap_or_default();
        let place = location(node.span).map(|place| format!("  {place}")).unwrap_or_default();
        return format!("{}  {name}a step of the loop{place}", bytes(size));
    }
    let name = node.name.as_ref().map(|name| format!("{name}, ")).unwrap_or_default();
    let place = location(node.span).map(|place| format!("  {place}")).unwrap_or_default();
    format!("{}  {name}{} {}{place}", bytes(size), node.op.rules().name(), node.ty)
}
