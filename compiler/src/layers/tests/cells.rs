//! Layers over sequences and images, and their normalisations, against their definitions.

use super::*;

/// The output for `x` and the parameters' values.
fn run(text: &str, x: &Array) -> (Array, Vec<Array>) {
    let dims = &x.shape()[1..];
    let network = network(&format!("let x = input({dims:?}); output({text});"));
    (value(&network, network.outputs[0].1, std::slice::from_ref(x), false), params(&network))
}

#[test]
fn conv1d_is_its_sum() {
    let x = filled(&[2, 7, 4], 0.2);
    let (found, p) = run("x.conv1d(6, kernel = 2, stride = 2, pad = (1, 0), dilation = 3, groups = 2)", &x);
    assert_eq!(p[0].shape(), [2, 2, 6]);
    let mut expected = Vec::new();
    for (row, step, filter) in (0..2).flat_map(|r| (0..3).flat_map(move |s| (0..6).map(move |f| (r, s, f)))) {
        let mut sum = p[1][[filter].as_slice()];
        for (k, c) in (0..2).flat_map(|k| (0..2).map(move |c| (k, c))) {
            let at = (step * 2 + k * 3) as i64 - 1;
            if (0..7).contains(&at) {
                sum += x[[row, at as usize, filter / 3 * 2 + c].as_slice()] * p[0][[k, c, filter].as_slice()];
            }
        }
        expected.push(sum);
    }
    close(&found, &[2, 3, 6], &expected);
}

#[test]
fn pools_of_sequences() {
    let x = array(&[1, 5, 1], &[1., 5., 2., 4., 3.]);
    close(&run("x.max_pool1d()", &x).0, &[1, 2, 1], &[5., 4.]);
    close(&run("x.max_pool1d(3, stride = 1, pad = same)", &x).0, &[1, 5, 1], &[5., 5., 5., 4., 4.]);
    close(&run("x.avg_pool1d(2, pad = same)", &x).0, &[1, 3, 1], &[3., 3., 3.]);
    close(&run("x.global_max_pool1d()", &x).0, &[1, 1], &[5.]);
    close(&run("x.global_avg_pool1d(keepdims = true)", &x).0, &[1, 1, 1], &[3.]);
}

#[test]
fn depthwise_and_separable() {
    let x = filled(&[1, 3, 4, 2], 0.2);
    let (found, p) = run("x.depthwise_conv2d((2, 3), depth_multiplier = 3)", &x);
    assert_eq!(p[0].shape(), [2, 3, 2, 3]);
    let at = |p: &[Array], y: usize, z: usize, out: usize| -> f64 {
        let cells = (0..2).flat_map(|i| (0..3).map(move |j| (i, j)));
        let term = |(i, j)| x[[0, y + i, z + j, out / 3].as_slice()] * p[0][[i, j, out / 3, out % 3].as_slice()];
        cells.map(term).sum()
    };
    let places = || (0..2).flat_map(|y| (0..2).map(move |z| (y, z)));
    let all: Vec<f64> = places()
        .flat_map(|(y, z)| (0..6).map(move |out| (y, z, out)))
        .map(|(y, z, out)| at(&p, y, z, out) + p[1][[out].as_slice()])
        .collect();
    close(&found, &[1, 2, 2, 6], &all);

    let (found, p) = run("x.separable_conv2d(4, (2, 3), depth_multiplier = 3)", &x);
    let shapes: Vec<&[usize]> = p.iter().map(|p| p.shape()).collect();
    assert_eq!(shapes, [&[2, 3, 2, 3][..], &[1, 1, 6, 4], &[4]]);
    let all: Vec<f64> = places()
        .flat_map(|(y, z)| (0..4).map(move |f| (y, z, f)))
        .map(|(y, z, f)| {
            let sum: f64 = (0..6).map(|c| at(&p, y, z, c) * p[1][[0, 0, c, f].as_slice()]).sum();
            sum + p[2][[f].as_slice()]
        })
        .collect();
    close(&found, &[1, 2, 2, 4], &all);
}

