//! Templates against their definitions, by the reference interpreter.

mod activations;
mod attention;
mod cells;
mod complete;
mod keras;
mod keras_optimizers;
mod loops;
mod losses;
mod optimizers;
mod picking;
mod recurrent;
mod tensors;

use proc_macro2::TokenStream;

use crate::diag::Diagnostics;
use crate::eval::{self, Array, Context};
use crate::ir::{Network, NodeId, RootKind};
use crate::ops::Op;

fn network(text: &str) -> Network {
    let mut errors = Diagnostics::default();
    let tokens = format!("N<batch = 16, dtype = f64> {{ {text} }}").parse::<TokenStream>();
    let decl = tokens.ok().and_then(|tokens| crate::syntax::parse(tokens, &mut errors));
    let network = decl.and_then(|decl| crate::resolve::resolve(&decl, &mut errors));
    let texts: Vec<String> = errors.iter().map(|error| error.text()).collect();
    network.unwrap_or_else(|| panic!("{}", texts.join("\n")))
}

fn array(shape: &[usize], values: &[f64]) -> Array {
    Array::from_shape_vec(shape, values.to_vec()).expect("a value for each element")
}

/// Values that no two elements share.
fn filled(shape: &[usize], start: f64) -> Array {
    let count: usize = shape.iter().product();
    let values: Vec<f64> = (0..count).map(|i| (start + 0.7 * i as f64).sin()).collect();
    array(shape, &values)
}

fn params(network: &Network) -> Vec<Array> {
    network.params.iter().enumerate().map(|(i, param)| filled(&param.ty.dims, i as f64)).collect()
}

/// The value of a node for these inputs.
fn value(network: &Network, node: NodeId, inputs: &[Array], training: bool) -> Array {
    let rows = inputs.first().map_or(1, |input| input.shape()[0]);
    let params = params(network);
    let cx = Context { inputs, params: &params, training, ..Context::new(rows) };
    eval::run(&network.graph, &cx)[&node].clone()
}

/// The network's output for `x`, out of training.
fn output(text: &str, inputs: &[Array]) -> Array {
    let network = network(text);
    value(&network, network.outputs[0].1, inputs, false)
}

fn loss(text: &str, inputs: &[Array]) -> f64 {
    let text = format!("{text} optimizer(sgd);");
    let network = network(&text);
    value(&network, network.loss.expect("a loss"), inputs, true).first().copied().expect("one number")
}

#[track_caller]
fn close(found: &Array, shape: &[usize], expected: &[f64]) {
    assert_eq!(found.shape(), shape);
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!((found - expected).abs() < 1e-12 * expected.abs().max(1.0), "{index}: {found} is not {expected}");
    }
    assert_eq!(found.len(), expected.len());
}

#[test]
fn activations_are_their_formulas() {
    let points = [-40.0, -1.5, -0.25, 0.0, 0.5, 2.0, 40.0];
    let tanh_gelu = |x: f64| 0.5 * x * (1.0 + (std::f64::consts::FRAC_2_PI.sqrt() * (x + 0.044715 * x.powi(3))).tanh());
    let cases: [(&str, &dyn Fn(f64) -> f64); 14] = [
        ("relu(x)", &|x| x.max(0.0)),
        ("x.leaky_relu(0.1)", &|x| if x > 0.0 { x } else { 0.1 * x }),
        ("x.elu(alpha = 2.0)", &|x| if x > 0.0 { x } else { 2.0 * (x.exp() - 1.0) }),
        ("x.softplus()", &|x: f64| x.max(0.0) + (-x.abs()).exp().ln_1p()),
        ("x.silu()", &|x: f64| x / (1.0 + (-x).exp())),
        ("x.gelu(approximate = true)", &tanh_gelu),
        ("x.sigmoid()", &|x: f64| 1.0 / (1.0 + (-x).exp())),
        ("x.square()", &|x| x * x),
        ("x.abs()", &f64::abs),
        ("x.clip(-1.0, 1)", &|x: f64| x.clamp(-1.0, 1.0)),
        ("select(x > 0.5, 1.0 - x, 3)", &|x| if x > 0.5 { 1.0 - x } else { 3.0 }),
        ("maximum(x, -x) - minimum(0.5, x)", &|x: f64| x.abs() - x.min(0.5)),
        ("pow(2.0, x) / 2 + -x", &|x: f64| 2.0f64.powf(x) / 2.0 - x),
        ("(x >= 0.5) * 3.0", &|x| if x >= 0.5 { 3.0 } else { 0.0 }),
    ];
    for (text, formula) in cases {
        let found = output(&format!("let x = input([7]); output({text});"), &[array(&[1, 7], &points)]);
        close(&found, &[1, 7], &points.map(formula));
    }
}

