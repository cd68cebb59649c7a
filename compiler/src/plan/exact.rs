//! The exact search for a placement within a capacity.
//!
//! The floors of the sections are a skyline. In a valley of it (a run of sections at one height, with higher ones or
//! nothing on both sides), take any section: either one of the unplaced buffers that fit into the valley lies on its
//! floor there, or the section wastes bytes up to the lowest height at which another can come to lie. That covers
//! every placement whose buffers all rest on something, and a placement can always be made so by letting buffers
//! fall. The search takes the section with the fewest choices of all valleys (Haralick and Elliott's fail-first
//! principle, 1980), so that what is forced is done at once. As in MiniMalloc (Moffitt, ASPLOS 2023), ranges of time
//! that no unplaced buffer connects are searched apart from each other. States that were seen to fail are
//! remembered. The time that one order of the choices takes is a gamble with heavy tails, so many orders are tried for
//! a short while each (Gomes, Selman and Kautz, Boosting Combinatorial Search Through Randomization, 1998).

use std::collections::HashSet;
use std::ops::Range;

use super::Buffer;
use super::floors::Floors;

/// Past this many nested choices, a branch is given up.
const DEEPEST: usize = 2_000;

/// One in so many buffers is tried first for no reason, from the second try of each taste on.
const LUCK: u64 = 8;

/// States that are remembered at most.
const REMEMBERED: usize = 1 << 20;

/// What a search came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Offsets within the capacity.
    Found(Vec<usize>),
    /// There is none.
    Impossible,
    /// The nodes ran out.
    Unknown,
}

/// Looks for offsets within the capacity, in so many nodes at most.
pub(super) fn exact(buffers: &[Buffer], capacity: usize, nodes: usize) -> Outcome {
    let Some(floors) = Floors::new(buffers, capacity) else { return Outcome::Impossible };
    let sections = 0..floors.floor.len();
    let mut search = Search { floors, nodes: 0, taste: Taste::Area, round: 0, failed: HashSet::new() };
    let mut left = nodes;
    let share = buffers.len().saturating_mul(2).max(64);
    for round in 0.. {
        if left == 0 {
            break;
        }
        let given = luby(round / TASTES.len() + 1).saturating_mul(share).min(left);
        (search.nodes, search.round, search.taste) = (given, round, TASTES[round % TASTES.len()]);
        match search.solve(sections.clone(), 0) {
            Verdict::Found => return Outcome::Found(search.floors.lowest),
            Verdict::Failed => return Outcome::Impossible,
            Verdict::Stopped => search.floors.undo(0),
        }
        left -= given;
    }
    Outcome::Unknown
}

/// The sequence 1, 1, 2, 1, 1, 2, 4, ...: the best lengths of tries when nothing is known of how long the luckiest
/// takes (Luby, Sinclair and Zuckerman, 1993). It starts at 1.
fn luby(mut index: usize) -> usize {
    loop {
        let next = (index + 1).next_power_of_two();
        if next == index + 1 {
            return next / 2;
        }
        index -= next / 2 - 1;
    }
}

const TASTES: [Taste; 4] = [Taste::Area, Taste::Long, Taste::Large, Taste::Short];

/// Which of several buffers to try first.
#[derive(Clone, Copy)]
enum Taste {
    Area,
    Long,
    Large,
    Short,
}

enum Verdict {
    Found,
    Failed,
    Stopped,
}

struct Search {
    floors: Floors,
    /// How many more nodes may be visited.
    nodes: usize,
    taste: Taste,
    /// Which try it is: later ones like some buffers better for no reason.
    round: usize,
    /// Hashes of states without a solution.
    failed: HashSet<u64>,
}

/// What a look at the skyline says to do.
enum Look {
    /// All is placed.
    Done,
    /// These ranges have nothing to do with each other.
    Apart(Vec<Range<usize>>),
    /// Each of these sections has one choice only, this item.
    Forced(Vec<(usize, usize)>),
    /// The section with the fewest choices.
    Choose(usize),
}

impl Search {
    /// Places all that is unplaced in these sections; if it does not say `Found`, the caller takes back what it did.
    fn solve(&mut self, mut sections: Range<usize>, depth: usize) -> Verdict {
        loop {
            if self.nodes == 0 || depth > DEEPEST {
                return Verdict::Stopped;
            }
            self.nodes -= 1;
            match self.look(sections.clone()) {
                Look::Done => return Verdict::Found,
                Look::Apart(ranges) => match ranges.as_slice() {
                    [range] => sections = range.clone(),
                    ranges => return self.solve_all(ranges, depth),
                },
                Look::Forced(moves) => {
                    for (section, item) in moves {
                        let floors = &self.floors;
                        // An earlier move may have done it, or have put it out of reach: the next look will say.
                        let stands = !floors.placed[item] && floors.lowest[item] == floors.floor[section];
                        if stands && !self.floors.place(item) {
                            return Verdict::Failed;
                        }
                    }
                }
                Look::Choose(section) => return self.choose(section, sections, depth),
            }
        }
    }

