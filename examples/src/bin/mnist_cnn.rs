//! Trains the convolutional network of the Keras MNIST tutorial.

use std::process::ExitCode;

use clap::Parser;
use kiln::network;
use kiln_examples::{MnistOptions, prepared};

network! {
    /// The convolutional network of the Keras MNIST tutorial.
    pub MnistCnn<batch = 128> {
        let image = input([28, 28, 1]);
        let digit = class(10);

        let features = image
            .conv2d(32, kernel = 3).relu().max_pool2d(2)
            .conv2d(64, kernel = 3).relu().max_pool2d(2)
            .flatten();
        let hidden = features.dense(128).relu();
        let logits = hidden.dense(10);

        output(softmax(logits));
        loss(cross_entropy(logits, digit));
        optimizer(adam(lr = 1e-3));
    }
}

/// Train a convolutional network on MNIST
#[derive(Parser)]
#[command(version)]
struct Options {
    #[command(flatten)]
    mnist: MnistOptions<5, { MnistCnn::BATCH }>,
}

fn train(Options { mnist }: Options) -> anyhow::Result<()> {
    let data = mnist.load()?;
    let mut trainer = prepared!(mnist.training, MnistCnn);
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
