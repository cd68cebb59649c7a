//! Kernels alone, beside the rate of multiply-adds that is measured between their rounds.

use std::hint::black_box;

use clap::Args;
use kiln::simd::Isa;

use crate::alone::Alone;
use crate::alone::conv2d::{Pass, convolution};
use crate::alone::elements::Function;
use crate::alone::gemm::{Layout, product};
use crate::alone::rows::Reduction;
use crate::timing::{Rates, rates};
use crate::{seconds, threads};

/// What all kernels take.
#[derive(Args)]
struct Common {
    /// How many threads compute
    #[arg(default_value_t = 1, value_parser = threads)]
    threads: usize,
    /// How long to measure each kernel
    #[arg(default_value_t = 2.0, value_parser = seconds)]
    seconds: f64,
}

fn size(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|size| (1..=1 << 20).contains(size)).ok_or("expected a size above 0".to_owned())
}

impl Common {
    fn header(columns: &str) {
        println!("framework\tkernel\tsizes\tthreads\tmedian_us\tmin_us\t{columns}");
    }

    fn rates(&self, kernel: &mut Alone) -> Rates {
        let isa = Isa::detect();
        rates(self.seconds, kernel.flops(), || kiln::probe::fma_gflops(isa, self.threads), || kernel.call())
    }

    /// A line with the rate of a kernel's operations and the fraction of what multiply-adds alone reach.
    fn line(&self, name: &str, sizes: &str, kernel: kiln::Result<Alone>) -> anyhow::Result<()> {
        let Rates { median, least, rate, peak, fraction } = self.rates(&mut kernel?);
        println!(
            "kiln\t{name}\t{sizes}\t{}\t{median:.2}\t{least:.2}\t{rate:.1}\t{peak:.1}\t{fraction:.3}",
            self.threads
        );
        Ok(())
    }
}

/// Columns behind the times of kernels whose operations count.
const RATES: &str = "gflops\tpeak_gflops\tof_peak";

#[derive(Args)]
pub(crate) struct Gemm {
    /// Rows
    #[arg(value_parser = size)]
    m: usize,
    /// Columns
    #[arg(value_parser = size)]
    n: usize,
    /// Depth
    #[arg(value_parser = size)]
    k: usize,
    #[command(flatten)]
    common: Common,
}

impl Gemm {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let Self { m, n, k, ref common } = *self;
        Common::header(RATES);
        for (name, layout) in Layout::ALL {
            common.line(name, &format!("{m}x{n}x{k}"), product(layout, black_box([m, n, k]), common.threads))?;
        }
        Ok(())
    }
}

#[derive(Args)]
pub(crate) struct Conv {
    /// Height of the images
    #[arg(value_parser = size)]
    h: usize,
    /// Width of the images
    #[arg(value_parser = size)]
    w: usize,
    /// Channels
    #[arg(value_parser = size)]
    c: usize,
    /// Filters
    #[arg(value_parser = size)]
    f: usize,
    /// Height and width of the kernel
    #[arg(value_parser = size)]
    k: usize,
    /// Images
    #[arg(default_value_t = 32, value_parser = size)]
    batch: usize,
    #[command(flatten)]
    common: Common,
}

impl Conv {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let Self { h, w, c, f, k, batch, ref common } = *self;
        anyhow::ensure!(k <= h.min(w), "a kernel of {k} x {k} does not fit into {h} x {w}");
        Common::header(RATES);
        let sizes = format!("{batch}x{h}x{w}x{c}x{f}x{k}");
        for (name, pass) in Pass::ALL {
            common.line(name, &sizes, convolution(pass, black_box([h, w, c, f, k]), batch, common.threads))?;
        }
        Ok(())
    }
}

#[derive(Args)]
pub(crate) struct Elementwise {
    /// How many elements
    #[arg(default_value_t = 4096, value_parser = size)]
    count: usize,
    #[command(flatten)]
    common: Common,
}

impl Elementwise {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let Self { count, ref common } = *self;
        Common::header("ns_per_element\tstd_ns\tstd_takes_times");
        for (name, function) in Function::ALL {
            let Rates { median, least, .. } = common.rates(&mut function.over(black_box(count), common.threads)?);
            let nanos = median * 1e3 / count as f64;
            let beside = match standard(function, count, common.seconds) {
                Some(standard) => format!("{standard:.3}\t{:.1}", standard / nanos),
                None => "-\t-".to_owned(),
            };
            println!("kiln\t{name}\t{count}\t{}\t{median:.2}\t{least:.2}\t{nanos:.3}\t{beside}", common.threads);
        }
        Ok(())
    }
}

/// Nanoseconds that the standard library takes for an element, on one thread, where it has the function.
fn standard(function: Function, count: usize, seconds: f64) -> Option<f64> {
    let [low, high] = function.domain();
    let x: Vec<f32> = (0..count as u64).map(|index| low + (high - low) * kiln::simd::random(1, index)).collect();
    let mut y = vec![0.0; count];
    // A loop of its own for each, into which the call can be inlined.
    macro_rules! time {
        ($x:ident => $value:expr) => {
            rates(
                seconds / 4.0,
                count as f64,
                || 1.0,
                || {
                    for (y, &$x) in y.iter_mut().zip(black_box(&x)) {
                        *y = $value;
                    }
                    black_box(&y);
                },
            )
        };
    }
    let times = match function {
        Function::Exp => time!(x => x.exp()),
        Function::Tanh => time!(x => x.tanh()),
        Function::Sigmoid => time!(x => 1.0 / (1.0 + (-x).exp())),
        Function::Log => time!(x => x.ln()),
        Function::Erf => return None,
    };
    Some(times.median * 1e3 / count as f64)
}

#[derive(Args)]
pub(crate) struct Rows {
    /// Rows of the matrix
    #[arg(value_parser = size)]
    rows: usize,
    /// Columns
    #[arg(value_parser = size)]
    columns: usize,
    #[command(flatten)]
    common: Common,
}

impl Rows {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let Self { rows, columns, ref common } = *self;
        Common::header("ns_per_element");
        for (name, reduction) in Reduction::ALL {
            let kernel = reduction.of(black_box([rows, columns]), common.threads);
            let Rates { median, least, .. } = common.rates(&mut kernel?);
            let nanos = median * 1e3 / (rows * columns) as f64;
            println!("kiln\t{name}\t{rows}x{columns}\t{}\t{median:.2}\t{least:.2}\t{nanos:.3}", common.threads);
        }
        Ok(())
    }
}
