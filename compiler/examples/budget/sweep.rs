//! The table of budgets.

use std::fmt::Write;
use std::time::{Duration, Instant};

use kiln_compiler::diag::Diagnostics;
use kiln_compiler::ir::Network;
use kiln_compiler::{cost, functions, module, resolve, syntax};
use proc_macro2::Span;

use crate::networks::networks;

/// Hundredths of what a step takes without a budget.
const PARTS: [usize; 9] = [80, 60, 50, 40, 33, 25, 20, 15, 10];

/// A training step as compiled for a budget.
struct Step {
    arena: usize,
    flops: u64,
    time: Duration,
}

/// The table of each network in `source`; without budgets, for parts of what is needed without one.
///
/// # Errors
/// The mistakes of a network with their places in `file`.
pub(crate) fn sweep(file: &str, source: &str, budgets: &[u64]) -> Result<String, String> {
    let mut text = String::new();
    for tokens in networks(file, source)? {
        let mut errors = Diagnostics::default();
        let resolved = syntax::parse(tokens, &mut errors).and_then(|found| resolve::resolve(&found, &mut errors));
        let Some(mut network) = resolved.filter(|_| !errors.any()) else { return Err(errors.render(file, source)) };
        network.memory_max = None;
        let free = step(&network)?;
        let _ = writeln!(text, "{}, {} rows", network.name, network.batch);
        let _ = writeln!(text, "    budget      arena   less by   arithmetic   compiled in");
        row(&mut text, "none", &free, &free);
        let parts = || PARTS.iter().map(|part| (free.arena * part / 100) as u64).collect();
        for budget in if budgets.is_empty() { parts() } else { budgets.to_vec() } {
            network.memory_max = Some((budget, Span::call_site()));
            let within = step(&network)?;
            row(&mut text, &size(budget as usize), &within, &free);
            if within.arena as u64 > budget {
                let _ = writeln!(text, "    this is the least that recomputation reaches");
                break;
            }
        }
    }
    Ok(text)
}

fn step(network: &Network) -> Result<Step, String> {
    let start = Instant::now();
    let functions = functions::functions(network, false).map_err(|failure| failure.to_string())?;
    let module = module::assemble(network.clone(), functions)?;
    let time = start.elapsed();
    let entry = module.entry("step").ok_or("error: the network has no loss, so no training step")?;
    let flops = cost::graph_flops(&entry.program.function.graph).of_rows(network.batch);
    Ok(Step { arena: entry.plan.arena_bytes, flops, time })
}

fn row(text: &mut String, budget: &str, step: &Step, free: &Step) {
    let _ = writeln!(
        text,
        "{budget:>10} {:>10}   {:>5.2} ×    {:>+6.1} %      {:>6.2} s",
        size(step.arena),
        free.arena as f64 / step.arena.max(1) as f64,
        100.0 * (step.flops as f64 / free.flops.max(1) as f64 - 1.0),
        step.time.as_secs_f64(),
    );
}

/// In the unit that reads best.
fn size(bytes: usize) -> String {
    let bytes = bytes as f64;
    if bytes < 1_048_576.0 { format!("{:.1} KiB", bytes / 1024.0) } else { format!("{:.2} MiB", bytes / 1_048_576.0) }
}
