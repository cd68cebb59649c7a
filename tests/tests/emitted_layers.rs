//! Emitted layers over sequences and images, more normalisations, rearrangements.

use kiln_tests::against_reference;

#[test]
fn sequences() {
    against_reference! {
        Net(x: float, y: float) run(x) as f64,
        Net<batch = 5, dtype = f64> {
            let x = input([11, 4]);
            let y = target([3]);
            let h = x.zero_padding1d().conv1d(6, kernel = 3, pad = same, groups = 2).relu().max_pool1d(2);
            let h = h.conv1d(5, kernel = 2, stride = 2, dilation = 2).spatial_dropout1d(0.3).upsampling1d(2);
            let h = h.avg_pool1d(2, stride = 1, pad = same).cropping1d((1, 0));
            let z = concat(h.global_avg_pool1d(), h.global_max_pool1d()).dense(3);
            output(z);
            loss(mse(z, y));
            optimizer(sgd(lr = 0.1));
        }
    }
}

#[test]
fn images() {
    against_reference! {
        Net(x: float, y: float) run(x) as f64,
        Net<batch = 3, dtype = f64> {
            let x = input([6, 7, 2]);
            let y = target([3]);
            let h = x.depthwise_conv2d(3, pad = same, depth_multiplier = 2).relu().upsampling2d((1, 2));
            let h = h.separable_conv2d(5, kernel = 3, stride = 2).spatial_dropout2d(0.25).cropping2d(((0, 1), (1, 0)));
            let z = h.flatten().dense(3);
            output(z);
            loss(mse(z, y));
            optimizer(sgd(lr = 0.1));
        }
    }
}

#[test]
fn normalisations() {
    against_reference! {
        Net(x: float, y: float) run(x) as f64,
        Net<batch = 4, dtype = f64> {
            let x = input([3, 4, 6]);
            let y = target([3]);
            let h = x.group_norm(groups = 3).dense(5).rms_norm().group_norm(groups = -1, scale = false);
            let z = h.flatten().dense(3);
            output(z);
            loss(mse(z, y));
            optimizer(adam(lr = 0.01));
        }
    }
}

#[test]
fn rearranged() {
    against_reference! {
        Net(x: float, y: float) run(x) as f64,
        Net<batch = 4, dtype = f64> {
            let x = input([4, 6]);
            let y = target([3]);
            let h = x.dense(6).tanh();
            let (a, b) = split(h, 2, axis = -1);
            let c = stack(a.cumsum(axis = 0), b.repeat(2, axis = 0)[1..5], axis = 1);
            let d = concat(c.var(axis = (0, 2)), c.std(axis = 0)[1], c.logsumexp(axis = -1).cumsum());
            let z = d.dense(3);
            output(z);
            loss(mse(z, y));
            optimizer(sgd(lr = 0.1));
        }
    }
}
