//! Sums of products, picks and turns against their definitions.

use super::*;

fn run(text: &str, x: &Array) -> Array {
    let dims = &x.shape()[1..];
    output(&format!("let x = input({dims:?}); {text}"), std::slice::from_ref(x))
}

#[test]
fn turned_and_repeated() {
    let x = array(&[1, 2, 3], &[1., 2., 3., 4., 5., 6.]);
    for (text, shape, expected) in [
        ("x.flip()", vec![1, 2, 3], vec![6., 5., 4., 3., 2., 1.]),
        ("x.flip(axis = 0)", vec![1, 2, 3], vec![4., 5., 6., 1., 2., 3.]),
        ("x.flip(axis = -1)", vec![1, 2, 3], vec![3., 2., 1., 6., 5., 4.]),
        ("x.roll(1, axis = 1)", vec![1, 2, 3], vec![3., 1., 2., 6., 4., 5.]),
        ("x.roll(-1, axis = 0)", vec![1, 2, 3], vec![4., 5., 6., 1., 2., 3.]),
        ("x.roll(2)", vec![1, 2, 3], vec![5., 6., 1., 2., 3., 4.]),
        ("x.roll(6)", vec![1, 2, 3], vec![1., 2., 3., 4., 5., 6.]),
        ("x[0].repeat_vector(2)", vec![1, 2, 3], vec![1., 2., 3., 1., 2., 3.]),
        ("x.tile([1, 2])", vec![1, 2, 6], vec![1., 2., 3., 1., 2., 3., 4., 5., 6., 4., 5., 6.]),
        ("x.tile([2, 1])", vec![1, 4, 3], vec![1., 2., 3., 4., 5., 6., 1., 2., 3., 4., 5., 6.]),
        ("sign(x - 3)", vec![1, 2, 3], vec![-1., -1., 0., 1., 1., 1.]),
        ("reciprocal(x)", vec![1, 2, 3], vec![1.0, 0.5, 1.0 / 3.0, 0.25, 0.2, 1.0 / 6.0]),
        ("stop_gradient(x)", vec![1, 2, 3], vec![1., 2., 3., 4., 5., 6.]),
        ("einsum(\"ij->ji\", x)", vec![1, 3, 2], vec![1., 4., 2., 5., 3., 6.]),
        ("einsum(\"ij->\", x)", vec![1], vec![21.]),
        ("einsum(\"ij->j\", x)", vec![1, 3], vec![5., 7., 9.]),
        ("einsum(\"ij,ij->i\", x, x)", vec![1, 2], vec![14., 77.]),
        ("einsum(\"ij,kj->ik\", x, x)", vec![1, 2, 2], vec![14., 32., 32., 77.]),
        ("einsum(\"ij,kj\", x, x)", vec![1, 2, 2], vec![14., 32., 32., 77.]),
        ("einsum(\"i,j->ji\", x[0], x[1])", vec![1, 3, 3], vec![4., 8., 12., 5., 10., 15., 6., 12., 18.]),
        ("einsum(\"ij,ij,ij->\", x, x, x)", vec![1], vec![441.]),
        ("einsum(\"ij,ik,kl->jl\", x, matmul(x, transpose(x)), x)", vec![1, 3, 3], {
            let (x, g) = ([[1., 2., 3.], [4., 5., 6.]], [[14., 32.], [32., 77.]]);
            let at = |j: usize, l: usize| -> f64 {
                (0..4).map(|n: usize| x[n / 2][j] * g[n / 2][n % 2] * x[n % 2][l]).sum()
            };
            (0..9).map(|n| at(n / 3, n % 3)).collect()
        }),
    ] {
        close(&run(&format!("output({text});"), &x), &shape, &expected);
    }
}

#[test]
fn einsum_with_a_parameter() {
    let x = filled(&[2, 2, 3], 0.4);
    let w = filled(&[3, 4], 0.0);
    let found = run("let w = param([3, 4]); output(einsum(\"ti,io->to\", x, w));", &x);
    let at = |row: usize, t: usize, o: usize| -> f64 {
        (0..3).map(|i| x[[row, t, i].as_slice()] * w[[i, o].as_slice()]).sum()
    };
    close(&found, &[2, 2, 4], &(0..16).map(|n| at(n / 8, n / 4 % 2, n % 4)).collect::<Vec<f64>>());
}

