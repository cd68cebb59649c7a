// One mistake, one error: the rest of the program uses the generated type and raises none of its own.

use kiln::network;

network! {
    /// A small network.
    pub Digits<batch = 32> {
        let image = input([8, 8, 1]);
        let digit = class(10);
        let logits = image.flatten().dense(10u8);
        output(softmax(logits));
        loss(cross_entropy(logits, digit));
        optimizer(adam(lr = 1e-3));
        method(encode, from = image, to = logits);
    }
}

const _: () = assert!(Digits::TRAIN_ARENA_BYTES < 64 << 20);

fn train(images: &[f32], digits: &[u32]) -> kiln::Result<f32> {
    let model = Digits::new(42);
    let mut trainer = model.trainer();
    trainer.set_threads(2)?;
    let mut total = 0.0;
    for (image, digit) in images.chunks(64 * Digits::BATCH).zip(digits.chunks(Digits::BATCH)) {
        let step = trainer.step(image, digit)?;
        total += step.loss * digit.len() as f32;
        println!("{}", step.output.row(0)[0]);
    }
    trainer.set_learning_rate(5e-4);
    trainer.model().save("digits.safetensors")?;

    let mut predictor = trainer.model().predictor();
    let probabilities = predictor.run(images)?;
    let best = probabilities.rows().into_iter().map(|row| row.iter().copied().fold(0.0, f32::max)).sum::<f32>();
    let mut buffer = vec![0.0; 320];
    let rows = predictor.run_into(images, &mut buffer)?;
    let held_out = predictor.loss(images, digits)?;
    let code = predictor.encode(images)?;
    println!("{best} {rows} {held_out} {} {}", code.len(), Digits::summary());
    for (name, values) in Digits::load("digits.safetensors")?.parameters() {
        println!("{name} {:?} {}", values.shape(), values.sum());
    }
    Ok(total)
}

fn main() {
    train(&[], &[]).unwrap();
}
