//! The training loop.

use std::time::{Duration, Instant};

use super::callback::{Callback, Context, Position};
use super::data::{Columns, Gathered};
use super::evaluate::evaluate_columns;
use super::history::{Epoch, History, Logs};
use super::metric::{Attached, Metric};
use super::network::{Predictor, Trainer};
use super::progress::Progress;
use super::sampling::{sampled, shuffled};
use crate::Result;
use crate::simd::Float;

/// In which order an epoch takes the rows.
#[derive(Clone, Debug)]
pub(super) enum Order {
    Given,
    Shuffled,
    Sampled(Vec<f64>),
}

impl Order {
    /// At least `count` rows for an epoch; past the data's end, passes in orders of their own.
    fn of(&self, rows: usize, count: usize, seed: u64, epoch: usize) -> Vec<usize> {
        let mut order = Vec::new();
        let mut pass = 0_u64;
        while order.len() < count {
            // Epochs are far fewer than 2^32.
            let stream = (pass << 32) + epoch as u64;
            order.extend(match self {
                Self::Given => (0..rows).collect(),
                Self::Shuffled => shuffled(rows, seed, stream),
                Self::Sampled(weights) => sampled(weights, seed, stream),
            });
            pass += 1;
        }
        order
    }
}

/// What stays the same.
pub(super) struct Settings {
    pub(super) epochs: usize,
    pub(super) order: Order,
    /// Batches of an epoch.
    pub(super) batches: usize,
    pub(super) attached: Attached,
    pub(super) quiet: bool,
}

/// Training that runs.
pub(super) struct Training<'a, T: Trainer> {
    pub(super) settings: Settings,
    pub(super) metrics: Vec<Box<dyn Metric>>,
    pub(super) callbacks: Vec<Box<dyn Callback<T> + 'a>>,
    pub(super) position: Position,
}

impl<T: Trainer> Training<'_, T> {
    /// All epochs that are left.
    pub(super) fn run(
        mut self,
        trainer: &mut T,
        train: &Columns<'_>,
        held_out: Option<&Columns<'_>>,
    ) -> Result<History> {
        let (epochs, batches) = (self.settings.epochs, self.settings.batches);
        let done = self.position.epoch * batches + self.position.batch;
        let mut progress = Progress::new(self.settings.quiet, epochs, batches, done);
        let mut history = History::default();
        let mut gathered = Gathered::new(train);
        let mut predictor = held_out.map(|_| trainer.evaluator());
        let mut stop = None;
        let mut logs = Logs::default();
        self.each(trainer, &logs, &mut stop, f64::NAN, |callback, context| callback.start(context))?;
        while self.position.epoch < epochs && stop.is_none() {
            let start = Instant::now();
            logs = Logs::default();
            self.each(trainer, &logs, &mut stop, f64::NAN, |callback, context| callback.epoch_start(context))?;
            history.rows += self.epoch(trainer, train, &mut gathered, &mut progress, &mut logs, &mut stop)?;
            let training = start.elapsed();
            if let (Some(data), Some(predictor)) = (held_out, &mut predictor) {
                predictor.params_mut().block_mut().copy_from_slice(trainer.params().block());
                let (attached, metrics) = (&self.settings.attached, &mut self.metrics);
                let found = evaluate_columns(predictor, data, attached, metrics, self.position.batch_rows)?;
                found.iter().for_each(|(name, value)| logs.set(format!("val_{name}"), value));
            }
            let number = self.position.epoch + 1;
            let mut epoch =
                Epoch { number, logs: logs.clone(), learning_rate: trainer.rate(), training, time: Duration::ZERO };
            epoch.time = start.elapsed();
            // A checkpoint made from here on starts with the next epoch.
            self.position = Position { epoch: number, batch: 0, ..self.position };
            self.each(trainer, &logs, &mut stop, f64::NAN, |callback, context| {
                (context.epoch, context.batch) = (number, context.batches);
                callback.epoch_end(context, &epoch)
            })?;
            progress.epoch(&epoch)?;
            history.epochs.push(epoch);
        }
        self.each(trainer, &logs, &mut stop, f64::NAN, |callback, context| callback.end(context))?;
        progress.finish(stop.as_deref())?;
        history.stopped = stop;
        Ok(history)
    }

    /// The batches of an epoch that are left. Gives the number of rows.
    fn epoch(
        &mut self,
        trainer: &mut T,
        train: &Columns<'_>,
        gathered: &mut Gathered,
        progress: &mut Progress,
        logs: &mut Logs,
        stop: &mut Option<String>,
    ) -> Result<usize> {
        let Position { epoch, seed, batch_rows, rows, .. } = self.position;
        let batches = self.settings.batches;
        // Every pass over the data ends with its partial batch.
        let per_pass = rows.div_ceil(batch_rows);
        let passes = batches.div_ceil(per_pass);
        let order = self.settings.order.of(rows, passes * rows, seed, epoch);
        let all: Vec<&[usize]> = order.chunks(rows).flat_map(|pass| pass.chunks(batch_rows)).take(batches).collect();
        let (mut sum, mut count) = (0.0, 0);
        self.metrics.iter_mut().for_each(|metric| metric.reset());
        for batch in all.into_iter().skip(self.position.batch) {
            self.each(trainer, logs, stop, f64::NAN, |callback, context| callback.batch_start(context))?;
            gathered.gather(train, batch);
            let columns = gathered.columns();
            let (attached, metrics) = (&self.settings.attached, &mut self.metrics);
            let loss = trainer.step_columns(&columns, &mut |index, values| {
                attached.update(metrics, index, values, &columns);
            })?;
            let loss = loss.to_f64();
            sum += loss * batch.len() as f64;
            count += batch.len();
            self.position.batch += 1;
            logs.set("loss", sum / count as f64);
            progress.step(epoch + 1, sum / count as f64);
            self.each(trainer, logs, stop, loss, |callback, context| callback.batch_end(context))?;
            if stop.is_some() {
                break;
            }
        }
        for metric in &self.metrics {
            logs.set(metric.name(), metric.value());
        }
        Ok(count)
    }

    /// Calls every callback.
    fn each(
        &mut self,
        trainer: &mut T,
        logs: &Logs,
        stop: &mut Option<String>,
        batch_loss: f64,
        mut call: impl FnMut(&mut dyn Callback<T>, &mut Context<'_, T>) -> Result<()>,
    ) -> Result<()> {
        let (position, settings) = (self.position, &self.settings);
        for callback in &mut self.callbacks {
            let mut context = Context {
                trainer: &mut *trainer,
                epoch: (position.epoch + 1).min(settings.epochs),
                epochs: settings.epochs,
                batch: position.batch,
                batches: settings.batches,
                batch_loss,
                logs,
                position,
                stop: &mut *stop,
            };
            call(callback.as_mut(), &mut context)?;
        }
        Ok(())
    }
}
