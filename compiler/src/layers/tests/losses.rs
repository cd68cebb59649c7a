//! Losses against their definitions in Keras.

use super::*;

/// The mean of rows of `x` and a target, two elements each, under a loss.
#[track_caller]
fn expect(text: &str, x: &Array, y: &Array, data: &str, expected: f64) {
    let columns = x.shape()[1];
    let text = format!("let x = input([{columns}]); let w = param([1]); let x = x + 0 * w; {data} loss({text});");
    let found = loss(&text, &[x.clone(), y.clone()]);
    assert!((found - expected).abs() < 1e-9, "{text}: {found} is not {expected}");
}

#[test]
fn of_single_elements() {
    let x = array(&[3, 2], &[0.3, -2.5, 4.0, 1.0, 0.0, -1.5]);
    let y = array(&[3, 2], &[0.0, 1.0, 1.0, 1.0, 0.0, -1.0]);
    let mean = |f: &dyn Fn(f64, f64) -> f64| x.iter().zip(&y).map(|(&x, &y)| f(x, y)).sum::<f64>() / 6.0;
    let huber = |d: f64, delta: f64| if d.abs() <= delta { d * d / 2.0 } else { delta * (d.abs() - delta / 2.0) };
    let sign = |y: f64| if y == 0.0 { -1.0 } else { y };
    for (text, expected) in [
        ("huber(x, y)", mean(&|x, y| huber(x - y, 1.0))),
        ("huber(x, y, delta = 2.5)", mean(&|x, y| huber(x - y, 2.5))),
        ("log_cosh(x, y)", mean(&|x, y| (x - y).cosh().ln())),
        ("mape(x, y + 3)", mean(&|x, y| 100.0 * ((y + 3.0 - x) / (y + 3.0)).abs())),
        (
            "msle(abs(x), y + 1)",
            mean(&|x, y| ((x.abs().max(1e-7) + 1.0).ln() - ((y + 1.0).max(1e-7) + 1.0).ln()).powi(2)),
        ),
        ("poisson(abs(x), y)", mean(&|x, y| x.abs() - y * (x.abs() + 1e-7).ln())),
        ("contrastive(abs(x), y, margin = 2)", {
            mean(&|x, y| y * x * x + (1.0 - y) * (2.0 - x.abs()).max(0.0).powi(2))
        }),
        ("mse(x, y) + 0.5 * mae(x, y)", mean(&|x, y| (x - y).powi(2) + 0.5 * (x - y).abs())),
        ("hinge(x, y)", mean(&|x, y| (1.0 - sign(y) * x).max(0.0))),
        ("squared_hinge(x, y)", mean(&|x, y| (1.0 - sign(y) * x).max(0.0).powi(2))),
    ] {
        expect(text, &x, &y, "let y = target([2]);", expected);
    }
}

#[test]
fn log_cosh_of_large_differences_is_finite() {
    let (x, y) = (array(&[1, 2], &[1e4, -1e4]), array(&[1, 2], &[0.0, 0.0]));
    expect("log_cosh(x, y)", &x, &y, "let y = target([2]);", 1e4 - std::f64::consts::LN_2);
}

#[test]
fn of_vectors() {
    let x = array(&[2, 3], &[0.2, 0.5, 0.3, 0.0, 0.9, 0.1]);
    let y = array(&[2, 3], &[0.1, 0.6, 0.3, 0.25, 0.75, 0.0]);
    let row = |a: &Array, r: usize| (0..3).map(|k| a[[r, k].as_slice()]).collect::<Vec<f64>>();
    let rows = |f: &dyn Fn(&[f64], &[f64]) -> f64| (0..2).map(|r| f(&row(&x, r), &row(&y, r))).sum::<f64>() / 2.0;
    let kl = rows(&|x, y| {
        let one = |(x, y): (&f64, &f64)| y.clamp(1e-7, 1.0) * (y.clamp(1e-7, 1.0) / x.clamp(1e-7, 1.0)).ln();
        x.iter().zip(y).map(one).sum()
    });
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let cosine = rows(&|x, y| -dot(x, y) / (dot(x, x) * dot(y, y)).sqrt());
    expect("kl_divergence(x, y)", &x, &y, "let y = target([3]);", kl);
    expect("cosine_similarity(x, y)", &x, &y, "let y = target([3]);", cosine);
    let zero = Array::zeros([2, 3].as_slice());
    expect("cosine_similarity(x, y)", &zero, &y, "let y = target([3]);", 0.0);
}

