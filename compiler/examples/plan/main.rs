//! Places the buffers of a problem in as small an arena as can be found:
//! `cargo run --release -p kiln-compiler --example plan -- FILE.csv [--capacity BYTES] [--out FILE]`.
//!
//! The problem is a table `id,lower,upper,size`: a buffer of `size` bytes is needed from step `lower` until before
//! step `upper`. An `alignment` that is the same for all is kept to; `gaps` are not made use of.
//!
//! Exit status: 0, or 1 if the capacity is not met, or 2 if something is wrong with the call.

mod problem;

use std::process::ExitCode;
use std::time::Instant;

use kiln_compiler::plan::{Effort, place_within, validate};
use problem::Problem;

const USAGE: &str = "usage: plan FILE.csv [--capacity BYTES] [--out FILE]";

struct Call {
    file: String,
    capacity: Option<usize>,
    out: Option<String>,
}

impl Call {
    fn read(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let (mut file, mut capacity, mut out) = (None, None, None);
        while let Some(argument) = arguments.next() {
            let (name, given) = match argument.split_once('=') {
                Some((name, value)) if name.starts_with("--") => (name.to_string(), Some(value.to_string())),
                _ => (argument, None),
            };
            let mut value =
                || given.clone().or_else(|| arguments.next()).ok_or(format!("{name} needs a value\n{USAGE}"));
            match name.as_str() {
                "--capacity" => {
                    let value = value()?;
                    capacity = Some(value.parse().map_err(|_| format!("--capacity: `{value}` is no number of bytes"))?);
                }
                "--out" => out = Some(value()?),
                _ if name.starts_with('-') || file.is_some() => return Err(format!("what is `{name}`?\n{USAGE}")),
                _ => file = Some(name),
            }
        }
        Ok(Self { file: file.ok_or(USAGE)?, capacity, out })
    }
}

fn main() -> ExitCode {
    match Call::read(std::env::args().skip(1)).and_then(run) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(message) => {
            eprintln!("{message}");
            ExitCode::from(2)
        }
    }
}

/// Whether the capacity is met.
fn run(call: Call) -> Result<bool, String> {
    let Call { file, capacity, out } = call;
    let text = std::fs::read_to_string(&file).map_err(|error| format!("{file}: {error}"))?;
    let problem = Problem::parse(&text).map_err(|error| format!("{file}:{error}"))?;
    if problem.gaps > 0 {
        eprintln!("{file}: {} buffers have gaps, which are not made use of", problem.gaps);
    }
    let start = Instant::now();
    let placement = place_within(&problem.buffers, problem.alignment, capacity.unwrap_or(0), Effort::THOROUGH);
    let time = start.elapsed();
    validate(&problem.buffers, &placement, problem.alignment)
        .map_err(|error| format!("a fault of the planner: {error}"))?;
    println!("buffers:     {}", problem.buffers.len());
    println!("height:      {}", placement.height);
    let over = placement.height as f64 / placement.lower_bound.max(1) as f64;
    println!("lower bound: {} (height / lower bound {over:.4})", placement.lower_bound);
    println!("time:        {:.3} s", time.as_secs_f64());
    if let Some(out) = out {
        std::fs::write(&out, problem.solved(&placement.offsets)).map_err(|error| format!("{out}: {error}"))?;
    }
    let met = capacity.is_none_or(|capacity| placement.height <= capacity);
    if let Some(capacity) = capacity {
        println!("capacity:    {capacity} ({})", if met { "met" } else { "not met" });
    }
    Ok(met)
}
