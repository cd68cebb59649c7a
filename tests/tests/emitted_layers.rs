//! Emitted layers over sequences, repeated and cut tensors, further activations and normalisations.

use kiln_tests::against_reference;

#[test]
fn sequences() {
    against_reference! {
        Net(x: float, y: float) run(x) -> (a, b, c, d, e) as f64,
        Net<batch = 4, dtype = f64> {
            let x = input([11, 3]);
            let y = target([2]);
            let a = x.conv1d(5, kernel = 3, stride = 2).relu().max_pool1d(3, stride = 1);
            let b = x.conv1d(4, kernel = 2, dilation = 3, pad = same).tanh().avg_pool1d(2, pad = same);
            let c = x.zero_padding1d((0, 2)).cropping1d((1, 3)).upsampling1d(2);
            let d = x.spatial_dropout1d(0.4).conv1d(6, kernel = 4, groups = 3, bias = false).global_max_pool1d();
            let e = b.global_avg_pool1d(keepdims = true);
            output(a, b, c, d, e);
            let all = concat([a.flatten(), b.flatten(), c.flatten(), d, e.flatten()]);
            loss(mse(all.dense(2), y));
            optimizer(sgd(lr = 0.1));
        }
    }
}

#[test]
fn images() {
    against_reference! {
        Net(x: float, y: float) run(x) -> (a, b, c, d) as f64,
        Net<batch = 4, dtype = f64> {
            let x = input([6, 5, 4]);
            let y = target([2]);
            let a = x.depthwise_conv2d(3, depth_multiplier = 2, pad = same).group_norm(4).relu();
            let b = x.separable_conv2d(5, kernel = 2, stride = 2).prelu();
            let c = a.spatial_dropout2d(0.3).cropping2d(((1, 0), (0, 2))).max_pool2d(2);
            let d = c.upsampling2d((2, 3)).avg_pool2d(3, stride = 1);
            output(a, b, c, d);
            let all = concat([a.flatten(), b.flatten(), c.flatten(), d.flatten()]);
            loss(mse(all.dense(2), y));
            optimizer(sgd(lr = 0.1));
        }
    }
}

#[test]
fn rearranged() {
    against_reference! {
        Net(x: float, y: float) run(x) -> (a, b, c, d, e) as f64,
        Net<batch = 3, dtype = f64> {
            let x = input([6, 4]);
            let y = target([3]);
            let h = x.dense(4);
            let (p, q, r) = split(h, 3);
            let a = stack([p, q * r, r], axis = 1);
            let b = h.repeat(3, axis = 1);
            let c = h.cumsum(axis = 0) - h.cumsum(axis = 1);
            let d = h.var(axis = 0) + h.std(axis = (0, 1)) * h.logsumexp(axis = 0);
            let e = h.rms_norm().repeat(2);
            output(a, b, c, d, e);
            let all = concat([a.flatten(), b.flatten(), c.flatten(), d, e]);
            loss(mse(all.dense(3), y));
            optimizer(sgd(lr = 0.1));
        }
    }
}

#[test]
fn activations() {
    against_reference! {
        Net(x: float, y: float) run(x) as f64,
        Net<batch = 3, dtype = f64> {
            let x = input([13]);
            let y = target([13]);
            let w = param([13], init = uniform(1.0, 8.0));
            let h = x * w;
            let a = h.selu() + h.softsign() * h.hard_sigmoid() - h.hard_silu();
            let b = relu6(h * w) / 3.0 + h.mish() - h.log_sigmoid() + h.prelu();
            output(a);
            loss(mse(a + b, y));
            optimizer(sgd(lr = 0.01));
        }
    }
}
