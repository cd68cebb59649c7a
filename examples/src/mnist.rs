//! What the classifiers of MNIST's digits share.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use kiln::data::{Mnist, mnist};
use kiln::train::{Accuracy, Trainer};

use crate::{Training, fit, labelled};

/// Arguments of a classifier of MNIST's digits.
#[derive(Args, Clone, Debug)]
pub struct MnistOptions<const EPOCHS: usize, const CAPACITY: usize> {
    /// Directory with MNIST's IDX files, gzipped or not; of the t10k files alone, 8,000 images train and 2,000 test
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// How it trains.
    #[command(flatten)]
    pub training: Training<EPOCHS, CAPACITY>,
}

impl<const EPOCHS: usize, const CAPACITY: usize> MnistOptions<EPOCHS, CAPACITY> {
    /// The data that trains and the data that tests.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn load(&self) -> kiln::Result<Mnist> {
        mnist(&self.data)
    }

    /// Trains a network whose inputs are `image`, of 784 pixels in any shape, and `digit`. Gives its test accuracy as a
    /// line.
    ///
    /// # Errors
    /// If the data does not fit the network, or the loss is no number any more.
    pub fn fit(&self, trainer: &mut impl Trainer, data: &Mnist, image: &str) -> Result<String> {
        let [train, test] = [&data.train, &data.test].map(|data| labelled(data, image, "digit"));
        fit(&self.training, trainer, &train, &test, Some(Accuracy::new()))
    }
}