#[test]
fn focal() {
    let x = array(&[2, 2], &[0.3, -2.5, 1.2, 0.7]);
    let y = array(&[2, 2], &[0.0, 1.0, 1.0, 0.25]);
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let entropy = |p: f64, y: f64| -(y * p.ln() + (1.0 - y) * (1.0 - p).ln());
    let miss = |p: f64, y: f64| 1.0 - (y * p + (1.0 - y) * (1.0 - p));
    let mean = |f: &dyn Fn(f64, f64) -> f64| x.iter().zip(&y).map(|(&x, &y)| f(sigmoid(x), y)).sum::<f64>() / 4.0;
    let plain = mean(&|p, y| miss(p, y).powi(2) * entropy(p, y));
    let balanced = mean(&|p, y| (0.7 * y + 0.3 * (1.0 - y)) * miss(p, y).powf(1.5) * entropy(p, y));
    let soft = |y: f64| 0.8 * y + 0.1;
    let smooth = mean(&|p, y| miss(p, soft(y)).powi(2) * entropy(p, soft(y)));
    let target = "let y = target([2]);";
    expect("binary_focal_cross_entropy(x, y)", &x, &y, target, plain);
    expect("binary_focal_cross_entropy(sigmoid(x), y, from_logits = false)", &x, &y, target, plain);
    let text = "binary_focal_cross_entropy(x, y, apply_class_balancing = true, alpha = 0.7, gamma = 1.5)";
    expect(text, &x, &y, target, balanced);
    expect("binary_focal_cross_entropy(x, y, label_smoothing = 0.2)", &x, &y, target, smooth);

    let p = |row: usize, class: usize| {
        let total: f64 = (0..2).map(|k| x[[row, k].as_slice()].exp()).sum();
        x[[row, class].as_slice()].exp() / total
    };
    let of = |p: f64, alpha: f64, gamma: f64| -alpha * (1.0 - p).powf(gamma) * p.ln();
    let sparse = (of(p(0, 1), 0.25, 2.0) + of(p(1, 0), 0.25, 2.0)) / 2.0;
    let dense: f64 = (0..4).map(|i| y[[i / 2, i % 2].as_slice()] * of(p(i / 2, i % 2), 0.5, 3.0)).sum::<f64>() / 2.0;
    let class = array(&[2], &[1.0, 0.0]);
    expect("categorical_focal_cross_entropy(x, c)", &x, &class, "let c = class(2);", sparse);
    let text = "categorical_focal_cross_entropy(softmax(x), c, from_logits = false)";
    expect(text, &x, &class, "let c = class(2);", sparse);
    expect("categorical_focal_cross_entropy(x, y, alpha = 0.5, gamma = 3)", &x, &y, target, dense);
}

#[test]
fn smoothed_targets() {
    let x = filled(&[2, 3], 0.3);
    let class = array(&[2], &[2.0, 0.0]);
    let hot = array(&[2, 3], &[0., 0., 1., 1., 0., 0.]);
    let term = |row: usize, class: usize| {
        let total: f64 = (0..3).map(|k| x[[row, k].as_slice()].exp()).sum();
        total.ln() - x[[row, class].as_slice()]
    };
    let sum: f64 = (0..6).map(|i| (0.7 * hot[[i / 3, i % 3].as_slice()] + 0.1) * term(i / 3, i % 3)).sum();
    for text in [
        "cross_entropy(x, y, label_smoothing = 0.3)",
        "cross_entropy(softmax(x), y, from_logits = false, label_smoothing = 0.3)",
    ] {
        expect(text, &x, &class, "let y = class(3);", sum / 2.0);
        expect(text, &x, &hot, "let y = target([3]);", sum / 2.0);
    }
    let logits = array(&[1, 2], &[0.5, -1.0]);
    let y = array(&[1, 2], &[1.0, 0.0]);
    let entropy = |x: f64, z: f64| x.max(0.0) - x * z + (-x.abs()).exp().ln_1p();
    let expected = (entropy(0.5, 0.9) + entropy(-1.0, 0.1)) / 2.0;
    expect("binary_cross_entropy(x, y, label_smoothing = 0.2)", &logits, &y, "let y = target([2]);", expected);
}

#[test]
fn an_ignored_class_leaves_the_divisor() {
    let text = "let x = input([2, 3]); let y = classes([2], 3); let w = weight(); let p = param([1]);
        loss(cross_entropy(x + 0 * p, y, ignore_class = 1, weight = w));";
    let x = filled(&[2, 2, 3], 0.3);
    let weights = array(&[2], &[2.0, 0.5]);
    let term = |row: usize, step: usize, class: usize| {
        let total: f64 = (0..3).map(|k| x[[row, step, k].as_slice()].exp()).sum();
        total.ln() - x[[row, step, class].as_slice()]
    };
    let found = loss(text, &[x.clone(), array(&[2, 2], &[0., 1., 2., 0.]), weights.clone()]);
    let expected = (2.0 * term(0, 0, 0) + 0.5 * (term(1, 0, 2) + term(1, 1, 0))) / 3.0;
    assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
    let none = loss(text, &[x, array(&[2, 2], &[1.0; 4]), weights]);
    assert_eq!(none, 0.0);
}

