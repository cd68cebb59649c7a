//! The state of the exact search: what is placed, and above which floor the rest of each section must go.
//!
//! Time is cut into sections, the largest sets of buffers that live together; two buffers meet exactly if they share
//! a section. A section's floor is a height below which no unplaced buffer of it can lie: the top of what is placed,
//! or more, where all that is unplaced is held higher up by other sections (the spatial inference of Moffitt,
//! MiniMalloc, ASPLOS 2023). The capacity less the floor less what is unplaced is the section's slack, and a state
//! in which any slack is negative has no solution.

use std::collections::BTreeMap;
use std::ops::Range;

use super::Buffer;

/// A buffer in terms of sections.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    /// The first section.
    pub(super) lower: usize,
    /// The section after the last one.
    pub(super) upper: usize,
    pub(super) size: usize,
}

/// What a step changed.
#[derive(Clone)]
enum Change {
    Floor(usize, usize),
    Lowest(usize, usize),
    Bar(usize, usize),
    Placed(usize),
}

/// A partial placement that can be taken back step by step.
#[derive(Clone)]
pub(super) struct Floors {
    capacity: usize,
    pub(super) items: Vec<Item>,
    /// The items of each section.
    pub(super) members: Vec<Vec<usize>>,
    /// For each section, a height below which no unplaced item lies.
    pub(super) floor: Vec<usize>,
    /// For each section, the bytes of its unplaced items.
    rest: Vec<usize>,
    /// For each item, the highest floor of its sections; once placed, its offset.
    pub(super) lowest: Vec<usize>,
    pub(super) placed: Vec<bool>,
    /// For each item that was skipped, the top that it would have had; `usize::MAX` for others, and as soon as anything
    /// was placed in its sections.
    pub(super) bar: Vec<usize>,
    /// Whether anything was ever skipped.
    skips: bool,
    /// For each item, those of the same sections and size, itself among them.
    twins: Vec<Vec<usize>>,
    /// For each section, how often it was found too full.
    trouble: Vec<usize>,
    trail: Vec<Change>,
    /// Sections whose unplaced items were pushed up since the floor was computed.
    dirty: Vec<usize>,
    is_dirty: Vec<bool>,
}

impl Floors {
    /// The empty placement; nothing if the largest set of buffers alive is past the capacity. Buffers of no bytes
    /// count as placed, at 0.
    pub(super) fn new(buffers: &[Buffer], capacity: usize) -> Option<Self> {
        let starts = sections(buffers);
        let at = |step: usize| starts.partition_point(|&start| start < step);
        let item = |buffer: &Buffer| Item { lower: at(buffer.lower), upper: at(buffer.end()), size: buffer.size };
        let items: Vec<Item> = buffers.iter().map(item).collect();
        let mut members = vec![Vec::new(); starts.len()];
        let mut rest = vec![0usize; starts.len()];
        for (index, item) in items.iter().enumerate().filter(|(_, item)| item.size > 0) {
            for section in item.lower..item.upper {
                members[section].push(index);
                rest[section] = rest[section].saturating_add(item.size);
            }
        }
        if rest.iter().any(|&bytes| bytes > capacity) {
            return None;
        }
        let placed = items.iter().map(|item| item.size == 0).collect();
        let mut kinds: BTreeMap<(usize, usize, usize), Vec<usize>> = BTreeMap::new();
        let kind = |item: &Item| (item.lower, item.upper, item.size);
        for (index, item) in items.iter().enumerate() {
            kinds.entry(kind(item)).or_default().push(index);
        }
        let twins = items.iter().map(|item| kinds.get(&kind(item)).cloned().unwrap_or_default()).collect();
        Some(Self {
            capacity,
            bar: vec![usize::MAX; items.len()],
            twins,
            trouble: vec![0; starts.len()],
            skips: false,
            lowest: vec![0; items.len()],
            floor: vec![0; starts.len()],
            is_dirty: vec![false; starts.len()],
            items,
            members,
            rest,
            placed,
            trail: Vec::new(),
            dirty: Vec::new(),
        })
    }

    /// How many bytes the section may waste.
    pub(super) fn slack(&self, section: usize) -> usize {
        self.capacity.saturating_sub(self.floor[section]).saturating_sub(self.rest[section])
    }

    /// Where `undo` can come back to.
    pub(super) fn mark(&self) -> usize {
        self.trail.len()
    }

