//! Up to 16 threads: the same bits, and nothing that assumes a number of them.

use kiln::network;
use kiln::simd::Isa;

network! {
    Cnn<batch = 19> {
        let image = input([9, 9, 1]);
        let digit = class(10);
        let features = image.conv2d(5, kernel = 3).relu().max_pool2d(2).conv2d(18, kernel = 2).batch_norm().relu();
        let logits = features.flatten().dense(33).tanh().dropout(0.2).dense(10);
        output(softmax(logits));
        loss(cross_entropy(logits, digit));
        optimizer(adam);
    }
}

network! {
    Sequences<batch = 7> {
        let tokens = tokens([5], 11);
        let next = classes([5], 11);
        let h = tokens.embedding(12);
        let h = h + h.layer_norm().attention(3, causal = true);
        let h = h.gru(9, return_sequences = true);
        let logits = h.dense(11);
        output(logits);
        loss(cross_entropy(logits, next));
        optimizer(sgd(lr = 0.1, momentum = 0.9));
    }
}

fn cnn(isa: Isa, threads: usize, rows: usize) -> Vec<u32> {
    let images: Vec<f32> = (0..rows * 81).map(|i| (i as f32 * 0.37).sin()).collect();
    let digits: Vec<u32> = (0..rows as u32).map(|i| i * 3 % 10).collect();
    let mut trainer = Cnn::new(1).trainer();
    trainer.set_isa(isa);
    trainer.set_threads(threads).expect("some threads");
    assert_eq!(trainer.threads(), threads);
    let mut found: Vec<f32> = (0..3).map(|_| trainer.step(&images, &digits).expect("good data").loss).collect();
    let mut predictor = trainer.model().predictor();
    predictor.set_isa(isa);
    predictor.set_threads(threads).expect("some threads");
    found.extend(predictor.run(&images).expect("good data").iter());
    found.extend(trainer.model().parameters().flat_map(|(_, values)| values.iter().copied().collect::<Vec<_>>()));
    found.into_iter().map(f32::to_bits).collect()
}

fn sequences(isa: Isa, threads: usize, rows: usize) -> Vec<u32> {
    let tokens: Vec<u32> = (0..rows as u32 * 5).map(|i| i * 7 % 11).collect();
    let next: Vec<u32> = (0..rows as u32 * 5).map(|i| i * 5 % 11).collect();
    let mut trainer = Sequences::new(1).trainer();
    trainer.set_isa(isa);
    trainer.set_threads(threads).expect("some threads");
    let mut found: Vec<f32> = (0..3).map(|_| trainer.step(&tokens, &next).expect("good data").loss).collect();
    found.extend(trainer.model().parameters().flat_map(|(_, values)| values.iter().copied().collect::<Vec<_>>()));
    found.into_iter().map(f32::to_bits).collect()
}

#[test]
fn the_bits_are_those_of_one_thread() {
    for isa in Isa::available() {
        for rows in [1, 2, 7, 19] {
            let images = cnn(isa, 1, rows);
            let tokens = sequences(isa, 1, rows.min(7));
            for threads in 2..=16 {
                assert!(cnn(isa, threads, rows) == images, "{isa}, {rows} rows, {threads} threads");
                assert!(sequences(isa, threads, rows.min(7)) == tokens, "{isa}, {rows} rows, {threads} threads");
            }
        }
    }
}
