//! Products. Their sizes are not known when they are compiled, as rows and depths of generated code often are not.

use kiln::engine::Part;
use kiln::kernels::{Matrix, gemm, gemm_scratch};
use kiln::simd::Simd;

use super::{Alone, Buffer, Kernel};

/// Which operand is transposed: forward, gradient of the left operand, gradient of the right one.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Layout {
    /// `[M, K] · [K, N]`
    Nn,
    /// `[M, K] · [N, K]ᵀ`
    Nt,
    /// `[K, M]ᵀ · [K, N]`
    Tn,
}

impl Layout {
    /// All of them with their names.
    pub(crate) const ALL: [(&'static str, Self); 3] =
        [("gemm_nn", Self::Nn), ("gemm_nt", Self::Nt), ("gemm_tn", Self::Tn)];
}

/// A product of `m` rows, `n` columns and depth `k`.
///
/// # Errors
/// For 0 threads.
pub(crate) fn product(layout: Layout, [m, n, k]: [usize; 3], threads: usize) -> kiln::Result<Alone> {
    let (a, b) = (Buffer::random(m * k, 1, -1.0, 1.0), Buffer::random(k * n, 2, -1.0, 1.0));
    Alone::new(threads, Product { layout, size: [m, n, k], a, b, c: Buffer::zeros(m * n) })
}

struct Product {
    layout: Layout,
    size: [usize; 3],
    a: Buffer<f32>,
    b: Buffer<f32>,
    c: Buffer<f32>,
}

impl Kernel for Product {
    fn scratch(&self) -> usize {
        gemm_scratch(self.size[2])
    }

    fn flops(&self) -> f64 {
        2.0 * self.size.iter().map(|&size| size as f64).product::<f64>()
    }

    #[inline(always)]
    unsafe fn part<S: Simd<f32>>(&self, s: S, part: &Part<'_>) {
        let ([m, n, k], c) = (self.size, self.c.at());
        let plain = |buffer: &Buffer<f32>, row| Matrix { ptr: buffer.at().cast_const(), row, col: 1 };
        let transposed = |buffer: &Buffer<f32>, col| Matrix { ptr: buffer.at().cast_const(), row: 1, col };
        // A call for each layout: unit strides are literals in generated code, too.
        let (rows, cols) = part.tile(m, n);
        macro_rules! gemm {
            ($a:expr, $b:expr) => {
                gemm(
                    s,
                    part.scratch(),
                    rows,
                    cols,
                    k,
                    $a,
                    $b,
                    #[inline(always)]
                    |v, row, col, lanes| s.store_n(c.add(row * n + col), v, lanes),
                )
            };
        }
        // SAFETY: the operands and the result have these sizes, and members' tiles are apart.
        unsafe {
            match self.layout {
                Layout::Nn => gemm!(plain(&self.a, k), plain(&self.b, n)),
                Layout::Nt => gemm!(plain(&self.a, k), transposed(&self.b, k)),
                Layout::Tn => gemm!(transposed(&self.a, m), plain(&self.b, n)),
            }
        }
    }
}
