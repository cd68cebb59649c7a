//! Trains a convolutional network on handwritten digits that are embedded in the binary.

use std::process::ExitCode;

use clap::Parser;
use kiln::network;
use kiln::train::Accuracy;
use kiln_examples::{Training, digits, fit, labelled, prepared};

network! {
    /// Two convolutions and a hidden layer for digits of 8×8 pixels.
    pub Digits<batch = 32> {
        let image = input([8, 8, 1]);
        let digit = class(10);

        let features = image
            .conv2d(32, kernel = 3, pad = same).relu()
            .conv2d(32, kernel = 3, pad = same).relu()
            .max_pool2d(2)
            .flatten();
        let hidden = features.dropout(0.3).dense(64).relu();
        let logits = hidden.dense(10);

        output(softmax(logits));
        loss(cross_entropy(logits, digit));
        optimizer(adam(lr = 1e-3));
    }
}

/// Train a convolutional network on the UCI digits, which this binary carries with it
#[derive(Parser)]
#[command(version)]
struct Options {
    #[command(flatten)]
    training: Training<30, { Digits::BATCH }>,
}

fn train(Options { training }: Options) -> anyhow::Result<()> {
    let (train, test) = digits()?;
    let mut trainer = prepared!(training, Digits);
    let [train, test] = [&train, &test].map(|data| labelled(data, "image", "digit"));
    let result = fit(&training, &mut trainer, &train, &test, Some(Accuracy::new()))?;
    if let Some(path) = &training.save {
        trainer.model().save(path)?;
    }
    println!("{result}");
    Ok(())
}

fn main() -> ExitCode {
    kiln_examples::run(train)
}
