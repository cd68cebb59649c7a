//! Placing in some order, each buffer as low as it fits: several orders that are known to do well, then a local
//! search over orders in the manner of the hill climb of Arm's Vela compiler.

use std::cmp::Reverse;

use super::Buffer;
use super::loads::Loads;

/// How many orders the local search may try.
const TRIES: usize = 400;

/// An order of placing, and what comes of it.
#[derive(Clone)]
pub(super) struct Attempt {
    order: Vec<usize>,
    pub(super) offsets: Vec<usize>,
    pub(super) height: usize,
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

/// The best of the greedy orders; it stops at one that reaches the target.
pub(super) fn greedy(buffers: &[Buffer], loads: &Loads, target: usize) -> Attempt {
    let mut orders = orders(buffers, loads);
    let mut best = Attempt::new(buffers, orders.next().unwrap_or_default());
    for order in orders {
        if best.height <= target {
            break;
        }
        let attempt = Attempt::new(buffers, order);
        if attempt.height < best.height {
            best = attempt;
        }
    }
    best
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
/// It stops at the target, or when so many pairs of buffers may have been compared.
pub(super) fn improve(buffers: &[Buffer], mut best: Attempt, target: usize, pairs: usize) -> Attempt {
    let work = buffers.len().saturating_mul(buffers.len()).max(1);
    let mut random = Xorshift(0x9e37_79b9_7f4a_7c15);
    for _ in 0..(pairs / work).min(TRIES) {
        if best.height <= target {
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
