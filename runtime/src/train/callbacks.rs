//! Callbacks that only look, or set the learning rate.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;

use super::callback::{Callback, Context};
use super::history::{Epoch, header, line};
use super::network::Trainer;
use super::schedule::Schedule;
use crate::{Error, Result};

/// Ends training when a loss is infinite or no number: Keras's `TerminateOnNaN`.
#[derive(Clone, Copy, Debug, Default)]
pub struct TerminateOnNan;

impl<T: Trainer> Callback<T> for TerminateOnNan {
    fn batch_end(&mut self, context: &mut Context<'_, T>) -> Result<()> {
        if !context.batch_loss.is_finite() {
            let (loss, epoch) = (context.batch_loss, context.epoch);
            context.stop(format!("the loss is {loss} in epoch {epoch}"));
        }
        Ok(())
    }
}

/// Sets the learning rate by a [`Schedule`]. Of steps, it counts those that the trainer has made, also before this
/// training, so that resumed training goes on with it.
#[derive(Clone, Debug)]
pub struct LearningRate {
    schedule: Schedule,
    per_epoch: bool,
}

impl LearningRate {
    /// Before every step, by the number of steps made.
    pub fn per_step(schedule: Schedule) -> Self {
        Self { schedule, per_epoch: false }
    }

    /// Before every epoch, by the number of epochs behind: Keras's `LearningRateScheduler`.
    pub fn per_epoch(schedule: Schedule) -> Self {
        Self { schedule, per_epoch: true }
    }
}

impl<T: Trainer> Callback<T> for LearningRate {
    fn epoch_start(&mut self, context: &mut Context<'_, T>) -> Result<()> {
        if self.per_epoch {
            context.trainer.set_rate(self.schedule.at(context.epoch as u64 - 1));
        }
        Ok(())
    }

    fn batch_start(&mut self, context: &mut Context<'_, T>) -> Result<()> {
        if !self.per_epoch {
            let steps = context.trainer.counters().0;
            context.trainer.set_rate(self.schedule.at(steps));
        }
        Ok(())
    }
}

/// Writes a line per epoch to a CSV file as training goes on: Keras's `CSVLogger`.
#[derive(Debug)]
pub struct CsvLog {
    path: PathBuf,
    append: bool,
    file: Option<File>,
}

impl CsvLog {
    /// A new file, over one that is there.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), append: false, file: None }
    }

    /// Goes on behind what is in the file, for resumed training.
    #[must_use]
    pub fn append(mut self) -> Self {
        self.append = true;
        self
    }

    fn write(&mut self, epoch: &Epoch) -> std::io::Result<()> {
        let mut text = String::new();
        let file = match &mut self.file {
            Some(file) => file,
            empty => {
                let mut options = OpenOptions::new();
                options.create(true).write(true);
                let file = if self.append { options.append(true) } else { options.truncate(true) }.open(&self.path)?;
                if file.metadata()?.len() == 0 {
                    text += &header(epoch);
                }
                empty.insert(file)
            }
        };
        text += &line(epoch);
        file.write_all(text.as_bytes())
    }
}

impl<T: Trainer> Callback<T> for CsvLog {
    fn epoch_end(&mut self, _: &mut Context<'_, T>, epoch: &Epoch) -> Result<()> {
        self.write(epoch).map_err(|error| Error::from(error).in_file(&self.path))
    }
}
