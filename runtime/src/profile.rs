//! How long each kernel of a call takes.

use std::fmt;
use std::path::Path;

use crate::simd::{Float, Isa};
use crate::{Error, Result, probe};

/// The first line of a profile file: what it is, and the version of its format.
const HEADER: &str = "kiln-profile\t1";

/// What `trainer.profile(..)` and `predictor.profile(..)` measure. It prints as a table, and [`Profile::save`] writes
/// it to a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// The network's name.
    pub network: String,
    /// The instruction set that it ran on.
    pub isa: String,
    /// How many threads it ran on.
    pub threads: usize,
    /// Rows of each call.
    pub rows: usize,
    /// How many calls were measured.
    pub steps: usize,
    /// The rate of multiply-adds of the network's element type that all threads had together just after, see
    /// [`probe::fma_gflops`].
    pub fma_gflops: f64,
    /// The bandwidth of memory just after, see [`probe::memory_gbs`].
    pub memory_gbs: f64,
    /// The kernels in order; a loop is one.
    pub kernels: Vec<KernelTime>,
}

/// A kernel and its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KernelTime {
    /// The function that it belongs to: `step` or `run`.
    pub function: String,
    /// Its name in the generated code.
    pub name: String,
    /// The median over the calls, from when all threads had finished the kernel before to when all had finished this
    /// one.
    pub median_ns: u64,
}

impl Profile {
    /// From nanoseconds of all kernels, call by call.
    pub(crate) fn of<E: Float>(
        network: &str,
        function: &str,
        names: impl ExactSizeIterator<Item = &'static str>,
        nanos: &[u64],
        rows: usize,
        isa: Isa,
        threads: usize,
    ) -> Self {
        let count = names.len();
        let kernel = |(index, name): (usize, &str)| {
            let mut times: Vec<u64> = nanos.iter().skip(index).step_by(count).copied().collect();
            times.sort_unstable();
            let median_ns = times.get(times.len() / 2).copied().unwrap_or(0);
            KernelTime { function: function.to_string(), name: name.to_string(), median_ns }
        };
        let wide = size_of::<E>() == 8;
        Self {
            network: network.to_string(),
            isa: isa.name().to_string(),
            threads,
            rows,
            steps: nanos.len().checked_div(count).unwrap_or(0),
            fma_gflops: if wide { probe::fma_gflops_f64(isa, threads) } else { probe::fma_gflops(isa, threads) },
            memory_gbs: probe::memory_gbs(isa, threads),
            kernels: names.enumerate().map(kernel).collect(),
        }
    }

    /// Nanoseconds of all kernels together.
    pub fn total_ns(&self) -> u64 {
        self.kernels.iter().map(|kernel| kernel.median_ns).sum()
    }

    /// Writes the profile as tab-separated lines: what was run and how, then a line for each kernel with its function,
    /// its number, its name and its median in nanoseconds.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        std::fs::write(&path, self.to_tsv()).map_err(|error| Error::from(error).in_file(path))
    }

    /// What [`Profile::save`] writes.
    pub fn to_tsv(&self) -> String {
        let Self { network, isa, threads, rows, steps, fma_gflops, memory_gbs, kernels } = self;
        let mut text = format!(
            "{HEADER}\nnetwork\t{network}\nisa\t{isa}\nthreads\t{threads}\nrows\t{rows}\nsteps\t{steps}\n\
             fma_gflops\t{fma_gflops:.1}\nmemory_gbs\t{memory_gbs:.1}\n"
        );
        for (index, KernelTime { function, name, median_ns }) in kernels.iter().enumerate() {
            text += &format!("kernel\t{function}\t{index}\t{name}\t{median_ns}\n");
        }
        text
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { network, isa, threads, rows, steps, fma_gflops, memory_gbs, kernels } = self;
        let plural = if *threads == 1 { "" } else { "s" };
        writeln!(f, "{network}: median of {steps} calls of {rows} rows, {isa}, {threads} thread{plural}")?;
        writeln!(f, "{fma_gflops:.1} GFLOP/s of multiply-adds, {memory_gbs:.1} GB/s of memory")?;
        let width = kernels.iter().map(|kernel| kernel.name.chars().count()).max().unwrap_or(0);
        let total = self.total_ns().max(1) as f64;
        for KernelTime { name, median_ns, .. } in kernels {
            let (time, share) = (*median_ns as f64, *median_ns as f64 / total * 100.0);
            writeln!(f, "  {name:width$}  {:>10.1} µs  {share:>5.1} %", time / 1e3)?;
        }
        write!(f, "  {:width$}  {:>10.1} µs", "all", self.total_ns() as f64 / 1e3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile() -> Profile {
        // Two kernels, three calls.
        let nanos = [10, 700, 30, 500, 20, 900];
        Profile::of::<f32>("Net", "step", ["first", "second_2"].into_iter(), &nanos, 7, Isa::portable(), 1)
    }

    #[test]
    fn medians_by_kernel() {
        let profile = profile();
        assert_eq!(profile.steps, 3);
        assert_eq!(profile.kernels.iter().map(|kernel| kernel.median_ns).collect::<Vec<_>>(), [20, 700]);
        assert_eq!(profile.total_ns(), 720);
        assert!(profile.fma_gflops > 0.0 && profile.memory_gbs > 0.0);
    }

    #[test]
    fn as_lines_and_as_a_table() {
        let profile = Profile { fma_gflops: 123.44, memory_gbs: 14.16, ..profile() };
        let lines = "kiln-profile\t1\nnetwork\tNet\nisa\tportable\nthreads\t1\nrows\t7\nsteps\t3\nfma_gflops\t123.4\n\
                     memory_gbs\t14.2\nkernel\tstep\t0\tfirst\t20\nkernel\tstep\t1\tsecond_2\t700\n";
        assert_eq!(profile.to_tsv(), lines);
        let table = "Net: median of 3 calls of 7 rows, portable, 1 thread\n\
                     123.4 GFLOP/s of multiply-adds, 14.2 GB/s of memory\n  first            0.0 µs    2.8 %\n  \
                     second_2         0.7 µs   97.2 %\n  all              0.7 µs";
        assert_eq!(profile.to_string(), table);
    }
}