#[test]
fn softmax_is_stable_and_takes_any_axis() {
    let x = array(&[1, 2, 2], &[1000.0, 1001.0, -3.0, 5.0]);
    let p = |a: f64, b: f64| (a - b).exp() / (1.0 + (a - b).exp());
    let rows = [p(0.0, 1.0), p(1.0, 0.0), p(-3.0, 5.0), p(5.0, -3.0)];
    let text = |call: &str| format!("let x = input([2, 2]); output({call});");
    close(&output(&text("softmax(x)"), std::slice::from_ref(&x)), &[1, 2, 2], &rows);
    close(&output(&text("log_softmax(x)"), std::slice::from_ref(&x)), &[1, 2, 2], &rows.map(f64::ln));
    close(&output(&text("softmax(x, axis = 0)"), &[x]), &[1, 2, 2], &[1.0, 1.0, 0.0, 0.0]);
}

#[test]
fn cross_entropy_in_all_its_forms_is_one() {
    let logits = filled(&[3, 4], 0.3);
    let class = array(&[3], &[2.0, 0.0, 3.0]);
    let one_hot = array(&[3, 4], &[0., 0., 1., 0., 1., 0., 0., 0., 0., 0., 0., 1.]);
    let rows: Vec<f64> = (0..3)
        .map(|row| {
            let total: f64 = (0..4).map(|k| logits[[row, k].as_slice()].exp()).sum();
            total.ln() - logits[[row, class[[row].as_slice()] as usize].as_slice()]
        })
        .collect();
    let mean = rows.iter().sum::<f64>() / 3.0;
    let text = |rest: &str| format!("let x = input([4]); {rest} let w = param([4]); let x = x + 0.0 * w;");
    for (data, loss_text, target) in [
        ("let y = class(4);", "cross_entropy(x, y)", &class),
        ("let y = class(4);", "cross_entropy(softmax(x), y, from_logits = false)", &class),
        ("let y = target([4]);", "cross_entropy(x, y)", &one_hot),
        ("let y = target([4]);", "x.softmax().cross_entropy(y, from_logits = false)", &one_hot),
    ] {
        let found = loss(&format!("{} loss({loss_text});", text(data)), &[logits.clone(), target.clone()]);
        assert!((found - mean).abs() < 1e-9, "{loss_text}: {found} is not {mean}");
    }
    let weights = array(&[3], &[2.0, 0.5, 0.0]);
    let text = format!("{} loss(cross_entropy(x, y, weight = w));", text("let y = class(4); let weights = weight();"));
    let found = loss(&text.replace("weight = w)", "weight = weights)"), &[logits, class, weights]);
    assert!((found - (2.0 * rows[0] + 0.5 * rows[1]) / 3.0).abs() < 1e-12);
}

