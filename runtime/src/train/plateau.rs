//! Callbacks that watch one number: early stopping, and a lower learning rate where nothing improves.

use super::callback::{Callback, Context};
use super::history::Epoch;
use super::network::Trainer;
use crate::params::Element;
use crate::{Error, Result};

/// Which way a number improves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Upwards for names with `acc`, `auc`, `precision`, `recall`, `f1` or `r2` in them, otherwise downwards.
    #[default]
    Auto,
    /// Smaller is better.
    Min,
    /// Larger is better.
    Max,
}

impl Mode {
    fn rises(self, monitor: &str) -> bool {
        const UP: [&str; 6] = ["acc", "auc", "precision", "recall", "f1", "r2"];
        match self {
            Self::Auto => UP.iter().any(|part| monitor.contains(part)),
            Self::Min => false,
            Self::Max => true,
        }
    }
}

/// The best of a number so far.
#[derive(Clone, Debug)]
pub(super) struct Best {
    monitor: String,
    pub(super) mode: Mode,
    pub(super) min_delta: f64,
    value: Option<f64>,
}

impl Best {
    pub(super) fn new(monitor: impl Into<String>) -> Self {
        Self { monitor: monitor.into(), mode: Mode::Auto, min_delta: 0.0, value: None }
    }

    /// Whether the epoch is the best so far by more than `min_delta`.
    pub(super) fn improves(&mut self, epoch: &Epoch) -> Result<bool> {
        let Some(value) = epoch.logs.get(&self.monitor) else {
            let known: Vec<&str> = epoch.logs.iter().map(|(name, _)| name).collect();
            return Err(Error::argument("monitor", format!("one of {known:?}"), format!("`{}`", self.monitor)));
        };
        let better = match self.value {
            // A first value that is no number is no measure for others.
            None => !value.is_nan(),
            Some(best) if self.mode.rises(&self.monitor) => value - self.min_delta > best,
            Some(best) => value + self.min_delta < best,
        };
        if better {
            self.value = Some(value);
        }
        Ok(better)
    }
}

/// Ends training when a number has not improved for some epochs, and gives back the best epoch's parameters: Keras's
/// `EarlyStopping` with `restore_best_weights`.
#[derive(Debug)]
pub struct EarlyStopping {
    best: Best,
    patience: usize,
    from_epoch: usize,
    restore: bool,
    wait: usize,
    /// The best parameters as bytes: callbacks do not know the element type.
    weights: Option<Vec<u8>>,
}

impl EarlyStopping {
    /// Watches a number of the logs: `val_loss`.
    pub fn new(monitor: impl Into<String>) -> Self {
        Self { best: Best::new(monitor), patience: 0, from_epoch: 0, restore: true, wait: 0, weights: None }
    }

    /// So many epochs without improvement end training; 0 and 1 are the same.
    #[must_use]
    pub fn patience(mut self, epochs: usize) -> Self {
        self.patience = epochs;
        self
    }

    /// Less than this is no improvement.
    #[must_use]
    pub fn min_delta(mut self, delta: f64) -> Self {
        self.best.min_delta = delta.abs();
        self
    }

    /// Which way the number improves.
    #[must_use]
    pub fn mode(mut self, mode: Mode) -> Self {
        self.best.mode = mode;
        self
    }

    /// Leaves so many epochs alone at first.
    #[must_use]
    pub fn start_from_epoch(mut self, epochs: usize) -> Self {
        self.from_epoch = epochs;
        self
    }

    /// Keeps the last parameters instead of the best.
    #[must_use]
    pub fn keep_last(mut self) -> Self {
        self.restore = false;
        self
    }
}

impl<T: Trainer> Callback<T> for EarlyStopping {
    fn start(&mut self, _: &mut Context<'_, T>) -> Result<()> {
        (self.wait, self.weights, self.best.value) = (0, None, None);
        Ok(())
    }

    fn epoch_end(&mut self, context: &mut Context<'_, T>, epoch: &Epoch) -> Result<()> {
        if epoch.number <= self.from_epoch {
            return Ok(());
        }
        self.wait += 1;
        if self.best.improves(epoch)? {
            self.wait = 0;
            if self.restore {
                let mut bytes = Vec::new();
                context.trainer.params().block().iter().for_each(|value| value.write_le(&mut bytes));
                self.weights = Some(bytes);
            }
        } else if self.wait >= self.patience && epoch.number > 1 {
            context.stop(format!("`{}` has not improved for {} epochs", self.best.monitor, self.wait));
        }
        Ok(())
    }

    fn end(&mut self, context: &mut Context<'_, T>) -> Result<()> {
        if let Some(bytes) = self.weights.take() {
            let block = context.trainer.params_mut().block_mut();
            for (to, from) in block.iter_mut().zip(bytes.chunks_exact(<T::Float as Element>::BYTES)) {
                *to = <T::Float as Element>::read_le(from);
            }
        }
        Ok(())
    }
}

