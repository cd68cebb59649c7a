//! The networks that are timed, and their data.

use kiln::{Profile, network};

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

/// A network's training or inference.
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    /// The most rows that a step takes.
    pub(crate) capacity: usize,
    /// Times it for rows, threads and seconds.
    pub(crate) time: fn(usize, usize, f64) -> kiln::Result<Times>,
    /// Measures its kernels for rows, threads and a number of calls.
    pub(crate) profile: fn(usize, usize, usize) -> kiln::Result<Profile>,
}

/// A workload: what stands between the parentheses are the call's arguments, each made for so many rows.
macro_rules! workload {
    ($name:literal, $network:ident.$holder:ident().$method:ident($($data:ident = $make:ident($size:expr)),*)) => {
        Workload {
            name: $name,
            capacity: $network::BATCH,
            time: |rows, threads, seconds| {
                let mut holder = $network::new(0).$holder();
                holder.set_threads(threads)?;
                $(let $data = $make(rows, $size);)*
                measure(seconds, || holder.$method($(&$data),*).map(drop))
            },
            profile: |rows, threads, calls| {
                let mut holder = $network::new(0).$holder();
                holder.set_threads(threads)?;
                $(let $data = $make(rows, $size);)*
                holder.profile($(&$data,)* calls)
            },
        }
    };
}

/// All of them.
pub(crate) const WORKLOADS: &[Workload] = &[
    workload!("mlp", Mlp.trainer().step(images = floats(784), digits = classes(10))),
    workload!("cnn", Cnn.trainer().step(images = floats(784), digits = classes(10))),
    workload!("lstm", Lstm.trainer().step(sequences = floats(100), answers = classes(10))),
    workload!("autoencoder", Autoencoder.trainer().step(images = floats(784))),
    workload!("transformer", Transformer.trainer().step(tokens = words(64), next = words(64))),
    workload!("mlp_infer", Mlp.predictor().run(images = floats(784))),
    workload!("cnn_infer", Cnn.predictor().run(images = floats(784))),
    workload!("lstm_infer", Lstm.predictor().run(sequences = floats(100))),
    workload!("autoencoder_infer", Autoencoder.predictor().run(images = floats(784))),
    workload!("transformer_infer", Transformer.predictor().run(tokens = words(64))),
];

/// Rows of so many uniform numbers on [0, 1), the same each time.
fn floats(rows: usize, columns: usize) -> Vec<f32> {
    (0..rows * columns).map(|index| kiln::simd::random(0, index as u64)).collect()
}

/// A class below `count` for each row, the same each time.
fn classes(rows: usize, count: usize) -> Vec<u32> {
    (0..rows).map(|index| (kiln::simd::random(1, index as u64) * count as f32) as u32).collect()
}

/// Rows of so many tokens of a vocabulary of 65, the same each time.
fn words(rows: usize, length: usize) -> Vec<u32> {
    classes(rows * length, 65)
}