#[test]
fn losses_divide_by_all_elements() {
    let (x, y) = (filled(&[3, 2], 0.1), array(&[3, 2], &[0., 1., 1., 0., 0.25, 1.]));
    let mean = |f: &dyn Fn(f64, f64) -> f64| x.iter().zip(&y).map(|(&x, &y)| f(x, y)).sum::<f64>() / 6.0;
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let entropy = |x: f64, z: f64| -(z * sigmoid(x).ln() + (1.0 - z) * (1.0 - sigmoid(x)).ln());
    for (text, expected) in [
        ("mse(x, y)", mean(&|x, y| (x - y).powi(2))),
        ("mae(x, y)", mean(&|x, y| (x - y).abs())),
        ("binary_cross_entropy(x, y)", mean(&entropy)),
        ("binary_cross_entropy(sigmoid(x), y, from_logits = false)", mean(&entropy)),
        ("mean(square(x - y))", mean(&|x, y| (x - y).powi(2))),
        (
            "mse(x, y) + 0.5 * sum(square(w))",
            mean(&|x, y| (x - y).powi(2)) + 0.5 * (filled(&[2], 0.0).iter().map(|w| w * w).sum::<f64>()),
        ),
    ] {
        let text =
            format!("let x = input([2]); let y = target([2]); let w = param([2]); let x = x + 0 * w; loss({text});");
        let found = loss(&text, &[x.clone(), y.clone()]);
        assert!((found - expected).abs() < 1e-12, "{text}: {found} is not {expected}");
    }
}

/// The gradient of the loss by the first parameter where that is 0, for one row of `x`.
fn gradient(text: &str, x: &[f64]) -> Array {
    let network = network(&format!("{text} optimizer(sgd);"));
    let mut graph = network.graph.clone();
    let weight = graph.ids().into_iter().find(|&id| matches!(graph.op(id), Op::Param(_))).expect("a parameter");
    let loss = network.loss.expect("a loss");
    graph.roots.push(crate::ir::Root { kind: RootKind::Loss, node: loss });
    let gradients = crate::autodiff::gradients(&mut graph, loss, &[weight]);
    let inputs = [array(&[1, x.len()], x)];
    let params = [Array::zeros(network.params[0].ty.dims.as_slice())];
    let cx = Context { inputs: &inputs, params: &params, ..Context::new(1) };
    eval::run(&graph, &cx)[&gradients[0].expect("a gradient")].clone()
}

#[test]
fn the_gradient_of_softplus_is_sigmoid_at_0_too() {
    let text = "let x = input([3]); let w = param([3]); loss(mean(softplus(x + w)));";
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    close(&gradient(text, &[0.0, 2.0, -2.0]), &[3], &[0.5 / 3.0, sigmoid(2.0) / 3.0, sigmoid(-2.0) / 3.0]);
}

#[test]
fn batch_norm_follows_the_batch_in_training_only() {
    let network = network("let x = input([2, 3]); output(x.batch_norm(momentum = 0.9, epsilon = 0.01));");
    let names: Vec<&str> = network.params.iter().map(|param| param.name.as_str()).collect();
    assert_eq!(names, ["batch_norm.gamma", "batch_norm.beta", "batch_norm.moving_mean", "batch_norm.moving_variance"]);
    assert_eq!(network.params.iter().map(|param| param.trainable).collect::<Vec<_>>(), [true, true, false, false]);
    let x = filled(&[4, 2, 3], 0.2);
    let p = params(&network);
    let at = |row: usize, cell: usize, channel: usize| x[[row, cell, channel].as_slice()];
    let cells = || (0..4).flat_map(|row| (0..2).map(move |cell| (row, cell)));
    let mean: Vec<f64> = (0..3).map(|c| cells().map(|(r, i)| at(r, i, c)).sum::<f64>() / 8.0).collect();
    let variance: Vec<f64> =
        (0..3).map(|c| cells().map(|(r, i)| (at(r, i, c) - mean[c]).powi(2)).sum::<f64>() / 8.0).collect();
    let normalised = |mean: &[f64], variance: &[f64]| -> Vec<f64> {
        let one = |(index, x): (usize, &f64)| {
            let c = index % 3;
            (x - mean[c]) / (variance[c] + 0.01).sqrt() * p[0][[c].as_slice()] + p[1][[c].as_slice()]
        };
        x.iter().enumerate().map(one).collect()
    };
    let node = network.outputs[0].1;
    close(&value(&network, node, std::slice::from_ref(&x), true), &[4, 2, 3], &normalised(&mean, &variance));
    let moving: Vec<Vec<f64>> = p[2..].iter().map(|p| p.iter().map(|x| x.abs()).collect()).collect();
    let inputs = [x.clone()];
    let stored: Vec<Array> = vec![p[0].clone(), p[1].clone(), array(&[3], &moving[0]), array(&[3], &moving[1])];
    let cx = Context { inputs: &inputs, params: &stored, training: false, ..Context::new(4) };
    let values = eval::run(&network.graph, &cx);
    close(&values[&node], &[4, 2, 3], &normalised(&moving[0], &moving[1]));
    for (which, (batch, old)) in [(&mean, &moving[0]), (&variance, &moving[1])].into_iter().enumerate() {
        let expected: Vec<f64> = (0..3).map(|c| 0.9 * old[c] + 0.1 * batch[c]).collect();
        let (param, node) = network.updates[which];
        assert_eq!(param.0, 2 + which);
        close(&values[&node], &[3], &expected);
    }
}

