//! Names that users choose and generated code uses as well.

use kiln::network;
use kiln_tests::against_reference;

#[test]
fn inputs_called_like_variables_of_the_generated_code() {
    against_reference! {
        Net(rows: float, isa: float, memory: float, state: float, steps: float, part: float, s: float, m: float)
        run(rows, isa, memory, state, steps, part, s) as f64,
        Net<batch = 3, dtype = f64> {
            let rows = input([2]);
            let isa = input([2]);
            let memory = input([2]);
            let state = input([2]);
            let steps = input([2]);
            let part = input([2]);
            let s = input([2]);
            let m = target([1]);
            let h = concat(rows, isa, memory, state, steps, part, s).dense(1);
            output(h);
            loss(mse(h, m));
            optimizer(sgd(lr = 0.1));
        }
    }
    against_reference! {
        inference Net(output: float, x: float, x_rows: float, x_data: float, view: float, inputs: float,
            uniforms: float) run(output, x, x_rows, x_data, view, inputs, uniforms) as f64,
        Net<batch = 2, dtype = f64> {
            let output = input([2]);
            let x = input([2]);
            let x_rows = input([2]);
            let x_data = input([2]);
            let view = input([2]);
            let inputs = input([2]);
            let uniforms = input([2]);
            output((output + x).dense(2) * (x_rows - x_data) + view * inputs / (2.0 + uniforms));
        }
    }
}

#[test]
fn values_called_like_variables_of_kernels() {
    against_reference! {
        Net(sum: float, group: float, y: float) run(sum, group) as f64,
        Net<batch = 5, dtype = f64> {
            let sum = input([3]);
            let group = input([3]);
            let y = target([3]);
            let sum_lanes = param([3], init = ones);
            let a = sum.batch_norm() + group.batch_norm() * sum_lanes;
            let b = softmax(sum_lanes + sum) * softmax(group);
            output(a + b);
            loss(mse(a + b, y));
            optimizer(sgd(lr = 0.1));
        }
    }
}

#[test]
fn names_that_differ_in_underscores_alone() {
    against_reference! {
        Net(x: float, y: float) run(x) -> (a_b, a_b_2) as f64,
        Net<batch = 3, dtype = f64> {
            let x = input([3]);
            let y = target([3]);
            let a_b = x.dense(3).tanh();
            let a__b = a_b.dense(3).tanh();
            output(a_b, a__b);
            loss(mse(a__b, y));
            optimizer(sgd(lr = 0.1));
        }
    }
}

#[test]
fn names_beyond_ascii() {
    against_reference! {
        Net(größe: float, y: float) run(größe) -> (maß, äußeres) method decode(maß: float) as f64,
        Net<batch = 3, dtype = f64> {
            let größe = input([3]);
            let y = target([3]);
            let maß = größe.dense(3).tanh();
            let äußeres = maß.dense(3).tanh();
            output(maß, äußeres);
            method(decode, from = maß, to = äußeres);
            loss(mse(äußeres, y));
            optimizer(sgd(lr = 0.1));
        }
    }
}

network! {
    Pair<batch = 2> {
        let x = input([2]);
        output(x.dense(1));
    }
}

network! {
    PAIR<batch = 2> {
        let x = input([2]);
        output(x.dense(3));
    }
}

#[test]
fn two_networks_that_differ_in_case() {
    let (x, other) = ([0.5, 1.0], [0.25; 2]);
    let shape = |rows: &[usize]| rows.to_vec();
    let mut predictor = Pair::new(1).predictor();
    assert_eq!(predictor.run(&x).map(|view| shape(view.shape())).ok(), Some(vec![1, 1]));
    let mut predictor = PAIR::new(1).predictor();
    assert_eq!(predictor.run(&other).map(|view| shape(view.shape())).ok(), Some(vec![1, 3]));
}
