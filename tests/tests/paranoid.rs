//! The paranoid mode on whole networks: it finds nothing, what it does between kernels changes no bit, and it finds every
//! lifetime that is made too short.

use kiln::engine::{Engine, Memory};
use kiln::simd::Isa;
use kiln::{AlignedVec, Error, network};

network! {
    Cnn<batch = 5> {
        let image = input([10, 10, 2]);
        let digit = class(5);
        let features = image
            .conv2d(6, kernel = 3).relu().max_pool2d(2)
            .conv2d(5, kernel = 2, pad = same).batch_norm().max_pool2d(3, stride = 1).dropout(0.3)
            .flatten();
        let hidden = features.dense(7).layer_norm().gelu();
        let logits = hidden.dense(5);
        output(softmax(logits), hidden);
        loss(cross_entropy(logits, digit));
        optimizer(adam);
        method(encode, from = image, to = hidden);
    }
}

network! {
    Sequences<batch = 4, dtype = f64> {
        let tokens = tokens([6], 9);
        let next = classes([6], 9);
        let h = tokens.embedding(8).positional_embedding();
        let h = h + h.layer_norm().attention(2, causal = true);
        let h = h.lstm(5, return_sequences = true).bidirectional(gru(4, return_sequences = true));
        let logits = h.dense(9);
        let likely = logits.argmax(axis = -1).embedding(3);
        output(logits, likely);
        loss(cross_entropy(logits, next));
        optimizer(sgd(lr = 0.1, momentum = 0.9));
    }
}

fn cnn(isa: Isa, threads: usize, rows: usize, paranoid: bool) -> Vec<u32> {
    let images: Vec<f32> = (0..rows * 200).map(|i| (i as f32 * 0.37).sin()).collect();
    let digits: Vec<u32> = (0..rows as u32).map(|i| i % 5).collect();
    let mut trainer = Cnn::new(1).trainer();
    trainer.set_isa(isa);
    trainer.set_threads(threads).expect("some threads");
    trainer.set_paranoid(paranoid);
    let mut found = Vec::new();
    for _ in 0..3 {
        let step = trainer.step(&images, &digits).expect("no kernel reads what nobody wrote");
        found.push(step.loss);
        found.extend(step.output.hidden.iter());
    }
    let mut predictor = trainer.model().predictor();
    predictor.set_isa(isa);
    predictor.set_threads(threads).expect("some threads");
    predictor.set_paranoid(paranoid);
    found.push(predictor.loss(&images, &digits).expect("no kernel reads what nobody wrote"));
    found.extend(predictor.run(&images).expect("no kernel reads what nobody wrote").hidden.iter());
    found.extend(predictor.encode(&images).expect("no kernel reads what nobody wrote").iter());
    found.extend(trainer.model().parameters().flat_map(|(_, values)| values.iter().copied().collect::<Vec<_>>()));
    found.into_iter().map(f32::to_bits).collect()
}

fn sequences(isa: Isa, threads: usize, rows: usize, paranoid: bool) -> Vec<u64> {
    let tokens: Vec<u32> = (0..rows as u32 * 6).map(|i| i * 7 % 9).collect();
    let next: Vec<u32> = (0..rows as u32 * 6).map(|i| i * 5 % 9).collect();
    let mut trainer = Sequences::new(1).trainer();
    trainer.set_isa(isa);
    trainer.set_threads(threads).expect("some threads");
    trainer.set_paranoid(paranoid);
    let mut found = Vec::new();
    for _ in 0..3 {
        let step = trainer.step(&tokens, &next).expect("no kernel reads what nobody wrote");
        found.push(step.loss);
        found.extend(step.output.likely.iter());
    }
    let mut predictor = trainer.model().predictor();
    predictor.set_isa(isa);
    predictor.set_paranoid(paranoid);
    found.extend(predictor.run(&tokens).expect("no kernel reads what nobody wrote").logits.iter());
    found.extend(trainer.model().parameters().flat_map(|(_, values)| values.iter().copied().collect::<Vec<_>>()));
    found.into_iter().map(f64::to_bits).collect()
}

#[test]
fn nothing_is_found_and_the_bits_are_the_same() {
    for isa in Isa::available() {
        for rows in [1, 3, 4] {
            let (images, tokens) = (cnn(isa, 1, rows, false), sequences(isa, 1, rows, false));
            for threads in [1, 2, 3] {
                assert!(cnn(isa, threads, rows, true) == images, "{isa}, {rows} rows, {threads} threads");
                assert!(sequences(isa, threads, rows, true) == tokens, "{isa}, {rows} rows, {threads} threads");
            }
        }
    }
}

/// A step of the network, its kernels described by another table.
fn step(kernels: &'static [&'static str], threads: usize) -> kiln::Result<()> {
    let (images, digits) = ([0.5_f32; 3 * 200], [0_u32, 1, 2]);
    let mut model = Cnn::new(1);
    let mut state = AlignedVec::<f32>::new(Cnn::OPTIMIZER_BYTES / 4);
    let mut engine = Engine::new(Cnn::TRAIN_ARENA_BYTES, Cnn::SCRATCH_BYTES_PER_THREAD);
    engine.set_threads(threads)?;
    engine.set_paranoid(true);
    let memory = Memory {
        arena: engine.arena(),
        params: model.params.as_mut_ptr(),
        state: state.as_mut_ptr(),
        inputs: &[images.as_ptr().cast(), digits.as_ptr().cast()],
        uniforms: &__kiln_Cnn::step::uniforms(1e-3, 1.0, 3.0),
        rows: 3,
        seed: 0,
        step: 1,
    };
    let isa = engine.isa();
    engine.run(&memory, kernels, &|part| {
        // SAFETY: the memory is laid out as the network's trainer has it, and the inputs have three rows.
        kiln::dispatch!(isa, s => unsafe { __kiln_Cnn::step::call(s, &memory, part) });
    })
}

#[test]
fn every_lifetime_that_ends_too_early_is_found() {
    let plan = __kiln_Cnn::step::KERNELS;
    assert!(step(plan, 1).is_ok());
    let mut found = 0;
    for (index, line) in plan.iter().enumerate().skip(1) {
        for word in line.split(' ').filter(|word| word.starts_with('-')) {
            // What a kernel reads for the last time dies before it, not behind it.
            let (offset, _) = word[1..].split_once(':').expect("offset and length");
            let is_read = |word: &str| word.starts_with('<') && word.split(':').nth(1) == Some(offset);
            if !line.split(' ').any(is_read) {
                continue;
            }
            let mut broken: Vec<&str> = plan.to_vec();
            let shorter: String = line.split(' ').filter(|other| *other != word).collect::<Vec<_>>().join(" ");
            broken[index] = shorter.leak();
            broken[index - 1] = format!("{} {word}", plan[index - 1]).leak();
            let broken = broken.leak();
            let kernel = line.split(' ').next().expect("a name");
            for threads in [1, 2] {
                match step(broken, threads) {
                    Err(Error::Unwritten { kernel: culprit, reads: true, .. }) => assert_eq!(culprit, kernel),
                    other => panic!("{other:?} for {word} before {kernel}"),
                }
            }
            found += 1;
        }
    }
    assert!(found >= 5, "{found} lifetimes");
}
