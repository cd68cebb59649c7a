//! Pooling and its gradients.

use crate::kernels::{Pool2dShape, avg_pool2d, avg_pool2d_grad, max_pool2d, max_pool2d_grad};
use crate::simd::{Float, Simd};

use super::{Sum, assert_close, bits, everywhere, nan, random};

/// Images of a batch.
const IMAGES: usize = 2;

/// Disjoint and overlapping windows, windows that leave cells out, padding; few, odd and many channels.
fn shapes() -> Vec<Pool2dShape> {
    let windows = [
        ([4, 6], [2, 2], [2, 2], [0, 0], [2, 3]),
        ([5, 7], [2, 2], [2, 2], [0, 0], [2, 3]),
        ([5, 5], [3, 3], [2, 2], [1, 1], [3, 3]),
        ([6, 4], [3, 2], [1, 1], [0, 0], [4, 3]),
        ([7, 5], [2, 1], [3, 2], [0, 0], [2, 3]),
        ([3, 3], [2, 2], [2, 2], [1, 0], [2, 2]),
        ([1, 1], [1, 1], [1, 1], [0, 0], [1, 1]),
    ];
    let with_channels = |channels: usize| {
        windows.map(|(input, size, stride, pad_low, output)| Pool2dShape {
            input,
            channels,
            size,
            stride,
            pad_low,
            output,
        })
    };
    [1, 2, 3, 7, 8, 10, 16, 29].into_iter().flat_map(with_channels).collect()
}

/// Calls `f(window, number, cell)` for each cell of each window, with the first channel's index of the window in the
/// result and of the cell in the images.
fn cells(shape: &Pool2dShape, mut f: impl FnMut(usize, usize, usize)) {
    for window in 0..IMAGES * shape.output[0] * shape.output[1] {
        let ox = window % shape.output[1];
        let oy = window / shape.output[1] % shape.output[0];
        let image = window / shape.output[1] / shape.output[0];
        for number in 0..shape.size[0] * shape.size[1] {
            let y = (oy * shape.stride[0] + number / shape.size[1]).wrapping_sub(shape.pad_low[0]);
            let x = (ox * shape.stride[1] + number % shape.size[1]).wrapping_sub(shape.pad_low[1]);
            if y < shape.input[0] && x < shape.input[1] {
                let cell = (image * shape.input[0] + y) * shape.input[1] + x;
                f(window * shape.channels, number, cell * shape.channels);
            }
        }
    }
}

/// Elements of the images and of the result.
fn sizes(shape: &Pool2dShape) -> [usize; 2] {
    [shape.input, shape.output].map(|[h, w]| IMAGES * h * w * shape.channels)
}

/// Few values, so that many are equal; some are -∞, some NaN.
fn ties<E: Float>(count: usize) -> Vec<E> {
    let values = [0.0, 1.0, 1.0, 2.0, -3.0, f64::NEG_INFINITY, 2.0, -0.5];
    let pick = |x: E| match (x.to_f64().abs() * 100.0) as usize {
        50 => nan(),
        n => E::from_f64(values[n % 8]),
    };
    random(count, 9).into_iter().map(pick).collect()
}

fn maxima<S: Simd<E>, E: Float>(s: S) {
    for shape in shapes() {
        let [images, results] = sizes(&shape);
        let x = ties::<E>(images);
        let mut want = vec![E::from_f64(f64::NEG_INFINITY); results];
        let mut numbers: Vec<Option<u8>> = vec![None; results];
        cells(&shape, |window, number, cell| {
            for c in 0..shape.channels {
                let (v, best) = (x[cell + c], &mut want[window + c]);
                if v > *best || numbers[window + c].is_none() {
                    numbers[window + c] = Some(number as u8);
                }
                if v > *best || v.to_f64().is_nan() {
                    *best = v;
                }
            }
        });
        let (mut y, mut index) = (vec![nan::<E>(); results], vec![255_u8; results]);
        let (mut y_alone, mut index_alone) = (y.clone(), index.clone());
        let null = core::ptr::null_mut::<u8>;
        for images in [0..1, 1..IMAGES] {
            // SAFETY: the data have these sizes.
            s.vectorize(|| unsafe {
                max_pool2d(s, images.clone(), shape, x.as_ptr(), y.as_mut_ptr(), index.as_mut_ptr());
                max_pool2d(s, images.clone(), shape, x.as_ptr(), y_alone.as_mut_ptr(), null());
                max_pool2d(s, images.clone(), shape, x.as_ptr(), null().cast(), index_alone.as_mut_ptr());
            });
        }
        for i in 0..results {
            let same = y[i] == want[i] || y[i].to_f64().is_nan() && want[i].to_f64().is_nan();
            assert!(same, "{shape:?}, element {i}: {:?}, not {:?}", y[i], want[i]);
            if !y[i].to_f64().is_nan() {
                assert_eq!(Some(index[i]), numbers[i], "{shape:?}, element {i}");
            }
        }
        assert_eq!(bits(&y), bits(&y_alone));
        assert_eq!(index, index_alone);

        let g = random::<E>(results, 3);
        let mut want = vec![Sum::default(); x.len()];
        cells(&shape, |window, number, cell| {
            for c in 0..shape.channels {
                if usize::from(index[window + c]) == number {
                    want[cell + c].add(g[window + c], E::ONE);
                }
            }
        });
        let mut dx = vec![nan::<E>(); x.len()];
        for images in [0..1, 1..IMAGES] {
            // SAFETY: the data have these sizes.
            s.vectorize(|| unsafe { max_pool2d_grad(s, images, shape, g.as_ptr(), index.as_ptr(), dx.as_mut_ptr()) });
        }
        assert_close(&dx, &want, 9, &format!("{shape:?}"));
    }
}

#[test]
fn largest_of_each_window() {
    everywhere!(maxima);
}

fn means<S: Simd<E>, E: Float>(s: S) {
    for shape in shapes() {
        let [images, results] = sizes(&shape);
        let (x, g) = (random::<E>(images, 1), random::<E>(results, 2));
        let mut counts = vec![0.0; results];
        cells(&shape, |window, _, _| counts[window] += 1.0);
        let (mut want, mut want_grad) = (vec![Sum::default(); results], vec![Sum::default(); images]);
        cells(&shape, |window, _, cell| {
            for c in 0..shape.channels {
                want[window + c].add(x[cell + c].to_f64() / counts[window], 1.0);
                want_grad[cell + c].add(g[window + c].to_f64() / counts[window], 1.0);
            }
        });
        let (mut y, mut dx) = (vec![nan::<E>(); results], vec![nan::<E>(); images]);
        for images in [0..1, 1..IMAGES] {
            // SAFETY: the data have these sizes.
            s.vectorize(|| unsafe {
                avg_pool2d(s, images.clone(), shape, x.as_ptr(), y.as_mut_ptr());
                avg_pool2d_grad(s, images, shape, g.as_ptr(), dx.as_mut_ptr());
            });
        }
        assert_close(&y, &want, 9, &format!("{shape:?}"));
        assert_close(&dx, &want_grad, 9, &format!("{shape:?}"));
    }
}

#[test]
fn mean_of_each_window() {
    everywhere!(means);
}
