//! A network within a budget of memory gives the same bits as without: what is computed again is the same.

use kiln::simd::Isa;

/// How many training steps are made.
const STEPS: usize = 4;

/// What some training steps on so many rows gave, to the bit: losses, outputs, parameters.
type Trained = fn(isa: Isa, threads: usize, rows: usize) -> Vec<u32>;

/// A network in a module of its own, with how it is trained.
macro_rules! trained {
    ($module:ident, ($($input:ident: $kind:ident[$elements:expr]),*), $($network:tt)*) => {
        mod $module {
            kiln::network! { $($network)* }

            pub(super) fn trained(isa: kiln::simd::Isa, threads: usize, rows: usize) -> Vec<u32> {
                $(let $input = super::data::$kind(rows * $elements);)*
                let mut trainer = Net::new(3).trainer();
                trainer.set_isa(isa);
                trainer.set_threads(threads).expect("some threads");
                trainer.set_seed(9);
                let mut bits: Vec<u32> = Vec::new();
                for _ in 0..super::STEPS {
                    let step = trainer.step($(&$input),*).expect("good data");
                    bits.push(step.loss.to_bits());
                    bits.extend(step.output.iter().map(|value| value.to_bits()));
                }
                for (_, values) in trainer.model().parameters() {
                    bits.extend(values.iter().map(|value| value.to_bits()));
                }
                bits
            }
        }
    };
}

/// Compiles a network with and without `memory(max = …)`, and expects the same parameters, losses and outputs to the
/// bit after some steps: `same_bits! { "40 KiB", (x: float[8], y: index[1]), batch = 4, { … } }`, with the elements of
/// a row.
macro_rules! same_bits {
    ($max:literal, $inputs:tt, batch = $batch:literal, { $($body:tt)* }) => {{
        trained! { free, $inputs, pub(super) Net<batch = $batch> { $($body)* } }
        trained! { bound, $inputs, pub(super) Net<batch = $batch> { memory(max = $max); $($body)* } }
        const { assert!(bound::Net::TRAIN_ARENA_BYTES < free::Net::TRAIN_ARENA_BYTES) };
        const { assert!(bound::Net::TRAIN_FLOPS > free::Net::TRAIN_FLOPS) };
        assert!(bound::Net::summary().contains("of them again"), "{}", bound::Net::summary());
        assert!(!free::Net::summary().contains("of them again"), "{}", free::Net::summary());
        agree(free::trained, bound::trained, $batch);
    }};
}

fn agree(free: Trained, bound: Trained, batch: usize) {
    for isa in Isa::available() {
        for rows in [1, batch - 1, batch] {
            let expected = free(isa, 1, rows);
            assert!(expected.iter().all(|&bits| f32::from_bits(bits).is_finite()), "no number, {rows} rows on {isa}");
            for threads in 1..=3 {
                let found = bound(isa, threads, rows);
                assert!(found == expected, "other bits with {rows} rows on {isa}, {threads} threads");
            }
        }
    }
}

/// Data from a counter.
mod data {
    pub(super) fn float(count: usize) -> Vec<f32> {
        (0..count).map(|index| kiln::simd::random(1, index as u64) as f32 * 2.0 - 1.0).collect()
    }

    pub(super) fn index(count: usize) -> Vec<u32> {
        (0..count).map(|index| (kiln::simd::random(2, index as u64) * 4.0) as u32).collect()
    }
}

#[test]
fn convolutions_with_batch_norm_and_dropout() {
    same_bits! { "54 KiB", (image: float[8 * 8 * 3], label: index[1]), batch = 4, {
        let image = input([8, 8, 3]);
        let label = class(4);
        let mut h = image.conv2d(6, kernel = 3, pad = same).batch_norm().relu();
        for _ in 0..4 {
            h = h.conv2d(6, kernel = 3, pad = same, bias = false).batch_norm().relu().dropout(0.2);
        }
        h = h.max_pool2d(2);
        for _ in 0..2 {
            h = h.conv2d(8, kernel = 3, pad = same).relu();
        }
        let logits = h.flatten().dense(4);
        output(logits);
        loss(cross_entropy(logits, label));
        optimizer(sgd(lr = 0.05, momentum = 0.9));
    } }
}

#[test]
fn a_transformer() {
    same_bits! { "26 KiB", (tokens: index[6], next: index[6]), batch = 3, {
        let tokens = tokens([6], 5);
        let next = classes([6], 5);
        let mut h = tokens.embedding(12).positional_embedding();
        for _ in 0..2 {
            h = h + h.layer_norm().attention(3, causal = true).dropout(0.1);
            h = h + h.layer_norm().dense(24).gelu(approximate = true).dense(12);
        }
        let logits = h.layer_norm().dense(5);
        output(logits);
        loss(cross_entropy(logits, next));
        optimizer(adam(lr = 1e-2));
    } }
}

#[test]
fn recurrent_layers() {
    same_bits! { "23900 B", (x: float[7 * 5], y: index[1]), batch = 5, {
        let x = input([7, 5]);
        let y = class(4);
        let sequence = x.dense(9).tanh().dense(8).tanh().lstm(6, return_sequences = true).dense(8).gelu();
        let hidden = sequence.lstm(7).dense(6).tanh();
        let logits = hidden.dense(4);
        output(logits);
        loss(cross_entropy(logits, y));
        optimizer(adam(lr = 1e-2));
    } }
}

#[test]
fn a_residual_mlp() {
    same_bits! { "20 KiB", (x: float[10], y: float[3]), batch = 17, {
        let x = input([10]);
        let y = target([3]);
        let mut h = x.dense(16).tanh();
        for _ in 0..3 {
            h = h + h.dense(24).gelu().dropout(0.1).dense(16).tanh();
        }
        let z = h.dense(3);
        output(z);
        loss(mse(z, y));
        optimizer(adamw(lr = 1e-2, weight_decay = 0.1));
    } }
}
