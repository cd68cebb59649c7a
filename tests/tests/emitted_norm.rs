//! Emitted normalisations and dropout: training and inference differ.

use kiln_tests::against_reference;

#[test]
fn batch_norm_of_vectors() {
    against_reference! {
        Net(x: float, y: index) run(x) as f64,
        Net<batch = 9, dtype = f64> {
            let x = input([5]);
            let y = class(3);
            let h = x.dense(17).batch_norm(momentum = 0.7).relu();
            let logits = h.dense(3).batch_norm(scale = false, epsilon = 0.1);
            output(softmax(logits));
            loss(cross_entropy(logits, y));
            optimizer(sgd(lr = 0.2));
        }
    }
}

#[test]
fn batch_norm_of_images() {
    against_reference! {
        Net(x: float, y: index) run(x) as f64,
        Net<batch = 5, dtype = f64> {
            let x = input([6, 5, 2]);
            let y = class(3);
            let h = x.batch_norm(center = false).conv2d(9, kernel = 3, bias = false).batch_norm().relu().max_pool2d(2);
            let logits = h.flatten().dense(3);
            output(logits);
            loss(cross_entropy(logits, y));
            optimizer(adam(lr = 0.01));
        }
    }
}

#[test]
fn batch_norm_in_f32() {
    against_reference! {
        Net(x: float, y: float) run(x) as f32,
        Net<batch = 8> {
            let x = input([3, 4]);
            let y = target([3, 2]);
            let h = x.dense(8).batch_norm(epsilon = 0.1).tanh();
            let z = h.dense(2);
            output(z);
            loss(mse(z, y));
            optimizer(sgd(lr = 0.1));
        }
    }
}

#[test]
fn layer_norm() {
    against_reference! {
        Net(x: float, y: float) run(x) -> (a, b) as f64,
        Net<batch = 5, dtype = f64> {
            let x = input([3, 13]);
            let y = target([3, 2]);
            let a = x.layer_norm();
            let b = a.dense(9).gelu().layer_norm(scale = false, center = false).dense(2);
            output(a, b);
            loss(mse(b, y));
            optimizer(sgd(lr = 0.3));
        }
    }
}

#[test]
fn layer_norm_in_f32() {
    against_reference! {
        Net(x: float, y: float) run(x) as f32,
        Net<batch = 4> {
            let x = input([19]);
            let y = target([2]);
            let z = x.dense(33).layer_norm(epsilon = 0.1).silu().dense(2);
            output(z);
            loss(mse(z, y));
            optimizer(sgd(lr = 0.1));
        }
    }
}

#[test]
fn dropout() {
    against_reference! {
        Net(x: float, y: index) run(x) as f64,
        Net<batch = 6, dtype = f64> {
            let x = input([3, 11]);
            let y = class(4);
            let h = x.dropout(0.2).dense(21).relu().dropout(0.5).flatten();
            let logits = h.dense(4).dropout(0.1);
            output(logits);
            loss(cross_entropy(logits, y));
            optimizer(sgd(lr = 0.2));
        }
    }
}

#[test]
fn dropout_in_f32() {
    against_reference! {
        Net(x: float, y: index) run(x) as f32,
        Net<batch = 7> {
            let x = input([5, 5, 3]);
            let y = class(4);
            let h = x.conv2d(9, kernel = 2).relu().dropout(0.3).max_pool2d(2).dropout(0.25).flatten();
            let logits = h.dense(4);
            output(logits);
            loss(cross_entropy(logits, y));
            optimizer(sgd(lr = 0.1));
        }
    }
}

// Rows are swept three times; the second time writes what the third reads the operand for. A row has a whole number of
// vectors, one vector and a rest, or less than one.
#[test]
fn rows_in_place() {
    against_reference! {
        Net(x: float, y: float) run(x) -> (centred, scaled, shares) as f64,
        Net<batch = 7, dtype = f64> {
            let x = input([3, 5]);
            let y = target([3, 17]);
            let h = x.dense(17);
            let centred = h - h.mean(axis = -1, keepdims = true);
            let scaled = h / (1.0 + square(centred).sum(axis = -1, keepdims = true));
            let shares = x.dense(3).softmax() + x.dense(16).softmax().sum(axis = -1, keepdims = true);
            output(centred, scaled, shares);
            loss(mse(softmax(scaled), y));
            optimizer(sgd(lr = 0.2));
        }
    }
}