/// Against Keras 3's `SparseCategoricalCrossentropy` and others with their default reduction.
#[test]
fn losses_of_steps_are_keras() {
    let classes = [1., 0., 4., 2., 0., 0., 3., 1., 2., 2., 0., 4.];
    let hot: Vec<f64> =
        classes.iter().flat_map(|&class| (0..5).map(move |k| f64::from(class == f64::from(k)))).collect();
    let data = "let l = input([4, 5]); let y = classes([4], 5); let hot = target([4, 5]); let w = weight(); \
                let each = weight([4]); let p = param([1]); let l = l + 0 * p;";
    let inputs = [
        filled(&[3, 4, 5], 0.3),
        array(&[3, 4], &classes),
        array(&[3, 4, 5], &hot),
        filled(&[3], 1.0).mapv(f64::abs),
        filled(&[3, 4], 2.0).mapv(f64::abs),
    ];
    for (text, expected) in [
        ("cross_entropy(l, y)", 2.013_491_529_676_944),
        ("cross_entropy(l, hot)", 2.013_491_529_676_944),
        ("cross_entropy(l, y, ignore_class = 0)", 2.076_388_833_118_535),
        ("cross_entropy(l, y, label_smoothing = 0.1)", 1.987_993_392_506_795),
        ("cross_entropy(l, y, weight = w)", 1.683_004_459_594_248),
        ("cross_entropy(l, y, weight = each)", 1.110_602_719_861_148),
        ("mse(l, hot, weight = each)", 0.422_339_279_987_822),
        ("binary_cross_entropy(l, hot, weight = each)", 0.479_755_558_245_113),
    ] {
        let found = loss(&format!("{data} loss({text});"), &inputs);
        assert!((found - expected).abs() < 1e-9, "{text}: {found} is not {expected}");
    }
}

#[test]
fn of_embeddings() {
    let x = array(&[2, 2], &[0.5, 1.0, -1.0, 2.0]);
    let y = array(&[2, 2], &[1.0, 0.0, 0.0, 1.0]);
    let target = "let y = target([2]);";
    let hinge = (0.0f64.max(1.0 + 1.0 - 0.5) + 0.0f64.max(1.0 + 0.0 - 2.0)) / 2.0;
    expect("categorical_hinge(x, y)", &x, &y, target, hinge);
    // Anchors x, positives y, negatives 0.
    let distance = |a: [f64; 2], b: [f64; 2]| ((a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2)).sqrt();
    let rows = [([0.5, 1.0], [1.0, 0.0]), ([-1.0, 2.0], [0.0, 1.0])];
    let mean = |f: &dyn Fn(f64) -> f64, margin: f64| {
        rows.iter().map(|&(x, y)| (f(distance(x, y)) - f(distance(x, [0.0; 2])) + margin).max(0.0)).sum::<f64>() / 2.0
    };
    expect("triplet(x, y, 0 * y)", &x, &y, target, mean(&|d| d, 1.0));
    expect("triplet(x, y, 0 * y, margin = 3, squared = true)", &x, &y, target, mean(&|d| d * d, 3.0));
    // Equal embeddings have a gradient.
    let text = "let x = input([2]); let w = param([2]); loss(triplet(x + 0 * w, x + 0 * w, x + 0 * w));";
    assert!(gradient(text, &[0.5, 1.0]).iter().all(|g| g.is_finite()));
}

#[test]
fn weights_of_classes() {
    let x = filled(&[2, 3], 0.3);
    let term = |row: usize, class: usize| {
        let total: f64 = (0..3).map(|k| x[[row, k].as_slice()].exp()).sum();
        total.ln() - x[[row, class].as_slice()]
    };
    // Parameters are as `filled`, this one being the first.
    let weight = filled(&[3], 0.0);
    let of = |class: usize| weight[[class].as_slice()];
    let expected = (of(2) * term(0, 2) + of(0) * term(1, 0)) / 2.0;
    let class = array(&[2], &[2.0, 0.0]);
    let hot = array(&[2, 3], &[0., 0., 1., 1., 0., 0.]);
    for (data, target) in [("let y = class(3);", &class), ("let y = target([3]);", &hot)] {
        let text = format!(
            "let x = input([3]); {data} let w = param([3], trainable = false); let v = param([1]);
            loss(cross_entropy(x + 0 * v, y, class_weights = w));"
        );
        let found = loss(&text, &[x.clone(), target.clone()]);
        assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
    }
    // Sequences, with an ignored class and a weight for each row.
    let text =
        "let x = input([2, 3]); let y = classes([2], 3); let u = weight(); let w = param([3], trainable = false);
        let v = param([1]); loss(cross_entropy(x + 0 * v, y, weight = u, class_weights = w, ignore_class = 1));";
    let steps = filled(&[1, 2, 3], 0.3);
    let found = loss(text, &[steps, array(&[1, 2], &[2., 1.]), array(&[1], &[3.0])]);
    let expected = 3.0 * of(2) * term(0, 2);
    assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
}
