//! Random masks wherever a kernel draws them: the numbers are the interpreter's.

use kiln_tests::against_reference;

#[test]
fn a_mask_with_one_number_per_row() {
    against_reference! {
        Net(x: float, y: float) run(x) as f64,
        Net<batch = 5, dtype = f64> {
            let x = input([4, 6]);
            let y = target([4, 6]);
            let h = x.dense(6).tanh();
            let z = h * h.mean(axis = -1, keepdims = true).dropout(0.5);
            output(z);
            loss(mse(z, y));
            optimizer(sgd(lr = 0.1));
        }
    }
    against_reference! {
        Net(x: float, y: float) run(x) as f32,
        Net<batch = 4> {
            let x = input([8]);
            let y = target([]);
            let s = x.dense(8).tanh().sum(axis = -1).dropout(0.5);
            output(s);
            loss(mse(s, y));
            optimizer(sgd(lr = 0.1));
        }
    }
}

#[test]
fn masks_before_and_after_reshapes_and_in_products() {
    against_reference! {
        Net(x: float, y: float) run(x) as f64,
        Net<batch = 5, dtype = f64> {
            let x = input([4, 6]);
            let y = target([5]);
            let h = x.dropout(0.2).dense(6).dropout(0.5).flatten().dropout(0.25);
            let z = h.reshape([4, 6, 1]).conv2d(3, kernel = 2).dropout(0.5).relu().max_pool2d(2).flatten().dense(5);
            output(z);
            loss(mse(z.dropout(0.3), y));
            optimizer(adam(lr = 0.1));
        }
    }
}
