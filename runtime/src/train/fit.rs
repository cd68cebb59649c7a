//! The settings of training, and their check against network and data.

use super::callback::{AfterBatch, AfterEpoch, Callback, Context, Position};
use super::data::Data;
use super::history::{Epoch, History};
use super::metric::{Attached, Metric, Wanted};
use super::network::{InputKind, Scalar, Trainer};
use super::sampling::check_weights;
use super::training::{Order, Settings, Training};
use super::weights::{ClassWeights, Weights};
use crate::simd::Float;
use crate::{Error, Result};

/// What is held out.
#[derive(Clone, Debug)]
enum Validation<'a> {
    None,
    Split(f64),
    Data(Data<'a>),
}

/// Settings of training, and [`run`](Self::run): Keras's `fit`.
///
/// One epoch, batches of the network's capacity, shuffled with seed 0, no validation, unless it is told otherwise.
#[must_use = "nothing happens before `run`"]
pub struct Fit<'a, T: Trainer> {
    epochs: usize,
    batch: Option<usize>,
    seed: u64,
    order: Order,
    steps: Option<usize>,
    validation: Validation<'a>,
    class_weights: Option<ClassWeights>,
    sample_weights: Option<Vec<f64>>,
    metrics: Vec<Box<dyn Metric>>,
    wanted: Vec<Wanted>,
    callbacks: Vec<Box<dyn Callback<T> + 'a>>,
    quiet: bool,
    #[cfg(feature = "safetensors")]
    resume: Option<std::path::PathBuf>,
}

impl<T: Trainer> Default for Fit<'_, T> {
    fn default() -> Self {
        Self {
            epochs: 1,
            batch: None,
            seed: 0,
            order: Order::Shuffled,
            steps: None,
            validation: Validation::None,
            class_weights: None,
            sample_weights: None,
            metrics: Vec::new(),
            wanted: Vec::new(),
            callbacks: Vec::new(),
            quiet: false,
            #[cfg(feature = "safetensors")]
            resume: None,
        }
    }
}

impl<'a, T: Trainer> Fit<'a, T> {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// How often to go through the data.
    pub fn epochs(mut self, epochs: usize) -> Self {
        self.epochs = epochs;
        self
    }

    /// Rows of a step, at most the network's capacity. The last batch has the rest.
    pub fn batch(mut self, rows: usize) -> Self {
        self.batch = Some(rows);
        self
    }

    /// Decides the order of the rows: each epoch's depends on the seed and its number alone.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Whether every epoch has an order of its own, or the data's.
    pub fn shuffle(mut self, shuffle: bool) -> Self {
        self.order = if shuffle { Order::Shuffled } else { Order::Given };
        self
    }

    /// Draws as many rows as there are with replacement, each in proportion to its weight: PyTorch's
    /// `WeightedRandomSampler`. Of the data's weights, those of rows split off for validation do not count.
    pub fn sample_by(mut self, weights: impl Into<Vec<f64>>) -> Self {
        self.order = Order::Sampled(weights.into());
        self
    }

    /// Steps of an epoch: fewer than the data has, or more, for which it starts again in another order.
    pub fn steps_per_epoch(mut self, steps: usize) -> Self {
        self.steps = Some(steps);
        self
    }

    /// Holds out this share of the rows: the last ones, before any shuffling, as Keras does.
    pub fn validation_split(mut self, share: f64) -> Self {
        self.validation = Validation::Split(share);
        self
    }

    /// Validates on this data after every epoch: `val_loss`, and the metrics with `val_`.
    pub fn validation_data(mut self, data: Data<'a>) -> Self {
        self.validation = Validation::Data(data);
        self
    }

    /// Weighs the loss by class: one weight for each class. The network has a `weight()` in its loss for it, of
    /// `classes([time], n)` a `weight([time])`. As in Keras, validation is not weighed.
    pub fn class_weights(mut self, weights: impl Into<Vec<f64>>) -> Self {
        self.class_weights = Some(ClassWeights::Given(weights.into()));
        self
    }

    /// Weighs classes so that all weigh as much in sum, see [`balanced_class_weights`](super::balanced_class_weights).
    pub fn balance_classes(mut self) -> Self {
        self.class_weights = Some(ClassWeights::Balanced);
        self
    }

    /// Weighs each row's loss. The network has a weight in its loss for it; without weights they are 1.
    pub fn sample_weights(mut self, weights: impl Into<Vec<f64>>) -> Self {
        self.sample_weights = Some(weights.into());
        self
    }

    /// Keeps a metric of the first output against the first `class`, `classes` or `target`; where there is none, against
    /// the first `input`.
    pub fn metric(mut self, metric: impl Metric + 'static) -> Self {
        self.metrics.push(Box::new(metric));
        self.wanted.push(Wanted::default());
        self
    }

    /// Keeps a metric of an output against an input, by their names.
    pub fn metric_of(mut self, metric: impl Metric + 'static, output: &str, target: &str) -> Self {
        self.metrics.push(Box::new(metric));
        self.wanted.push(Wanted { output: Some(output.to_owned()), target: Some(target.to_owned()) });
        self
    }

