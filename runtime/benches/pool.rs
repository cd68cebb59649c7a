//! What a team costs: entering and leaving a region, barriers inside it, and what idle threads burn.
//!
//! `cargo bench -p kiln --bench pool` prints a line for each number of threads.

use std::time::{Duration, Instant};

use kiln::pool::Team;

/// The median time of a call, with a pause before each.
fn median(calls: usize, pause: Duration, mut call: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..calls)
        .map(|_| {
            // A pause as a program makes it between steps: it computes, or it sleeps.
            if pause < Duration::from_millis(1) {
                let start = Instant::now();
                while start.elapsed() < pause {
                    std::hint::spin_loop();
                }
            } else {
                std::thread::sleep(pause);
            }
            let start = Instant::now();
            call();
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[times.len() / 2]
}

/// Processor time of this process, in ticks of 10 ms, where the system tells (Linux).
fn ticks() -> Option<u64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    Some(fields.split(' ').skip(12).take(2).filter_map(|field| field.parse::<u64>().ok()).sum())
}

fn main() {
    println!("threads  fork and join  after 10 µs  after 200 µs  after 5 ms  barrier  idle for 1 s");
    for threads in [1, 2, 3, 4, 8, 16] {
        let mut team = Team::new(threads);
        let mut region = |pause: u64, calls: usize| median(calls, Duration::from_micros(pause), || team.run(&|_| {}));
        region(0, 1000);
        let (at_once, soon, later, parked) =
            (region(0, 20_000), region(10, 2_000), region(200, 500), region(5_000, 50));
        let barriers = 200;
        let many = median(200, Duration::ZERO, || {
            team.run(&|member| {
                for _ in 0..barriers {
                    member.barrier();
                }
            });
        });
        let barrier = many.saturating_sub(at_once) / barriers;
        let before = ticks();
        std::thread::sleep(Duration::from_secs(1));
        let burnt = before.zip(ticks()).map_or_else(|| "-".to_string(), |(a, b)| format!("{} ms", (b - a) * 10));
        let micros = |time: Duration| format!("{:.2} µs", time.as_secs_f64() * 1e6);
        println!(
            "{threads:>7}  {:>13}  {:>11}  {:>12}  {:>10}  {:>7}  {burnt:>12}",
            micros(at_once),
            micros(soon),
            micros(later),
            micros(parked),
            micros(barrier)
        );
    }
}
