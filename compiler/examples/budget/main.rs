//! What memory a network's training step takes under tighter and tighter budgets, and what it pays in arithmetic:
//! `cargo run --release -p kiln-compiler --example budget -- FILE [BYTES …]`.

#[path = "../dump/answer.rs"]
mod answer;
#[path = "../dump/networks.rs"]
mod networks;
mod sweep;

use std::process::ExitCode;

const USAGE: &str = "usage: budget FILE [BYTES …]

Compiles the networks in FILE, which is Rust source with `network! { … }` in it, or just what stands between the
braces, for the budgets given, in bytes; without any, for parts of what the step takes without one.";

fn main() -> ExitCode {
    answer::answer(run(std::env::args().skip(1)))
}

fn run(mut arguments: impl Iterator<Item = String>) -> Result<String, String> {
    let file = arguments.next().ok_or_else(|| format!("error: which file?\n\n{USAGE}"))?;
    if file == "--help" || file == "-h" {
        return Ok(format!("{USAGE}\n"));
    }
    let budgets = arguments
        .map(|bytes| bytes.parse().map_err(|_| format!("error: {bytes} is no number of bytes\n\n{USAGE}")))
        .collect::<Result<Vec<u64>, String>>()?;
    let source = std::fs::read_to_string(&file).map_err(|error| format!("error: {file} can't be read: {error}"))?;
    sweep::sweep(&file, &source, &budgets)
}
