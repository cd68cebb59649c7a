//! Trains a bidirectional GRU on MNIST: an image is a sequence of 28 rows of 28 pixels.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use kiln::data::mnist;
use kiln::network;
use kiln::train::Accuracy;
use kiln_examples::{Training, fit, labelled, prepared};

network! {
    /// A GRU in both directions, and one that reads what they say at every row.
    pub MnistGru<batch = 128> {
        let rows = input([28, 28]);
        let digit = class(10);

        let states = rows.bidirectional(gru(64, return_sequences = true));
        let last = states.gru(128);
        let logits = last.dense(10);

        output(softmax(logits));
        loss(cross_entropy(logits, digit));
        optimizer(adam(lr = 1e-3));
    }
}

/// Train a bidirectional GRU on MNIST, whose rows are its time steps
#[derive(Parser)]
#[command(version)]
struct Options {
    /// Directory with MNIST's IDX files, gzipped or not; of the t10k files alone, 8,000 images train and 2,000 test
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    #[command(flatten)]
    training: Training<5, { MnistGru::BATCH }>,
}

fn train(Options { data, training }: Options) -> anyhow::Result<()> {
    let data = mnist(data)?;
    let mut trainer = prepared!(training, MnistGru);
    let [train, test] = [&data.train, &data.test].map(|data| labelled(data, "rows", "digit"));
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
