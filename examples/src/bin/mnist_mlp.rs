//! Trains two hidden layers on MNIST.

use std::process::ExitCode;

use clap::Parser;
use kiln::network;
use kiln_examples::{MnistOptions, prepared};

network! {
    /// Two hidden layers for digits of 28×28 pixels.
    pub MnistMlp<batch = 128> {
        let image = input([784]);
        let digit = class(10);

        let hidden = image.dense(512).relu().dense(512).relu();
        let logits = hidden.dense(10);

        output(softmax(logits));
        loss(cross_entropy(logits, digit));
        optimizer(adam(lr = 1e-3));
    }
}

/// Train a network of two hidden layers on MNIST
#[derive(Parser)]
#[command(version)]
struct Options {
    #[command(flatten)]
    mnist: MnistOptions<5, { MnistMlp::BATCH }>,
}

fn train(Options { mnist }: Options) -> anyhow::Result<()> {
    let data = mnist.load()?;
    let mut trainer = prepared!(mnist.training, MnistMlp);
    let result = mnist.fit(&mut trainer, &data, "image")?;
    if let Some(path) = &mnist.training.save {
        trainer.model().save(path)?;
    }
    println!("{result}");
    Ok(())
}

fn main() -> ExitCode {
    kiln_examples::run(train)
}
