//! The exact search for a placement within a capacity: two searches in turn.
//!
//! As in MiniMalloc (Moffitt, ASPLOS 2023), ranges of time that no unplaced buffer connects are searched apart from
//! each other. States that were seen to fail are remembered. The time that one order of the choices takes is a gamble
//! with heavy tails, so many orders are tried for a short while each (Gomes, Selman and Kautz, Boosting Combinatorial
//! Search Through Randomization, 1998).

use super::Buffer;
use super::floors::Floors;
use super::rise::{Rank, Rise};
use super::skyline::{Skyline, Taste};

/// Past this many nested choices, a branch is given up.
pub(super) const DEEPEST: usize = 2_000;

/// One in so many buffers is tried first for no reason, from the second try of each way on.
const LUCK: u64 = 8;

/// States that are remembered at most.
pub(super) const REMEMBERED: usize = 1 << 20;

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

/// What a try came to.
pub(super) enum Verdict {
    Found,
    Failed,
    Stopped,
}

/// How to search.
#[derive(Clone, Copy)]
enum Way {
    Skyline(Taste),
    Rise([Rank; 3]),
}

/// The ways, in the order of their turns. No order does well on all problems.
const WAYS: [Way; 12] = [
    Way::Skyline(Taste::Area),
    Way::Skyline(Taste::Long),
    Way::Skyline(Taste::Large),
    Way::Skyline(Taste::Short),
    Way::Rise([Rank::Load, Rank::Long, Rank::Area]),
    Way::Rise([Rank::Trouble, Rank::Long, Rank::Area]),
    Way::Rise([Rank::Load, Rank::Area, Rank::Long]),
    Way::Rise([Rank::Trouble, Rank::Area, Rank::Long]),
    Way::Rise([Rank::Long, Rank::Area, Rank::Load]),
    Way::Rise([Rank::Area, Rank::Long, Rank::Load]),
    Way::Rise([Rank::Trouble, Rank::Large, Rank::Long]),
    Way::Rise([Rank::Early, Rank::Large, Rank::Area]),
];

/// Looks for offsets within the capacity, in so many nodes at most.
pub(super) fn exact(buffers: &[Buffer], capacity: usize, nodes: usize) -> Outcome {
    search(buffers, capacity, nodes, &WAYS)
}

fn search(buffers: &[Buffer], capacity: usize, nodes: usize, ways: &[Way]) -> Outcome {
    let Some(floors) = Floors::new(buffers, capacity) else { return Outcome::Impossible };
    let mut skyline = Skyline::new(floors.clone());
    let mut rise = Rise::new(floors, buffers);
    let mut left = nodes;
    for round in 0.. {
        let (turn, way) = (round / ways.len(), round % ways.len());
        if left == 0 {
            break;
        }
        let share = |each: usize| luby(turn + 1).saturating_mul(buffers.len().saturating_mul(each).max(64)).min(left);
        // The first turn takes the orders as they are.
        let luck = if turn == 0 { 0 } else { round };
        let (given, verdict) = match ways[way] {
            Way::Skyline(taste) => (share(2), skyline.attempt(taste, luck, share(2))),
            Way::Rise(ranks) => (share(4), rise.attempt(ranks, luck, share(4))),
        };
        match (verdict, ways[way]) {
            (Verdict::Found, Way::Skyline(_)) => return Outcome::Found(skyline.offsets()),
            (Verdict::Found, Way::Rise(_)) => return Outcome::Found(rise.offsets()),
            (Verdict::Failed, _) => return Outcome::Impossible,
            (Verdict::Stopped, _) => left -= given,
        }
    }
    Outcome::Unknown
}

/// Whether an item comes first for no reason in this round; in round 0 none does.
pub(super) fn lucky(round: usize, item: usize) -> bool {
    round > 0 && mix(mix(round as u64) ^ item as u64).is_multiple_of(LUCK)
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

/// SplitMix64's finaliser (Steele, Lea and Flood, 2014).
pub(super) fn mix(value: u64) -> u64 {
    let mut value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::super::puzzles::Random;
    use super::super::{Placement, validate};
    use super::*;

    /// What every way finds: all must agree.
    fn found(buffers: &[Buffer], capacity: usize) -> bool {
        let decides = |way: &Way| match search(buffers, capacity, 1_000_000, &[*way]) {
            Outcome::Found(offsets) => {
                let placement = Placement { offsets, height: capacity, lower_bound: 0 };
                assert_eq!(validate(buffers, &placement, 1), Ok(()));
                true
            }
            Outcome::Impossible => false,
            Outcome::Unknown => panic!("not decided: {buffers:?}"),
        };
        let found: Vec<bool> = WAYS.iter().map(decides).collect();
        assert!(found.iter().all(|&one| one == found[0]), "{found:?} for {buffers:?} in {capacity}");
        found[0]
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
