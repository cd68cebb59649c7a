//! Loops against the same networks unrolled.

use super::*;

const DATA: &str = "const H: usize = 2; let x = input([4, 3]); let m = input([4]); let start = input([2]); \
                    let wa = param([3, H]); let ua = param([H, H]); let ba = param([H]);";

fn inputs() -> [Array; 3] {
    [filled(&[2, 4, 3], 0.5), filled(&[2, 4], 1.5), filled(&[2, 2], 2.5)]
}

/// All outputs of a network.
fn outputs(text: &str, training: bool) -> Vec<Array> {
    let network = network(&format!("{DATA} {text}"));
    network.outputs.iter().map(|(_, node)| value(&network, *node, &inputs(), training)).collect()
}

#[track_caller]
fn same(looped: &str, unrolled: &str) {
    let (found, expected) = (outputs(looped, false), outputs(unrolled, false));
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(&expected) {
        let expected: (&[usize], Vec<f64>) = (expected.shape(), expected.iter().copied().collect());
        close(found, expected.0, &expected.1);
    }
}

#[test]
fn a_cell_from_its_equations() {
    let cell = "let a = sigmoid(matmul(x_t, wa) + matmul(h, ua) + ba); let c = tanh(matmul(x_t, wa)); ";
    let looped = format!("let h = scan(x, h = zeros([H]), |x_t, h| {{ {cell} a * c + (1.0 - a) * h }});");
    let step = |i: usize| format!("let x_t = x[{i}]; {cell} let h = a * c + (1.0 - a) * h; let h{i} = h;");
    let unrolled: String = (0..4).map(step).collect();
    same(
        &format!("{looped} output(all = h, end = last(h));"),
        &format!("let h = zeros([H]); {unrolled} output(all = stack([h0, h1, h2, h3]), end = h3);"),
    );
}

#[test]
fn several_sequences_states_and_emissions_backwards() {
    let cell = "let h = tanh(matmul(x_t, wa) + matmul(h, ua)) * m_t; let c = c + h; let y = c.sum() * m_t;";
    let looped = format!(
        "let (h, c, y) = scan((x, m), h = start, c = zeros([H]), |(x_t, m_t), h, c| {{ {cell} (h, c, y) }}, \
         reverse = true); output(h, c, y, last_h = last(h), last_y = last(y));"
    );
    let step = |i: usize| {
        format!("let x_t = x[{i}]; let m_t = m[{i}].reshape([1]); {cell} let h{i} = h; let c{i} = c; let y{i} = y;")
    };
    let unrolled: String = (0..4).rev().map(step).collect();
    let looped = looped.replace("* m_t", "* m_t.reshape([1])");
    let all = |name: &str| format!("{name} = stack([{name}0, {name}1, {name}2, {name}3])");
    let (h, c, y) = (all("h"), all("c"), all("y"));
    same(
        &looped,
        &format!(
            "let h = start; let c = zeros([H]); {unrolled} let {h}; let {c}; let {y}; \
             output(h, c, y, last_h = h0, last_y = y0);"
        ),
    );
}

#[test]
fn what_stands_in_a_cell() {
    // A block, a loop that is unrolled, what is the same in all steps, and a state that starts with a number.
    let block = "fn twice(h: Tensor, by: usize) -> Tensor { h * 2.0 + by }";
    let cell = "let mut s = x_t.sum() + n; for i in 1..3 { s = twice(s, i) / 4.0; } let keep = start > 0.0; \
                s = s + select(keep, start, ba).sum();";
    let step = |i: usize| format!("let x_t = x[{i}]; {cell} let n = s; let n{i} = n;");
    let unrolled: String = (0..4).map(step).collect();
    same(
        &format!("{block} let n = scan(x, n = 0.5, |x_t, n| {{ {cell} s }}); output(n);"),
        &format!("{block} let n = 0.5; {unrolled} output(n = stack([n0, n1, n2, n3]));"),
    );
}

#[test]
fn layers_in_a_cell_make_their_parameters_once() {
    let network = network(
        "let x = input([4, 3]); let h = scan(x, h = zeros([2]), |x_t, h| { let gate = x_t.dense(2) + h.dense(2, bias = \
         false); tanh(gate.dense(2)) }); let y = h.time_distributed(dense(5)); \
         let z = h.time_distributed(|h_t| h_t.dense(3).relu()); \
         let b = x.bidirectional(rnn(2)); output(y, z, b);",
    );
    let names: Vec<String> =
        network.params.iter().map(|param| format!("{} {}", param.name, param.ty.shape())).collect();
    assert_eq!(
        names,
        [
            "h.gate.0.weight [3, 2]",
            "h.gate.0.bias [2]",
            "h.gate.1.weight [2, 2]",
            "h.dense.weight [2, 2]",
            "h.dense.bias [2]",
            "y.weight [2, 5]",
            "y.bias [5]",
            "z.dense.weight [2, 3]",
            "z.dense.bias [3]",
            "b.forward.weight [3, 2]",
            "b.forward.recurrent_weight [2, 2]",
            "b.forward.bias [2]",
            "b.backward.weight [3, 2]",
            "b.backward.recurrent_weight [2, 2]",
            "b.backward.bias [2]",
        ]
    );
    let rows: Vec<String> =
        network.layers.iter().map(|row| format!("{} {} {}", row.name, row.kind, row.ty.shape())).collect();
    assert_eq!(
        rows,
        [
            "h.gate.0 dense(2) [2]",
            "h.gate.1 dense(2, bias = false) [2]",
            "h.dense dense(2) [2]",
            "h.tanh tanh [2]",
            "h scan [4, 2]",
            "y dense(5) [5]",
            "y time_distributed [4, 5]",
            "z.dense dense(3) [3]",
            "z.relu relu [3]",
            "z time_distributed [4, 3]",
            "b.forward rnn(2) [2]",
            "b.backward rnn(2, reverse = true) [2]",
            "b bidirectional(merge = concat) [4]",
        ]
    );
    // The graph holds no stand-ins: whatever it reads is declared.
    let strays = network
        .graph
        .ids()
        .into_iter()
        .filter(|&id| matches!(network.graph.op(id), Op::Input(input) if input.index >= network.inputs.len()));
    assert_eq!(strays.count(), 0);
}

