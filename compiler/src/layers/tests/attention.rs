//! Attention and embeddings against Keras and their definitions.

use super::*;

/// The output with the parameters that [`params`] makes.
fn run(data: &str, call: &str, inputs: &[Array]) -> Array {
    output(&format!("{data} output({call});"), inputs)
}

/// To the digits that are written down.
#[track_caller]
pub(super) fn near(found: &Array, shape: &[usize], expected: &[f64]) {
    assert_eq!((found.shape(), found.len()), (shape, expected.len()));
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!((found - expected).abs() < 1e-6 * expected.abs().max(0.1), "{index}: {found} is not {expected}");
    }
}

#[test]
fn attention_is_that_of_keras() {
    let x = filled(&[2, 3, 4], 0.2);
    let data = "let x = input([3, 4]);";
    let plain = [
        1.11935154,
        1.04798305,
        0.483731747,
        -0.308026152,
        1.16613297,
        1.04489199,
        0.432221981,
        -0.383728783,
        1.11964039,
        1.05147343,
        0.488782089,
        -0.303791111,
        0.996764408,
        0.956767512,
        0.466787906,
        -0.242729347,
        1.00293944,
        0.935359846,
        0.427865904,
        -0.280860058,
        0.986492459,
        0.952881469,
        0.471115435,
        -0.23222355,
    ];
    near(&run(data, "x.attention(2)", std::slice::from_ref(&x)), &[2, 3, 4], &plain);
    near(&run(data, "x.multi_head_attention(heads = 2, context = x)", std::slice::from_ref(&x)), &[2, 3, 4], &plain);
    let causal = [
        1.35967628,
        1.08216807,
        0.29569931,
        -0.62984146,
        1.13013554,
        0.998537185,
        0.397311191,
        -0.390776465,
        1.11964039,
        1.05147343,
        0.488782089,
        -0.303791111,
        1.01013399,
        0.879186825,
        0.334744357,
        -0.367133613,
        0.954450646,
        0.964075906,
        0.520281204,
        -0.168209879,
        0.986492459,
        0.952881469,
        0.471115435,
        -0.23222355,
    ];
    near(&run(data, "x.attention(2, causal = true)", &[x]), &[2, 3, 4], &causal);
}

#[test]
fn attention_over_a_context_with_padding() {
    let (x, context) = (filled(&[2, 3, 4], 0.2), filled(&[2, 4, 5], 0.5));
    let tokens = array(&[2, 4], &[7., 2., 0., 3., 1., 0., 0., 0.]);
    let data = "let x = input([3, 4]); let c = input([4, 5]); let t = tokens([4], 8);";
    let call = "x.attention(3, key_dim = 2, value_dim = 1, context = c, mask = mask(t), units = 2)";
    let expected = [
        0.829409001,
        0.328473216,
        0.852453774,
        0.332311803,
        0.810265786,
        0.32043486,
        -0.251220214,
        -0.489788922,
        -0.251220214,
        -0.489788922,
        -0.251220214,
        -0.489788922,
    ];
    near(&run(data, call, &[x, context, tokens]), &[2, 3, 2], &expected);
}

#[test]
fn masks_and_causality_are_exact() {
    // Scores are 0: each step is the mean of what it may look at.
    let v = array(&[1, 3, 1], &[1., 10., 100.]);
    let run = |call: &str| run("let v = input([3, 1]); let z = v * 0.0;", call, std::slice::from_ref(&v));
    let causal = run("scaled_dot_product_attention(z, z, v, causal = true)");
    close(&causal, &[1, 3, 1], &[1.0, 5.5, 37.0]);
    let masked =
        run("scaled_dot_product_attention(z, z, v, mask = (v < 50.0).flatten(), causal = true, scale = 2.0).flatten()");
    close(&masked, &[1, 3], &[1.0, 5.5, 5.5]);
}

#[test]
fn embeddings_take_rows_and_leave_padding_out() {
    let tokens = array(&[2, 3], &[2., 0., 1., 3., 0., 2.]);
    let run = |call: &str| run("let t = tokens([3], 4);", call, std::slice::from_ref(&tokens));
    let row = |index: usize| [2 * index, 2 * index + 1].map(|i| (0.7 * i as f64).sin());
    let all = |zeros: &[usize]| -> Vec<f64> {
        [2, 0, 1, 3, 0, 2].into_iter().flat_map(|i| if zeros.contains(&i) { [0.0; 2] } else { row(i) }).collect()
    };
    close(&run("t.embedding(2)"), &[2, 3, 2], &all(&[]));
    close(&run("t.embedding(2, vocabulary = 9, padding = 2)"), &[2, 3, 2], &all(&[2]));
    close(&run("mask(t)"), &[2, 3], &[1., 0., 1., 1., 0., 1.]);
    close(&run("t.mask(padding = 2)"), &[2, 3], &[0., 1., 1., 1., 1., 0.]);
    let sums: Vec<f64> = all(&[]).iter().enumerate().map(|(i, x)| x + (1.0 + 0.7 * (i % 6) as f64).sin()).collect();
    close(&run("t.embedding(2).positional_embedding()"), &[2, 3, 2], &sums);
    // The table is a parameter, too.
    close(&run("t.embedding(2).sinusoidal_encoding()"), &[2, 3, 2], &sums);
}
