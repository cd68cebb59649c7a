//! Reductions and rearrangements against their definitions.

use super::*;

fn run(text: &str, x: &Array) -> Array {
    let dims = &x.shape()[1..];
    output(&format!("let x = input({dims:?}); {text}"), std::slice::from_ref(x))
}

#[test]
fn reductions_of_several_steps() {
    let x = filled(&[2, 3, 4], 0.3);
    let at = |row: usize, i: usize, k: usize| x[[row, i, k].as_slice()];
    let cells = |row: usize, k: usize| (0..3).map(|i| at(row, i, k)).collect::<Vec<f64>>();
    let variance = |v: &[f64]| {
        let mean = v.iter().sum::<f64>() / v.len() as f64;
        v.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / v.len() as f64
    };
    let of_columns = |f: &dyn Fn(&[f64]) -> f64| (0..8).map(|i| f(&cells(i / 4, i % 4))).collect::<Vec<f64>>();
    close(&run("output(var(x, axis = 0));", &x), &[2, 4], &of_columns(&variance));
    close(&run("output(x.std(axis = 0, keepdims = true));", &x), &[2, 1, 4], &of_columns(&|v| variance(v).sqrt()));
    let lse = |v: &[f64]| v.iter().map(|x| x.exp()).sum::<f64>().ln();
    close(&run("output(logsumexp(x, axis = 0));", &x), &[2, 4], &of_columns(&lse));
    let rows: Vec<Vec<f64>> = (0..2).map(|row| (0..12).map(|i| at(row, i / 4, i % 4)).collect()).collect();
    close(&run("output(logsumexp(x));", &x), &[2], &[lse(&rows[0]), lse(&rows[1])]);
    close(&run("output(var(x));", &x), &[2], &[variance(&rows[0]), variance(&rows[1])]);
    let large = array(&[1, 2], &[1000.0, 1000.0]);
    close(&run("output(logsumexp(x));", &large), &[1], &[1000.0 + std::f64::consts::LN_2]);
}

#[test]
fn rearrangements() {
    let x = array(&[1, 2, 3], &[1., 2., 3., 4., 5., 6.]);
    for (text, shape, expected) in [
        ("output(x.repeat(2));", vec![1, 12], vec![1., 1., 2., 2., 3., 3., 4., 4., 5., 5., 6., 6.]),
        ("output(x.repeat(2, axis = 0));", vec![1, 4, 3], vec![1., 2., 3., 1., 2., 3., 4., 5., 6., 4., 5., 6.]),
        ("let (a, b) = split(x, 2); output(a - b);", vec![1, 1, 3], vec![-3., -3., -3.]),
        (
            "let (a, b, c) = x.split(3, axis = -1); output(concat(c, b, a));",
            vec![1, 2, 3],
            vec![3., 2., 1., 6., 5., 4.],
        ),
        ("output(stack(x[0], x[1]));", vec![1, 2, 3], vec![1., 2., 3., 4., 5., 6.]),
        ("output(stack(x[0], x[1], axis = -1));", vec![1, 3, 2], vec![1., 4., 2., 5., 3., 6.]),
        ("output(x.cumsum());", vec![1, 6], vec![1., 3., 6., 10., 15., 21.]),
        ("output(x.cumsum(axis = 1));", vec![1, 2, 3], vec![1., 3., 6., 4., 9., 15.]),
        ("output(x.cumsum(axis = 0));", vec![1, 2, 3], vec![1., 2., 3., 5., 7., 9.]),
    ] {
        close(&run(text, &x), &shape, &expected);
    }
}
