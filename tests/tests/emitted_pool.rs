//! Emitted pools: overlap, padding, windows that leave a rest, whole images.

use kiln_tests::against_reference;

#[test]
fn max_pools() {
    against_reference! {
        Pools(x: float, y: float) run(x) -> (plain, overlapping, padded, gaps, uneven, whole, kept) as f64,
        Pools<batch = 4, dtype = f64> {
            let x = input([7, 9, 3]);
            let y = target([3]);
            let h = x.conv2d(3, kernel = 1);
            let plain = h.max_pool2d(2);
            let overlapping = h.max_pool2d(3, stride = 2);
            let padded = h.max_pool2d(3, stride = 1, pad = same);
            let gaps = h.max_pool2d(1, stride = 3);
            let uneven = h.max_pool2d((4, 2), stride = (1, 3), pad = ((3, 1), (0, 1)));
            let whole = h.global_max_pool2d();
            let kept = h.global_max_pool2d(keepdims = true);
            output(plain, overlapping, padded, gaps, uneven, whole, kept);
            let all = concat([plain.flatten(), overlapping.flatten(), padded.flatten(), gaps.flatten(), uneven.flatten(), whole, kept.flatten()]);
            loss(mse(all.dense(3), y));
            optimizer(sgd(lr = 0.1));
        }
    }
}

#[test]
fn average_pools() {
    against_reference! {
        Pools(x: float, y: float) run(x) -> (plain, overlapping, padded, uneven, whole, kept) as f64,
        Pools<batch = 4, dtype = f64> {
            let x = input([7, 9, 3]);
            let y = target([3]);
            let h = x.conv2d(3, kernel = 1);
            let plain = h.avg_pool2d(2);
            let overlapping = h.avg_pool2d(3, stride = 2);
            let padded = h.avg_pool2d(3, stride = 1, pad = same);
            let uneven = h.avg_pool2d((4, 2), stride = (1, 3), pad = ((3, 1), (0, 1)));
            let whole = h.global_avg_pool2d();
            let kept = h.global_avg_pool2d(keepdims = true);
            output(plain, overlapping, padded, uneven, whole, kept);
            let all = concat([plain.flatten(), overlapping.flatten(), padded.flatten(), uneven.flatten(), whole, kept.flatten()]);
            loss(mse(all.dense(3), y));
            optimizer(sgd(lr = 0.1));
        }
    }
}

#[test]
fn pools_between_convolutions() {
    against_reference! {
        Net(x: float, y: index) run(x) as f32,
        Net<batch = 7> {
            let x = input([13, 12, 1]);
            let y = class(5);
            let h = x.conv2d(8, kernel = 3).relu().max_pool2d(3, stride = 2).avg_pool2d(2, stride = 1);
            let h = h.conv2d(11, kernel = 2).max_pool2d(2, pad = same).relu();
            let logits = h.flatten().dense(5);
            output(logits);
            loss(cross_entropy(logits, y));
            optimizer(sgd(lr = 0.1));
        }
    }
}

#[test]
fn ties_go_to_the_first() {
    against_reference! {
        Ties(x: float, y: float) run(x) as f64,
        Ties<batch = 3, dtype = f64> {
            let x = input([6, 6, 2]);
            let y = target([9]);
            let w = param([36, 2], init = zeros);
            let h = (0.0 * x + w.reshape([6, 6, 2])).max_pool2d(2).sum(axis = -1).flatten();
            output(h);
            loss(mse(h, y));
            optimizer(sgd(lr = 0.1));
        }
    }
}