#[test]
fn loops_in_loops() {
    let cell = |x: &str| format!("scan({x}, s = start.sum(), |x_t, s| x_t * s + ba.sum() * 0.1)");
    same(
        &format!("let y = scan(x, h = 1.0, |x_t, h| last({}) + h); output(y);", cell("x_t")),
        &format!(
            "let h = 1.0; {} output(y = stack([h0, h1, h2, h3]));",
            (0..4)
                .map(|i| {
                    let inner: String = (0..3).map(|j| format!("let s = x[{i}, {j}] * s + ba.sum() * 0.1;")).collect();
                    format!("let s = start.sum(); {inner} let h = s + h; let h{i} = h;")
                })
                .collect::<String>()
        ),
    );
}

#[test]
fn a_mask_is_new_in_each_step_unless_it_is_made_outside() {
    let text = "let fresh = scan(x, |x_t| ones([50]).dropout(0.5) + 0.0 * x_t.sum()); \
                let mask = (ones([50]) + 0.0 * start.sum()).dropout(0.5); \
                let held = scan(x, |x_t| mask + 0.0 * x_t.sum()); output(fresh, held);";
    let found = outputs(text, true);
    let step =
        |which: usize, i: usize| -> Vec<f64> { found[which].index_axis(ndarray::Axis(1), i).iter().copied().collect() };
    assert_eq!(found[0].shape(), [2, 4, 50]);
    assert!(found[0].iter().all(|&x| x == 0.0 || x == 2.0));
    assert!((1..4).all(|i| step(0, i) != step(0, 0) && step(1, i) == step(1, 0)));
    // Out of training nothing is dropped.
    assert!(outputs(text, false)[0].iter().all(|&x| x == 1.0));
}

#[test]
fn dropout_of_recurrent_layers_is_the_same_in_all_steps() {
    let text = "let y = x.rnn(60, activation = linear, dropout = 0.5, recurrent_dropout = 0.5, return_sequences = true, \
                init = zeros); output(y); let g = x.gru(2, dropout = 0.3); output(g); \
                let l = x.lstm(2, recurrent_dropout = 0.3); output(l);";
    let (trained, plain) = (outputs(text, true), outputs(text, false));
    assert!(trained.iter().zip(&plain).all(|(trained, plain)| trained != plain));
    assert_eq!(outputs(text, true), trained);
}

#[test]
fn indices_and_parameters_are_sequences_too() {
    let network = network(
        "let word = tokens([3], 5); let table = param([3, 2]); \
         let hot = scan(word, |w| one_hot(w)); \
         let sum = scan(table, s = zeros([2]), |row, s| s + row); \
         output(hot, total = last(sum) + hot.sum());",
    );
    let words = array(&[2, 3], &[4., 0., 2., 1., 1., 3.]);
    let hot = value(&network, network.outputs[0].1, std::slice::from_ref(&words), false);
    assert_eq!(hot.shape(), [2, 3, 5]);
    for (place, &word) in words.iter().enumerate() {
        assert_eq!(hot[[place / 3, place % 3, word as usize].as_slice()], 1.0);
    }
    let total = value(&network, network.outputs[1].1, &[words], false);
    let table = filled(&[3, 2], 0.0);
    let sum = |column: usize| (0..3).map(|row| table[[row, column].as_slice()]).sum::<f64>() + 3.0;
    close(&total, &[2, 2], &[sum(0), sum(1), sum(0), sum(1)]);
}

#[test]
fn last_of_what_is_no_loop_is_its_last_part() {
    same("output(last(x));", "output(y = x[3]);");
    same("let y = scan(x, |x_t| x_t, reverse = true); output(y, end = last(y));", "output(y = x, end = x[0]);");
}

#[test]
fn an_index_is_a_class_or_not() {
    let text = "let w = tokens([3], 5); output(a = (w != 0) * 1.0, b = (w == 3) * 1.0, c = (w == 7) * 1.0);";
    let network = network(text);
    let words = array(&[1, 3], &[3., 0., 4.]);
    for (place, expected) in [[1., 0., 1.], [1., 0., 0.], [0., 0., 0.]].iter().enumerate() {
        let found = value(&network, network.outputs[place].1, std::slice::from_ref(&words), false);
        close(&found, &[1, 3], expected);
    }
}
