//! How many bytes live while kernels run.

use super::problem::Problem;

/// Readers to come of a value that does not die.
pub(super) const NEVER: usize = usize::MAX;

/// A run through kernels that counts the readers to come of each value.
pub(super) struct Walk<'a> {
    problem: &'a Problem,
    /// For each value, its readers to come.
    pub left: Vec<usize>,
    /// The bytes that live.
    pub live: i128,
}

impl<'a> Walk<'a> {
    /// A run from the beginning.
    pub(super) fn new(problem: &'a Problem) -> Self {
        let readers = |value: &super::problem::Value| if value.kept { NEVER } else { value.readers.len() };
        Self { problem, left: problem.values.iter().map(readers).collect(), live: 0 }
    }

    /// Runs a kernel; the bytes that live meanwhile. What it writes in place of what dies with it needs no room.
    pub(super) fn step(&mut self, kernel: usize) -> i128 {
        let problem = self.problem;
        let mut freed = 0;
        for &read in &problem.reads[kernel] {
            if self.left[read] != NEVER {
                self.left[read] -= 1;
                if self.left[read] == 0 {
                    freed += problem.values[read].bytes;
                }
            }
        }
        let mut stored = 0;
        for &value in &problem.writes[kernel] {
            let bytes = problem.values[value].bytes;
            stored += bytes;
            if self.left[value] == 0 {
                freed += bytes;
            }
        }
        let mut during = self.live + stored;
        let mut taken = Vec::new();
        for (value, over) in &problem.heirs[kernel] {
            if let Some(&old) = over.iter().find(|old| self.left[**old] == 0 && !taken.contains(*old)) {
                taken.push(old);
                during -= problem.values[*value].bytes;
            }
        }
        self.live += stored - freed;
        during
    }
}

/// The most bytes that live at once in an order.
pub(super) fn peak(problem: &Problem, order: &[usize]) -> i128 {
    let mut walk = Walk::new(problem);
    order.iter().map(|&kernel| walk.step(kernel)).max().unwrap_or(0)
}