    fn solve_all(&mut self, ranges: &[Range<usize>], depth: usize) -> Verdict {
        for range in ranges {
            match self.solve(range.clone(), depth + 1) {
                Verdict::Found => {}
                other => return other,
            }
        }
        Verdict::Found
    }

    /// Tries every item that may lie on the section's floor, then none.
    fn choose(&mut self, section: usize, sections: Range<usize>, depth: usize) -> Verdict {
        let key = self.key(sections.clone());
        if self.failed.contains(&key) {
            return Verdict::Failed;
        }
        let mark = self.floors.mark();
        for item in self.choices(section) {
            if self.floors.place(item) {
                match self.solve(sections.clone(), depth + 1) {
                    Verdict::Failed => {}
                    other => return other,
                }
            }
            self.floors.undo(mark);
        }
        if let Some(next) = self.next_floor(section)
            && self.floors.waste(section, next)
        {
            match self.solve(sections, depth + 1) {
                Verdict::Failed => {}
                other => return other,
            }
        }
        self.floors.undo(mark);
        if self.failed.len() < REMEMBERED {
            self.failed.insert(key);
        }
        Verdict::Failed
    }

    /// The unplaced items that can lie on the section's floor, one of each kind, the most promising first.
    fn choices(&self, section: usize) -> Vec<usize> {
        let Floors { items, placed, lowest, floor, members, .. } = &self.floors;
        let candidates = members[section].iter().copied();
        let mut choices: Vec<usize> =
            candidates.filter(|&item| !placed[item] && lowest[item] == floor[section]).collect();
        let long = |item: usize| items[item].upper - items[item].lower;
        let large = |item: usize| items[item].size;
        choices.sort_by_key(|&item| {
            let (long, large) = (long(item) as u128, large(item) as u128);
            let worth = match self.taste {
                Taste::Area => (long * large, large),
                Taste::Long => (long, large),
                Taste::Large => (large, long),
                Taste::Short => (u128::MAX - long, large),
            };
            let luck = self.round >= TASTES.len() && mix(mix(self.round as u64) ^ item as u64).is_multiple_of(LUCK);
            (!luck, std::cmp::Reverse(worth), items[item].lower, item)
        });
        choices.dedup_by_key(|item| (items[*item].lower, items[*item].upper, items[*item].size));
        choices
    }

    /// If no item lies on the section's floor, the lowest height at which one can: where it is held by another
    /// section, or on top of an item that is not in this section.
    fn next_floor(&self, section: usize) -> Option<usize> {
        let Floors { items, placed, lowest, floor, members, .. } = &self.floors;
        if self.floors.slack(section) == 0 {
            return None;
        }
        let unplaced = |section: usize| members[section].iter().copied().filter(|&item| !placed[item]);
        let mut next = usize::MAX;
        for item in unplaced(section) {
            if lowest[item] > floor[section] {
                next = next.min(lowest[item]);
                continue;
            }
            for below in (items[item].lower..items[item].upper).flat_map(unplaced) {
                if !(items[below].lower..items[below].upper).contains(&section) {
                    next = next.min(lowest[below] + items[below].size);
                }
            }
        }
        (next - floor[section] <= self.floors.slack(section)).then_some(next)
    }

    /// Looks at the skyline over these sections.
    fn look(&self, sections: Range<usize>) -> Look {
        let ranges = self.ranges(sections.clone());
        match ranges.as_slice() {
            [] => return Look::Done,
            [range] if *range == sections => {}
            _ => return Look::Apart(ranges),
        }
        let Floors { placed, lowest, floor, members, .. } = &self.floors;
        let mut forced = Vec::new();
        let mut best: Option<((usize, usize), usize)> = None;
        let mut start = sections.start;
        while start < sections.end {
            let height = floor[start];
            let end = (start..sections.end).find(|&section| floor[section] != height).unwrap_or(sections.end);
            let walled =
                (start == sections.start || floor[start - 1] > height) && (end == sections.end || floor[end] > height);
            for section in (start..end).filter(|_| walled) {
                let mut choices = usize::from(self.floors.slack(section) > 0);
                let mut only = None;
                for &item in members[section].iter().filter(|&&item| !placed[item] && lowest[item] == height) {
                    choices += 1;
                    only = Some(item);
                }
                if let (1, Some(item)) = (choices, only) {
                    forced.push((section, item));
                }
                let score = (choices, height);
                if best.is_none_or(|(least, _)| score < least) {
                    best = Some((score, section));
                }
            }
            start = end;
        }
        match best {
            _ if !forced.is_empty() => Look::Forced(forced),
            Some((_, section)) => Look::Choose(section),
            None => Look::Done, // There is always a valley.
        }
    }

