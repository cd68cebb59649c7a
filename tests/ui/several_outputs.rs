//! The error stands on the token that is wrong; whatever else uses the type raises none.

use kiln::network;

network! {
    /// Digits of 28 × 28 pixels.
    pub Digits<batch = 32> {
        let image = input([28, 28, 1]);
        let digit = class(10);
        let f: Tensor<1600> = image
            .conv2d(32, kernel = 3, pad = same).relu().max_pool2d(2)
            .conv2d(64, kernel = 3, pad = same).relu().max_pool2d(2)
            .flatten();
        let hidden = f.dense(128).relu();
        let logits = hidden.dense(10);
        let probabilities = softmax(logits);
        output(probabilities, hidden);
        loss(cross_entropy(logits, digit));
        optimizer(adam(lr = 1e-3));
        method(encode, from = image, to = hidden);
    }
}

const _: () = assert!(Digits::TRAIN_ARENA_BYTES < 64 << 20);

struct Holder {
    trainer: DigitsTrainer,
    predictor: DigitsPredictor,
}

fn main() -> kiln::Result<()> {
    let model = Digits::load("model.safetensors").unwrap_or_else(|_| Digits::new(42));
    let mut held = Holder { trainer: model.trainer(), predictor: model.predictor() };
    held.trainer.set_learning_rate(5e-4);
    held.trainer.set_threads(2)?;
    let images = vec![0.0_f32; 784 * Digits::BATCH];
    let digits = vec![0_u32; Digits::BATCH];
    let step = held.trainer.step(&images, &digits)?;
    let loss: f32 = step.loss;
    println!("{loss} {:?}", step.output.probabilities.shape());
    let outputs: DigitsOutput<'_> = held.predictor.run(&images)?;
    for row in outputs.hidden.rows() {
        println!("{}", row.sum());
    }
    let (mut a, mut b) = (vec![0.0; 320], vec![0.0; 4096]);
    held.predictor.run_into(&images, &mut a, &mut b)?;
    let held_out: f32 = held.predictor.loss(&images, &digits)?;
    let code = held.predictor.encode(&images)?.to_owned();
    println!("{held_out} {code} {} {}", Digits::summary(), Digits::PARAMETERS);
    for (name, values) in held.trainer.model().parameters() {
        println!("{name} {:?}", values.shape());
    }
    held.trainer.into_model().save("model.safetensors")
}