#[test]
fn larger_and_smaller() {
    let x = array(&[1, 2, 2, 1], &[1., 2., 3., 4.]);
    let wide = [1., 1., 1., 2., 2., 2., 1., 1., 1., 2., 2., 2., 3., 3., 3., 4., 4., 4., 3., 3., 3., 4., 4., 4.];
    close(&run("x.upsampling2d((2, 3))", &x).0, &[1, 4, 6, 1], &wide);
    close(&run("x.upsampling2d().cropping2d(1)", &x).0, &[1, 2, 2, 1], &[1., 2., 3., 4.]);
    close(&run("x.cropping2d(((1, 0), (0, 1)))", &x).0, &[1, 1, 1, 1], &[3.]);
    close(&run("x.cropping2d()", &x).0, &[1, 2, 2, 1], &[1., 2., 3., 4.]);
    let x = array(&[1, 3, 1], &[1., 2., 3.]);
    close(&run("x.upsampling1d()", &x).0, &[1, 6, 1], &[1., 1., 2., 2., 3., 3.]);
    close(&run("x.cropping1d()", &x).0, &[1, 1, 1], &[2.]);
    close(&run("x.zero_padding1d((0, 2))", &x).0, &[1, 5, 1], &[1., 2., 3., 0., 0.]);
}

#[test]
fn rms_and_group_norm() {
    let x = filled(&[2, 3, 4], 0.2);
    let at = |row: usize, i: usize, c: usize| x[[row, i, c].as_slice()];
    let places = || (0..24).map(|i| (i / 12, i / 4 % 3, i % 4));
    let (found, p) = run("x.rms_norm()", &x);
    let expected: Vec<f64> = places()
        .map(|(row, i, c)| {
            let square = (0..4).map(|c| at(row, i, c).powi(2)).sum::<f64>() / 4.0;
            at(row, i, c) / (square + 1e-6).sqrt() * p[0][[c].as_slice()]
        })
        .collect();
    close(&found, &[2, 3, 4], &expected);
    for (groups, size) in [("2", 2), ("-1", 1), ("1", 4)] {
        let (found, p) = run(&format!("x.group_norm(groups = {groups})"), &x);
        let expected: Vec<f64> = places()
            .map(|(row, i, c)| {
                let first = c / size * size;
                let cells = || (0..3).flat_map(|i| (first..first + size).map(move |c| (i, c)));
                let count = (3 * size) as f64;
                let mean = cells().map(|(i, c)| at(row, i, c)).sum::<f64>() / count;
                let variance = cells().map(|(i, c)| (at(row, i, c) - mean).powi(2)).sum::<f64>() / count;
                (at(row, i, c) - mean) / (variance + 1e-3).sqrt() * p[0][[c].as_slice()] + p[1][[c].as_slice()]
            })
            .collect();
        close(&found, &[2, 3, 4], &expected);
    }
}

#[test]
fn spatial_dropout_drops_whole_channels() {
    for (shape, call) in [(vec![16, 3, 5], "spatial_dropout1d"), (vec![16, 2, 3, 5], "spatial_dropout2d")] {
        let x = Array::ones(shape.as_slice());
        let network = network(&format!("let x = input({:?}); output(x.{call}(0.5));", &shape[1..]));
        let node = network.outputs[0].1;
        let found = value(&network, node, std::slice::from_ref(&x), true);
        let values: Vec<f64> = found.iter().copied().collect();
        let cells = values.len() / 16;
        for (index, &value) in values.iter().enumerate() {
            assert!(value == 0.0 || value == 2.0);
            assert_eq!(value, values[index / cells * cells + index % 5]);
        }
        assert!(values.contains(&0.0) && values.contains(&2.0));
        close(&value(&network, node, std::slice::from_ref(&x), false), &shape, &vec![1.0; values.len()]);
    }
}
