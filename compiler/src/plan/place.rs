//! The placement of buffers in an arena, apart from what they hold: rectangles of given lifetime and size get
//! offsets so that the arena is as small as can be found. The problem is NP-hard (dynamic storage allocation, Garey
//! and Johnson SR2), so: several greedy orders, then a local search over orders, then an exact search. The work is
//! bounded by counts, never by a clock, so that the same input gives the same arena.

use super::exact::{Outcome, exact};
use super::greedy::{greedy, improve};
use super::loads::Loads;

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
    pub(super) fn meets(&self, other: &Self) -> bool {
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

/// How much work a placement is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// How many pairs of buffers the local search may compare.
    pub pairs: usize,
    /// How many times the exact search may look at a buffer in a section (all of them at every node).
    pub looks: usize,
}

impl Effort {
    /// For a compiler that runs in every build: tens of milliseconds for a thousand buffers.
    pub const BUILD: Self = Self { pairs: 2_000_000, looks: 4_000_000 };
    /// For problems of their own: up to some seconds.
    pub const THOROUGH: Self = Self { pairs: 200_000_000, looks: 4_000_000_000 };
}

/// How many heights between the lower bound and the best one known the exact search tries.
const HEIGHTS: usize = 6;

/// Places the buffers at multiples of `align`, as low as can be found with the effort of a build.
pub fn place(buffers: &[Buffer], align: usize) -> Placement {
    place_within(buffers, align, 0, Effort::BUILD)
}

/// Places the buffers at multiples of `align`. An arena of `capacity` is good enough; where none that small is found,
/// the smallest that is.
pub fn place_within(buffers: &[Buffer], align: usize, capacity: usize, effort: Effort) -> Placement {
    let align = align.max(1);
    let rounded: Vec<Buffer> = buffers
        .iter()
        .map(|buffer| Buffer { size: buffer.size.div_ceil(align).saturating_mul(align), ..*buffer })
        .collect();
    let loads = Loads::new(&rounded);
    let lower_bound = loads.max();
    let target = capacity.max(lower_bound);
    let best = improve(&rounded, greedy(&rounded, &loads, target), target, effort.pairs);
    let (mut offsets, mut height) = (best.offsets, best.height);
    // Below this, nothing was found.
    let mut low = target;
    let mut nodes = effort.looks / loads.visits(&rounded).max(1);
    let mut goal = target;
    for _ in 0..HEIGHTS {
        if height <= target || goal >= height || height == usize::MAX {
            break;
        }
        match exact(&rounded, goal, nodes) {
            Outcome::Found(found) => {
                let top = |(buffer, offset): (&Buffer, &usize)| offset.saturating_add(buffer.size);
                height = rounded.iter().zip(&found).map(top).max().unwrap_or(0);
                offsets = found;
            }
            Outcome::Impossible | Outcome::Unknown => low = goal + 1,
        }
        // The first attempt, at the target itself, is worth the most.
        if goal == target {
            nodes /= 8;
        }
        goal = low + height.saturating_sub(low) / 2;
    }
    Placement { offsets, height, lower_bound }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::puzzles::{Cut, Random};
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
    }

    /// Cuts of all kinds: few and many, fine and coarse.
    fn cut(pieces: usize, seed: u64) -> Cut {
        let grain = [1, 1024][seed as usize % 2];
        Cut { pieces, steps: 1 << 20, bytes: 1 << 20, grain, across: 30 + 10 * (seed as usize % 5), largest: true }
    }

    #[test]
    fn tight_problems_are_solved_to_the_bound() {
        let (sizes, seeds): (&[usize], u64) =
            if cfg!(debug_assertions) { (&[150], 2) } else { (&[150, 250, 350, 450], 10) };
        for &pieces in sizes {
            for seed in 0..seeds {
                let buffers = cut(pieces, seed).puzzle(seed);
                let placement = place_within(&buffers, 1, 1 << 20, Effort::THOROUGH);
                validate(&buffers, &placement, 1).unwrap();
                assert_eq!(placement.lower_bound, 1 << 20);
                assert_eq!(placement.height, 1 << 20, "{pieces} pieces, seed {seed}");
            }
        }
    }

    #[test]
    fn small_tight_problems_pass_the_validator() {
        let problems = if cfg!(debug_assertions) { 1_000 } else { 100_000 };
        let mut random = Random::new(1);
        for seed in 0..problems {
            let (steps, bytes) = (2 + random.below(40), 2 + random.below(60));
            let (pieces, across) = (1 + random.below(25), 10 + random.below(80));
            let cut = Cut { pieces, steps, bytes, grain: 1, across, largest: seed % 2 == 0 };
            let buffers = cut.puzzle(seed);
            let placement = place(&buffers, 1);
            validate(&buffers, &placement, 1).unwrap();
            assert_eq!(placement.lower_bound, bytes);
            assert_eq!(placement.height, bytes, "{cut:?}, seed {seed}: {buffers:?}");
        }
    }

    #[test]
    fn more_capacity_than_needed_is_left_alone() {
        let buffers = [buffer(0, 2, 4), buffer(1, 3, 4)];
        let placement = place_within(&buffers, 1, 100, Effort::BUILD);
        assert_eq!((placement.height, placement.lower_bound), (8, 8));
    }
}
