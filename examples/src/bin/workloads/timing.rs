//! The timing loop: as the programs that time other frameworks have it.

use std::fmt;
use std::time::{Duration, Instant};

/// What a workload took.
pub(crate) struct Times {
    median: Duration,
    least: Duration,
    warm_up: Duration,
}

/// Calls before anything is measured.
const WARM_UP: usize = 20;

/// The fewest calls that are measured.
const FEWEST: usize = 10;

/// Times a call: warm-up, then for so many seconds.
///
/// # Errors
/// Those of the call.
pub(crate) fn measure(seconds: f64, mut call: impl FnMut() -> kiln::Result<()>) -> kiln::Result<Times> {
    let start = Instant::now();
    for _ in 0..WARM_UP {
        call()?;
    }
    let warm_up = start.elapsed();
    let mut times = Vec::new();
    let end = Instant::now() + Duration::from_secs_f64(seconds);
    while Instant::now() < end || times.len() < FEWEST {
        let start = Instant::now();
        call()?;
        times.push(start.elapsed());
    }
    times.sort_unstable();
    Ok(Times { median: times[times.len() / 2], least: times[0], warm_up })
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = |time: Duration| time.as_secs_f64() * 1e6;
        let peak = peak_memory().map_or_else(|| "-".to_string(), |megabytes| format!("{megabytes:.0}"));
        let warm_up = self.warm_up.as_secs_f64();
        write!(f, "{:.1}\t{:.1}\t{peak}\t{warm_up:.2}", micros(self.median), micros(self.least))
    }
}

/// The most memory that the process has held, in MiB, where the system tells (Linux).
fn peak_memory() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes / 1024.0)
}

/// What a kernel took, and its rate beside the machine's, both medians over rounds.
pub(crate) struct Rates {
    /// Microseconds of a call.
    pub(crate) median: f64,
    /// The least of them.
    pub(crate) least: f64,
    /// 10^9 operations a second.
    pub(crate) rate: f64,
    /// The same for what the machine can do.
    pub(crate) peak: f64,
    /// Their ratio.
    pub(crate) fraction: f64,
}

/// Rounds of a kernel's measurement.
const ROUNDS: usize = 9;

/// A sample is of so many calls that it takes this long: the clock's own time weighs nothing.
const SAMPLE: Duration = Duration::from_micros(20);

/// Times a kernel for so many seconds, in rounds with the machine's peak taken before and after each: clocks and neighbours
/// move both, but within a round alike.
pub(crate) fn rates(seconds: f64, flops: f64, peak: impl Fn() -> f64, mut call: impl FnMut()) -> Rates {
    // The first call may meet cold memory.
    call();
    let start = Instant::now();
    call();
    let calls = (SAMPLE.as_secs_f64() / start.elapsed().as_secs_f64().max(1e-9)).ceil() as u32;
    let mut rounds = Vec::new();
    let mut least = f64::INFINITY;
    let mut before = peak();
    for _ in 0..ROUNDS {
        let end = Instant::now() + Duration::from_secs_f64(seconds / ROUNDS as f64);
        let mut times = Vec::new();
        while times.is_empty() || Instant::now() < end {
            let start = Instant::now();
            for _ in 0..calls {
                call();
            }
            times.push(start.elapsed().as_secs_f64() * 1e6 / f64::from(calls));
        }
        let after = peak();
        let time = middle(&mut times);
        least = least.min(times[0]);
        rounds.push((time, before.max(after)));
        before = after;
    }
    let rate = |time: f64| flops / time / 1e3;
    let over = |value: &dyn Fn(f64, f64) -> f64| {
        middle(&mut rounds.iter().map(|&(time, peak)| value(time, peak)).collect::<Vec<f64>>())
    };
    Rates {
        median: over(&|time, _| time),
        least,
        rate: over(&|time, _| rate(time)),
        peak: over(&|_, peak| peak),
        fraction: over(&|time, peak| rate(time) / peak),
    }
}

/// The median of some numbers, which are sorted by it.
fn middle(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
