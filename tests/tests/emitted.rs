//! Emitted code against the reference interpreter: awkward sizes, every number of rows that matters, both
//! instruction paths, one to four threads.

use kiln_tests::against_reference;

#[test]
fn mlp() {
    against_reference! {
        Mlp(x: float, y: index) run(x) as f32,
        Mlp<batch = 9> {
            let x = input([13]);
            let y = class(5);
            let hidden = x.dense(17).relu();
            let logits = hidden.dense(5);
            output(softmax(logits));
            loss(cross_entropy(logits, y));
            optimizer(sgd(lr = 0.1));
        }
    }
}

#[test]
fn mlp_in_f64_with_adam() {
    against_reference! {
        Mlp(x: float, y: index) run(x) as f64,
        Mlp<batch = 7, dtype = f64> {
            let x = input([11]);
            let y = class(3);
            let hidden = x.dense(19).tanh();
            let logits = hidden.dense(3);
            output(softmax(logits));
            loss(cross_entropy(logits, y));
            optimizer(adam(lr = 0.01));
        }
    }
}

#[test]
fn cnn() {
    against_reference! {
        Cnn(image: float, digit: index) run(image) as f32,
        Cnn<batch = 5> {
            let image = input([11, 11, 1]);
            let digit = class(10);
            let features = image.conv2d(6, kernel = 3).relu().max_pool2d(2).conv2d(7, kernel = 3, pad = same).relu().flatten();
            let hidden = features.dense(12).relu();
            let logits = hidden.dense(10);
            output(softmax(logits));
            loss(cross_entropy(logits, digit));
            optimizer(sgd(lr = 0.05, momentum = 0.9));
        }
    }
}