    /// Runs a callback; several run in the order in which they are given.
    pub fn callback(mut self, callback: impl Callback<T> + 'a) -> Self {
        self.callbacks.push(Box::new(callback));
        self
    }

    /// Runs a closure after every epoch. It may change the trainer and stop training.
    pub fn after_epoch(self, f: impl FnMut(&mut Context<'_, T>, &Epoch) -> Result<()> + 'a) -> Self {
        self.callback(AfterEpoch(f))
    }

    /// Runs a closure after every step.
    pub fn after_batch(self, f: impl FnMut(&mut Context<'_, T>) -> Result<()> + 'a) -> Self {
        self.callback(AfterBatch(f))
    }

    /// Prints nothing.
    pub fn quiet(mut self) -> Self {
        self.quiet = true;
        self
    }

    /// Goes on from a checkpoint: with the same data and settings, to the same bits as if there had been no break.
    /// Means of an epoch that was broken off are over the rest of it, and callbacks start anew.
    #[cfg(feature = "safetensors")]
    pub fn resume(mut self, path: impl Into<std::path::PathBuf>) -> Self {
        self.resume = Some(path.into());
        self
    }

    /// Trains.
    ///
    /// # Errors
    /// If data or settings do not fit the network, or from a callback.
    pub fn run(mut self, trainer: &mut T, data: &Data<'_>) -> Result<History> {
        let batch = self.batch.unwrap_or(T::CAPACITY);
        if !(1..=T::CAPACITY).contains(&batch) {
            return Err(Error::argument("batch", format!("1 to {}", T::CAPACITY), batch));
        }
        if self.steps == Some(0) {
            return Err(Error::argument("steps_per_epoch", "at least 1", 0));
        }
        let float = <T::Float as Scalar>::NAME;
        let weight = T::INPUTS.iter().position(|input| input.kind == InputKind::Weight);
        let needed = |index: usize| Some(index) != weight;
        let mut all = data.columns(T::INPUTS, float, needed)?;
        let weights = Weights { class: self.class_weights.take(), sample: self.sample_weights.take() };
        let base = weights.base::<T::Float>(T::INPUTS, &all)?;
        if let (Some(index), Some(base)) = (weight, &base) {
            all.set(index, T::Float::column(base));
        }

        // Validation: nothing but the data's own weights.
        let validation = std::mem::replace(&mut self.validation, Validation::None);
        let ones;
        let (mut train, held_out) = match &validation {
            Validation::None => (all, None),
            Validation::Split(share) => {
                let kept = (all.rows() as f64 * (1.0 - share)).floor() as usize;
                if !(0.0..1.0).contains(share) || kept == 0 || kept == all.rows() {
                    let expected = format!("a share that leaves both parts of {} rows some", all.rows());
                    return Err(Error::argument("validation_split", expected, share));
                }
                let (train, held_out) = all.split(kept);
                (train, Some(held_out))
            }
            Validation::Data(data) => {
                let mut columns = data.columns(T::INPUTS, float, needed)?;
                if let Some(index) = weight.filter(|&index| columns.column(index).is_none()) {
                    ones = vec![T::Float::ONE; columns.rows() * T::INPUTS[index].row()];
                    columns.set(index, T::Float::column(&ones));
                }
                (all, Some(columns))
            }
        };
        let weighed = weights.by_class::<T::Float>(T::INPUTS, &train)?;
        if let (Some(index), Some(weighed)) = (weight, &weighed) {
            train.set(index, T::Float::column(weighed));
        }
        if let Order::Sampled(weights) = &mut self.order {
            if weights.len() >= train.rows() {
                weights.truncate(train.rows());
            }
            check_weights("sample_by", weights, train.rows())?;
        }
        let attached = Attached::new(&self.wanted, T::INPUTS, T::OUTPUTS)?;
        let position = Position { epoch: 0, batch: 0, seed: self.seed, batch_rows: batch, rows: train.rows() };
        #[cfg(feature = "safetensors")]
        let position = match &self.resume {
            Some(path) => resume(trainer, position, path)?,
            None => position,
        };
        let settings = Settings {
            epochs: self.epochs,
            order: self.order,
            batches: self.steps.unwrap_or(train.rows().div_ceil(batch)),
            attached,
            quiet: self.quiet,
        };
        let training = Training { settings, metrics: self.metrics, callbacks: self.callbacks, position };
        training.run(trainer, &train, held_out.as_ref())
    }
}

/// Puts the trainer where a checkpoint left off.
#[cfg(feature = "safetensors")]
fn resume<T: Trainer>(trainer: &mut T, here: Position, path: &std::path::Path) -> Result<Position> {
    let (header, position) = super::checkpoint::read(trainer, path)?;
    let agree = [
        ("seed", here.seed, position.seed),
        ("batch", here.batch_rows as u64, position.batch_rows as u64),
        ("rows of training data", here.rows as u64, position.rows as u64),
    ];
    for (name, here, there) in agree {
        if here != there {
            return Err(Error::argument(name, format!("{there}, as in the checkpoint"), here).in_file(path));
        }
    }
    header.commit(trainer);
    Ok(position)
}
