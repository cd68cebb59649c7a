//! Convolutions and their gradients.

use core::ops::Range;

use crate::kernels::{
    Conv2dShape, conv2d, conv2d_input_grad, conv2d_input_grad_scratch, conv2d_scratch, conv2d_weight_grad,
    conv2d_weight_grad_scratch,
};
use crate::simd::{Float, Simd};

use super::{Sum, assert_close, bits, everywhere, nan, random, splits, with_scratch};

/// Images of a batch.
pub(super) const IMAGES: usize = 3;

/// Sizes with the output that they give.
fn shape(
    input: [usize; 2],
    [channels, filters, groups]: [usize; 3],
    kernel: [usize; 2],
    stride: [usize; 2],
    pad: [[usize; 2]; 2],
    dilation: [usize; 2],
) -> Conv2dShape {
    let output = [0, 1].map(|i| (input[i] + pad[0][i] + pad[1][i] - (kernel[i] - 1) * dilation[i] - 1) / stride[i] + 1);
    let [pad_low, pad_high] = pad;
    Conv2dShape { input, channels, kernel, filters, output, stride, pad_low, pad_high, dilation, groups }
}

/// Ones, primes, tails, and every setting.
pub(super) fn shapes() -> Vec<Conv2dShape> {
    let none = [[0, 0], [0, 0]];
    let mut all = vec![
        shape([1, 1], [1, 1, 1], [1, 1], [1, 1], none, [1, 1]),
        shape([5, 7], [3, 10, 1], [3, 3], [1, 1], [[1, 1], [1, 1]], [1, 1]),
        shape([6, 5], [2, 17, 1], [3, 2], [2, 2], [[0, 1], [1, 0]], [1, 1]),
        shape([7, 8], [4, 6, 2], [3, 3], [1, 2], [[1, 0], [2, 1]], [1, 1]),
        shape([9, 8], [3, 5, 1], [2, 3], [1, 1], none, [2, 3]),
        shape([9, 9], [6, 6, 6], [3, 3], [2, 1], [[1, 1], [1, 1]], [1, 2]),
        shape([8, 6], [6, 36, 2], [3, 3], [1, 1], [[1, 1], [1, 1]], [2, 1]),
        shape([4, 4], [40, 3, 1], [1, 1], [1, 1], none, [1, 1]),
        shape([5, 5], [17, 9, 1], [2, 2], [3, 3], none, [1, 1]),
        shape([2, 2], [1, 33, 1], [3, 3], [1, 1], [[3, 2], [2, 3]], [1, 1]),
        shape([18, 17], [1, 16, 1], [3, 3], [1, 1], none, [1, 1]),
        shape([4, 5], [16, 24, 1], [2, 2], [1, 1], none, [1, 1]),
    ];
    for channels in [1, 3, 5] {
        for filters in [1, 3, 10, 32] {
            all.push(shape([5, 6], [channels, filters, 1], [3, 3], [1, 1], none, [1, 1]));
        }
    }
    all
}

/// Calls `f(x, w, g)` with the indices of each product of the convolution.
pub(super) fn terms(shape: &Conv2dShape, mut f: impl FnMut(usize, usize, usize)) {
    let Conv2dShape { input, channels, kernel, filters, output, stride, pad_low, dilation, groups, .. } = *shape;
    let (depth, part) = (channels / groups, filters / groups);
    for image in 0..IMAGES {
        for (oy, ox) in (0..output[0]).flat_map(|y| (0..output[1]).map(move |x| (y, x))) {
            for (ky, kx) in (0..kernel[0]).flat_map(|y| (0..kernel[1]).map(move |x| (y, x))) {
                let y = (oy * stride[0] + ky * dilation[0]).wrapping_sub(pad_low[0]);
                let x = (ox * stride[1] + kx * dilation[1]).wrapping_sub(pad_low[1]);
                if y >= input[0] || x >= input[1] {
                    continue;
                }
                for filter in 0..filters {
                    for c in 0..depth {
                        f(
                            ((image * input[0] + y) * input[1] + x) * channels + filter / part * depth + c,
                            ((ky * kernel[1] + kx) * depth + c) * filters + filter,
                            ((image * output[0] + oy) * output[1] + ox) * filters + filter,
                        );
                    }
                }
            }
        }
    }
}

