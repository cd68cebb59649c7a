//! Trains a variational autoencoder on MNIST, and draws digits that nobody wrote.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use kiln::data::mnist;
use kiln::network;
use kiln::train::{Accuracy, Data};
use kiln_examples::{Random, Training, fit, prepared, write_png};

network! {
    /// A variational autoencoder (Kingma and Welling, 2013): an image becomes a normal distribution over codes, a code
    /// drawn from it becomes the image again. The loss is a bound of an image's negative log-likelihood, in nats.
    pub Vae<batch = 128, latent = 20, hidden = 400> {
        let image = input([784]);

        let features = image.dense(hidden).relu();
        let mu = features.dense(latent);
        let log_var = features.dense(latent);
        let code = mu + exp(0.5 * log_var) * random_normal([latent]);
        let logits = code.dense(hidden).relu().dense(784);
        let picture = sigmoid(logits);

        output(picture);
        method(encode, from = image, to = mu);
        method(decode, from = code, to = picture);
        let kl = 0.5 * sum(square(mu) + exp(log_var) - log_var - 1.0);
        loss(784.0 * binary_cross_entropy(logits, image) + kl);
        optimizer(adam(lr = 1e-3));
    }
}

/// Train a variational autoencoder on MNIST and draw samples of it
#[derive(Parser)]
#[command(version)]
struct Options {
    /// Directory with MNIST's IDX files, gzipped or not; of the t10k files alone, 8,000 images train and 2,000 test
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The picture to write
    #[arg(long, value_name = "FILE", default_value = "vae.png")]
    out: PathBuf,
    #[command(flatten)]
    training: Training<20, { Vae::BATCH }>,
}

/// Samples across the picture, and down.
const SHOWN: [usize; 2] = [16, 8];
/// Numbers of a code: `latent` of the network.
const LATENT: usize = 20;

fn train(Options { data, out, training }: Options) -> anyhow::Result<()> {
    let data = mnist(data)?;
    let mut trainer = prepared!(training, Vae);
    let [train, test] = [&data.train, &data.test].map(|data| Data::new().with("image", data.x()));
    let result = fit(&training, &mut trainer, &train, &test, None::<Accuracy>)?;
    if let Some(path) = &training.save {
        trainer.model().save(path)?;
    }
    let mut random = Random::new(training.seed);
    let [across, down] = SHOWN;
    let codes: Vec<f32> = (0..across * down * LATENT).map(|_| random.normal() as f32).collect();
    let mut samples = vec![0.0; across * down * 784];
    trainer.model().predictor().decode_into(&codes, &mut samples)?;
    let rows: Vec<&[f32]> = samples.chunks(across * 784).collect();
    write_png(&out, 28, &rows)?;
    println!("samples: {}", out.display());
    println!("{result}");
    Ok(())
}

fn main() -> ExitCode {
    kiln_examples::run(train)
}
