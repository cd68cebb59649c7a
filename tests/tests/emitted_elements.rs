//! Emitted functions of elements, reductions and broadcasts.

use kiln_tests::against_reference;

#[test]
fn functions_of_elements() {
    against_reference! {
        Net(x: float, y: float) run(x) -> (a, b, c, d, e) as f64,
        Net<batch = 5, dtype = f64> {
            let x = input([3, 7]);
            let y = target([3, 7]);
            let w = param([7], init = uniform(0.5, 1.5));
            let h = x * w;
            let a = h.leaky_relu(0.1) + h.elu() - h.softplus() * h.gelu() / (1.5 + h.silu().abs());
            let b = exp(h) - log(1.0 + square(h)) + sqrt(0.1 + h * h);
            let c = pow(0.5 + abs(h), 1.7) + pow(2.0, h) + pow(abs(h) + 0.1, w);
            let d = maximum(h, w) - minimum(h, 0.25) + clip(h, -0.2, 0.6);
            let e = select(h > 0.1, a, b) + (h <= 0.3) * c - select(h < w, 1.0, d) + (h >= 0.5) * 2.0;
            output(a, b, c, d, e);
            loss(mse(e, y));
            optimizer(sgd(lr = 0.1));
        }
    }
}

#[test]
fn functions_of_elements_in_f32() {
    against_reference! {
        Net(x: float, y: float) run(x) as f32,
        Net<batch = 3> {
            let x = input([37]);
            let y = target([37]);
            let w = param([37], init = uniform(0.5, 1.5));
            let h = x * w;
            let z = h.elu() + h.softplus() * h.gelu() + sigmoid(h) - tanh(h) / exp(h) + sqrt(abs(h) + 0.5) - log(1.5 + h);
            output(z);
            loss(mse(z, y));
            optimizer(sgd(lr = 0.5));
        }
    }
}

#[test]
fn reductions_over_all_kinds_of_axes() {
    against_reference! {
        Net(x: float, y: float) run(x) -> (last, first, middle, two, ends, all, kept, lowest, product) as f64,
        Net<batch = 4, dtype = f64> {
            let x = input([3, 5, 2, 7]);
            let y = target([2]);
            let w = param([5, 2, 7], init = uniform(0.5, 1.5));
            let h = x * w;
            let last = h.sum(axis = -1);
            let first = h.mean(axis = 0);
            let middle = h.max(axis = 1);
            let two = h.sum(axis = (1, 2));
            let ends = h.mean(axis = (0, 3));
            let all = h.sum();
            let kept = h.mean(axis = (0, 2), keepdims = true);
            let lowest = h.min(axis = (2, 3));
            let product = (h + 1.0).prod(axis = 1);
            output(last, first, middle, two, ends, all, kept, lowest, product);
            let together = concat([
                last.flatten(), first.flatten(), middle.flatten(), two.flatten(), ends.flatten(), kept.flatten(),
                lowest.flatten(), product.flatten(),
            ]);
            loss(mse(together.tanh().dense(2) + all.reshape([1]).tanh(), y));
            optimizer(sgd(lr = 0.1));
        }
    }
}

#[test]
fn reductions_of_parameters() {
    against_reference! {
        Net(x: float, y: float) run(x) as f64,
        Net<batch = 3, dtype = f64> {
            let x = input([4]);
            let y = target([4]);
            let w = param([6, 4]);
            let rows = w.sum(axis = 1);
            let cols = w.max(axis = 0);
            let whole = w.mean();
            let z = x * cols + whole * rows.sum();
            output(z);
            loss(mse(z, y) + 0.01 * sum(square(w)) + 0.1 * mean(abs(rows)));
            optimizer(sgd(lr = 0.1));
        }
    }
}

#[test]
fn broadcasts() {
    against_reference! {
        Net(x: float, z: float, y: float) run(x, z) -> (a, b, c, d, e) as f64,
        Net<batch = 5, dtype = f64> {
            let x = input([3, 1, 4]);
            let z = input([2, 1]);
            let y = target([3, 2, 4]);
            let row = param([4], init = uniform(-1.0, 1.0));
            let column = param([3, 1, 1], init = uniform(-1.0, 1.0));
            let scalar = param([], init = constant(0.5));
            let square = param([2, 4], init = uniform(-1.0, 1.0));
            let a = x + z;
            let b = x * row - column;
            let c = z / (1.5 + scalar * scalar) + square;
            let d = a * c + b;
            let e = d * scalar - square * column + 3.0 * z;
            output(a, b, c, d, e);
            loss(mse(e, y));
            optimizer(sgd(lr = 0.1));
        }
    }
}

#[test]
fn rows_of_scalars() {
    against_reference! {
        Net(x: float, y: float) run(x) as f64,
        Net<batch = 7, dtype = f64> {
            let x = input([]);
            let y = target([]);
            let a = param([], init = constant(0.3));
            let b = param([], init = constant(-0.2));
            let z = a * x * x + b;
            output(z);
            loss(mse(z, y));
            optimizer(sgd(lr = 0.1, momentum = 0.9, nesterov = true));
        }
    }
}

#[test]
fn softmax_of_sequences() {
    against_reference! {
        Net(x: float, y: index) run(x) -> (p, q, r) as f64,
        Net<batch = 4, dtype = f64> {
            let x = input([5, 6]);
            let y = classes([5], 7);
            let logits = x.dense(7);
            let p = softmax(logits);
            let q = softmax(logits, axis = 0);
            let r = log_softmax(logits, axis = 0) + log_softmax(logits);
            output(p, q, r);
            loss(cross_entropy(logits, y) + 0.1 * mean(q * r));
            optimizer(sgd(lr = 0.3));
        }
    }
}