    /// Takes back all that was done since the mark.
    pub(super) fn undo(&mut self, mark: usize) {
        while self.trail.len() > mark {
            match self.trail.pop() {
                Some(Change::Floor(section, old)) => self.floor[section] = old,
                Some(Change::Lowest(item, old)) => self.lowest[item] = old,
                Some(Change::Bar(item, old)) => self.bar[item] = old,
                Some(Change::Placed(item)) => {
                    self.placed[item] = false;
                    let Item { lower, upper, size } = self.items[item];
                    for rest in &mut self.rest[lower..upper] {
                        *rest += size;
                    }
                }
                None => break,
            }
        }
    }

    /// Places an item on the floor of its sections. Whether a solution may remain.
    pub(super) fn place(&mut self, item: usize) -> bool {
        let Item { lower, upper, size } = self.items[item];
        self.placed[item] = true;
        self.trail.push(Change::Placed(item));
        for rest in &mut self.rest[lower..upper] {
            *rest -= size;
        }
        for other in 0..if self.skips { self.items.len() } else { 0 } {
            let meets = self.items[other].lower < upper && lower < self.items[other].upper;
            if meets && self.bar[other] != usize::MAX {
                self.trail.push(Change::Bar(other, self.bar[other]));
                self.bar[other] = usize::MAX;
            }
        }
        let top = self.lowest[item] + size;
        let fits = (lower..upper).all(|section| self.raise(section, top) && self.soil(section));
        fits && self.settle()
    }

    /// Leaves a section's bytes below `floor` unused. Whether a solution may remain.
    pub(super) fn waste(&mut self, section: usize, floor: usize) -> bool {
        self.raise(section, floor) && self.settle()
    }

    /// Rules out that an item, or one just like it, lies where it is lowest. In a placement of the least sum of offsets,
    /// it then rests on something that is not placed yet, and something is in the way where it was lowest. Whether a
    /// solution may remain.
    pub(super) fn skip(&mut self, item: usize) -> bool {
        let offset = self.lowest[item];
        for twin in 0..self.twins[item].len() {
            let twin = self.twins[item][twin];
            if !self.placed[twin] && self.lowest[twin] == offset && !self.skip_one(twin) {
                self.clean();
                return false;
            }
        }
        self.settle()
    }

    /// Whether an item was skipped, and nothing can be in the way any more where it was lowest.
    pub(super) fn hovers(&self, item: usize) -> bool {
        let (Item { lower, upper, .. }, bar) = (self.items[item], self.bar[item]);
        bar != usize::MAX && self.floor[lower..upper].iter().all(|&floor| floor >= bar)
    }

    /// How often the worst of an item's sections was found too full.
    pub(super) fn trouble(&self, item: usize) -> usize {
        let Item { lower, upper, .. } = self.items[item];
        self.trouble[lower..upper].iter().copied().max().unwrap_or(0)
    }

    fn skip_one(&mut self, item: usize) -> bool {
        let Item { lower, upper, size } = self.items[item];
        let mut next = usize::MAX;
        for section in lower..upper {
            for &other in &self.members[section] {
                if other != item && !self.placed[other] {
                    next = next.min(self.lowest[other] + self.items[other].size);
                }
            }
        }
        self.skips = true;
        let bar = self.lowest[item] + size;
        if bar < self.bar[item] {
            self.trail.push(Change::Bar(item, self.bar[item]));
            self.bar[item] = bar;
        }
        if next > self.lowest[item] {
            if next > self.capacity - size {
                return false;
            }
            self.trail.push(Change::Lowest(item, self.lowest[item]));
            self.lowest[item] = next;
            for section in lower..upper {
                self.soil(section);
            }
        }
        true
    }

