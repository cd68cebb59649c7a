//! Activations against their definitions, and their gradients at the corners.

use super::*;

#[test]
fn they_are_their_formulas() {
    let points = [-40.0, -3.0, -1.5, -0.25, 0.0, 0.5, 2.0, 3.0, 7.0, 40.0];
    let elu = |x: f64, alpha: f64| if x > 0.0 { x } else { alpha * (x.exp() - 1.0) };
    let softplus = |x: f64| x.max(0.0) + (-x.abs()).exp().ln_1p();
    let hard_sigmoid = |x: f64| (x + 3.0).clamp(0.0, 6.0) / 6.0;
    let cases: [(&str, &dyn Fn(f64) -> f64); 8] = [
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
