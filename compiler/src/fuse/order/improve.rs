//! An order improved step by step: at its peak, a value is stored later or read for the last time earlier.

use super::problem::{Problem, Value};
use super::walk::{NEVER, Walk};

/// Improves an order until it is at the bound, nothing more is found, or so many steps of a walk are spent.
pub(super) fn improve(problem: &Problem, order: Vec<usize>, bound: i128, steps: usize) -> Vec<usize> {
    let mut search = Improve::new(problem, order, steps);
    while search.score.0 > bound && search.once().is_some_and(|better| better) {}
    search.order
}

/// A move: within a range of positions, some kernels with all that has to move along go to one end.
#[derive(Clone, Copy, Debug)]
struct Move {
    /// The first position.
    low: usize,
    /// The last.
    high: usize,
    /// The value whose writer goes to the end, or whose readers go to the beginning.
    value: usize,
    /// Which of the two.
    later: bool,
}

struct Improve<'a> {
    problem: &'a Problem,
    order: Vec<usize>,
    /// The position of each kernel.
    place: Vec<usize>,
    /// The last position that touches each value, past the end for what is kept.
    last: Vec<usize>,
    /// Bytes alive before each position and while its kernel runs.
    live: Vec<(i128, i128)>,
    /// The most bytes before each position, and from it on.
    peaks: Vec<(i128, i128)>,
    /// The order's peak, and the sum over all positions.
    score: (i128, i128),
    walk: Walk<'a>,
    steps: usize,
}

impl<'a> Improve<'a> {
    fn new(problem: &'a Problem, order: Vec<usize>, steps: usize) -> Self {
        let mut walk = Walk::new(problem);
        let live = order.iter().map(|&kernel| (walk.live, walk.step(kernel))).collect();
        let place = vec![0; order.len()];
        let last = vec![0; problem.values.len()];
        let mut search = Self { problem, order, place, last, live, peaks: Vec::new(), score: (0, 0), walk, steps };
        search.settle(0, search.order.len());
        search
    }

    /// Brings everything up to date with what runs at these positions.
    fn settle(&mut self, low: usize, high: usize) {
        let Self { problem, order, place, last, live, peaks, score, .. } = self;
        for at in low..high {
            place[order[at]] = at;
        }
        for &kernel in &order[low..high] {
            for &value in problem.reads[kernel].iter().chain(&problem.writes[kernel]) {
                let Value { kept, readers, writer, .. } = &problem.values[value];
                let touched = readers.iter().map(|&reader| place[reader]).max().unwrap_or(place[*writer]);
                last[value] = if *kept { order.len() } else { touched };
            }
        }
        peaks.clear();
        peaks.resize(order.len() + 1, (0, 0));
        for at in 0..order.len() {
            peaks[at + 1].0 = peaks[at].0.max(live[at].1);
        }
        for at in (0..order.len()).rev() {
            peaks[at].1 = peaks[at + 1].1.max(live[at].1);
        }
        *score = (peaks[0].1, live.iter().map(|&(_, during)| during).sum());
    }

    /// Makes the first move at the peak that lowers the peak or, at the same peak, the sum. Whether there was one;
    /// nothing if the steps ran out.
    fn once(&mut self) -> Option<bool> {
        let peak = self.live.iter().position(|&(_, during)| during == self.score.0).unwrap_or(0);
        self.steps = self.steps.checked_sub(self.order.len())?;
        for step in self.moves(peak) {
            self.steps = self.steps.checked_sub(step.high - step.low + 1)?;
            if self.attempt(step) {
                return Some(true);
            }
        }
        Some(false)
    }

    /// What may help at a position: short ranges first.
    fn moves(&self, at: usize) -> Vec<Move> {
        let mut moves = Vec::new();
        for (value, Value { writer, readers, bytes, .. }) in self.problem.values.iter().enumerate() {
            let (first, last) = (self.place[*writer], self.last[value]);
            if *bytes == 0 || first > at || last < at {
                continue;
            }
            let places = || readers.iter().map(|&reader| self.place[reader]);
            let next = places().filter(|&place| place > at).min().unwrap_or(self.order.len());
            for high in [at, next - 1] {
                moves.push(Move { low: first, high, value, later: true });
            }
            if last < self.order.len() {
                let before = places().filter(|&place| place <= at).max().unwrap_or(first);
                for low in [at, before + 1] {
                    moves.push(Move { low, high: last, value, later: false });
                }
            }
        }
        moves.retain(|step| step.low < step.high);
        moves.sort_by_key(|step| step.high - step.low);
        moves
    }

