//! Trains two hidden layers on MNIST.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use kiln::data::mnist;
use kiln::network;
use kiln::train::Accuracy;
use kiln_examples::{Training, fit, labelled, prepared};

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
    /// Directory with MNIST's IDX files, gzipped or not; of the t10k files alone, 8,000 images train and 2,000 test
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    #[command(flatten)]
    training: Training<5, { MnistMlp::BATCH }>,
}

fn train(Options { data, training }: Options) -> anyhow::Result<()> {
    let data = mnist(data)?;
    let mut trainer = prepared!(training, MnistMlp);
    let [train, test] = [&data.train, &data.test].map(|data| labelled(data, "image", "digit"));
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
