//! Emitted networks as people build them: blocks, loops, branches, several inputs and outputs, methods.

use kiln_tests::against_reference;

#[test]
fn residual_blocks_in_a_loop() {
    against_reference! {
        Net(x: float, y: index) run(x) as f64,
        Net<batch = 4, depth = 3, dtype = f64> {
            fn residual(x: Tensor, filters: usize) -> Tensor {
                let h = x.conv2d(filters, kernel = 3, pad = same, bias = false).batch_norm().relu();
                let h = h.conv2d(filters, kernel = 3, pad = same);
                relu(x + h)
            }
            let x = input([5, 5, 2]);
            let y = class(3);
            let mut h = x.conv2d(4, kernel = 1);
            for i in 0..depth {
                h = residual(h, 4);
            }
            let logits = h.global_avg_pool2d().dense(3);
            output(softmax(logits));
            loss(cross_entropy(logits, y));
            optimizer(sgd(lr = 0.1));
        }
    }
}

#[test]
fn shared_blocks() {
    against_reference! {
        Net(a: float, b: float, y: float) run(a, b) -> (near, code) as f64,
        Net<batch = 5, dtype = f64> {
            fn tower(x: Tensor) -> Tensor { x.dense(6).tanh().dense(4) }
            let a = input([3]);
            let b = input([3]);
            let y = target([]);
            let twin = shared(tower);
            let code = twin(a);
            let other = twin(b);
            let near = exp(-sum(square(code - other)));
            output(near, code);
            loss(mse(near, y));
            optimizer(sgd(lr = 0.5, momentum = 0.9));
        }
    }
}

#[test]
fn several_inputs_and_outputs_and_uses() {
    against_reference! {
        Net(a: float, b: index, w: float, y: index, z: float) run(a, b) -> (p, q, h) as f64,
        Net<batch = 6, dtype = f64> {
            let a = input([4]);
            let b = tokens([2], 3);
            let w = weight();
            let y = class(3);
            let z = target([2]);
            let h = concat(a.dense(5).relu(), one_hot(b).flatten().dense(3).tanh());
            let logits = h.dense(3) + h[0..3];
            let p = softmax(logits);
            let q = sigmoid(h.dense(2) * logits[1..]);
            output(p, q, h);
            loss(cross_entropy(logits, y, weight = w) + 0.5 * binary_cross_entropy(q, z, from_logits = false, weight = w));
            optimizer(adamw(lr = 0.01, weight_decay = 0.1));
        }
    }
}

#[test]
fn methods() {
    against_reference! {
        Net(image: float, y: float) run(image) method encode(image: float) method decode(z: float)
        method blend(image: float, z: float) as f32,
        Net<batch = 5> {
            let image = input([3, 4]);
            let y = target([3, 4]);
            let z = image.flatten().dense(3).tanh();
            let picture = z.dense(12).sigmoid().reshape([3, 4]);
            let mixed = picture + 0.5 * image;
            output(picture);
            loss(binary_cross_entropy(picture, y, from_logits = false));
            optimizer(sgd(lr = 0.1));
            method(encode, from = image, to = z);
            method(decode, from = z, to = picture);
            method(blend, from = (image, z), to = mixed);
        }
    }
}

#[test]
fn inference_only() {
    against_reference! {
        inference Net(x: float) run(x) -> (a, b, same) method tail(a: float) as f64,
        Net<batch = 4, dtype = f64> {
            let x = input([4, 2]);
            let a = x.dense(3).batch_norm().dropout(0.5);
            let b = a.softmax().flatten().dense(2);
            let same = x;
            output(a, b, same);
            method(tail, from = a, to = b);
        }
    }
}

#[test]
fn an_output_twice_and_of_an_input() {
    against_reference! {
        Net(x: float, y: float) run(x) -> (x, h, again, turned) as f64,
        Net<batch = 4, dtype = f64> {
            let x = input([3]);
            let y = target([3]);
            let h = x.dense(3);
            let again = h;
            let turned = h.reshape([3, 1]);
            output(x, h, again, turned);
            loss(mse(h, y));
            optimizer(sgd(lr = 0.1));
        }
    }
}
