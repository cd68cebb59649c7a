//! Emitted activations that are more than one primitive.

use kiln_tests::against_reference;

#[test]
fn one_behind_the_other() {
    against_reference! {
        Net(x: float, y: float) run(x) as f64,
        Net<batch = 5, dtype = f64> {
            let x = input([3, 7]);
            let y = target([3, 2]);
            let a = x.dense(9).selu().dense(9).mish().dense(8).softsign();
            let b = a.dense(9).hard_sigmoid().dense(7).hard_silu().dense(5).relu6().log_sigmoid();
            let z = b.dense(2);
            output(z);
            loss(mse(z, y));
            optimizer(sgd(lr = 0.2));
        }
    }
}

#[test]
fn slopes_that_are_learnt() {
    against_reference! {
        Net(x: float, y: float) run(x) as f32,
        Net<batch = 4> {
            let x = input([6, 5, 2]);
            let y = target([3]);
            let h = x.conv2d(4, kernel = 3).prelu(shared_axes = (0, 1), init = 0.25).flatten().dense(11).prelu();
            let z = h.dense(3);
            output(z);
            loss(mse(z, y));
            optimizer(sgd(lr = 0.1));
        }
    }
}
