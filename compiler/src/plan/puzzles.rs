//! Tight problems for the tests: a rectangle, time across and bytes upwards, is cut into buffers, so that they fit
//! into its height with not a byte to spare.

use super::Buffer;

/// Marsaglia's generator (Xorshift RNGs, 2003).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        (0..8).for_each(|_| {
            random.below(2);
        });
        random
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 16) % limit.max(1) as u64) as usize
    }
}

/// How a puzzle is cut.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    pub(super) pieces: usize,
    pub(super) steps: usize,
    pub(super) bytes: usize,
    /// All cuts are at multiples of this.
    pub(super) grain: usize,
    /// Percentage of the cuts that are across time.
    pub(super) across: usize,
    /// Whether the largest piece is cut, or any.
    pub(super) largest: bool,
}

impl Cut {
    /// The pieces, shuffled.
    pub(super) fn puzzle(&self, seed: u64) -> Vec<Buffer> {
        let Self { steps, bytes, grain, .. } = *self;
        let mut random = Random::new(seed);
        let mut pieces = vec![Buffer { lower: 0, upper: steps, size: bytes }];
        for _ in 0..self.pieces * 20 {
            if pieces.len() >= self.pieces {
                break;
            }
            let area = |index: &usize| (pieces[*index].upper - pieces[*index].lower) * pieces[*index].size;
            let which = match self.largest {
                true => (0..3).map(|_| random.below(pieces.len())).max_by_key(area).unwrap_or(0),
                false => random.below(pieces.len()),
            };
            let Buffer { lower, upper, size } = pieces[which];
            let across = random.below(100) < self.across;
            let whole = if across { (upper - lower) / grain } else { size / grain };
            if whole < 2 {
                continue;
            }
            let part = (1 + random.below(whole - 1)) * grain;
            let (kept, new) = match across {
                true => (Buffer { lower, upper: lower + part, size }, Buffer { lower: lower + part, upper, size }),
                false => (Buffer { lower, upper, size: part }, Buffer { lower, upper, size: size - part }),
            };
            pieces[which] = kept;
            pieces.push(new);
        }
        for index in (1..pieces.len()).rev() {
            pieces.swap(index, random.below(index + 1));
        }
        pieces
    }
}
