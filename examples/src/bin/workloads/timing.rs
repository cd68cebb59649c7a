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
