//! The order of kernels: one that keeps as few bytes alive at once as can be found.
//!
//! Several greedy orders are made, and each is improved by moves within what its kernels wait for; few kernels are
//! searched exactly. The first order stays unless another one needs fewer bytes at its peak: it keeps neighbours
//! close, which caches like. A lower bound says when there is nothing to look for. All searches are bounded by counts.

mod bound;
mod exact;
mod greedy;
mod improve;
mod problem;
#[cfg(test)]
mod random;
mod walk;

use std::collections::{BTreeMap, BTreeSet};

use self::problem::Problem;
use crate::fuse::{Kernel, Needs};
use crate::ir::{Graph, NodeId};

/// Steps of a walk that improving all orders of a program may take.
const STEPS: usize = 30_000;

/// Fewer bytes than these are no reason to leave the first order.
const TRIFLE: i128 = 1 << 10;

/// States that the exact search may look at.
const STATES: usize = 1_000;

/// An order in which every kernel finds what it reads, lowest memory first.
///
/// # Errors
/// Kernels that wait for each other: kiln's bug.
pub(super) fn order(
    graph: &Graph,
    needs: &Needs,
    kernels: &[Kernel],
    group_of: &BTreeMap<NodeId, usize>,
    overwrites: &BTreeMap<NodeId, Vec<NodeId>>,
) -> Result<Vec<usize>, String> {
    let problem = Problem::of(graph, needs, kernels, group_of, overwrites);
    let first = greedy::forward(&problem).ok_or("kernels wait for each other")?;
    Ok(lowest(&problem, first, STEPS, STATES))
}

/// The order of those found that has the lowest peak, `first` where none is lower by more than a trifle. It may not be
/// higher for few rows of the batch, either: what is large then is something else.
fn lowest(problem: &Problem, first: Vec<usize>, steps: usize, states: usize) -> Vec<usize> {
    let peak = walk::peak(problem, &first);
    let bound = bound::bound(problem);
    let worth = peak - TRIFLE;
    if worth <= bound {
        return first;
    }
    let few = problem.with_few_rows();
    let most = walk::peak(&few, &first);
    let mut best = (worth, first.clone());
    let consider = |best: &mut (i128, Vec<usize>), order: Vec<usize>| {
        let peak = walk::peak(problem, &order);
        if peak < best.0 && walk::peak(&few, &order) <= most {
            *best = (peak, order);
        }
    };
    let backward = greedy::backward(problem);
    let mut starts = vec![first.clone()];
    for order in [greedy::late(problem, &first), greedy::late(problem, &backward), backward] {
        if !starts.contains(&order) {
            starts.push(order);
        }
    }
    let share = steps / starts.len();
    for start in starts {
        consider(&mut best, improve::improve(problem, start, bound, share));
        if best.0 <= bound {
            return best.1;
        }
    }
    if let Some(order) = exact::below(problem, best.0, states) {
        consider(&mut best, order);
    }
    best.1
}

/// The nodes that read any of `values` as they are computed.
pub(super) fn readers(graph: &Graph, needs: &Needs, values: &[NodeId]) -> Vec<NodeId> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    let mut stack: Vec<NodeId> = values.iter().flat_map(|&value| graph.users(value)).collect();
    while let Some(user) = stack.pop() {
        if !seen.insert(user) {
            continue;
        }
        if needs.is_work(graph, user) {
            found.push(user);
        } else {
            stack.extend(graph.users(user));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lowest peak of all orders of few kernels.
    fn optimum(problem: &Problem) -> i128 {
        let order = exact::below(problem, i128::MAX, usize::MAX).expect("an order");
        walk::peak(problem, &order)
    }

    #[test]
    fn peaks_are_close_to_the_lowest_there_are() {
        for (kernels, near) in [(8, 4), (12, 4), (12, 8), (14, 5), (16, 8)] {
            let (mut reached, mut above, mut above_first) = (0, 0.0, 0.0);
            for seed in 0..200 {
                let problem = random::problem(kernels, near, seed);
                let first = greedy::forward(&problem).expect("an order");
                let optimum = optimum(&problem);
                let bound = bound::bound(&problem);
                assert!(bound <= optimum, "{kernels}, {seed}: {bound} is no bound of {optimum}");
                let excess = |order: &[usize]| walk::peak(&problem, order) as f64 / optimum as f64 - 1.0;
                // Without the exact search.
                let order = lowest(&problem, first.clone(), STEPS, 0);
                assert!(random::runs(&problem, &order), "{kernels}, {seed}: {order:?}");
                reached += usize::from(walk::peak(&problem, &order) == optimum);
                above += excess(&order) / 2.0;
                above_first += excess(&first) / 2.0;
                let order = lowest(&problem, first, 0, usize::MAX);
                assert_eq!(walk::peak(&problem, &order), optimum, "{kernels}, {seed}");
            }
            println!("{kernels} kernels: {reached} of 200 lowest, {above:.2} % above, the first {above_first:.2} %");
            assert!(reached >= 175, "{kernels} kernels: {reached} of 200");
            assert!(above < 1.0, "{kernels} kernels: {above} % above the lowest peak");
        }
    }

    #[test]
    fn the_first_order_stays_where_nothing_is_gained() {
        let mut stayed = 0;
        for seed in 0..200 {
            let problem = random::problem(9, 4, seed);
            let first = greedy::forward(&problem).expect("an order");
            let order = lowest(&problem, first.clone(), STEPS, STATES);
            if walk::peak(&problem, &first) == optimum(&problem) {
                assert_eq!(order, first, "{seed}");
                stayed += 1;
            }
        }
        assert!((50..150).contains(&stayed), "{stayed}");
    }

    #[test]
    fn an_order_that_needs_more_for_few_rows_is_refused() {
        // Kernel 4 reads what comes of 0 over 1, which is large for many rows, and of 2 over 3, with so many bytes
        // between them whatever the rows.
        let problem = |between: i128| {
            let mut problem = Problem::with_waits(vec![[].into(), [0].into(), [].into(), [2].into(), [1, 3].into()]);
            let values = [[1 << 20, 64], [1 << 12; 2], [between; 2], [1 << 13; 2]];
            for (kernel, bytes) in values.into_iter().enumerate() {
                problem.store(kernel, bytes, false);
            }
            for (reader, value) in [(1, 0), (3, 2), (4, 1), (4, 3)] {
                problem.read(reader, value);
            }
            problem
        };
        let first = vec![2, 3, 0, 1, 4];
        assert_eq!(lowest(&problem(64), first.clone(), STEPS, STATES), [0, 1, 2, 3, 4]);
        assert_eq!(lowest(&problem(1 << 16), first.clone(), STEPS, STATES), first);
    }
}