#[test]
fn picks() {
    let x = array(&[2, 2, 3], &(0..12).map(f64::from).collect::<Vec<f64>>());
    let steps = array(&[2, 2], &[2., 0., 1., 1.]);
    let found = output("let x = input([2, 3]); let i = tokens([2], 3); output(gather(x, i));", &[x.clone(), steps]);
    close(&found, &[2, 2], &[2., 3., 7., 10.]);
    let one = array(&[2], &[1., 0.]);
    let rows = |text: &str| {
        output(&format!("let x = input([2, 3]); let i = class(2); output({text});"), &[x.clone(), one.clone()])
    };
    close(&rows("take(x, i)"), &[2, 3], &[3., 4., 5., 6., 7., 8.]);
    close(&rows("x.take(i, axis = 1)"), &[2, 2], &[1., 4., 6., 9.]);
    let two = array(&[1, 2], &[2., 0.]);
    let table = "let w = param([3, 2]); let i = tokens([2], 3);";
    let w = filled(&[3, 2], 0.0);
    let at = |i: usize, k: usize| w[[i, k].as_slice()];
    close(
        &output(&format!("{table} output(take(w, i));"), std::slice::from_ref(&two)),
        &[1, 2, 2],
        &[at(2, 0), at(2, 1), at(0, 0), at(0, 1)],
    );
    let turned = format!("{table} output(take(transpose(w), i, axis = -1));");
    close(&output(&turned, &[two]), &[1, 2, 2], &[at(2, 0), at(0, 0), at(2, 1), at(0, 1)]);
}

#[test]
fn places_of_extremes() {
    let x = array(&[1, 2, 3], &[1., 5., 5., -2., -7., -7.]);
    for (text, shape, expected) in [
        ("output(argmax(x));", vec![1, 2], vec![1., 0.]),
        ("output(x.argmin());", vec![1, 2], vec![0., 1.]),
        ("output(argmax(x, axis = 0));", vec![1, 3], vec![0., 0., 0.]),
        ("output(x.argmin(axis = -2));", vec![1, 3], vec![1., 1., 1.]),
        ("output(one_hot(argmax(x)));", vec![1, 2, 3], vec![0., 1., 0., 1., 0., 0.]),
        ("output(gather(x, argmin(x)));", vec![1, 2], vec![1., -7.]),
        ("output(take(x[0], argmax(x)));", vec![1, 2], vec![5., 1.]),
        ("let c = class(3); output(argmax(x)[0] == c, argmax(x) == 1);", vec![1], vec![1.]),
        ("output(select(argmax(x) < argmin(x), 1.0, 2.0));", vec![1, 2], vec![2., 1.]),
        ("output(argmax(x) >= 1);", vec![1, 2], vec![1., 0.]),
    ] {
        let inputs = [x.clone(), array(&[1], &[1.])];
        let given = if text.contains("class") { &inputs[..] } else { &inputs[..1] };
        close(&output(&format!("let x = input([2, 3]); {text}"), given), &shape, &expected);
    }
}

#[test]
fn no_gradient_flows_where_it_is_stopped() {
    let text = "let x = input([2]); let w = param([2]); loss(sum((x + w) * stop_gradient(x + w)));";
    close(&gradient(text, &[1.0, -2.0]), &[2], &[1.0, -2.0]);
}

#[test]
fn random_numbers_have_their_moments() {
    let x = Array::zeros([4, 1].as_slice());
    let moments = |text: &str| {
        let found = output(&format!("let x = input([1]); output({text} + 0 * x);"), std::slice::from_ref(&x));
        let mean = found.mean().unwrap_or(f64::NAN);
        [mean, found.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / found.len() as f64]
    };
    let near = |[mean, variance]: [f64; 2], expected: [f64; 2]| {
        assert!((mean - expected[0]).abs() < 0.03 * expected[1].sqrt(), "mean {mean}");
        assert!((variance / expected[1] - 1.0).abs() < 0.04, "variance {variance}");
    };
    near(moments("random_normal([5000], mean = 2, deviation = 3)"), [2.0, 9.0]);
    near(moments("random_uniform([5000], low = -1, high = 3)"), [1.0, 16.0 / 12.0]);
    let network =
        network("let x = input([5000]); output(gaussian_noise(x, 0.5), dropped = gaussian_dropout(x + 2, 0.2));");
    let x = Array::zeros([4, 5000].as_slice());
    for (output, expected) in [(0, [0.0, 0.25]), (1, [2.0, 4.0 * 0.25])] {
        let found = value(&network, network.outputs[output].1, std::slice::from_ref(&x), true);
        let mean = found.mean().unwrap_or(f64::NAN);
        near([mean, found.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / found.len() as f64], expected);
        let outside = value(&network, network.outputs[output].1, std::slice::from_ref(&x), false);
        assert!(outside.iter().all(|&x| x == expected[0]));
    }
}
