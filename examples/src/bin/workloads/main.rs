//! Times training steps and inference of fixed networks on seeded random data, one tab-separated line each.

mod networks;
mod timing;

use std::process::ExitCode;

use clap::Parser;

/// Time a network: prints `kiln NAME BATCH THREADS median_us min_us peak_rss_mb warmup_s`, tab-separated
#[derive(Parser)]
#[command(version)]
struct Options {
    /// The workload, or `list` for their names
    name: String,
    /// Rows of a step
    #[arg(default_value_t = 128)]
    batch: usize,
    /// How many threads compute
    #[arg(default_value_t = 1)]
    threads: usize,
    /// How long to measure
    #[arg(default_value_t = 3.0)]
    seconds: f64,
}

fn run(options: Options) -> anyhow::Result<()> {
    let Options { name, batch, threads, seconds } = options;
    if name == "list" {
        for (name, _) in networks::WORKLOADS {
            println!("{name}");
        }
        return Ok(());
    }
    let Some((_, workload)) = networks::WORKLOADS.iter().find(|(known, _)| *known == name) else {
        let names: Vec<&str> = networks::WORKLOADS.iter().map(|(name, _)| *name).collect();
        anyhow::bail!("there is no workload `{name}`; there are {}", names.join(", "));
    };
    anyhow::ensure!(seconds.is_finite() && seconds > 0.0, "expected seconds above 0, found {seconds}");
    let times = workload(batch, threads, seconds)?;
    println!("kiln\t{name}\t{batch}\t{threads}\t{times}");
    Ok(())
}

fn main() -> ExitCode {
    kiln_examples::run(run)
}
