//! Activations against their definitions, and their gradients at the corners.

use super::*;

#[test]
fn they_are_their_formulas() {
    let points = [-40.0, -3.0, -1.5, -0.25, 0.0, 0.5, 2.0, 3.0, 7.0, 40.0];
    let elu = |x: f64, alpha: f64| if x > 0.0 { x } else { alpha * (x.exp() - 1.0) };
    let softplus = |x: f64| x.max(0.0) + (-x.abs()).exp().ln_1p();
    let hard_sigmoid = |x: f64| (x + 3.0).clamp(0.0, 6.0) / 6.0;
    let relu = |x: f64, slope: f64, bend: f64| if x > bend { x } else { slope * (x - bend) };
    let erf = |x: f64| {
        // The integral of its derivative, by Simpson's rule.
        let end = x.clamp(-8.0, 8.0);
        let bell = |k: i32| (-(end * f64::from(k) / 4000.0).powi(2)).exp();
        let sum: f64 = (0..2000).map(|k| bell(2 * k) + 4.0 * bell(2 * k + 1) + bell(2 * k + 2)).sum();
        std::f64::consts::FRAC_2_SQRT_PI * end / 12_000.0 * sum
    };
    let cases: [(&str, &dyn Fn(f64) -> f64); 32] = [
        ("x.relu(negative_slope = 0.2)", &|x| relu(x, 0.2, 0.0)),
        ("x.relu(threshold = 1.0)", &|x| relu(x, 0.0, 1.0)),
        ("x.relu(max_value = 3, negative_slope = 0.5, threshold = 0.25)", &|x| relu(x, 0.5, 0.25).min(3.0)),
        ("x.leaky_relu()", &|x| relu(x, 0.3, 0.0)),
        ("x.gelu()", &|x| 0.5 * x * (1.0 + erf(x / 2f64.sqrt()))),
        ("erf(x)", &erf),
        ("sin(x)", &f64::sin),
        ("cos(x)", &f64::cos),
        ("log1p(abs(x))", &|x| x.abs().ln_1p()),
        ("x.linear()", &|x| x),
        ("log(1.0 + square(x))", &|x| (1.0 + x * x).ln()),
        ("x.exponential()", &f64::exp),
        ("x.celu(alpha = 2)", &|x| if x > 0.0 { x } else { 2.0 * ((x / 2.0).exp() - 1.0) }),
        ("x.hard_tanh()", &|x| x.clamp(-1.0, 1.0)),
        ("x.tanh_shrink()", &|x| x - x.tanh()),
        ("x.hard_shrink()", &|x| if x.abs() > 0.5 { x } else { 0.0 }),
        ("x.soft_shrink()", &|x| if x.abs() > 0.5 { x - 0.5 * x.signum() } else { 0.0 }),
        ("x.sparse_plus()", &|x| {
            if x <= -1.0 {
                0.0
            } else if x < 1.0 {
                (x + 1.0).powi(2) / 4.0
            } else {
                x
            }
        }),
        ("x.squareplus()", &|x| (x + (x * x + 4.0).sqrt()) / 2.0),
        ("x.threshold(2.0, -7)", &|x| if x > 2.0 { x } else { -7.0 }),
        ("x.silu()", &|x| x / (1.0 + (-x).exp())),
        ("x.tanh()", &f64::tanh),
        ("x.softplus()", &softplus),
        ("concat(x, x - x).glu()", &|x| x / 2.0),
        ("x.elu()", &|x| elu(x, 1.0)),
        ("x.selu()", &|x| 1.0507009873554805 * elu(x, 1.6732632423543772)),
        ("x.softsign()", &|x| x / (1.0 + x.abs())),
        ("x.hard_sigmoid()", &hard_sigmoid),
        ("x.hard_swish()", &|x| x * hard_sigmoid(x)),
        ("x.relu6()", &|x| x.clamp(0.0, 6.0)),
        ("x.mish()", &|x| x * softplus(x).tanh()),
        ("x.log_sigmoid()", &|x| -softplus(-x)),
    ];
    for (text, formula) in cases {
        let found = output(&format!("let x = input([10]); output({text});"), &[array(&[1, 10], &points)]);
        close(&found, &[1, 10], &points.map(formula));
    }
}

#[test]
fn prelu_has_a_slope_for_each_element_or_shares_it() {
    let x = filled(&[2, 2, 3], 0.4);
    for (call, dims) in [("x.prelu()", vec![2, 3]), ("x.prelu(shared_axes = 0, init = 0.25)", vec![1, 3])] {
        let network = network(&format!("let x = input([2, 3]); output({call});"));
        assert_eq!(network.params[0].name, "prelu.alpha");
        assert_eq!(network.params[0].ty.dims, dims);
        let alpha = filled(&dims, 0.0);
        let slope = |index: usize| alpha.iter().copied().nth(index % alpha.len()).unwrap_or_default();
        let expected: Vec<f64> =
            x.iter().enumerate().map(|(index, &x)| if x > 0.0 { x } else { slope(index) * x }).collect();
        close(&value(&network, network.outputs[0].1, std::slice::from_ref(&x), false), &[2, 2, 3], &expected);
    }
}

#[test]
fn gradients_at_the_corners() {
    for (call, points, expected) in [
        ("hard_sigmoid", [-3.0, 0.0, 3.0], [0.0, 1.0 / 6.0, 0.0]),
        ("relu6", [0.0, 1.0, 6.0], [0.0, 1.0, 0.0]),
        ("softsign", [-1.0, 0.0, 1.0], [0.25, 1.0, 0.25]),
    ] {
        let found = gradient(&format!("let x = input([3]); let w = param([3]); loss(sum({call}(x + w)));"), &points);
        close(&found, &[3], &expected);
    }
}
