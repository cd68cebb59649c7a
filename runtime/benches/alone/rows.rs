//! Reductions, as they are emitted.

use kiln::engine::{Part, fold_columns, sweep};
use kiln::simd::Simd;

use super::{Alone, Buffer, Kernel};

/// What is made of a matrix.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reduction {
    /// The sum of each column.
    ColumnSums,
    /// Each row's softmax.
    Softmax,
}

impl Reduction {
    /// All of them with their names.
    pub(crate) const ALL: [(&'static str, Self); 2] = [("column_sums", Self::ColumnSums), ("softmax", Self::Softmax)];

    /// The reduction of so many rows and columns.
    ///
    /// # Errors
    /// For 0 threads.
    pub(crate) fn of(self, [rows, cols]: [usize; 2], threads: usize) -> kiln::Result<Alone> {
        let (x, y) = (Buffer::random(rows * cols, 1, -5.0, 5.0), Buffer::zeros(rows * cols));
        Alone::new(threads, Reduced { reduction: self, size: [rows, cols], x, y })
    }
}

struct Reduced {
    reduction: Reduction,
    size: [usize; 2],
    x: Buffer<f32>,
    y: Buffer<f32>,
}

impl Kernel for Reduced {
    fn scratch(&self) -> usize {
        0
    }

    fn flops(&self) -> f64 {
        (self.size[0] * self.size[1]) as f64
    }

    #[inline(always)]
    unsafe fn part<S: Simd<f32>>(&self, s: S, part: &Part<'_>) {
        let ([rows, cols], x, y) = (self.size, self.x.at(), self.y.at());
        // SAFETY: both matrices have this size, and members' columns and rows are apart.
        unsafe {
            match self.reduction {
                Reduction::ColumnSums => fold_columns(
                    s,
                    rows,
                    part.tile(1, cols).1,
                    0.0,
                    #[inline(always)]
                    |sum, row, col, n| s.add(sum, s.load_n(x.add(row * cols + col), n)),
                    #[inline(always)]
                    |a, b| s.add(a, b),
                    #[inline(always)]
                    |v, col, n| s.store_n(y.add(col), v, n),
                ),
                Reduction::Softmax => {
                    for row in part.rows(rows) {
                        softmax(s, cols, x.add(row * cols), y.add(row * cols));
                    }
                }
            }
        }
    }
}

/// The softmax of a row.
///
/// # Safety
/// So many columns are readable at `x`, and writable at `y`.
#[inline(always)]
unsafe fn softmax<S: Simd<f32>>(s: S, cols: usize, x: *const f32, y: *mut f32) {
    let lowest = s.splat(f32::NEG_INFINITY);
    let (mut most, mut sums) = (lowest, s.splat(0.0));
    // SAFETY: within the row.
    unsafe {
        sweep(
            s,
            0..cols,
            #[inline(always)]
            |col, n| most = s.max(most, s.first(n, s.load_n(x.add(col), n), lowest)),
        );
        let most = s.splat(s.max_lane(most));
        sweep(
            s,
            0..cols,
            #[inline(always)]
            |col, n| {
                let e = s.exp(s.sub(s.load_n(x.add(col), n), most));
                s.store_n(y.add(col), e, n);
                sums = s.add(sums, s.first(n, e, s.splat(0.0)));
            },
        );
        let sum = s.splat(s.sum(sums));
        sweep(
            s,
            0..cols,
            #[inline(always)]
            |col, n| s.store_n(y.add(col), s.div(s.load_n(y.add(col), n), sum), n),
        );
    }
}