/// Images, kernels and gradients of the result.
pub(super) fn data<E: Float>(shape: &Conv2dShape) -> [Vec<E>; 3] {
    let images = IMAGES * shape.input[0] * shape.input[1] * shape.channels;
    let weights = shape.kernel[0] * shape.kernel[1] * shape.channels / shape.groups * shape.filters;
    let results = IMAGES * shape.output[0] * shape.output[1] * shape.filters;
    [random(images, 1), random(weights, 2), random(results, 3)]
}

/// Compares a kernel with its twin, and the bits of every split with each other.
pub(super) fn check<E: Float, P>(what: &str, want: &[Sum], terms: usize, splits: Vec<P>, kernel: impl Fn(P, *mut E)) {
    let mut first: Option<Vec<E>> = None;
    for split in splits {
        let mut got = vec![nan::<E>(); want.len()];
        kernel(split, got.as_mut_ptr());
        assert_close(&got, want, terms, what);
        let first = first.get_or_insert_with(|| got.clone());
        assert_eq!(bits(first), bits(&got), "{what}: bits depend on the split");
    }
}

fn forward<S: Simd<E>, E: Float>(s: S) {
    for shape in shapes() {
        let [x, w, g] = data::<E>(&shape);
        let mut want = vec![Sum::default(); g.len()];
        terms(&shape, |i, j, k| want[k].add(x[i], w[j]));
        check(&format!("{shape:?}"), &want, w.len() / shape.filters, splits(IMAGES), |split, to: *mut E| {
            for images in split {
                with_scratch(conv2d_scratch(shape), |scratch| {
                    // SAFETY: the data have these sizes.
                    s.vectorize(|| unsafe {
                        conv2d(
                            s,
                            scratch,
                            images,
                            shape,
                            x.as_ptr(),
                            w.as_ptr(),
                            #[inline(always)]
                            |v, position, channel, lanes| {
                                s.store_n(to.add(position * shape.filters + channel), v, lanes);
                            },
                        );
                    });
                });
            }
        });
    }
}

#[test]
fn convolutions() {
    everywhere!(forward);
}

fn input_grad<S: Simd<E>, E: Float>(s: S) {
    for shape in shapes() {
        let [x, w, g] = data::<E>(&shape);
        let mut want = vec![Sum::default(); x.len()];
        terms(&shape, |i, j, k| want[i].add(g[k], w[j]));
        check(&format!("{shape:?}"), &want, w.len() / shape.channels, splits(IMAGES), |split, to: *mut E| {
            for images in split {
                with_scratch(conv2d_input_grad_scratch(shape), |scratch| {
                    // SAFETY: the data have these sizes.
                    s.vectorize(|| unsafe {
                        conv2d_input_grad(
                            s,
                            scratch,
                            images,
                            shape,
                            g.as_ptr(),
                            w.as_ptr(),
                            #[inline(always)]
                            |v, position, channel, lanes| {
                                s.store_n(to.add(position * shape.channels + channel), v, lanes);
                            },
                        );
                    });
                });
            }
        });
    }
}

#[test]
fn gradients_of_images() {
    everywhere!(input_grad);
}

fn weight_grad<S: Simd<E>, E: Float>(s: S) {
    for shape in shapes() {
        let [x, w, g] = data::<E>(&shape);
        let mut want = vec![Sum::default(); w.len()];
        terms(&shape, |i, j, k| want[j].add(x[i], g[k]));
        let rows = w.len() / shape.filters;
        let parts: Vec<[Vec<Range<usize>>; 2]> = splits(rows)
            .into_iter()
            .zip(splits(shape.filters))
            .chain([(splits(rows).remove(0), splits(shape.filters).remove(1))])
            .map(|(rows, cols)| [rows, cols])
            .collect();
        check(&format!("{shape:?}"), &want, g.len() / shape.filters, parts, |[rows, cols], to: *mut E| {
            for rows in rows {
                for cols in &cols {
                    with_scratch(conv2d_weight_grad_scratch(shape), |scratch| {
                        // SAFETY: the data have these sizes.
                        s.vectorize(|| unsafe {
                            conv2d_weight_grad(
                                s,
                                scratch,
                                rows.clone(),
                                cols.clone(),
                                IMAGES,
                                shape,
                                x.as_ptr(),
                                g.as_ptr(),
                                #[inline(always)]
                                |v, row, col, lanes| s.store_n(to.add(row * shape.filters + col), v, lanes),
                            );
                        });
                    });
                }
            }
        });
    }
}

#[test]
fn gradients_of_kernels() {
    everywhere!(weight_grad);
}