/// Lowers the learning rate when a number has not improved for some epochs: Keras's `ReduceLROnPlateau`, with its
/// defaults.
#[derive(Clone, Debug)]
pub struct ReduceOnPlateau {
    best: Best,
    factor: f64,
    patience: usize,
    cooldown: usize,
    min_rate: f64,
    wait: usize,
    cooling: usize,
}

impl ReduceOnPlateau {
    /// Watches a number of the logs; a tenth of the rate after 10 epochs without an improvement of at least 1e-4.
    pub fn new(monitor: impl Into<String>) -> Self {
        let mut best = Best::new(monitor);
        best.min_delta = 1e-4;
        Self { best, factor: 0.1, patience: 10, cooldown: 0, min_rate: 0.0, wait: 0, cooling: 0 }
    }

    /// What the rate is multiplied by.
    #[must_use]
    pub fn factor(mut self, factor: f64) -> Self {
        self.factor = factor;
        self
    }

    /// Epochs without improvement.
    #[must_use]
    pub fn patience(mut self, epochs: usize) -> Self {
        self.patience = epochs;
        self
    }

    /// Less than this is no improvement.
    #[must_use]
    pub fn min_delta(mut self, delta: f64) -> Self {
        self.best.min_delta = delta.abs();
        self
    }

    /// Which way the number improves.
    #[must_use]
    pub fn mode(mut self, mode: Mode) -> Self {
        self.best.mode = mode;
        self
    }

    /// Epochs after a reduction that do not count.
    #[must_use]
    pub fn cooldown(mut self, epochs: usize) -> Self {
        self.cooldown = epochs;
        self
    }

    /// The rate does not fall below this.
    #[must_use]
    pub fn min_rate(mut self, rate: f64) -> Self {
        self.min_rate = rate;
        self
    }

    /// The rate after an epoch.
    fn next(&mut self, rate: f64, epoch: &Epoch) -> Result<f64> {
        let improved = self.best.improves(epoch)?;
        if self.cooling > 0 {
            self.cooling -= 1;
            self.wait = 0;
        }
        if improved {
            self.wait = 0;
        } else if self.cooling == 0 {
            self.wait += 1;
            if self.wait >= self.patience && rate > self.min_rate {
                self.cooling = self.cooldown;
                self.wait = 0;
                return Ok((rate * self.factor).max(self.min_rate));
            }
        }
        Ok(rate)
    }
}

impl<T: Trainer> Callback<T> for ReduceOnPlateau {
    fn epoch_end(&mut self, context: &mut Context<'_, T>, epoch: &Epoch) -> Result<()> {
        let rate = context.trainer.rate();
        let next = self.next(rate, epoch)?;
        if next != rate {
            context.trainer.set_rate(next);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::history::Logs;
    use super::*;

    fn epoch(number: usize, loss: f64) -> Epoch {
        let mut logs = Logs::default();
        logs.set("loss", loss);
        Epoch { number, logs, learning_rate: 0.1, training: Duration::ZERO, time: Duration::ZERO }
    }

    /// The rates after each epoch, as Keras 3.15's callback gives them for these losses.
    #[test]
    fn plateaus_as_in_keras() {
        let mut callback = ReduceOnPlateau::new("loss").factor(0.5).patience(2).cooldown(1).min_rate(0.02);
        let losses = [1.0, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8];
        let mut rate = 0.1;
        let mut rates = Vec::new();
        for (number, loss) in losses.into_iter().enumerate() {
            rate = callback.next(rate, &epoch(number + 1, loss)).unwrap_or_else(|error| panic!("{error}"));
            rates.push(rate);
        }
        assert_eq!(rates, PLATEAU);
    }

    const PLATEAU: [f64; 13] = [0.1, 0.1, 0.1, 0.05, 0.05, 0.025, 0.025, 0.025, 0.025, 0.02, 0.02, 0.02, 0.02];

    #[test]
    fn improvement_has_a_direction_and_a_least_size() {
        let mut best = Best::new("loss");
        best.min_delta = 0.1;
        let found: Vec<_> = [1.0, 0.95, 0.85, 0.9, 0.7].map(|loss| best.improves(&epoch(1, loss)).ok()).to_vec();
        assert_eq!(found, [true, false, true, false, true].map(Some));
        assert!(Mode::Auto.rises("val_accuracy") && !Mode::Auto.rises("val_loss"));
        let error = Best::new("val_loss").improves(&epoch(1, 1.0)).err().map(|error| error.to_string());
        assert_eq!(error.as_deref(), Some("`monitor` must be one of [\"loss\"], not `val_loss`"));
    }
}