    /// Makes a move if it is for the better.
    fn attempt(&mut self, step: Move) -> bool {
        let Some(range) = self.moved(step) else { return false };
        let Some(live) = self.walked(step.low, step.high, &range) else { return false };
        let sum = |live: &[(i128, i128)]| live.iter().map(|&(_, during)| during).sum::<i128>();
        let inside = live.iter().map(|&(_, during)| during).max().unwrap_or(0);
        let peak = inside.max(self.peaks[step.low].0).max(self.peaks[step.high + 1].1);
        let total = self.score.1 - sum(&self.live[step.low..=step.high]) + sum(&live);
        if (peak, total) >= self.score {
            return false;
        }
        self.order[step.low..=step.high].copy_from_slice(&range);
        self.live[step.low..=step.high].copy_from_slice(&live);
        self.settle(step.low, step.high + 1);
        true
    }

    /// The kernels of a move's range in their new order, unless all of them or none would move.
    fn moved(&self, Move { low, high, value, later }: Move) -> Option<Vec<usize>> {
        let Self { problem, order, place, .. } = self;
        let Value { writer, readers, .. } = &problem.values[value];
        let mut moving = vec![false; high - low + 1];
        let mark = |kernel: usize, moving: &mut [bool]| {
            if (low..=high).contains(&place[kernel]) {
                moving[place[kernel] - low] = true;
            }
        };
        if later {
            mark(*writer, &mut moving);
            for at in low..=high {
                if moving[at - low] {
                    problem.after[order[at]].iter().for_each(|&kernel| mark(kernel, &mut moving));
                }
            }
        } else {
            readers.iter().for_each(|&reader| mark(reader, &mut moving));
            for at in (low..=high).rev() {
                if moving[at - low] {
                    problem.before[order[at]].iter().for_each(|&kernel| mark(kernel, &mut moving));
                }
            }
        }
        let ones = moving.iter().filter(|&&moves| moves).count();
        if ones == 0 || ones == moving.len() {
            return None;
        }
        let (moved, rest): (Vec<usize>, Vec<usize>) = (low..=high).partition(|at| moving[at - low]);
        let (first, second) = if later { (rest, moved) } else { (moved, rest) };
        Some(first.into_iter().chain(second).map(|at| order[at]).collect())
    }

    /// The bytes that live in a range if its kernels run in another order; nothing if the peak would be higher.
    fn walked(&mut self, low: usize, high: usize, kernels: &[usize]) -> Option<Vec<(i128, i128)>> {
        let Self { problem, last, live, walk, score, .. } = self;
        // Readers in the range alone count: before it and behind it nothing changes.
        for &kernel in kernels {
            for &value in problem.reads[kernel].iter().chain(&problem.writes[kernel]) {
                walk.left[value] = 0;
            }
        }
        for &kernel in kernels {
            for &value in &problem.reads[kernel] {
                walk.left[value] += 1;
            }
        }
        for &kernel in kernels {
            for &value in problem.reads[kernel].iter().chain(&problem.writes[kernel]) {
                if last[value] > high {
                    walk.left[value] = NEVER;
                }
            }
        }
        walk.live = live[low].0;
        let mut found = Vec::with_capacity(kernels.len());
        for &kernel in kernels {
            let before = walk.live;
            let during = walk.step(kernel);
            if during > score.0 {
                return None;
            }
            found.push((before, during));
        }
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{greedy, random, walk};
    use super::*;

    #[test]
    fn what_is_kept_up_is_what_a_walk_finds() {
        let mut moves = 0;
        for seed in 0..60 {
            let problem = random::problem(40, 8, seed);
            let first = greedy::forward(&problem).expect("an order");
            let mut search = Improve::new(&problem, first, 100_000);
            let mut score = search.score;
            while search.once() == Some(true) {
                moves += 1;
                assert!(search.score < score, "{seed}");
                score = search.score;
                assert!(random::runs(&problem, &search.order), "{seed}: {:?}", search.order);
                let fresh = Improve::new(&problem, search.order.clone(), 0);
                assert_eq!((&search.live, search.score), (&fresh.live, fresh.score), "{seed}");
                assert_eq!((&search.last, &search.place), (&fresh.last, &fresh.place), "{seed}");
                assert_eq!(score.0, walk::peak(&problem, &search.order), "{seed}");
            }
        }
        assert!(moves > 200, "{moves}");
    }

    #[test]
    fn steps_are_not_exceeded() {
        let problem = random::problem(40, 8, 1);
        let first = greedy::forward(&problem).expect("an order");
        assert_eq!(improve(&problem, first.clone(), 0, 39), first);
        assert_ne!(improve(&problem, first.clone(), 0, 10_000), first);
    }
}
