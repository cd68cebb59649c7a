//! Trains a convolutional autoencoder to take noise off MNIST's images, and draws what it makes of test images.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use kiln::data::mnist;
use kiln::network;
use kiln::train::{Accuracy, Data};
use kiln_examples::{Training, fit, prepared, write_png};

network! {
    /// Convolutions down to 7×7 cells and transposed convolutions back up. The network makes the noise itself: other
    /// noise in each step.
    pub ConvAutoencoder<batch = 128, filters = 32> {
        let image = input([28, 28, 1]);

        let noisy = clip(image + random_normal([28, 28, 1], deviation = 0.5), 0.0, 1.0);
        let code = noisy
            .conv2d(filters, kernel = 3, pad = same).relu().max_pool2d(2)
            .conv2d(filters, kernel = 3, pad = same).relu().max_pool2d(2);
        let logits = code
            .conv2d_transpose(filters, kernel = 3, stride = 2, pad = same).relu()
            .conv2d_transpose(filters, kernel = 3, stride = 2, pad = same).relu()
            .conv2d(1, kernel = 3, pad = same);
        let restored = sigmoid(logits);

        output(restored, noisy);
        method(denoise, from = noisy, to = restored);
        loss(binary_cross_entropy(logits, image));
        optimizer(adam(lr = 1e-3));
    }
}

/// Train a convolutional autoencoder that takes noise off MNIST's images, and draw test images: noisy, restored, clean
#[derive(Parser)]
#[command(version)]
struct Options {
    /// Directory with MNIST's IDX files, gzipped or not; of the t10k files alone, 8,000 images train and 2,000 test
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The picture to write
    #[arg(long, value_name = "FILE", default_value = "conv_autoencoder.png")]
    out: PathBuf,
    #[command(flatten)]
    training: Training<10, { ConvAutoencoder::BATCH }>,
}

/// Images across the picture.
const SHOWN: usize = 16;

fn train(Options { data, out, training }: Options) -> anyhow::Result<()> {
    let data = mnist(data)?;
    let mut trainer = prepared!(training, ConvAutoencoder);
    let [train, test] = [&data.train, &data.test].map(|data| Data::new().with("image", data.x()));
    let result = fit(&training, &mut trainer, &train, &test, None::<Accuracy>)?;
    if let Some(path) = &training.save {
        trainer.model().save(path)?;
    }
    if let Some(batch) = data.test.batches(SHOWN).next() {
        let [mut restored, mut noisy] = [vec![0.0; batch.x.len()], vec![0.0; batch.x.len()]];
        trainer.model().predictor().run_into(batch.x, &mut restored, &mut noisy)?;
        write_png(&out, 28, &[&noisy, &restored, batch.x])?;
        println!("noisy, restored, clean: {}", out.display());
    }
    println!("{result}");
    Ok(())
}

fn main() -> ExitCode {
    kiln_examples::run(train)
}
