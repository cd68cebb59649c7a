//! How much lives when.

use super::Buffer;

/// How many bytes live at each time. Times are the steps at which a buffer begins or ends.
pub(super) struct Loads {
    steps: Vec<usize>,
    bytes: Vec<usize>,
}

impl Loads {
    pub(super) fn new(buffers: &[Buffer]) -> Self {
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

    pub(super) fn max(&self) -> usize {
        self.bytes.iter().copied().max().unwrap_or(0)
    }

    /// The most that lives at a step at which the buffer does.
    pub(super) fn peak(&self, buffer: &Buffer) -> usize {
        let first = self.steps.partition_point(|&step| step < buffer.lower);
        let last = self.steps.partition_point(|&step| step < buffer.end());
        self.bytes[first..last].iter().copied().max().unwrap_or(0)
    }

    /// How many times a buffer and a step at which something changes come together.
    pub(super) fn visits(&self, buffers: &[Buffer]) -> usize {
        let at = |step: usize| self.steps.partition_point(|&other| other < step);
        buffers.iter().map(|buffer| at(buffer.end()) - at(buffer.lower)).sum()
    }
}
