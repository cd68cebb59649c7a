//! Teams under many tiny regions, more threads than cores, and panics.

use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use super::*;

/// Numbers of threads to test, more than cores among them.
const THREADS: [usize; 6] = [1, 2, 3, 4, 7, 16];

#[test]
fn every_member_runs_once() {
    for threads in THREADS {
        let mut team = Team::new(threads);
        assert_eq!(team.threads(), threads);
        let runs: Vec<_> = (0..threads).map(|_| AtomicUsize::new(0)).collect();
        for _ in 0..200 {
            team.run(&|member| {
                assert_eq!(member.count, threads);
                runs[member.index].fetch_add(1, Ordering::Relaxed);
            });
        }
        assert!(runs.iter().all(|runs| runs.load(Ordering::Relaxed) == 200));
    }
}

/// Some megabytes of stack.
#[inline(never)]
fn deep() -> u8 {
    std::hint::black_box([1; 3 << 20])[2 << 20]
}

#[test]
fn workers_have_the_stack_of_a_main_thread() {
    let sum = AtomicUsize::new(0);
    Team::new(3).run(&|member| {
        // The caller is a test's thread, which has less.
        if member.index > 0 {
            sum.fetch_add(usize::from(deep()), Ordering::Relaxed);
        }
    });
    assert_eq!(sum.into_inner(), 2);
}

#[test]
fn none_is_no_team() {
    assert_eq!(Team::new(0).threads(), 1);
}

#[test]
fn teams_that_never_run_end() {
    for _ in 0..50 {
        drop(Team::new(4));
    }
}

/// Every round reads what all the others wrote in the round before.
#[test]
fn barriers_order_what_is_around_them() {
    for threads in THREADS {
        let mut team = Team::new(threads);
        // Relaxed: the barrier alone orders them.
        let cells: Vec<_> = (0..threads).map(|_| AtomicU64::new(0)).collect();
        for _ in 0..20 {
            team.run(&|member| {
                for _ in 0..50 {
                    let sum: u64 = cells.iter().map(|cell| cell.load(Ordering::Relaxed)).sum();
                    member.barrier();
                    cells[member.index].store(sum % 1_000_003 + member.index as u64, Ordering::Relaxed);
                    member.barrier();
                }
            });
        }
        let mut expected = vec![0_u64; threads];
        for _ in 0..20 * 50 {
            let sum: u64 = expected.iter().sum();
            expected.iter_mut().enumerate().for_each(|(index, cell)| *cell = sum % 1_000_003 + index as u64);
        }
        let found: Vec<_> = cells.iter().map(|cell| cell.load(Ordering::Relaxed)).collect();
        assert_eq!(found, expected, "{threads} threads");
    }
}

#[test]
fn many_tiny_regions() {
    let mut team = Team::new(2);
    let count = AtomicUsize::new(0);
    for _ in 0..20_000 {
        team.run(&|member| {
            member.barrier();
            count.fetch_add(1, Ordering::Relaxed);
        });
    }
    assert_eq!(count.into_inner(), 40_000);
}

#[test]
fn workers_wake_up_again() {
    let mut team = Team::new(3);
    let count = AtomicUsize::new(0);
    for _ in 0..20 {
        // Long enough for all to park.
        thread::sleep(Duration::from_millis(3));
        team.run(&|member| {
            if member.index == 1 {
                thread::sleep(Duration::from_millis(1));
            }
            member.barrier();
            count.fetch_add(1, Ordering::Relaxed);
        });
    }
    assert_eq!(count.into_inner(), 60);
}

#[test]
fn a_panic_reaches_the_caller_and_the_team_lives_on() {
    for threads in THREADS {
        let mut team = Team::new(threads);
        for culprit in 0..threads {
            for barriers in [0, 1, 3] {
                let caught = catch_unwind(AssertUnwindSafe(|| {
                    team.run(&|member| {
                        for _ in 0..barriers {
                            member.barrier();
                        }
                        if member.index == culprit {
                            resume_unwind(Box::new("a member's own words"));
                        }
                        member.barrier();
                        member.barrier();
                    });
                }));
                let words = caught.err().and_then(|panic| panic.downcast_ref::<&str>().copied());
                assert_eq!(words, Some("a member's own words"));
                let count = AtomicUsize::new(0);
                team.run(&|member| {
                    member.barrier();
                    count.fetch_add(1, Ordering::Relaxed);
                    member.barrier();
                    assert_eq!(count.load(Ordering::Relaxed), threads);
                });
            }
        }
    }
}

#[test]
fn all_may_panic_at_once() {
    let mut team = Team::new(4);
    for _ in 0..50 {
        let caught = catch_unwind(AssertUnwindSafe(|| team.run(&|_| resume_unwind(Box::new(1_u8)))));
        assert!(caught.is_err_and(|panic| panic.is::<u8>()));
    }
}

#[test]
fn teams_move_between_threads() {
    let mut team = Team::new(3);
    for _ in 0..3 {
        team = thread::spawn(move || {
            team.run(&|member| member.barrier());
            team
        })
        .join()
        .unwrap_or_else(|panic| resume_unwind(panic));
    }
    assert_eq!(team.threads(), 3);
}

#[test]
fn ranges_of_all_members_cover_everything() {
    let mut team = Team::new(3);
    let cells: Vec<_> = (0..100).map(|_| AtomicUsize::new(0)).collect();
    team.run(&|member| {
        let (rows, cols) = member.share2d(10, 10, 2, 4);
        for cell in rows.flat_map(|row| cols.clone().map(move |col| row * 10 + col)) {
            cells[cell].fetch_add(1, Ordering::Relaxed);
        }
        for cell in member.share(100).chain(member.share_blocks(100, 8)) {
            cells[cell].fetch_add(1, Ordering::Relaxed);
        }
    });
    assert!(cells.iter().all(|cell| cell.load(Ordering::Relaxed) == 3));
}

/// Processor time that this process has used.
#[cfg(target_os = "linux")]
fn worker_ticks(team: &Team) -> Option<u64> {
    let mut ticks = 0;
    for entry in std::fs::read_dir("/proc/self/task").ok()?.flatten() {
        let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
        // "id (name) state ..." : the times are the 12th and 13th field after the name.
        let (name, fields) = stat.rsplit_once(')')?;
        if name.contains("(kiln-idle") {
            ticks += fields.split(' ').skip(12).take(2).filter_map(|field| field.parse::<u64>().ok()).sum::<u64>();
        }
    }
    (team.threads() > 1).then_some(ticks)
}

#[cfg(target_os = "linux")]
#[test]
fn idle_workers_burn_nothing() {
    let mut team = Team::new(5);
    team.run(&|member| {
        if member.index > 0 {
            // Told from the workers of tests that run beside this one.
            let _ = std::fs::write("/proc/thread-self/comm", "kiln-idle");
        }
    });
    thread::sleep(Duration::from_millis(20));
    let (before, start) = (worker_ticks(&team), Instant::now());
    thread::sleep(Duration::from_millis(300));
    let after = worker_ticks(&team);
    // Four spinning workers would take 60 ticks of 10 ms on two cores.
    let burnt = before.zip(after).map_or(0, |(before, after)| after - before);
    assert!(burnt <= 2, "{burnt} ticks in {:?}", start.elapsed());
}
