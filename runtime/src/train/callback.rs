//! What runs between the steps of training.

use super::history::{Epoch, Logs};
use super::network::Trainer;
use crate::Result;

/// Where training is in the data. Orders depend on the seed and the epoch alone, so this is all there is to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// Whole epochs behind.
    pub epoch: usize,
    /// Batches behind of the epoch that runs.
    pub batch: usize,
    /// The seed of the orders.
    pub seed: u64,
    /// Rows of a batch.
    pub batch_rows: usize,
    /// Rows of the training data.
    pub rows: usize,
}

/// What a callback sees and may change.
pub struct Context<'a, T: Trainer> {
    /// The trainer, its parameters and learning rate included.
    pub trainer: &'a mut T,
    /// The number of the epoch, from 1.
    pub epoch: usize,
    /// How many epochs there will be.
    pub epochs: usize,
    /// How many batches of the epoch are done.
    pub batch: usize,
    /// How many it has.
    pub batches: usize,
    /// The loss of the last batch.
    pub batch_loss: f64,
    /// The epoch's means so far.
    pub logs: &'a Logs,
    /// Where a checkpoint made now would go on.
    pub position: Position,
    pub(super) stop: &'a mut Option<String>,
}

impl<T: Trainer> Context<'_, T> {
    /// Ends training: after this batch, or this epoch.
    pub fn stop(&mut self, reason: impl Into<String>) {
        self.stop.get_or_insert(reason.into());
    }

    /// Whether training ends.
    pub fn stops(&self) -> bool {
        self.stop.is_some()
    }

    /// Writes a checkpoint from which [`Fit::resume`](super::Fit::resume) goes on here.
    ///
    /// # Errors
    /// If the file cannot be written.
    #[cfg(feature = "safetensors")]
    pub fn save_checkpoint(&self, path: impl AsRef<std::path::Path>) -> Result<()> {
        super::save_checkpoint(self.trainer, self.position, path)
    }
}

/// Something that runs between the steps of training. Every method does nothing unless it is written; an error ends
/// training.
pub trait Callback<T: Trainer> {
    /// Before the first epoch.
    ///
    /// # Errors
    /// The callback's own.
    fn start(&mut self, context: &mut Context<'_, T>) -> Result<()> {
        let _ = context;
        Ok(())
    }

    /// Before an epoch.
    ///
    /// # Errors
    /// The callback's own.
    fn epoch_start(&mut self, context: &mut Context<'_, T>) -> Result<()> {
        let _ = context;
        Ok(())
    }

    /// Before a step.
    ///
    /// # Errors
    /// The callback's own.
    fn batch_start(&mut self, context: &mut Context<'_, T>) -> Result<()> {
        let _ = context;
        Ok(())
    }

    /// After a step.
    ///
    /// # Errors
    /// The callback's own.
    fn batch_end(&mut self, context: &mut Context<'_, T>) -> Result<()> {
        let _ = context;
        Ok(())
    }

    /// After an epoch and its validation.
    ///
    /// # Errors
    /// The callback's own.
    fn epoch_end(&mut self, context: &mut Context<'_, T>, epoch: &Epoch) -> Result<()> {
        let _ = (context, epoch);
        Ok(())
    }

    /// After the last epoch.
    ///
    /// # Errors
    /// The callback's own.
    fn end(&mut self, context: &mut Context<'_, T>) -> Result<()> {
        let _ = context;
        Ok(())
    }
}

/// A closure after every epoch.
pub(super) struct AfterEpoch<F>(pub(super) F);

impl<T: Trainer, F: FnMut(&mut Context<'_, T>, &Epoch) -> Result<()>> Callback<T> for AfterEpoch<F> {
    fn epoch_end(&mut self, context: &mut Context<'_, T>, epoch: &Epoch) -> Result<()> {
        self.0(context, epoch)
    }
}

/// A closure after every step.
pub(super) struct AfterBatch<F>(pub(super) F);

impl<T: Trainer, F: FnMut(&mut Context<'_, T>) -> Result<()>> Callback<T> for AfterBatch<F> {
    fn batch_end(&mut self, context: &mut Context<'_, T>) -> Result<()> {
        self.0(context)
    }
}
