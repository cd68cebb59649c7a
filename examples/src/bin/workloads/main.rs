//! Times training steps and inference of fixed networks on seeded random data, and kernels alone.

// The benches' kernels: what is timed here and what they watch over is the same.
#[path = "../../../../runtime/benches/alone/mod.rs"]
mod alone;
mod kernels;
mod networks;
mod timing;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use kiln::simd::Isa;

use networks::{WORKLOADS, Workload};

/// Time a network, or kernels alone
///
/// A network's line has, tab-separated: kiln NAME BATCH THREADS median_us min_us peak_rss_mb warmup_s
#[derive(Parser)]
#[command(
    version,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    arg_required_else_help = true
)]
struct Options {
    #[command(flatten)]
    network: Option<Network>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Args)]
struct Network {
    /// Which network, see `list`; NAME_infer is its inference alone
    name: String,
    /// Rows of a step [default: as many as the network is compiled for]
    batch: Option<usize>,
    /// How many threads compute
    #[arg(default_value_t = 1, value_parser = threads)]
    threads: usize,
    /// How long to measure
    #[arg(default_value_t = 3.0, value_parser = seconds)]
    seconds: f64,
}

#[derive(Args)]
struct Profiled {
    /// Which network, see `list`
    name: String,
    /// Rows of a step [default: as many as the network is compiled for]
    batch: Option<usize>,
    /// How many threads compute
    #[arg(default_value_t = 1, value_parser = threads)]
    threads: usize,
    /// How many calls are measured
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    calls: u32,
    /// A file for the profile, which reports show beside what was predicted
    #[arg(long)]
    save: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Print the names of the networks
    List,
    /// Time products of M rows, N columns and depth K: plain (nn), and as both gradients take them (nt, tn)
    Gemm(kernels::Gemm),
    /// Time a convolution of H x W x C images with F kernels of K x K, its gradients, and all of it under a max-pool of 2
    Conv(kernels::Conv),
    /// Time elementary functions beside the standard library's
    Elementwise(kernels::Elementwise),
    /// Time sums of columns, and softmax of rows
    Rows(kernels::Rows),
    /// Measure each kernel of a network
    Profile(Profiled),
    /// Print what the machine can do at the moment: kiln THREADS instruction_set fma_gflops memory_gbs
    Probe {
        /// How many threads compute
        #[arg(default_value_t = 1, value_parser = threads)]
        threads: usize,
        /// Leave the memory's bandwidth out
        #[arg(long)]
        fma: bool,
    },
}

/// A number of threads.
fn threads(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|threads| (1..=1024).contains(threads)).ok_or("expected 1 to 1024 threads".to_owned())
}

/// A length of time in seconds.
fn seconds(text: &str) -> Result<f64, String> {
    let fits = |seconds: &f64| *seconds > 0.0 && *seconds <= 86_400.0;
    text.parse().ok().filter(fits).ok_or("expected seconds above 0, of a day at most".to_owned())
}

/// The workload of a name, and how many rows it is to take.
fn find(name: &str, batch: Option<usize>) -> anyhow::Result<(&'static Workload, usize)> {
    let Some(workload) = WORKLOADS.iter().find(|workload| workload.name == name) else {
        let names: Vec<&str> = WORKLOADS.iter().map(|workload| workload.name).collect();
        anyhow::bail!("there is no workload `{name}`; there are {}", names.join(", "));
    };
    let batch = batch.unwrap_or(workload.capacity);
    let fits = (1..=workload.capacity).contains(&batch);
    anyhow::ensure!(fits, "`{name}` is compiled for 1 to {} rows, found {batch}", workload.capacity);
    Ok((workload, batch))
}

fn profile(Profiled { name, batch, threads, calls, save }: Profiled) -> anyhow::Result<()> {
    let (workload, batch) = find(&name, batch)?;
    let profile = (workload.profile)(batch, threads, calls as usize)?;
    println!("{profile}");
    if let Some(file) = save {
        profile.save(&file)?;
    }
    Ok(())
}

fn time(Network { name, batch, threads, seconds }: Network) -> anyhow::Result<()> {
    let (workload, batch) = find(&name, batch)?;
    let times = (workload.time)(batch, threads, seconds)?;
    println!("kiln\t{name}\t{batch}\t{threads}\t{times}");
    Ok(())
}

fn run(options: Options) -> anyhow::Result<()> {
    match options.command {
        None => options.network.map_or(Ok(()), time),
        Some(Command::List) => {
            WORKLOADS.iter().for_each(|workload| println!("{}", workload.name));
            Ok(())
        }
        Some(Command::Profile(options)) => profile(options),
        Some(Command::Gemm(options)) => options.run(),
        Some(Command::Conv(options)) => options.run(),
        Some(Command::Elementwise(options)) => options.run(),
        Some(Command::Rows(options)) => options.run(),
        Some(Command::Probe { threads, fma }) => {
            let isa = Isa::detect();
            print!("kiln\t{threads}\t{isa}\t{:.1}", kiln::probe::fma_gflops(isa, threads));
            if !fma {
                print!("\t{:.1}", kiln::probe::memory_gbs(isa, threads));
            }
            println!();
            Ok(())
        }
    }
}

fn main() -> ExitCode {
    kiln_examples::run(run)
}
