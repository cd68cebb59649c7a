//! The placement of buffers in an arena, apart from what they hold: rectangles of given lifetime and size get
//! offsets so that the arena is as small as can be found. The problem is NP-hard (dynamic storage allocation, Garey
//! and Johnson SR2), so: several greedy orders, each buffer as low as it fits, then a local search over orders in
//! the manner of Arm Vela's hill climb. The work is bounded by a count, never by a clock, so that the same input
//! gives the same arena.

use std::cmp::Reverse;

/// Bytes that are needed for a span of the schedule. It holds bytes during the step `lower`, even if `upper` says
/// otherwise: whatever writes it needs the space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Buffer {
    /// The first step of the schedule that needs it.
    pub lower: usize,
    /// The step after the last one that needs it.
    pub upper: usize,
    /// Its bytes, before they are rounded up to the alignment.
    pub size: usize,
}

impl Buffer {
    /// The step after the last one, at least one after the first.
    pub(super) fn end(&self) -> usize {
        self.upper.max(self.lower.saturating_add(1))
    }

    /// Whether there is a step at which both hold bytes.
    fn meets(&self, other: &Self) -> bool {
        self.lower < other.end() && other.lower < self.end()
    }
}

/// Where each buffer lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// The first byte of each buffer, in the order of the buffers.
    pub offsets: Vec<usize>,
    /// The bytes of the arena.
    pub height: usize,
    /// The largest sum of sizes that live together: no arena is smaller.
    pub lower_bound: usize,
}

/// How many pairs of buffers the local search may compare.
const IMPROVEMENT_WORK: usize = 2_000_000;

/// How many orders the local search may try.
const IMPROVEMENT_TRIES: usize = 400;

/// Places the buffers at multiples of `align`.
pub fn place(buffers: &[Buffer], align: usize) -> Placement {
    let align = align.max(1);
    let rounded: Vec<Buffer> = buffers
        .iter()
        .map(|buffer| Buffer { size: buffer.size.div_ceil(align).saturating_mul(align), ..*buffer })
        .collect();
    let loads = Loads::new(&rounded);
    let lower_bound = loads.max();
    let mut best: Option<Attempt> = None;
    for order in orders(&rounded, &loads) {
        let attempt = Attempt::new(&rounded, order);
        if best.as_ref().is_none_or(|best| attempt.height < best.height) {
            best = Some(attempt);
        }
        if best.as_ref().is_some_and(|best| best.height == lower_bound) {
            break;
        }
    }
    let Some(best) = best else { return Placement { offsets: Vec::new(), height: 0, lower_bound } };
    let best = improve(&rounded, best, lower_bound);
    Placement { offsets: best.offsets, height: best.height, lower_bound }
}

/// An order of placing, and what comes of it.
#[derive(Clone)]
struct Attempt {
    order: Vec<usize>,
    offsets: Vec<usize>,
    height: usize,
}

impl Attempt {
    /// Places in this order, each buffer at the lowest offset at which it meets none that is placed already.
    fn new(buffers: &[Buffer], order: Vec<usize>) -> Self {
        let mut offsets = vec![0usize; buffers.len()];
        let mut height = 0usize;
        // What is placed, by offset.
        let mut placed: Vec<usize> = Vec::with_capacity(order.len());
        for &index in &order {
            let buffer = &buffers[index];
            if buffer.size == 0 {
                continue;
            }
            let mut offset = 0usize;
            for &other in &placed {
                if offsets[other] >= offset.saturating_add(buffer.size) {
                    break; // From here on, all start above the gap.
                }
                if buffers[other].meets(buffer) {
                    offset = offset.max(offsets[other].saturating_add(buffers[other].size));
                }
            }
            offsets[index] = offset;
            height = height.max(offset.saturating_add(buffer.size));
            let at = placed.partition_point(|&other| offsets[other] <= offset);
            placed.insert(at, index);
        }
        Self { order, offsets, height }
    }
}

