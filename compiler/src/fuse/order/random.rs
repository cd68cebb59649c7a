//! Random problems for the tests.

use std::collections::BTreeSet;

use super::problem::Problem;
use crate::plan::puzzles::Random;

/// Kernels that read one to three of the last `near` values, store one or two, wait for a few others, and write over
/// what has the same size.
pub(super) fn problem(kernels: usize, near: usize, seed: u64) -> Problem {
    let mut random = Random::new(seed);
    let mut reads: Vec<BTreeSet<usize>> = Vec::new();
    let mut stored: Vec<(usize, i128, bool)> = Vec::new();
    let mut waits: Vec<BTreeSet<usize>> = Vec::new();
    for kernel in 0..kernels {
        let recent = stored.len().min(near);
        let some = if random.below(5) == 0 { 0 } else { 1 + random.below(3) };
        let read: BTreeSet<usize> = (0..some.min(recent)).map(|_| stored.len() - 1 - random.below(recent)).collect();
        let mut wait: BTreeSet<usize> = read.iter().map(|&value| stored[value].0).collect();
        if kernel > 0 && random.below(8) == 0 {
            wait.insert(random.below(kernel));
        }
        for _ in 0..1 + random.below(4) / 3 {
            stored.push((kernel, 4096 << random.below(6), random.below(12) == 0));
        }
        reads.push(read);
        waits.push(wait);
    }
    let mut problem = Problem::with_waits(waits);
    for &(writer, bytes, kept) in &stored {
        problem.store(writer, [bytes; 2], kept);
    }
    for (kernel, reads) in reads.iter().enumerate() {
        reads.iter().for_each(|&value| problem.read(kernel, value));
        if random.below(2) == 0 {
            continue;
        }
        for value in problem.writes[kernel].clone() {
            let bytes = problem.values[value].bytes;
            let fits = |old: &usize| problem.values[*old].bytes == bytes && !problem.values[*old].kept;
            let over: Vec<usize> = reads.iter().copied().filter(fits).collect();
            if !over.is_empty() {
                problem.heirs[kernel].push((value, over));
            }
        }
    }
    problem
}

/// Whether an order runs each kernel once and after all that it waits for.
pub(super) fn runs(problem: &Problem, order: &[usize]) -> bool {
    let mut done = vec![false; problem.len()];
    order.len() == problem.len()
        && order.iter().all(|&kernel| {
            problem.before[kernel].iter().all(|&before| done[before]) && !std::mem::replace(&mut done[kernel], true)
        })
}
