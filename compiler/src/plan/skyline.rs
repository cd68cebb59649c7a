//! The search over the valleys of the skyline, for puzzles that leave no byte unused.
//!
//! The floors of the sections are a skyline. In a valley of it (a run of sections at one height, with higher ones or
//! nothing on both sides), take any section: either one of the unplaced buffers that fit into the valley lies on its
//! floor there, or the section wastes bytes up to the lowest height at which another can come to lie. That covers
//! every placement whose buffers all rest on something, and a placement can always be made so by letting buffers
//! fall. The search takes the section with the fewest choices of all valleys (Haralick and Elliott's fail-first
//! principle, 1980), so that what is forced is done at once.

use std::collections::HashSet;
use std::ops::Range;

use super::exact::{DEEPEST, REMEMBERED, Verdict, lucky, mix};
use super::floors::Floors;

/// Which of several buffers to try first.
#[derive(Clone, Copy)]
pub(super) enum Taste {
    Area,
    Long,
    Large,
    Short,
}

/// The search.
pub(super) struct Skyline {
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

impl Skyline {
    /// Starts from these floors.
    pub(super) fn new(floors: Floors) -> Self {
        Self { floors, nodes: 0, taste: Taste::Area, round: 0, failed: HashSet::new() }
    }

    /// One try, of so many nodes at most. Only what was found stays placed.
    pub(super) fn attempt(&mut self, taste: Taste, round: usize, nodes: usize) -> Verdict {
        (self.nodes, self.round, self.taste) = (nodes, round, taste);
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
            let luck = lucky(self.round, item);
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
        let ranges = self.floors.ranges(sections.clone());
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
