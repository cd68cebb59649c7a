//! Trains a bidirectional GRU on MNIST: an image is a sequence of 28 rows of 28 pixels.

use std::process::ExitCode;

use clap::Parser;
use kiln::network;
use kiln_examples::{MnistOptions, prepared};

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
    #[command(flatten)]
    mnist: MnistOptions<5, { MnistGru::BATCH }>,
}

fn train(Options { mnist }: Options) -> anyhow::Result<()> {
    let data = mnist.load()?;
    let mut trainer = prepared!(mnist.training, MnistGru);
    let result = mnist.fit(&mut trainer, &data, "rows")?;
    if let Some(path) = &mnist.training.save {
        trainer.model().save(path)?;
    }
    println!("{result}");
    Ok(())
}

fn main() -> ExitCode {
    kiln_examples::run(train)
}