#[test]
fn layer_norm_normalises_the_last_axis() {
    let x = filled(&[2, 2, 5], 0.4);
    let found =
        output("let x = input([2, 5]); output(x.layer_norm(scale = false, center = false));", std::slice::from_ref(&x));
    let values: Vec<f64> = x.iter().copied().collect();
    let expected: Vec<f64> = values
        .chunks(5)
        .flat_map(|row| {
            let mean = row.iter().sum::<f64>() / 5.0;
            let variance = row.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 5.0;
            row.iter().map(move |x| (x - mean) / (variance + 1e-3).sqrt()).collect::<Vec<_>>()
        })
        .collect();
    close(&found, &[2, 2, 5], &expected);
}

#[test]
fn dropout_is_inverted_and_leaves_inference_alone() {
    let network = network("let x = input([500]); output(x.dropout(0.25));");
    let x = array(&[4, 500], &[1.0; 2000]);
    let node = network.outputs[0].1;
    assert_eq!(value(&network, node, std::slice::from_ref(&x), false), x);
    let trained = value(&network, node, &[x], true);
    assert!(trained.iter().all(|&y| y == 0.0 || (y - 4.0 / 3.0).abs() < 1e-12));
    let kept = trained.iter().filter(|&&y| y != 0.0).count();
    assert!((1400..1600).contains(&kept), "{kept} of 2000");
}

#[test]
fn same_padding_is_keras() {
    for (extent, kernel, stride, pad) in
        [(5, 3, 1, [1, 1]), (6, 3, 2, [0, 1]), (5, 3, 2, [1, 1]), (7, 2, 3, [0, 1]), (4, 1, 2, [0, 0])]
    {
        let network = network(&format!(
            "let x = input([{extent}, {extent}, 1]); output(x.conv2d(1, kernel = {kernel}, stride = {stride}, pad = same));"
        ));
        let conv = network.graph.ids().into_iter().find_map(|id| match network.graph.op(id) {
            Op::Conv2d(conv) => Some((conv.pad, network.graph.ty(id).dims.clone())),
            _ => None,
        });
        let out = usize::div_ceil(extent, stride);
        assert_eq!(conv, Some(([pad, pad], vec![out, out, 1])), "{extent} {kernel} {stride}");
    }
}

#[test]
fn indices_slices_and_joins_pick_elements() {
    let x = array(&[1, 3, 2], &[0., 1., 2., 3., 4., 5.]);
    for (text, shape, expected) in [
        ("x[1]", vec![1, 2], vec![2., 3.]),
        ("x[-1, 0]", vec![1], vec![4.]),
        ("x[1..]", vec![1, 2, 2], vec![2., 3., 4., 5.]),
        ("x[..-1, 1]", vec![1, 2], vec![1., 3.]),
        ("x[0..=1, 1..2]", vec![1, 2, 1], vec![1., 3.]),
        ("slice(x, [0, 0], [3, 1], steps = [2, 1])", vec![1, 2, 1], vec![0., 4.]),
        ("concat(x[0], x[2])", vec![1, 4], vec![0., 1., 4., 5.]),
        ("concat([x, zeros([1, 2])], axis = 0)[2..]", vec![1, 2, 2], vec![4., 5., 0., 0.]),
        ("x.transpose()", vec![1, 2, 3], vec![0., 2., 4., 1., 3., 5.]),
        ("x.reshape([2, -1])[1]", vec![1, 3], vec![3., 4., 5.]),
        ("x[0].pad([1], high = [2])", vec![1, 5], vec![0., 0., 1., 0., 0.]),
        ("x.sum(axis = 0)", vec![1, 2], vec![6., 9.]),
        ("x.mean(axis = -1, keepdims = true)", vec![1, 3, 1], vec![0.5, 2.5, 4.5]),
        ("x.max(axis = (0, 1))", vec![1], vec![5.]),
        ("x.min() - x.prod()", vec![1], vec![0.]),
        ("x + full([2], 10.0) * ones([3, 1])", vec![1, 3, 2], vec![10., 11., 12., 13., 14., 15.]),
    ] {
        let found = output(&format!("let x = input([3, 2]); output(y = {text});"), std::slice::from_ref(&x));
        close(&found, &shape, &expected);
    }
}

