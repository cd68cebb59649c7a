//! Trains an autoencoder on MNIST and draws what it makes of the test images.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use kiln::data::mnist;
use kiln::network;
use kiln::train::{Accuracy, Data};
use kiln_examples::{Training, fit, prepared, write_png};

network! {
    /// 784 pixels through 32 numbers and back.
    pub Autoencoder<batch = 256> {
        let image = input([784]);

        let code = image.dense(32).relu();
        let logits = code.dense(784);

        output(sigmoid(logits));
        loss(binary_cross_entropy(logits, image));
        optimizer(adam(lr = 1e-3));
    }
}

/// Train an autoencoder on MNIST and draw test images over what it makes of them
#[derive(Parser)]
#[command(version)]
struct Options {
    /// Directory with MNIST's IDX files, gzipped or not; of the t10k files alone, 8,000 images train and 2,000 test
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The picture to write
    #[arg(long, value_name = "FILE", default_value = "autoencoder.png")]
    out: PathBuf,
    #[command(flatten)]
    training: Training<10, { Autoencoder::BATCH }>,
}

/// Images across the picture.
const SHOWN: usize = 16;

fn train(Options { data, out, training }: Options) -> anyhow::Result<()> {
    let data = mnist(data)?;
    let mut trainer = prepared!(training, Autoencoder);
    let [train, test] = [&data.train, &data.test].map(|data| Data::new().with("image", data.x()));
    let result = fit(&training, &mut trainer, &train, &test, None::<Accuracy>)?;
    if let Some(path) = &training.save {
        trainer.model().save(path)?;
    }
    if let Some(batch) = data.test.batches(SHOWN).next() {
        let mut reconstructions = vec![0.0; batch.x.len()];
        trainer.model().predictor().run_into(batch.x, &mut reconstructions)?;
        write_png(&out, 28, &[batch.x, &reconstructions])?;
        println!("originals over reconstructions: {}", out.display());
    }
    println!("{result}");
    Ok(())
}

fn main() -> ExitCode {
    kiln_examples::run(train)
}
