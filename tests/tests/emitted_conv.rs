//! Emitted convolutions and pools: strides, paddings, dilations, groups, overlap.

use kiln_tests::against_reference;

#[test]
fn settings_of_convolutions() {
    against_reference! {
        Convs(x: float, y: float) run(x) -> (strided, same, dilated, uneven, explicit) as f64,
        Convs<batch = 5, dtype = f64> {
            let x = input([9, 8, 3]);
            let y = target([4]);
            let strided = x.conv2d(5, kernel = 3, stride = 2);
            let same = x.conv2d(4, kernel = (2, 4), pad = same, stride = (2, 3));
            let dilated = x.conv2d(3, kernel = (3, 2), dilation = (2, 3), bias = false);
            let uneven = x.conv2d(17, kernel = (1, 5), stride = (3, 1)).relu();
            let explicit = x.conv2d(2, kernel = 3, pad = ((2, 0), (1, 3)));
            output(strided, same, dilated, uneven, explicit);
            let all = concat([strided.flatten(), same.flatten(), dilated.flatten(), uneven.flatten(), explicit.flatten()]);
            loss(mse(all.tanh().dense(4), y));
            optimizer(sgd(lr = 0.3));
        }
    }
}

#[test]
fn stacked_convolutions() {
    against_reference! {
        Stack(x: float, y: index) run(x) as f32,
        Stack<batch = 3> {
            let x = input([10, 7, 2]);
            let y = class(3);
            let h = x.conv2d(9, kernel = 3, stride = 2, pad = same).tanh();
            let h = h.conv2d(8, kernel = 2, dilation = 2).sigmoid();
            let h = h.conv2d(16, kernel = 1).relu();
            let logits = h.flatten().dense(3);
            output(logits);
            loss(cross_entropy(logits, y));
            optimizer(sgd(lr = 0.2));
        }
    }
}

#[test]
fn groups() {
    against_reference! {
        Groups(x: float, y: float) run(x) -> (two, depthwise, multiplied) as f64,
        Groups<batch = 4, dtype = f64> {
            let x = input([6, 5, 6]);
            let y = target([2]);
            let h = x.conv2d(6, kernel = 1);
            let two = h.conv2d(4, kernel = 3, groups = 2, pad = same);
            let depthwise = h.conv2d(6, kernel = 3, groups = 6, stride = 2);
            let multiplied = h.conv2d(18, kernel = (2, 3), groups = 6, dilation = (1, 2));
            output(two, depthwise, multiplied);
            let all = concat([two.flatten(), depthwise.flatten(), multiplied.flatten()]);
            loss(mse(all.dense(2), y));
            optimizer(sgd(lr = 0.1));
        }
    }
}

#[test]
fn depthwise_then_pointwise() {
    against_reference! {
        Separable(x: float, y: index) run(x) as f32,
        Separable<batch = 6> {
            let x = input([8, 8, 3]);
            let y = class(4);
            let h = x.conv2d(10, kernel = 3, pad = same).relu();
            let h = h.conv2d(10, kernel = 3, groups = 10, pad = same, bias = false).relu();
            let h = h.conv2d(20, kernel = 1).relu();
            let logits = h.global_avg_pool2d().dense(4);
            output(logits);
            loss(cross_entropy(logits, y));
            optimizer(sgd(lr = 0.2, momentum = 0.5));
        }
    }
}

#[test]
fn images_of_one_pixel_and_one_channel() {
    against_reference! {
        Tiny(x: float, y: float) run(x) as f64,
        Tiny<batch = 3, dtype = f64> {
            let x = input([1, 1, 1]);
            let y = target([1]);
            let z = x.conv2d(1, kernel = 1).conv2d(1, kernel = 3, pad = same).max_pool2d(1).flatten();
            output(z);
            loss(mse(z, y));
            optimizer(sgd(lr = 0.1));
        }
    }
}

#[test]
fn images_in_sequences() {
    against_reference! {
        Frames(x: float, y: float) run(x) -> (most, mean) as f64,
        Frames<batch = 3, dtype = f64> {
            let x = input([2, 3, 7, 6, 2]);
            let y = target([4]);
            let h = x.conv2d(5, kernel = 3, stride = (2, 1), pad = same).tanh().conv2d(3, kernel = 2, groups = 1);
            let most = h.max_pool2d(2, stride = 1);
            let mean = h.avg_pool2d(2, pad = same);
            output(most, mean);
            let steps = mean.global_avg_pool2d().conv1d(2, kernel = 2);
            let all = concat([most.flatten(), steps.flatten()]);
            loss(mse(all.dense(4), y));
            optimizer(sgd(lr = 0.3));
        }
    }
}

#[test]
fn transposed() {
    against_reference! {
        Transposed(x: float, s: float, y: float) run(x, s) -> (image, steps) as f64,
        Transposed<batch = 3, dtype = f64> {
            let x = input([3, 4, 5]);
            let s = input([6, 3]);
            let y = target([4]);
            let image = x
                .conv2d_transpose(4, 3, stride = 2, pad = same).relu()
                .conv2d_transpose(2, (2, 3), stride = (3, 1), output_padding = (1, 0))
                .upsampling2d(bilinear = true);
            let steps = s
                .conv1d_transpose(7, 4, stride = 2).conv1d(3, 3, causal = true).layer_norm(axis = 0)
                .separable_conv1d(4, 2).gaussian_dropout(0.2).gaussian_noise(0.1).alpha_dropout(0.1).unit_norm();
            output(image, steps);
            loss(mse(concat(image.global_avg_pool2d(), steps.flatten()).dense(4), y));
            optimizer(sgd(lr = 0.3));
        }
    }
}
