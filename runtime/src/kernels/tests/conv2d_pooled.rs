//! Gradients of convolutions under a max-pool, against those by the whole image.

use crate::kernels::{
    Conv2dShape, Pool2dShape, conv2d_pooled_input_grad, conv2d_pooled_input_grad_scratch, conv2d_pooled_weight_grad,
    conv2d_pooled_weight_grad_scratch, max_pool2d, max_pool2d_grad,
};
use crate::simd::{Float, Simd};

use super::conv2d::{IMAGES, check, data, shapes, terms};
use super::{Sum, everywhere, nan, random, splits, with_scratch};

/// Convolutions that the kernels take, each with disjoint, gapped, overlapping and padded windows, as far as they fit.
fn cases() -> Vec<(Conv2dShape, Pool2dShape)> {
    let windows =
        [([2, 2], [2, 2], [0, 0]), ([2, 1], [3, 2], [0, 0]), ([3, 2], [1, 1], [1, 1]), ([1, 1], [1, 1], [0, 0])];
    let mut cases = Vec::new();
    for shape in shapes().into_iter().filter(|shape| shape.groups == 1 && shape.dilation == [1, 1]) {
        for (size, stride, pad_low) in windows {
            let input = shape.output;
            if [0, 1].into_iter().any(|axis| input[axis] + pad_low[axis] < size[axis]) {
                continue;
            }
            let output = [0, 1].map(|axis| (input[axis] + pad_low[axis] - size[axis]) / stride[axis] + 1);
            cases.push((shape, Pool2dShape { input, channels: shape.filters, size, stride, pad_low, output }));
        }
    }
    cases
}

/// The gradient of the pool's result, half of it zero; its winners; and what it is by the convolution's result.
fn gradients<S: Simd<E>, E: Float>(s: S, pool: &Pool2dShape) -> (Vec<E>, Vec<u8>, Vec<E>) {
    let windows = IMAGES * pool.output[0] * pool.output[1] * pool.channels;
    let image = random::<E>(IMAGES * pool.input[0] * pool.input[1] * pool.channels, 4);
    let g: Vec<E> = random::<E>(windows, 5).into_iter().map(|x| if x < E::ZERO { E::ZERO } else { x }).collect();
    let (mut index, mut spread) = (vec![0; windows], vec![nan::<E>(); image.len()]);
    // SAFETY: the data have these sizes.
    s.vectorize(|| unsafe {
        max_pool2d(s, 0..IMAGES, *pool, image.as_ptr(), core::ptr::null_mut(), index.as_mut_ptr());
        max_pool2d_grad(s, 0..IMAGES, *pool, g.as_ptr(), index.as_ptr(), spread.as_mut_ptr());
    });
    (g, index, spread)
}

fn weight_grad<S: Simd<E>, E: Float>(s: S) {
    for (shape, pool) in cases() {
        let [x, w, _] = data::<E>(&shape);
        let (g, index, spread) = gradients(s, &pool);
        let mut want = vec![Sum::default(); w.len()];
        terms(&shape, |i, j, k| want[j].add(x[i], spread[k]));
        let what = format!("{shape:?} {pool:?}");
        check(&what, &want, spread.len() / shape.filters, splits(shape.filters), |split, to: *mut E| {
            for cols in split {
                with_scratch(conv2d_pooled_weight_grad_scratch(shape, pool), |scratch| {
                    // SAFETY: the data have these sizes.
                    s.vectorize(|| unsafe {
                        conv2d_pooled_weight_grad(
                            s,
                            scratch,
                            cols,
                            IMAGES,
                            shape,
                            pool,
                            x.as_ptr(),
                            g.as_ptr(),
                            index.as_ptr(),
                            #[inline(always)]
                            |v, row, col, lanes| s.store_n(to.add(row * shape.filters + col), v, lanes),
                        );
                    });
                });
            }
        });
    }
}

#[test]
fn gradients_of_kernels() {
    everywhere!(weight_grad);
}

fn input_grad<S: Simd<E>, E: Float>(s: S) {
    for (shape, pool) in cases() {
        let [x, w, _] = data::<E>(&shape);
        let (g, index, spread) = gradients(s, &pool);
        let mut want = vec![Sum::default(); x.len()];
        terms(&shape, |i, j, k| want[i].add(spread[k], w[j]));
        let what = format!("{shape:?} {pool:?}");
        check(&what, &want, w.len() / shape.channels, splits(IMAGES), |split, to: *mut E| {
            for images in split {
                with_scratch(conv2d_pooled_input_grad_scratch(shape, pool), |scratch| {
                    // SAFETY: the data have these sizes.
                    s.vectorize(|| unsafe {
                        conv2d_pooled_input_grad(
                            s,
                            scratch,
                            images,
                            shape,
                            pool,
                            g.as_ptr(),
                            index.as_ptr(),
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
