//! What the Rust peers share: arguments, seeded data, and the timing loop, as `../../common.py` has them for Python.

use std::time::{Duration, Instant};

/// Calls before anything is measured.
const WARM_UP: usize = 20;

/// The fewest calls that are measured.
const FEWEST: usize = 10;

/// `NAME BATCH THREADS [SECONDS]`.
pub struct Arguments {
    framework: &'static str,
    pub workload: String,
    pub batch: usize,
    threads: usize,
    seconds: f64,
}

impl Arguments {
    /// Reads the command line and tells the thread pools of the frameworks how many threads there are: to be called
    /// first in `main`.
    pub fn read(framework: &'static str) -> Self {
        let words: Vec<String> = std::env::args().skip(1).collect();
        let number = |index: usize| words.get(index).and_then(|word| word.parse::<f64>().ok());
        let (Some(workload), Some(batch), Some(threads)) = (words.first(), number(1), number(2)) else {
            eprintln!("usage: NAME BATCH THREADS [SECONDS]");
            std::process::exit(2);
        };
        for pool in ["RAYON_NUM_THREADS", "MATMUL_NUM_THREADS", "OMP_NUM_THREADS"] {
            // SAFETY: no other thread runs yet.
            unsafe { std::env::set_var(pool, threads.to_string()) };
        }
        Self {
            framework,
            workload: workload.clone(),
            batch: batch as usize,
            threads: threads as usize,
            seconds: number(3).unwrap_or(3.0),
        }
    }

    /// Ends the program: this framework has no such workload here.
    pub fn unknown(&self) -> ! {
        eprintln!("{} has no workload `{}` here", self.framework, self.workload);
        std::process::exit(3);
    }

    /// Times `call`, which does all of a step and returns a number of its result: nothing is left pending.
    pub fn measure(&self, mut call: impl FnMut() -> f32) {
        let start = Instant::now();
        for _ in 0..WARM_UP {
            assert!(call().is_finite());
        }
        let warm_up = start.elapsed().as_secs_f64();
        let mut times = Vec::new();
        let end = Instant::now() + Duration::from_secs_f64(self.seconds);
        while Instant::now() < end || times.len() < FEWEST {
            let start = Instant::now();
            std::hint::black_box(call());
            times.push(start.elapsed().as_secs_f64() * 1e6);
        }
        times.sort_by(f64::total_cmp);
        let Self { framework, workload, batch, threads, .. } = self;
        let (median, least, peak) = (times[times.len() / 2], times[0], peak_memory());
        println!("{framework}\t{workload}\t{batch}\t{threads}\t{median:.1}\t{least:.1}\t{peak:.0}\t{warm_up:.2}");
    }
}

/// The most memory that the process has held, in MiB.
fn peak_memory() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches("kB").trim().parse::<f64>().map_or(0.0, |kilobytes| kilobytes / 1024.0)
}

/// xorshift64*.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Uniform numbers on [0, 1).
    pub fn floats(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| (self.next() >> 40) as f32 / (1u64 << 24) as f32).collect()
    }

    /// Indices below `below`.
    pub fn classes(&mut self, count: usize, below: u64) -> Vec<u32> {
        (0..count).map(|_| ((self.next() >> 33) % below) as u32).collect()
    }
}