/// The greedy orders. Ties go to the earlier buffer.
fn orders(buffers: &[Buffer], loads: &Loads) -> impl Iterator<Item = Vec<usize>> {
    let lifetime = |buffer: &Buffer| buffer.end() - buffer.lower;
    let area = move |buffer: &Buffer| buffer.size as u128 * lifetime(buffer) as u128;
    let peaks: Vec<usize> = buffers.iter().map(|buffer| loads.peak(buffer)).collect();
    let by = |key: &dyn Fn(usize, &Buffer) -> (u128, u128)| {
        let mut order: Vec<usize> = (0..buffers.len()).collect();
        order.sort_by_cached_key(|&index| Reverse(key(index, &buffers[index])));
        order
    };
    let early = |buffer: &Buffer| u128::MAX - buffer.lower as u128;
    [
        // What lives at the busiest steps first.
        by(&|index, buffer| (peaks[index] as u128, area(buffer))),
        by(&|_, buffer| (buffer.size as u128, lifetime(buffer) as u128)),
        by(&|_, buffer| (area(buffer), buffer.size as u128)),
        by(&|_, buffer| (lifetime(buffer) as u128, buffer.size as u128)),
        by(&|_, buffer| (early(buffer), buffer.size as u128)),
        by(&|_, buffer| (early(buffer), lifetime(buffer) as u128)),
    ]
    .into_iter()
}

/// Moves buffers at the top of the arena, or what they rest on, to the front of the order, and keeps what is no worse.
fn improve(buffers: &[Buffer], mut best: Attempt, lower_bound: usize) -> Attempt {
    let work = buffers.len().saturating_mul(buffers.len()).max(1);
    let mut random = Xorshift(0x9e37_79b9_7f4a_7c15);
    for _ in 0..(IMPROVEMENT_WORK / work).min(IMPROVEMENT_TRIES) {
        if best.height == lower_bound {
            break;
        }
        let mut order = best.order.clone();
        let tower = tower(buffers, &best);
        let moved = tower[random.below(tower.len())];
        let Some(from) = order.iter().position(|&index| index == moved) else { break };
        let to = random.below(from + 1);
        order[to..=from].rotate_right(1);
        let attempt = Attempt::new(buffers, order);
        if attempt.height <= best.height {
            best = attempt;
        }
    }
    best
}

/// The highest buffer, what it rests on, what that rests on, and so on down.
fn tower(buffers: &[Buffer], attempt: &Attempt) -> Vec<usize> {
    let top = |index: usize| attempt.offsets[index].saturating_add(buffers[index].size);
    let mut current = (0..buffers.len()).find(|&index| top(index) == attempt.height);
    let mut tower = Vec::new();
    while let Some(index) = current {
        tower.push(index);
        let floor = attempt.offsets[index];
        let below =
            |&other: &usize| buffers[other].size > 0 && top(other) == floor && buffers[other].meets(&buffers[index]);
        current = if floor == 0 { None } else { (0..buffers.len()).find(below) };
    }
    tower
}

/// How many bytes live at each time. Times are the steps at which a buffer begins or ends.
struct Loads {
    steps: Vec<usize>,
    bytes: Vec<usize>,
}

impl Loads {
    fn new(buffers: &[Buffer]) -> Self {
        let mut steps: Vec<usize> = buffers.iter().flat_map(|buffer| [buffer.lower, buffer.end()]).collect();
        steps.sort_unstable();
        steps.dedup();
        let mut begins = vec![0usize; steps.len()];
        let mut ends = vec![0usize; steps.len()];
        for buffer in buffers {
            let at = |step: usize| steps.partition_point(|&other| other < step);
            let (begin, end) = (at(buffer.lower), at(buffer.end()));
            begins[begin] = begins[begin].saturating_add(buffer.size);
            ends[end] = ends[end].saturating_add(buffer.size);
        }
        let live = begins.iter().zip(&ends).scan(0usize, |live, (begin, end)| {
            *live = live.saturating_add(*begin).saturating_sub(*end);
            Some(*live)
        });
        let bytes = live.collect();
        Self { steps, bytes }
    }

    fn max(&self) -> usize {
        self.bytes.iter().copied().max().unwrap_or(0)
    }

    /// The most that lives at a step at which the buffer does.
    fn peak(&self, buffer: &Buffer) -> usize {
        let first = self.steps.partition_point(|&step| step < buffer.lower);
        let last = self.steps.partition_point(|&step| step < buffer.end());
        self.bytes[first..last].iter().copied().max().unwrap_or(0)
    }
}

/// Marsaglia's generator (Xorshift RNGs, 2003): the same numbers in every build.
struct Xorshift(u64);

