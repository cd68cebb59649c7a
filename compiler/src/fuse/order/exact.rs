//! The lowest peak there is, for few kernels.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use super::problem::Problem;

/// Kernels that a set has bits for.
const MOST: usize = 128;

/// The order with the lowest peak, if that is below `limit` and looking at so many sets of kernels finds it.
///
/// What lives behind a set of kernels does not depend on their order: sets are gone through from the lowest peak
/// upwards, as Dijkstra's algorithm does, and the first time that all kernels are done is the best.
pub(super) fn below(problem: &Problem, limit: i128, states: usize) -> Option<Vec<usize>> {
    if problem.len() > MOST {
        return None;
    }
    let sets = Sets::of(problem);
    let all = (0..problem.len()).fold(0u128, |all, kernel| all | 1 << kernel);
    // How each set was reached first: the kernel that ran last.
    let mut reached: BTreeMap<u128, (i128, usize)> = BTreeMap::new();
    let mut queue = BinaryHeap::from([(Reverse(0i128), 0u32, Reverse(0u128), 0i128)]);
    let mut looked = 0;
    while let Some((Reverse(peak), count, Reverse(done), live)) = queue.pop() {
        if done == all {
            return Some(path(&reached, all));
        }
        if reached.get(&done).is_some_and(|&(best, _)| best < peak) {
            continue;
        }
        looked += 1;
        if looked > states {
            return None;
        }
        for kernel in 0..problem.len() {
            if done >> kernel & 1 == 1 || sets.before[kernel] & !done != 0 {
                continue;
            }
            let (during, left) = sets.step(problem, kernel, done, live);
            let peak = peak.max(during);
            let next = done | 1 << kernel;
            if peak < limit && reached.get(&next).is_none_or(|&(best, _)| peak < best) {
                reached.insert(next, (peak, kernel));
                queue.push((Reverse(peak), count + 1, Reverse(next), left));
            }
        }
    }
    None
}

/// The kernels that led to a set, in order.
fn path(reached: &BTreeMap<u128, (i128, usize)>, mut done: u128) -> Vec<usize> {
    let mut order = Vec::new();
    while let Some(&(_, last)) = reached.get(&done).filter(|_| done != 0) {
        order.push(last);
        done &= !(1 << last);
    }
    order.reverse();
    order
}

/// The problem in sets.
struct Sets {
    /// The kernels before each kernel.
    before: Vec<u128>,
    /// The readers of each value.
    readers: Vec<u128>,
}

impl Sets {
    fn of(problem: &Problem) -> Self {
        let set = |kernels: &Vec<usize>| kernels.iter().fold(0u128, |set, kernel| set | 1 << kernel);
        Self {
            before: problem.before.iter().map(set).collect(),
            readers: problem.values.iter().map(|value| set(&value.readers)).collect(),
        }
    }

    /// The bytes that live while a kernel runs after others, and behind it.
    fn step(&self, problem: &Problem, kernel: usize, done: u128, live: i128) -> (i128, i128) {
        let dead = |value: &&usize| !problem.values[**value].kept && self.readers[**value] & !(done | 1 << kernel) == 0;
        let bytes = |value: &usize| problem.values[*value].bytes;
        let touched = problem.reads[kernel].iter().chain(&problem.writes[kernel]);
        let freed: i128 = touched.filter(dead).map(bytes).sum();
        let stored = problem.stored(kernel);
        let (mut taken, mut inherited) = (Vec::new(), 0);
        for (value, over) in &problem.heirs[kernel] {
            if let Some(old) = over.iter().find(|old| dead(old) && !taken.contains(old)) {
                taken.push(old);
                inherited += bytes(value);
            }
        }
        (live + stored - inherited, live + stored - freed)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{random, walk};
    use super::*;

    /// The lowest peak by trying all orders.
    fn lowest(problem: &Problem, order: &mut Vec<usize>) -> i128 {
        if order.len() == problem.len() {
            return walk::peak(problem, order);
        }
        let mut best = i128::MAX;
        for kernel in 0..problem.len() {
            let ready = problem.before[kernel].iter().all(|before| order.contains(before));
            if ready && !order.contains(&kernel) {
                order.push(kernel);
                best = best.min(lowest(problem, order));
                order.pop();
            }
        }
        best
    }

    #[test]
    fn no_order_is_lower() {
        for seed in 0..300 {
            let problem = random::problem(6, 3, seed);
            let lowest = lowest(&problem, &mut Vec::new());
            let order = below(&problem, lowest + 1, usize::MAX).expect("it is there");
            assert!(random::runs(&problem, &order), "{seed}: {order:?}");
            assert_eq!(walk::peak(&problem, &order), lowest, "{seed}");
            assert_eq!(below(&problem, lowest, usize::MAX), None, "{seed}");
            assert_eq!(below(&problem, lowest + 1, 3), None, "{seed}");
        }
    }
}