    /// The ranges of sections that unplaced items connect, shortest first.
    pub(super) fn ranges(&self, sections: Range<usize>) -> Vec<Range<usize>> {
        let Self { items, placed, members, .. } = self;
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

    /// Lifts a floor, and what stands on it. Whether the rest still fits above.
    fn raise(&mut self, section: usize, floor: usize) -> bool {
        if floor <= self.floor[section] {
            return true;
        }
        self.trail.push(Change::Floor(section, self.floor[section]));
        self.floor[section] = floor;
        if self.rest[section] > self.capacity.saturating_sub(floor) {
            self.clean();
            self.trouble[section] += 1;
            return false;
        }
        for member in 0..self.members[section].len() {
            let item = self.members[section][member];
            if self.placed[item] || self.lowest[item] >= floor {
                continue;
            }
            self.trail.push(Change::Lowest(item, self.lowest[item]));
            self.lowest[item] = floor;
            for other in self.items[item].lower..self.items[item].upper {
                self.soil(other);
            }
        }
        true
    }

    fn soil(&mut self, section: usize) -> bool {
        if !self.is_dirty[section] {
            self.is_dirty[section] = true;
            self.dirty.push(section);
        }
        true
    }

    fn clean(&mut self) {
        for section in self.dirty.drain(..) {
            self.is_dirty[section] = false;
        }
    }

    /// Lifts each floor to the lowest that any unplaced item of its section can lie, until nothing moves.
    fn settle(&mut self) -> bool {
        while let Some(section) = self.dirty.pop() {
            self.is_dirty[section] = false;
            let unplaced = self.members[section].iter().filter(|&&item| !self.placed[item]);
            let lowest = unplaced.map(|&item| self.lowest[item]).min();
            if lowest.is_some_and(|lowest| !self.raise(section, lowest)) {
                return false;
            }
        }
        true
    }
}

/// A step of each section: each last start before an end. What is alive there is the largest set around; those at
/// other steps are its subsets.
fn sections(buffers: &[Buffer]) -> Vec<usize> {
    let mut events: Vec<(usize, bool)> = buffers
        .iter()
        .filter(|buffer| buffer.size > 0)
        .flat_map(|buffer| [(buffer.lower, true), (buffer.end(), false)])
        .collect();
    events.sort_unstable(); // At the same step, ends come first.
    let mut starts = Vec::new();
    let mut last_start = None;
    for (step, start) in events {
        match (start, last_start) {
            (true, _) => last_start = Some(step),
            // The first end after a start: the set was largest from the start until here.
            (false, Some(start)) => {
                starts.push(start);
                last_start = None;
            }
            (false, None) => {}
        }
    }
    starts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn floors(buffers: &[(usize, usize, usize)], capacity: usize) -> Option<Floors> {
        let buffers: Vec<Buffer> = buffers.iter().map(|&(lower, upper, size)| Buffer { lower, upper, size }).collect();
        Floors::new(&buffers, capacity)
    }

    #[test]
    fn sections_are_the_largest_sets() {
        let floors = floors(&[(0, 9, 1), (2, 5, 1), (3, 4, 1), (5, 7, 1), (6, 8, 1)], 9).unwrap();
        assert_eq!(floors.members, [vec![0, 1, 2], vec![0, 3, 4]]);
    }

    #[test]
    fn what_is_held_up_lifts_the_floor() {
        // The middle one lives with both; on top of the first, it leaves nothing of the second's section below it
        // but the second.
        let mut floors = floors(&[(0, 2, 4), (1, 4, 3), (3, 5, 4)], 8).unwrap();
        assert!(floors.place(0));
        assert_eq!((floors.floor[0], floors.floor[1]), (4, 0));
        assert_eq!((floors.slack(0), floors.slack(1)), (1, 1));
        let mark = floors.mark();
        assert!(floors.place(2));
        assert_eq!(floors.floor, [4, 4]);
        assert!(floors.place(1));
        assert_eq!(floors.lowest, [0, 4, 0]);
        floors.undo(mark);
        assert_eq!(floors.placed, [true, false, false]);
        assert_eq!((floors.lowest[1], floors.floor[1]), (4, 0));
        assert!(!floors.waste(0, 6), "3 bytes on top of 6 are too many");
    }

    #[test]
    fn what_is_skipped_rests_on_something_else() {
        let mut floors = floors(&[(0, 2, 4), (1, 4, 3), (3, 5, 4)], 8).unwrap();
        assert!(floors.skip(1));
        assert_eq!((floors.lowest[1], floors.bar[1]), (4, 3));
        assert!(!floors.hovers(1), "the others may be in the way below");
        assert!(!floors.skip(0), "on top of the middle one it is too high");
        floors.undo(0);
        assert_eq!((floors.lowest[1], floors.bar[1]), (0, usize::MAX));
    }

    #[test]
    fn twins_are_skipped_together() {
        let mut floors = floors(&[(0, 2, 2), (0, 2, 2), (0, 2, 4)], 8).unwrap();
        assert!(floors.skip(0));
        assert_eq!(floors.lowest, [2, 4, 0]);
        assert_eq!(floors.bar, [2, 2, usize::MAX]);
        assert!(floors.place(2));
        assert_eq!(floors.bar, [usize::MAX; 3], "what is placed may be in the way");
    }

    #[test]
    fn too_little_capacity_is_refused() {
        assert!(floors(&[(0, 2, 4), (1, 4, 3)], 6).is_none());
    }
}
