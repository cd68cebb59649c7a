//! Emitted functions of tensors: angles, the error function, turns, sums of products, picks, noise.

use kiln_tests::against_reference;

#[test]
fn angles_turns_and_sums_of_products() {
    against_reference! {
        Net(x: float, k: index, y: float) run(x, k) -> (a, b, c, d, e) as f64,
        Net<batch = 5, dtype = f64> {
            let x = input([3, 4]);
            let k = class(3);
            let y = target([3, 4]);
            let w = param([4, 4], init = uniform(-0.5, 0.5));
            let h = einsum("ti,io->to", x, w);
            let a = sin(h) * cos(x) + erf(h) + gelu(h, approximate = true);
            let b = a.flip() + a.flip(axis = 1).roll(1, axis = 0) - roll(h, -2, axis = 1).flip(axis = 0);
            let c = einsum("ti,si,ij->jst", a, h, w);
            let d = take(a, k) * h[1].tile([1]) + take(w, k);
            let e = b.gaussian_noise(0.3).gaussian_dropout(0.2) + random_normal([3, 4]) * c[0, 0, 0];
            output(a, b, c, d, e);
            loss(mse(e, y) + mean(square(c)) + mean(abs(d)));
            optimizer(sgd(lr = 0.1));
        }
    }
}

#[test]
fn angles_and_noise_in_f32() {
    against_reference! {
        Net(x: float, y: float) run(x) as f32,
        Net<batch = 3> {
            let x = input([5, 7]);
            let y = target([5, 7]);
            let h = x.dense(7);
            let z = gelu(h) + sin(h * 3.0) - cos(h).flip() + glu(concat(h, x)).gaussian_noise(0.5);
            output(z);
            loss(huber(z, y, delta = 0.5));
            optimizer(sgd(lr = 0.1));
        }
    }
}

#[test]
fn places_of_the_largest() {
    against_reference! {
        Net(x: float, k: index, y: float) run(x, k) -> (best, worst, k, column, d) method choose(h: float)
        method describe(best: index) as f32,
        Net<batch = 5> {
            let x = input([4, 6]);
            let k = classes([4], 6);
            let y = target([4]);
            let h = x.dense(6);
            let best = argmax(h);
            let worst = h.argmin(axis = 0);
            let column = argmax(h * 2.0, axis = -2)[1];
            let table = embedding(best, 3, vocabulary = 6);
            let right = best == k;
            let d = gather(h, best) + sum(one_hot(worst), axis = -1)[0] + sum(table, axis = -1);
            output(best, worst, k, column, d);
            method(choose, from = h, to = best);
            method(describe, from = best, to = table);
            loss(mse(d, y) + mean(select(right, h[.., 0], h[.., 1])) + cross_entropy(h, best));
            optimizer(sgd(lr = 0.1));
        }
    }
}

#[test]
fn places_within_loops() {
    against_reference! {
        Net(x: float, y: float) run(x) -> (last, places) as f64,
        Net<batch = 5, dtype = f64> {
            let x = input([3, 4]);
            let y = target([4]);
            let w = param([4, 4]);
            let h = scan(x, h = zeros([4]), |x_t, h| {
                let next = embedding(argmax(h + x_t), 4);
                tanh(matmul(h, w) + next * gather(x_t, argmin(x_t)) + x_t.flip())
            });
            let last = h[-1];
            let places = argmax(h);
            output(last, places);
            loss(mse(last, y));
            optimizer(sgd(lr = 0.1));
        }
    }
}
