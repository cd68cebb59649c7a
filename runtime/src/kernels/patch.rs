//! What a window of a convolution covers of an image: the gradients under a max-pool go through it for each winner.

use super::MAX_LANES;
use super::conv2d::Conv2dShape;
use super::tile::padded;

/// Vectors of a patch's run that are held in registers at a time.
pub(super) const HELD: usize = 12;

/// What a window of the convolution covers of a padded image: for each row of the kernel a run of memory, gone
/// through in chunks of vectors.
#[derive(Clone, Copy)]
pub(super) struct Patch {
    /// Runs.
    pub(super) runs: usize,
    /// Elements of a run.
    pub(super) run: usize,
    /// From one run to the next.
    pub(super) pitch: usize,
    /// Vectors of a run.
    pub(super) vectors: usize,
}

impl Patch {
    #[inline(always)]
    pub(super) fn of(shape: &Conv2dShape, lanes: usize) -> Self {
        let run = shape.kernel[1] * shape.channels;
        let pitch = shape.padded_input()[1] * shape.channels;
        Self { runs: shape.kernel[0], run, pitch, vectors: run.div_ceil(lanes) }
    }

    /// Calls `f` with each chunk of a run: the run, its first vector, and how many.
    #[inline(always)]
    pub(super) fn chunks(&self, mut f: impl FnMut(usize, usize, usize)) {
        for row in 0..self.runs {
            for first in (0..self.vectors).step_by(HELD) {
                f(row, first, HELD.min(self.vectors - first));
            }
        }
    }

    /// How many lanes of a vector of a run belong to it.
    #[inline(always)]
    pub(super) fn lanes(&self, vector: usize, lanes: usize) -> usize {
        (self.run - vector * lanes).min(lanes)
    }
}

/// Elements of a filter's patch, each run in whole vectors.
pub(super) const fn patch_scratch(shape: &Conv2dShape) -> usize {
    shape.kernel[0] * padded(shape.kernel[1] * shape.channels, MAX_LANES)
}
