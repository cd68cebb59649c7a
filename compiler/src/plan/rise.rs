//! The search from the bottom up, for problems of which many buffers live long and some bytes stay unused.
//!
//! Of all placements within the capacity, think of one with the least sum of offsets. Take the lowest item that can be
//! placed: it lies there, or higher. If higher, it rests on something that is not placed yet, and something will be in
//! the way where it was lowest; otherwise it would lie lower. Both are bounds that rule out much
//! (`Floors::skip`), and what is ruled out need not be tried again in another order.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::ops::Range;

use super::Buffer;
use super::exact::{DEEPEST, REMEMBERED, Verdict, lucky, mix};
use super::floors::Floors;
use super::loads::Loads;

/// What may make an item come before another that can be placed as low.
#[derive(Clone, Copy)]
pub(super) enum Rank {
    /// The most that lives together with it.
    Load,
    /// How long it lives.
    Long,
    /// Its bytes.
    Large,
    /// Its bytes times how long it lives.
    Area,
    /// How early it begins.
    Early,
    /// How often its sections were found too full (Boussemart and others, Boosting Systematic Search by Weighting
    /// Constraints, 2004), in powers of two.
    Trouble,
}

/// The search.
pub(super) struct Rise<'a> {
    floors: Floors,
    buffers: &'a [Buffer],
    /// For each item, the most that lives together with it.
    peaks: Vec<usize>,
    /// How many more nodes may be visited.
    nodes: usize,
    /// The items by rank.
    order: Vec<usize>,
    /// Hashes of states without a solution.
    failed: HashSet<u64>,
}

impl<'a> Rise<'a> {
    /// Starts from these floors of the buffers.
    pub(super) fn new(floors: Floors, buffers: &'a [Buffer]) -> Self {
        let loads = Loads::new(buffers);
        let peaks = buffers.iter().map(|buffer| loads.peak(buffer)).collect();
        Self { floors, buffers, peaks, nodes: 0, order: Vec::new(), failed: HashSet::new() }
    }

    /// One try, of so many nodes at most. Only what was found stays placed.
    pub(super) fn attempt(&mut self, ranks: [Rank; 3], round: usize, nodes: usize) -> Verdict {
        self.nodes = nodes;
        let mut order: Vec<usize> = (0..self.buffers.len()).collect();
        order.sort_by_cached_key(|&item| Reverse((lucky(round, item), ranks.map(|rank| self.rank(rank, item)))));
        self.order = order;
        let verdict = self.solve(0..self.floors.floor.len(), 0);
        if !matches!(verdict, Verdict::Found) {
            self.floors.undo(0);
        }
        verdict
    }

    /// The offsets that were found.
    pub(super) fn offsets(self) -> Vec<usize> {
        self.floors.lowest
    }

    fn rank(&self, rank: Rank, item: usize) -> u128 {
        let buffer = &self.buffers[item];
        let long = (buffer.end() - buffer.lower) as u128;
        match rank {
            Rank::Load => self.peaks[item] as u128,
            Rank::Long => long,
            Rank::Large => buffer.size as u128,
            Rank::Area => long * buffer.size as u128,
            Rank::Early => u128::MAX - buffer.lower as u128,
            Rank::Trouble => u128::from((self.floors.trouble(item) + 1).ilog2()),
        }
    }

    /// Places all that is unplaced in these sections; if it does not say `Found`, the caller takes back what it did.
    fn solve(&mut self, sections: Range<usize>, depth: usize) -> Verdict {
        if depth > DEEPEST {
            return Verdict::Stopped;
        }
        let ranges = self.floors.ranges(sections.clone());
        match ranges.as_slice() {
            [] => return Verdict::Found,
            [range] if *range == sections => {}
            _ => {
                for range in ranges {
                    match self.solve(range, depth + 1) {
                        Verdict::Found => {}
                        other => return other,
                    }
                }
                return Verdict::Found;
            }
        }
        let key = self.key(&sections);
        if self.failed.contains(&key) {
            return Verdict::Failed;
        }
        while let Some(item) = self.lowest(&sections) {
            if self.nodes == 0 {
                return Verdict::Stopped;
            }
            self.nodes -= 1;
            let mark = self.floors.mark();
            if self.floors.place(item) {
                match self.solve(sections.clone(), depth + 1) {
                    Verdict::Failed => {}
                    other => return other,
                }
            }
            self.floors.undo(mark);
            if !self.floors.skip(item) {
                break;
            }
        }
        if self.failed.len() < REMEMBERED {
            self.failed.insert(key);
        }
        Verdict::Failed
    }

    /// The unplaced item that can lie lowest; nothing if one lies higher than it could for no reason.
    fn lowest(&self, sections: &Range<usize>) -> Option<usize> {
        let Floors { items, placed, lowest, .. } = &self.floors;
        let mut best: Option<usize> = None;
        for &item in &self.order {
            if placed[item] || !sections.contains(&items[item].lower) {
                continue;
            }
            if self.floors.hovers(item) {
                return None;
            }
            if best.is_none_or(|best| lowest[item] < lowest[best]) {
                best = Some(item);
            }
        }
        best
    }

    /// A hash of what is unplaced in these sections, and of what is known of it (Zobrist, 1970).
    fn key(&self, sections: &Range<usize>) -> u64 {
        let Floors { items, placed, lowest, bar, .. } = &self.floors;
        let unplaced = (0..items.len()).filter(|&item| !placed[item] && sections.contains(&items[item].lower));
        unplaced.fold(0, |key, item| key ^ mix(mix(mix(item as u64) ^ lowest[item] as u64) ^ bar[item] as u64))
    }
}