impl Xorshift {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::validate;
    use super::*;

    fn buffer(lower: usize, upper: usize, size: usize) -> Buffer {
        Buffer { lower, upper, size }
    }

    #[test]
    fn what_does_not_meet_shares_bytes() {
        let placement = place(&[buffer(0, 2, 100), buffer(2, 4, 60), buffer(1, 3, 10)], 64);
        assert_eq!(placement.lower_bound, 192);
        assert_eq!(placement.height, 192);
        assert_eq!(placement.offsets[0], placement.offsets[1]);
    }

    #[test]
    fn nothing_needs_no_bytes() {
        assert_eq!(place(&[], 64), Placement { offsets: vec![], height: 0, lower_bound: 0 });
        assert_eq!(place(&[buffer(0, 9, 0)], 64).height, 0);
    }

    #[test]
    fn an_empty_lifetime_still_needs_its_bytes() {
        let buffers = [buffer(3, 3, 8), buffer(0, 9, 8)];
        let placement = place(&buffers, 8);
        assert_eq!(placement.height, 16);
        validate(&buffers, &placement, 8).unwrap();
    }

    #[test]
    fn sizes_that_overflow_do_not_panic() {
        place(&[buffer(0, 3, usize::MAX), buffer(1, usize::MAX, usize::MAX - 3)], 64);
    }

    /// A chain of activations that live until their gradients: the shape of a training step.
    fn training_step(layers: usize) -> Vec<Buffer> {
        let sizes = |layer: usize| 64 * (1 + (layer * 7919) % 97);
        let forward = (0..layers).map(|layer| buffer(layer, 2 * layers - layer, sizes(layer)));
        let backward = (0..layers).map(|layer| buffer(2 * layers - layer - 1, 2 * layers - layer + 1, sizes(layer)));
        forward.chain(backward).collect()
    }

    #[test]
    fn training_steps_reach_the_lower_bound() {
        for layers in [1, 2, 5, 40, 300] {
            let buffers = training_step(layers);
            let placement = place(&buffers, 64);
            validate(&buffers, &placement, 64).unwrap();
            assert_eq!(placement.height, placement.lower_bound, "{layers} layers");
        }
    }

    /// Cuts a full rectangle into buffers, so that the best height is known.
    fn cut(cuts: &[(usize, bool, usize)], width: usize, height: usize) -> Vec<Buffer> {
        let mut pieces = vec![(0, width, height)];
        for &(which, across_time, at) in cuts {
            let which = which % pieces.len();
            let (lower, upper, size) = pieces[which];
            if across_time && upper - lower > 1 {
                let middle = lower + 1 + at % (upper - lower - 1);
                pieces[which] = (lower, middle, size);
                pieces.push((middle, upper, size));
            } else if !across_time && size > 1 {
                let part = 1 + at % (size - 1);
                pieces[which] = (lower, upper, part);
                pieces.push((lower, upper, size - part));
            }
        }
        pieces.into_iter().map(|(lower, upper, size)| buffer(lower, upper, size)).collect()
    }

    proptest! {
        #[test]
        fn placements_are_valid_and_deterministic(
            raw in prop::collection::vec((0usize..60, 0usize..25, 0usize..5000), 0..80),
            align in prop::sample::select(vec![0usize, 1, 4, 64, 100]),
        ) {
            let buffers: Vec<Buffer> = raw.iter().map(|&(lower, steps, size)| buffer(lower, lower + steps, size)).collect();
            let placement = place(&buffers, align);
            prop_assert_eq!(validate(&buffers, &placement, align), Ok(()));
            prop_assert!(placement.height >= placement.lower_bound);
            prop_assert_eq!(place(&buffers, align), placement);
        }

        #[test]
        fn puzzles_come_near_their_known_height(
            cuts in prop::collection::vec((any::<usize>(), any::<bool>(), any::<usize>()), 0..60),
        ) {
            let buffers = cut(&cuts, 100, 1000);
            let placement = place(&buffers, 1);
            prop_assert_eq!(validate(&buffers, &placement, 1), Ok(()));
            prop_assert_eq!(placement.lower_bound, 1000);
            prop_assert!(placement.height <= 1500, "height {}", placement.height);
        }
    }
}
