//! Trains the convolutional network of the Keras MNIST tutorial.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use kiln::data::mnist;
use kiln::network;
use kiln::train::Accuracy;
use kiln_examples::{Training, fit, labelled, prepared};

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
    /// Directory with MNIST's IDX files, gzipped or not; of the t10k files alone, 8,000 images train and 2,000 test
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    #[command(flatten)]
    training: Training<5, { MnistCnn::BATCH }>,
}

fn train(Options { data, training }: Options) -> anyhow::Result<()> {
    let data = mnist(data)?;
    let mut trainer = prepared!(training, MnistCnn);
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
