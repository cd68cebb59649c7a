//! Convolutions with square kernels, no padding and stride 1, and their gradients; the same under a max-pool of 2 × 2.

use kiln::engine::Part;
use kiln::kernels::{
    Conv2dShape, Pool2dShape, conv2d, conv2d_input_grad, conv2d_input_grad_scratch, conv2d_max_pool2d,
    conv2d_max_pool2d_scratch, conv2d_pooled_input_grad, conv2d_pooled_input_grad_scratch, conv2d_pooled_weight_grad,
    conv2d_pooled_weight_grad_scratch, conv2d_scratch, conv2d_weight_grad, conv2d_weight_grad_scratch,
};
use kiln::simd::Simd;

use super::{Alone, Buffer, Kernel};

/// What is computed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pass {
    /// The convolution.
    Forward,
    /// The gradient of its images.
    InputGrad,
    /// The gradient of its kernels.
    WeightGrad,
    /// The convolution and the max-pool behind it.
    Pooled,
    /// The gradient of its images from the pool's.
    PooledInputGrad,
    /// The gradient of its kernels from the pool's.
    PooledWeightGrad,
}

impl Pass {
    /// All of them with their names.
    pub(crate) const ALL: [(&'static str, Self); 6] = [
        ("conv2d", Self::Forward),
        ("conv2d_input_grad", Self::InputGrad),
        ("conv2d_weight_grad", Self::WeightGrad),
        ("conv2d_max_pool2d", Self::Pooled),
        ("conv2d_pooled_input_grad", Self::PooledInputGrad),
        ("conv2d_pooled_weight_grad", Self::PooledWeightGrad),
    ];
}

/// The sizes of a convolution and of its pool: known when the kernel is compiled, as in generated code, or not.
trait Sizes: Copy + Send + Sync + 'static {
    fn conv(self) -> Conv2dShape;
    fn pool(self) -> Pool2dShape;
}

/// `[H, W, C]` images, `F` kernels of `K` × `K`.
#[derive(Clone, Copy)]
struct Fixed<const H: usize, const W: usize, const C: usize, const F: usize, const K: usize>;

impl<const H: usize, const W: usize, const C: usize, const F: usize, const K: usize> Sizes for Fixed<H, W, C, F, K> {
    #[inline(always)]
    fn conv(self) -> Conv2dShape {
        const { conv([H, W, C, F, K]) }
    }

    #[inline(always)]
    fn pool(self) -> Pool2dShape {
        const { pool([H, W, C, F, K]) }
    }
}

impl Sizes for [usize; 5] {
    fn conv(self) -> Conv2dShape {
        conv(self)
    }

    fn pool(self) -> Pool2dShape {
        pool(self)
    }
}

const fn conv([h, w, channels, filters, k]: [usize; 5]) -> Conv2dShape {
    Conv2dShape {
        input: [h, w],
        channels,
        kernel: [k, k],
        filters,
        output: [h + 1 - k, w + 1 - k],
        stride: [1, 1],
        pad_low: [0, 0],
        pad_high: [0, 0],
        dilation: [1, 1],
        groups: 1,
    }
}

const fn pool([h, w, _, filters, k]: [usize; 5]) -> Pool2dShape {
    let input = [h + 1 - k, w + 1 - k];
    Pool2dShape {
        input,
        channels: filters,
        size: [2, 2],
        stride: [2, 2],
        pad_low: [0, 0],
        output: [input[0] / 2, input[1] / 2],
    }
}

/// A convolution of `[h, w, c, f, k]`: images, channels, filters, kernel. The two of the MNIST tutorial are compiled for
/// their sizes, as in a network.
///
/// # Errors
/// For 0 threads.
pub(crate) fn convolution(pass: Pass, sizes: [usize; 5], images: usize, threads: usize) -> kiln::Result<Alone> {
    match sizes {
        [28, 28, 1, 32, 3] => of(pass, Fixed::<28, 28, 1, 32, 3>, images, threads),
        [13, 13, 32, 64, 3] => of(pass, Fixed::<13, 13, 32, 64, 3>, images, threads),
        _ => of(pass, sizes, images, threads),
    }
}