    /// The ranges of sections that unplaced items connect, shortest first.
    fn ranges(&self, sections: Range<usize>) -> Vec<Range<usize>> {
        let Floors { items, placed, members, .. } = &self.floors;
        let mut ranges: Vec<Range<usize>> = Vec::new();
        let mut reach = sections.start;
        for section in sections {
            let unplaced = members[section].iter().filter(|&&item| !placed[item]);
            let Some(end) = unplaced.map(|&item| items[item].upper).max() else { continue };
            match ranges.last_mut() {
                Some(range) if section < reach => range.end = range.end.max(end),
                _ => ranges.push(section..end),
            }
            reach = reach.max(end);
        }
        ranges.sort_by_key(|range| (range.len(), range.start));
        ranges
    }

    /// A hash of what is unplaced in these sections, and of their floors (Zobrist, 1970).
    fn key(&self, sections: Range<usize>) -> u64 {
        let Floors { items, placed, floor, members, .. } = &self.floors;
        let mut key = 0;
        for section in sections {
            key ^= mix(mix(section as u64) ^ floor[section] as u64);
            for &item in &members[section] {
                if !placed[item] && items[item].lower == section {
                    key ^= mix(!(item as u64));
                }
            }
        }
        key
    }
}

/// SplitMix64's finaliser (Steele, Lea and Flood, 2014).
fn mix(value: u64) -> u64 {
    let mut value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::super::puzzles::Random;
    use super::*;

    fn found(buffers: &[Buffer], capacity: usize) -> bool {
        match exact(buffers, capacity, 1_000_000) {
            Outcome::Found(_) => true,
            Outcome::Impossible => false,
            Outcome::Unknown => panic!("not decided: {buffers:?}"),
        }
    }

    /// Whether any permutation, each buffer on top of those placed, fits.
    fn brute_force(buffers: &[Buffer], capacity: usize, offsets: &mut Vec<(usize, usize)>) -> bool {
        if offsets.len() == buffers.len() {
            return true;
        }
        (0..buffers.len()).any(|index| {
            if offsets.iter().any(|&(placed, _)| placed == index) {
                return false;
            }
            let tops = offsets.iter().filter(|&&(other, _)| buffers[other].meets(&buffers[index]));
            let offset = tops.map(|&(other, offset)| offset + buffers[other].size).max().unwrap_or(0);
            // Each placement of buffers that rest on something comes about from the lowest to the highest.
            let before = offsets.last().is_some_and(|&(_, last)| offset < last);
            if before || offset + buffers[index].size > capacity {
                return false;
            }
            offsets.push((index, offset));
            let fits = brute_force(buffers, capacity, offsets);
            offsets.pop();
            fits
        })
    }

    #[test]
    fn it_agrees_with_brute_force() {
        let mut random = Random::new(7);
        for _ in 0..if cfg!(debug_assertions) { 300 } else { 5_000 } {
            let buffers: Vec<Buffer> = (0..6 + random.below(3))
                .map(|_| {
                    let lower = random.below(6);
                    Buffer { lower, upper: lower + 1 + random.below(4), size: 1 + random.below(3) }
                })
                .collect();
            let bound = super::super::loads::Loads::new(&buffers).max();
            for capacity in bound..bound + 2 {
                let expected = brute_force(&buffers, capacity, &mut Vec::new());
                assert_eq!(found(&buffers, capacity), expected, "{buffers:?} in {capacity}");
            }
        }
    }

    #[test]
    fn the_bound_may_be_out_of_reach() {
        let raw = [(6, 8, 4), (2, 5, 1), (0, 3, 2), (0, 1, 4), (2, 5, 1), (2, 6, 3), (5, 7, 3), (3, 6, 1)];
        let buffers = raw.map(|(lower, upper, size)| Buffer { lower, upper, size });
        assert_eq!(super::super::loads::Loads::new(&buffers).max(), 7);
        assert!(!brute_force(&buffers, 7, &mut Vec::new()));
        assert!(!found(&buffers, 7));
        assert!(found(&buffers, 8));
    }

    #[test]
    fn tries_vary_in_length() {
        let lengths: Vec<usize> = (1..=15).map(luby).collect();
        assert_eq!(lengths, [1, 1, 2, 1, 1, 2, 4, 1, 1, 2, 1, 1, 2, 4, 8]);
    }

    #[test]
    fn nodes_bound_the_search() {
        let buffers = [Buffer { lower: 0, upper: 2, size: 4 }, Buffer { lower: 1, upper: 3, size: 4 }];
        assert_eq!(exact(&buffers, 8, 0), Outcome::Unknown);
        assert_eq!(exact(&buffers, 7, 9), Outcome::Impossible);
        assert!(found(&buffers, 8));
    }
}
