//! The networks that are timed, and their data.

use kiln::network;

use crate::timing::{Times, measure};

network! {
    /// 784-512-512-10.
    Mlp<batch = 128> {
        let image = input([784]);
        let digit = class(10);
        let first = image.dense(512).relu();
        let second = first.dense(512).relu();
        let logits = second.dense(10);
        output(logits);
        loss(cross_entropy(logits, digit));
        optimizer(adam(lr = 1e-3));
    }
}

network! {
    /// The convolutional network of the Keras MNIST tutorial.
    Cnn<batch = 128> {
        let image = input([28, 28, 1]);
        let digit = class(10);
        let features = image
            .conv2d(32, kernel = 3).relu().max_pool2d(2)
            .conv2d(64, kernel = 3).relu().max_pool2d(2)
            .flatten();
        let hidden = features.dense(128).relu();
        let logits = hidden.dense(10);
        output(logits);
        loss(cross_entropy(logits, digit));
        optimizer(adam(lr = 1e-3));
    }
}

network! {
    /// 784-32-784, sigmoid cross entropy against the input.
    Autoencoder<batch = 256> {
        let image = input([784]);
        let code = image.dense(32).relu();
        let logits = code.dense(784);
        output(logits);
        loss(binary_cross_entropy(logits, image));
        optimizer(adam(lr = 1e-3));
    }
}

network! {
    /// 10 steps of 10 features, two layers of 128 units.
    Lstm<batch = 128> {
        let sequence = input([10, 10]);
        let class = class(10);
        let states = sequence.lstm(128, return_sequences = true);
        let last = states.lstm(128);
        let logits = last.dense(10);
        output(logits);
        loss(cross_entropy(logits, class));
        optimizer(adam(lr = 1e-3));
    }
}

network! {
    /// 64 tokens of a vocabulary of 65, learned positions, 4 pre-norm blocks of width 128 with 4 heads.
    Transformer<batch = 8, blocks = 4> {
        let tokens = tokens([64], 65);
        let next = classes([64], 65);
        let mut h = tokens.embedding(128).positional_embedding();
        for _ in 0..blocks {
            h = h + h.layer_norm().attention(4, causal = true);
            h = h + h.layer_norm().dense(512).gelu(approximate = true).dense(128);
        }
        let logits = h.layer_norm().dense(65);
        output(logits);
        loss(cross_entropy(logits, next));
        optimizer(adam(lr = 1e-3));
    }
}

/// Times a workload for rows, threads and seconds.
pub(crate) type Workload = fn(usize, usize, f64) -> kiln::Result<Times>;

/// All of them by name.
pub(crate) const WORKLOADS: &[(&str, Workload)] = &[
    ("mlp", |batch, threads, seconds| {
        let mut trainer = Mlp::new(0).trainer();
        trainer.set_threads(threads)?;
        let (images, digits) = (floats(batch * 784), classes(batch));
        measure(seconds, || trainer.step(&images, &digits).map(drop))
    }),
    ("cnn", |batch, threads, seconds| {
        let mut trainer = Cnn::new(0).trainer();
        trainer.set_threads(threads)?;
        let (images, digits) = (floats(batch * 784), classes(batch));
        measure(seconds, || trainer.step(&images, &digits).map(drop))
    }),
    ("autoencoder", |batch, threads, seconds| {
        let mut trainer = Autoencoder::new(0).trainer();
        trainer.set_threads(threads)?;
        let images = floats(batch * 784);
        measure(seconds, || trainer.step(&images).map(drop))
    }),
    ("lstm", |batch, threads, seconds| {
        let mut trainer = Lstm::new(0).trainer();
        trainer.set_threads(threads)?;
        let (sequences, answers) = (floats(batch * 100), classes(batch));
        measure(seconds, || trainer.step(&sequences, &answers).map(drop))
    }),
    ("transformer", |batch, threads, seconds| {
        let mut trainer = Transformer::new(0).trainer();
        trainer.set_threads(threads)?;
        let (tokens, next) = (classes(batch * 64), classes(batch * 64));
        measure(seconds, || trainer.step(&tokens, &next).map(drop))
    }),
    ("mlp_infer", |batch, threads, seconds| {
        let mut predictor = Mlp::new(0).predictor();
        predictor.set_threads(threads)?;
        let images = floats(batch * 784);
        measure(seconds, || predictor.run(&images).map(drop))
    }),
    ("cnn_infer", |batch, threads, seconds| {
        let mut predictor = Cnn::new(0).predictor();
        predictor.set_threads(threads)?;
        let images = floats(batch * 784);
        measure(seconds, || predictor.run(&images).map(drop))
    }),
    ("lstm_infer", |batch, threads, seconds| {
        let mut predictor = Lstm::new(0).predictor();
        predictor.set_threads(threads)?;
        let sequences = floats(batch * 100);
        measure(seconds, || predictor.run(&sequences).map(drop))
    }),
];

/// Uniform numbers on [0, 1), the same each time.
fn floats(count: usize) -> Vec<f32> {
    (0..count).map(|index| kiln::simd::random(0, index as u64)).collect()
}

/// Classes below 10, the same each time.
fn classes(count: usize) -> Vec<u32> {
    (0..count).map(|index| (kiln::simd::random(1, index as u64) * 10.0) as u32).collect()
}
