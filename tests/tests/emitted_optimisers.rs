//! Emitted updates against the reference: what surrounds an optimiser's rule.

use kiln_tests::against_reference;

#[test]
fn bounds_averages_and_penalties() {
    against_reference! {
        Bounded(x: float, y: index) run(x) as f32,
        pub Bounded<batch = 5> {
            let x = input([6]);
            let y = class(4);
            let h = x.dense(9, l2 = 0.02, max_norm = 0.7).relu();
            let z = h.dense(4, l1 = 0.01, lr_scale = 0.5, weight_decay = 0);
            output(z);
            loss(cross_entropy(z, y));
            optimizer(adamw(lr = 0.05, global_clip_norm = 0.3, ema = 0.9, accumulate = 2));
        }
    }
}

#[test]
fn frozen_layers_and_norms() {
    against_reference! {
        Frozen(x: float, y: float) run(x) as f32,
        pub Frozen<batch = 4> {
            fn features(x: Tensor) -> Tensor {
                x.conv2d(3, kernel = 2).batch_norm().relu()
            }
            let x = input([5, 4, 2]);
            let y = target([3]);
            let f = features(x, trainable = false);
            let h = f.conv2d(4, kernel = 2, unit_norm = true).batch_norm().relu().flatten();
            let z = h.dense(3, non_negative = true, trainable = true);
            output(z);
            loss(mse(z, y));
            optimizer(sgd(lr = 0.05, momentum = 0.9, clip_norm = 0.2, weight_decay = 0.1, decay_vectors = false));
        }
    }
}
