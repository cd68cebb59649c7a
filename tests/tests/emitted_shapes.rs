//! Emitted code that moves elements: slices, joins, pads, transposes, reshapes; and products of all kinds.

use kiln_tests::against_reference;

#[test]
fn moves() {
    against_reference! {
        Net(x: float, y: float) run(x) -> (cut, every, joined, turned, swapped, padded, flat) as f64,
        Net<batch = 4, dtype = f64> {
            let x = input([4, 6, 3]);
            let y = target([5]);
            let w = param([6, 3], init = uniform(0.5, 1.5));
            let h = x * w;
            let cut = h[1.., 2..5, 0];
            let every = slice(h, [0, 1, 0], [4, 6, 3], steps = [2, 3, 1]);
            let joined = concat(h[0], w, h[-1], axis = 0);
            let turned = h.transpose();
            let swapped = h.transpose((1, 0, 2)).reshape([3, -1]);
            let padded = h.pad([1, 0, 2], high = [0, 2, 1]);
            let flat = zero_padding2d(h, padding = ((1, 0), (0, 2))).flatten();
            output(cut, every, joined, turned, swapped, padded, flat);
            let all = concat([cut.flatten(), every.flatten(), joined.flatten(), turned.flatten(), swapped.flatten(), padded.flatten().tanh(), flat]);
            loss(mse(all.dense(5), y));
            optimizer(sgd(lr = 0.05));
        }
    }
}

#[test]
fn moves_in_f32() {
    against_reference! {
        Net(x: float, y: float) run(x) as f32,
        Net<batch = 5> {
            let x = input([7, 8]);
            let y = target([9]);
            let h = x.dense(9).relu();
            let h = concat(h[0..3], h[4..7].relu(), axis = 0).transpose().reshape([6, 9]) + h[3];
            let z = h[1] - h[-1] * h[2];
            output(z);
            loss(mse(z, y));
            optimizer(sgd(lr = 0.1));
        }
    }
}

#[test]
fn products() {
    against_reference! {
        Net(x: float, z: float, y: float) run(x, z) -> (both, left, right, outer, inner, turned, heads) as f64,
        Net<batch = 3, dtype = f64> {
            let x = input([5, 4]);
            let z = input([4, 7]);
            let y = target([2]);
            let w = param([4, 3]);
            let u = param([2, 4, 6]);
            let v = param([4]);
            let both = matmul(x, z);
            let left = matmul(x, w).relu();
            let right = matmul(transpose(w), z);
            let outer = matmul(x.reshape([1, 5, 4]), u);
            let inner = matmul(x, v);
            let turned = matmul(transpose(both), x);
            let heads = matmul(x.reshape([5, 2, 2]).transpose((1, 0, 2)), z.reshape([2, 2, 7]));
            output(both, left, right, outer, inner, turned, heads);
            let all = concat([both.flatten(), left.flatten(), right.flatten(), outer.flatten(), inner, turned.flatten(), heads.flatten()]);
            loss(mse(all.tanh().dense(2), y));
            optimizer(sgd(lr = 0.1));
        }
    }
}

#[test]
fn attention() {
    against_reference! {
        Net(x: float, y: float) run(x) as f32,
        Net<batch = 3> {
            let x = input([6, 8]);
            let y = target([6, 8]);
            let q = x.dense(8).reshape([6, 2, 4]).transpose((1, 0, 2));
            let k = x.dense(8).reshape([6, 2, 4]).transpose((1, 2, 0));
            let v = x.dense(8).reshape([6, 2, 4]).transpose((1, 0, 2));
            let p = softmax(matmul(q, k) / 2.0);
            let z = matmul(p, v).transpose((1, 0, 2)).reshape([6, 8]).dense(8) + x;
            output(z);
            loss(mse(z, y));
            optimizer(sgd(lr = 0.1));
        }
    }
}

#[test]
fn products_of_parameters() {
    against_reference! {
        Net(x: float, y: float) run(x) as f64,
        Net<batch = 3, dtype = f64> {
            let x = input([6]);
            let y = target([6]);
            let a = param([6, 2]);
            let b = param([2, 6]);
            let w = matmul(a, b);
            let z = matmul(x, w) + x;
            output(z);
            loss(mse(z, y));
            optimizer(sgd(lr = 0.1));
        }
    }
}

#[test]
fn indices() {
    against_reference! {
        Net(t: index, u: index, y: float) run(t, u) -> (a, b) as f64,
        Net<batch = 4, dtype = f64> {
            let t = tokens([5], 6);
            let u = class(3);
            let y = target([5, 2]);
            let a = one_hot(t).dense(2);
            let b = one_hot(u).dense(2) + one_hot(t[1..3]).sum(axis = 0).dense(2);
            output(a, b);
            loss(mse(a + b, y));
            optimizer(sgd(lr = 0.1));
        }
    }
}