fn of(pass: Pass, sizes: impl Sizes, images: usize, threads: usize) -> kiln::Result<Alone> {
    let (shape, pool) = (sizes.conv(), sizes.pool());
    let windows = images * pool.output[0] * pool.output[1] * shape.filters;
    let random = |count, seed| Buffer::random(count, seed, -1.0, 1.0);
    let kernel = Convolution {
        pass,
        sizes,
        images,
        x: random(images * shape.input[0] * shape.input[1] * shape.channels, 1),
        w: random(terms(&shape) * shape.filters, 2),
        g: random(images * shape.output[0] * shape.output[1] * shape.filters, 3),
        // Winners at random, as data have them.
        index: Buffer::new(windows, |window| (kiln::simd::random(4, window as u64) * 4.0) as u8),
    };
    Alone::new(threads, kernel)
}

/// Terms of each result.
const fn terms(shape: &Conv2dShape) -> usize {
    shape.kernel[0] * shape.kernel[1] * shape.channels
}

struct Convolution<Z> {
    pass: Pass,
    sizes: Z,
    images: usize,
    /// Images, or their gradient.
    x: Buffer<f32>,
    /// Kernels, or their gradient.
    w: Buffer<f32>,
    /// The result, or its gradient.
    g: Buffer<f32>,
    index: Buffer<u8>,
}

impl<Z: Sizes> Kernel for Convolution<Z> {
    fn scratch(&self) -> usize {
        let (shape, pool) = (self.sizes.conv(), self.sizes.pool());
        match self.pass {
            Pass::Forward => conv2d_scratch(shape),
            Pass::InputGrad => conv2d_input_grad_scratch(shape),
            Pass::WeightGrad => conv2d_weight_grad_scratch(shape),
            Pass::Pooled => conv2d_max_pool2d_scratch(shape, pool),
            Pass::PooledInputGrad => conv2d_pooled_input_grad_scratch(shape, pool),
            Pass::PooledWeightGrad => conv2d_pooled_weight_grad_scratch(shape, pool),
        }
    }

    fn flops(&self) -> f64 {
        let shape = self.sizes.conv();
        let results = self.images * shape.output[0] * shape.output[1] * shape.filters;
        2.0 * results as f64 * terms(&shape) as f64
    }

    #[inline(always)]
    unsafe fn part<S: Simd<f32>>(&self, s: S, part: &Part<'_>) {
        let (shape, pool) = (self.sizes.conv(), self.sizes.pool());
        let (x, w, g, index) = (self.x.at(), self.w.at(), self.g.at(), self.index.at());
        let (images, scratch) = (part.rows(self.images), part.scratch());
        let (rows, cols) = part.tile(terms(&shape), shape.filters);
        // SAFETY: the buffers have these sizes, and members' images, tiles and filters are apart.
        unsafe {
            match self.pass {
                Pass::Forward => conv2d(
                    s,
                    scratch,
                    images,
                    shape,
                    x,
                    w,
                    #[inline(always)]
                    |v, position, filter, lanes| s.store_n(g.add(position * shape.filters + filter), v, lanes),
                ),
                Pass::InputGrad => conv2d_input_grad(
                    s,
                    scratch,
                    images,
                    shape,
                    g,
                    w,
                    #[inline(always)]
                    |v, position, channel, lanes| s.store_n(x.add(position * shape.channels + channel), v, lanes),
                ),
                Pass::WeightGrad => conv2d_weight_grad(
                    s,
                    scratch,
                    rows,
                    cols,
                    self.images,
                    shape,
                    x,
                    g,
                    #[inline(always)]
                    |v, row, col, lanes| s.store_n(w.add(row * shape.filters + col), v, lanes),
                ),
                Pass::Pooled => conv2d_max_pool2d(
                    s,
                    scratch,
                    images,
                    shape,
                    pool,
                    x,
                    w,
                    g,
                    index,
                    #[inline(always)]
                    |v, _, _, _| s.max(v, s.splat(0.0)),
                ),
                Pass::PooledInputGrad => conv2d_pooled_input_grad(
                    s,
                    scratch,
                    images,
                    shape,
                    pool,
                    g,
                    index,
                    w,
                    #[inline(always)]
                    |v, position, channel, lanes| s.store_n(x.add(position * shape.channels + channel), v, lanes),
                ),
                Pass::PooledWeightGrad => conv2d_pooled_weight_grad(
                    s,
                    scratch,
                    part.rows(shape.filters),
                    self.images,
                    shape,
                    pool,
                    x,
                    g,
                    index,
                    #[inline(always)]
                    |v, row, col, lanes| s.store_n(w.add(row * shape.filters + col), v, lanes),
                ),
            }
        }
    }
}
