//! Emitted losses and optimisers.

use kiln_tests::against_reference;

/// A network for each loss over the same prediction.
macro_rules! losses {
    ($($test:ident: $loss:expr;)*) => {$(
        #[test]
        fn $test() {
            against_reference! {
                Net(x: float, y: float, c: index, w: float) run(x) as f64,
                Net<batch = 5, dtype = f64> {
                    let x = input([3, 4]);
                    let y = target([3, 5]);
                    let c = classes([3], 5);
                    let w = weight();
                    let z = x.dense(5);
                    output(z);
                    loss($loss + 0.0 * mean(w) + 0.0 * mean(y) + 0.0 * mean(z));
                    optimizer(sgd(lr = 0.5));
                }
            }
        }
    )*};
}

losses! {
    mean_squares: mse(z, y);
    mean_distances: mae(z, y, weight = w);
    binary_from_logits: binary_cross_entropy(z, y);
    binary_from_probabilities: binary_cross_entropy(sigmoid(z), y, from_logits = false);
    dense_targets: cross_entropy(z, softmax(y), weight = w);
    classes_from_probabilities: cross_entropy(softmax(z), c, from_logits = false);
    classes_weighted: cross_entropy(z, c, weight = w);
    classes_smoothed: cross_entropy(z, c, label_smoothing = 0.2);
    classes_ignored: cross_entropy(z, c, ignore_class = 2, weight = w);
    dense_targets_smoothed: cross_entropy(z, softmax(y), label_smoothing = 0.1);
    robust: huber(z, y, delta = 0.5) + log_cosh(z, y);
    margins: hinge(z, y) + squared_hinge(z, y, weight = w);
    distributions: kl_divergence(softmax(z), softmax(y));
    directions: cosine_similarity(z, y) + cosine_similarity(z, y, axis = 0, weight = w);
    focal_of_two: binary_focal_cross_entropy(z, sigmoid(y), apply_class_balancing = true, gamma = 1.5);
    focal_of_classes: categorical_focal_cross_entropy(z, c) + categorical_focal_cross_entropy(z, softmax(y));
}

/// A network for each optimiser.
macro_rules! optimizers {
    ($($test:ident: $optimizer:expr, $float:ident;)*) => {$(
        #[test]
        fn $test() {
            against_reference! {
                Net(x: float, y: float) run(x) as $float,
                Net<batch = 3, dtype = $float> {
                    let x = input([3, 3, 2]);
                    let y = target([4]);
                    let z = x.conv2d(4, kernel = 2).tanh().flatten().dense(4);
                    output(z);
                    loss(mse(z, y));
                    optimizer($optimizer);
                }
            }
        }
    )*};
}

optimizers! {
    sgd: sgd(lr = 0.1), f32;
    momentum: sgd(lr = 0.1, momentum = 0.9), f32;
    nesterov: sgd(lr = 0.1, momentum = 0.8, nesterov = true), f64;
    adam: adam(lr = 0.01), f64;
    adam_otherwise: adam(lr = 0.02, beta1 = 0.8, beta2 = 0.9, epsilon = 0.001), f32;
    adamw: adamw(lr = 0.01, weight_decay = 0.1), f64;
    decay_and_clipping: sgd(lr = 0.1, weight_decay = 0.1, clip_value = 0.02), f64;
    amsgrad: adam(lr = 0.01, amsgrad = true), f64;
    adamax: adamax(lr = 0.01), f64;
    nadam: nadam(lr = 0.01), f64;
    rmsprop: rmsprop(lr = 0.01, momentum = 0.5, centered = true, epsilon = 0.001), f64;
    adagrad: adagrad(lr = 0.05), f32;
    adadelta: adadelta(lr = 0.5, clip_value = 0.05), f64;
    lion: lion(lr = 0.01, weight_decay = 0.1), f64;
}

#[test]
fn a_parameter_that_does_not_train() {
    against_reference! {
        Net(x: float, y: float) run(x) as f64,
        Net<batch = 3, dtype = f64> {
            let x = input([4]);
            let y = target([2]);
            let fixed = param([4], trainable = false, init = uniform(0.5, 1.5));
            let unused = param([7]);
            let z = (x * fixed).dense(2);
            output(z);
            loss(mse(z, y));
            optimizer(adam(lr = 0.01));
        }
    }
}

#[test]
fn every_initialiser() {
    against_reference! {
        Net(x: float, y: float) run(x) as f64,
        Net<batch = 3, dtype = f64> {
            let x = input([5]);
            let y = target([4]);
            let h = x.dense(6, init = lecun_uniform, bias_init = normal).dense(6, init = identity).tanh();
            let h = h.dense(7, init = orthogonal, bias_init = uniform).tanh().dense(7, init = identity(gain = 0.5));
            let h = h.dense(6, init = lecun_normal, bias_init = truncated_normal).tanh();
            let z = h.dense(4, init = orthogonal(gain = 2.0), bias_init = truncated_normal(deviation = 0.2));
            output(z);
            loss(mse(z, y));
            optimizer(sgd(lr = 0.1));
        }
    }
}
