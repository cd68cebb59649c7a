//! Emitted networks whose kernels meet in odd ways.

use kiln_tests::against_reference;

/// The update of `w` needs nothing of the sum: it must not come between the two sweeps that read `w`.
#[test]
fn a_parameter_is_read_before_it_changes() {
    against_reference! {
        Net(x: float) run(x) as f64,
        Net<batch = 3, dtype = f64> {
            let x = input([7]);
            let w = param([7], init = uniform(0.5, 1.5));
            let z = x + w * sum(w);
            output(z);
            loss(sum(w));
            optimizer(sgd(lr = 0.5));
        }
    }
}

/// Outputs that are nothing but another way to address something.
#[test]
fn outputs_that_repeat() {
    against_reference! {
        Net(x: float, y: float) run(x) -> (a, b, c) as f64,
        Net<batch = 4, dtype = f64> {
            let x = input([4]);
            let y = target([4]);
            let h = x.dense(4);
            let a = x + zeros([3, 2, 4]);
            let b = h.reshape([4, 1]) * ones([3, 4, 5]);
            let c = b.reshape([12, 5]).transpose();
            output(a, b, c);
            loss(mse(h, y));
            optimizer(sgd(lr = 0.1));
        }
    }
}

#[test]
fn classes_inside_reductions_over_several_axes() {
    against_reference! {
        Net(x: float, y: index) run(x) as f64,
        Net<batch = 4, dtype = f64> {
            let x = input([3, 2]);
            let y = classes([3], 5);
            let z = softmax(x.dense(5));
            output(z);
            loss(mse(z, one_hot(y)) + 0.1 * mean(one_hot(y).sum(axis = (0, 1)) * z.sum()));
            optimizer(sgd(lr = 0.5));
        }
    }
}

#[test]
fn classes_as_outputs() {
    against_reference! {
        inference Net(t: index, y: index) run(t, y) -> (a, b, c) as f64,
        Net<batch = 4, dtype = f64> {
            let t = tokens([3], 4);
            let y = class(9);
            let a = one_hot(t);
            let b = one_hot(y);
            let c = one_hot(t).transpose() * 2.0 + one_hot(y)[0..3];
            output(a, b, c);
        }
    }
}

/// Each gradient reads the other factor, which the other's update overwrites.
#[test]
fn factors_of_each_other() {
    against_reference! {
        Net(x: float, y: float) run(x) as f64,
        Net<batch = 3, dtype = f64> {
            let x = input([5]);
            let y = target([5]);
            let a = param([5], init = uniform(0.5, 1.5));
            let b = param([5], init = uniform(0.5, 1.5));
            let c = param([5, 4]);
            let d = param([4, 5]);
            let z = x * (a * b) + matmul(matmul(x * softmax(a), c), d) + matmul(x, transpose(matmul(c, d)));
            output(z);
            loss(mse(z, y) + 0.1 * sum(a * b) + 0.1 * sum(square(matmul(d, c))));
            optimizer(sgd(lr = 0.1, momentum = 0.9));
        }
    }
}

/// Tokens that another macro hands on, single ones and whole expressions.
#[test]
fn tokens_of_another_macro() {
    macro_rules! net {
        ($units:literal, $rate:expr, $layer:ident, $extent:expr) => {
            against_reference! {
                Net(x: float, y: float) run(x) as f32,
                Net<batch = 2> {
                    let x = input([$extent]);
                    let y = target([2]);
                    let z = x.dense($units * 2).$layer().dense(2);
                    output(z);
                    loss(mse(z, y));
                    optimizer(sgd(lr = $rate));
                }
            }
        };
    }
    net!(3, 0.1 * 2.0, tanh, 2 + 3);
}