#[test]
fn matmul_broadcasts_as_numpy_does() {
    let (a, b) = (filled(&[2, 3, 4], 0.0), filled(&[2, 4, 5], 1.0));
    let dot = |row: usize, i: usize, j: usize, b: &Array, batched: bool| -> f64 {
        (0..4)
            .map(|k| {
                let right = if batched { b[[row, k, j].as_slice()] } else { b[[k, j].as_slice()] };
                a[[row, i, k].as_slice()] * right
            })
            .sum()
    };
    let all = |f: &dyn Fn(usize, usize, usize) -> f64, m: usize, n: usize| -> Vec<f64> {
        let f = &f;
        (0..2).flat_map(|r| (0..m).flat_map(move |i| (0..n).map(move |j| f(r, i, j)))).collect()
    };
    let data = "let a = input([3, 4]); let b = input([4, 5]); let w = param([4, 5]);";
    let run = |text: &str| output(&format!("{data} output({text});"), &[a.clone(), b.clone()]);
    let w = filled(&[4, 5], 0.0);
    close(&run("matmul(a, b)"), &[2, 3, 5], &all(&|r, i, j| dot(r, i, j, &b, true), 3, 5));
    close(&run("matmul(a, w)"), &[2, 3, 5], &all(&|r, i, j| dot(r, i, j, &w, false), 3, 5));
    close(&run("matmul(a[1], b)"), &[2, 5], &all(&|r, _, j| dot(r, 1, j, &b, true), 1, 5));
    close(&run("matmul(a, b[.., 2])"), &[2, 3], &all(&|r, i, _| dot(r, i, 2, &b, true), 3, 1));
    close(&run("matmul(a[0], w[.., 1])"), &[2], &all(&|r, _, _| dot(r, 0, 1, &w, false), 1, 1));
}

#[test]
fn pools_of_whole_images() {
    let x = filled(&[2, 2, 2, 3], 0.9);
    let channel = |r: usize, c: usize| (0..4).map(|i| x[[r, i / 2, i % 2, c].as_slice()]).collect::<Vec<f64>>();
    let each = |f: &dyn Fn(Vec<f64>) -> f64| -> Vec<f64> { (0..6).map(|i| f(channel(i / 3, i % 3))).collect() };
    let run = |text: &str| output(&format!("let x = input([2, 2, 3]); output({text});"), std::slice::from_ref(&x));
    let mean = each(&|v| v.iter().sum::<f64>() / 4.0);
    let max = each(&|v| v.into_iter().fold(f64::MIN, f64::max));
    close(&run("x.global_avg_pool2d()"), &[2, 3], &mean);
    close(&run("x.avg_pool2d(2)"), &[2, 1, 1, 3], &mean);
    close(&run("x.global_max_pool2d(keepdims = true)"), &[2, 1, 1, 3], &max);
    close(&run("x.max_pool2d().flatten()"), &[2, 3], &max);
}

#[test]
fn one_hot_knows_the_classes_of_its_input() {
    let found = output("let y = classes([2], 3); output(one_hot(y[1]));", &[array(&[1, 2], &[0.0, 2.0])]);
    close(&found, &[1, 3], &[0., 0., 1.]);
}
