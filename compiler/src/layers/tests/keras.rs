//! Layers with their settings against Keras, which computed the numbers.

use super::attention::near;
use super::*;

/// A call, the shapes of its operand and its result, and the result.
type Case = (&'static str, Vec<usize>, Vec<usize>, Vec<f64>);

#[test]
fn layers_are_those_of_keras() {
    let cases: Vec<Case> = vec![
        (
            "x.conv2d_transpose(2, 3)",
            vec![1, 2, 1, 2],
            vec![1, 4, 3, 2],
            vec![
                1.34610403,
                1.86361857,
                0.633244915,
                0.0489278661,
                0.729228445,
                1.89624667,
                1.7416084,
                1.85849655,
                0.235999398,
                -0.0809874778,
                1.08231128,
                2.14618697,
                0.993092354,
                -0.11131605,
                0.314908604,
                1.91564906,
                1.68212729,
                0.353448458,
                -0.77324699,
                0.424690348,
                2.2634549,
                2.04202036,
                -0.223461068,
                -0.420697656,
            ],
        ),
        (
            "x.conv2d_transpose(1, 3, stride = 2, pad = same)",
            vec![1, 2, 2, 2],
            vec![1, 4, 4, 1],
            vec![
                1.34610403,
                1.71342475,
                1.1136414,
                2.47020025,
                -0.10126596,
                0.729228445,
                0.142228672,
                0.22301173,
                0.919882099,
                -0.238719385,
                0.891627757,
                -1.9177735,
                1.23901311,
                0.74347802,
                2.14958006,
                1.42661907,
            ],
        ),
        (
            "x.conv2d_transpose(1, (2, 3), stride = (3, 1), bias = false)",
            vec![1, 1, 2, 2],
            vec![1, 3, 4, 1],
            vec![
                0.50463305,
                1.35235025,
                1.42050319,
                0.073264431,
                -0.942736944,
                -1.71606671,
                0.286122602,
                1.39358866,
                0.0,
                0.0,
                0.0,
                0.0,
            ],
        ),
        (
            "x.conv2d_transpose(1, 2, stride = 3, pad = same, output_padding = 1)",
            vec![1, 2, 1, 1],
            vec![1, 4, 1, 1],
            vec![0.841470985, 1.03724962, 0.841470985, 0.841470985],
        ),
        (
            "x.conv1d_transpose(2, 3, stride = 2)",
            vec![1, 3, 2],
            vec![1, 7, 2],
            vec![
                1.34610403,
                1.86361857,
                0.633244915,
                0.0489278661,
                1.20962493,
                3.52497593,
                0.914735416,
                -0.612159359,
                -0.118318083,
                2.06696063,
                1.07460215,
                1.38920693,
                0.74347802,
                0.560811521,
            ],
        ),
        (
            "x.conv1d_transpose(2, 4, stride = 3, pad = same)",
            vec![1, 3, 1],
            vec![1, 9, 2],
            vec![
                0.841470985,
                1.11965111,
                1.03724962,
                1.16315804,
                0.908022856,
                0.921974941,
                0.668315609,
                1.30111466,
                1.61340028,
                1.66783994,
                1.10387622,
                0.716886869,
                0.158742228,
                0.866026236,
                1.82650052,
                1.85450611,
                1.1763163,
                0.641031156,
            ],
        ),
        (
            "x.conv1d(2, 2, causal = true, dilation = 2)",
            vec![1, 4, 2],
            vec![1, 4, 2],
            vec![0.2252941, 0.152393372, 0.526377701, -0.0915888783, 2.12246615, 2.2668626, 2.06446821, 3.52268263],
        ),
        (
            "x.depthwise_conv1d(3, depth_multiplier = 2, pad = same)",
            vec![1, 3, 2],
            vec![1, 3, 4],
            vec![
                0.277025389,
                0.938781672,
                0.482652755,
                0.00888129604,
                1.08723194,
                0.77139023,
                0.449358632,
                -0.53843149,
                0.888744515,
                1.58610527,
                1.87211052,
                1.20581929,
            ],
        ),
        (
            "x.separable_conv1d(2, 2, stride = 2)",
            vec![1, 5, 2],
            vec![1, 2, 2],
            vec![2.51382771, 1.45194745, -0.650163962, -0.549982569],
        ),
        (
            "x.upsampling2d((2, 3), bilinear = true)",
            vec![1, 2, 2, 1],
            vec![1, 4, 6, 1],
            vec![
                0.198669329,
                0.198669329,
                0.393555224,
                0.588441133,
                0.783326924,
                0.783326924,
                0.398895383,
                0.398895383,
                0.523904085,
                0.648912847,
                0.77392149,
                0.77392149,
                0.79934752,
                0.79934752,
                0.784601927,
                0.769856274,
                0.755110621,
                0.755110621,
                0.999573588,
                0.999573588,
                0.914950788,
                0.830327988,
                0.745705187,
                0.745705187,
            ],
        ),
        (
            "x.upsampling2d(bilinear = true)",
            vec![1, 1, 3, 1],
            vec![1, 2, 6, 1],
            vec![
                0.198669329,
                0.344833732,
                0.637162507,
                0.837388575,
                0.945511937,
                0.999573588,
                0.198669329,
                0.344833732,
                0.637162507,
                0.837388575,
                0.945511937,
                0.999573588,
            ],
        ),
        (
            "x.layer_norm(axis = (0, 1))",
            vec![1, 2, 3],
            vec![1, 2, 3],
            vec![0.841470985, 1.48211861, 1.83792419, 0.635936048, -0.772976906, -0.353533036],
        ),
        (
            "x.layer_norm(axis = 0, epsilon = 0.01)",
            vec![1, 2, 3],
            vec![1, 2, 3],
            vec![0.841470985, 0.841470985, 0.841470985, 1.59671256, 0.376584171, 0.352885735],
        ),
        (
            "x.unit_norm()",
            vec![1, 2, 3],
            vec![1, 2, 3],
            vec![0.154560019, 0.609409724, 0.777644513, 0.805653634, 0.152464869, -0.572430507],
        ),
        (
            "x.unit_norm(axis = (0, 1))",
            vec![1, 2, 2],
            vec![1, 2, 2],
            vec![0.133691059, 0.527126173, 0.672645611, 0.501809308],
        ),
    ];
    for (text, shape, result, expected) in cases {
        let x = filled(&shape, 0.2);
        let found = output(&format!("let x = input({:?}); output({text});", &shape[1..]), &[x]);
        near(&found, &result, &expected);
    }
}

#[test]
fn noise_is_normal_and_only_in_training() {
    let x = Array::ones([16, 50, 40].as_slice());
    for (call, mean, variance) in
        [("gaussian_noise(0.5)", 1.0, 0.25), ("gaussian_dropout(0.2)", 1.0, 0.25), ("gaussian_dropout(0.0)", 1.0, 0.0)]
    {
        let network = network(&format!("let x = input([50, 40]); output(x.{call});"));
        let node = network.outputs[0].1;
        let found = value(&network, node, std::slice::from_ref(&x), true);
        let count = found.len() as f64;
        let average = found.sum() / count;
        let spread = found.iter().map(|x| (x - average).powi(2)).sum::<f64>() / count;
        assert!((average - mean).abs() < 0.01 && (spread - variance).abs() < 0.01, "{call}: {average} and {spread}");
        close(&value(&network, node, std::slice::from_ref(&x), false), &[16, 50, 40], &[1.0; 32000]);
    }
}

#[test]
fn alpha_dropout_keeps_mean_and_variance() {
    let x = filled(&[16, 50, 40], 0.0).mapv(|x| x * std::f64::consts::SQRT_2);
    let network = network("let x = input([50, 40]); output(x.alpha_dropout(0.3));");
    let found = value(&network, network.outputs[0].1, &[x], true);
    let count = found.len() as f64;
    let mean = found.sum() / count;
    let variance = found.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count;
    assert!(mean.abs() < 0.02 && (variance - 1.0).abs() < 0.03, "{mean} and {variance}");
}

#[test]
fn merges() {
    let x = array(&[1, 2], &[2.0, 8.0]);
    let text = |call: &str| format!("let x = input([2]); output({call});");
    close(&output(&text("multiply(x, x, x + 1.0)"), std::slice::from_ref(&x)), &[1, 2], &[12.0, 576.0]);
    close(&output(&text("average(x, x * 3.0)"), &[x]), &[1, 2], &[4.0, 16.0]);
}
