//! The training loop.

use std::fmt;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use kiln::data::{Batch, Batches, Dataset};
use kiln::{Rows, rows};

use crate::Training;
use crate::progress::Progress;

/// What is measured on the test data.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Metric {
    /// `accuracy` or `loss`.
    pub name: &'static str,
    /// Its value.
    pub value: f64,
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "test {} {:.4}", self.name, self.value)
    }
}

/// Trains for as many epochs as the options say, and tells of it. `step` trains on a batch and gives its loss; `test`
/// measures after every epoch. Gives the last measurement.
///
/// # Errors
/// Those of `step` and `test`, and if the loss is no number any more.
pub fn fit<T, const EPOCHS: usize, const CAPACITY: usize>(
    options: &Training<EPOCHS, CAPACITY>,
    data: &Dataset,
    trainer: &mut T,
    mut step: impl FnMut(&mut T, Batch<'_>) -> kiln::Result<f32>,
    test: impl Fn(&T) -> kiln::Result<Metric>,
) -> Result<Metric> {
    let mut batches = Batches::new(options.batch, options.seed)?;
    let mut progress = Progress::new(options.epochs, data.rows().div_ceil(options.batch));
    let mut training = Duration::ZERO;
    let mut metric = None;
    for number in 1..=options.epochs {
        let start = Instant::now();
        let mut epoch = batches.epoch(data);
        let (mut sum, mut rows) = (0.0, 0);
        while let Some(batch) = epoch.next_batch() {
            let loss = f64::from(step(trainer, batch)?);
            if !loss.is_finite() {
                bail!("the loss is {loss} in epoch {number}; a lower learning rate may help (--lr)");
            }
            sum += loss * batch.rows() as f64;
            rows += batch.rows();
            progress.step(sum / rows as f64);
        }
        training += start.elapsed();
        let measured = test(trainer)?;
        progress.epoch(sum / rows as f64, measured)?;
        metric = Some(measured);
    }
    progress.finish();
    if let Some(metric) = metric {
        let (seconds, rows) = (training.as_secs_f64(), options.epochs * data.rows());
        writeln!(io::stdout(), "trained on {rows} rows in {seconds:.2} s, {:.0} rows/s", rows as f64 / seconds)?;
        return Ok(metric);
    }
    Ok(test(trainer)?)
}

/// The mean over all rows of what `f` gives for batches of up to `batch` rows.
///
/// # Errors
/// Those of `f`.
pub fn mean(data: &Dataset, batch: usize, mut f: impl FnMut(Batch<'_>) -> kiln::Result<f64>) -> kiln::Result<f64> {
    let mut sum = 0.0;
    for batch in data.batches(batch) {
        sum += f(batch)? * batch.rows() as f64;
    }
    Ok(sum / data.rows() as f64)
}

/// How many of the rows have their largest value at their label; 1 is all.
///
/// # Errors
/// If there are not as many rows as labels.
pub fn accuracy(probabilities: impl Rows<f32>, classes: usize, labels: &[u32]) -> kiln::Result<f64> {
    let (probabilities, rows) = rows::check("probabilities", &probabilities, &[classes], usize::MAX)?;
    rows::check_agree(&[("probabilities", rows), ("labels", labels.len())])?;
    let right = |row: &[f32], label: u32| {
        let likeliest = (0..classes).max_by(|&a, &b| row[a].total_cmp(&row[b]));
        likeliest == Some(label as usize)
    };
    let count = probabilities.chunks(classes).zip(labels).filter(|&(row, &label)| right(row, label)).count();
    Ok(count as f64 / rows as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(epochs: usize) -> Training<5, 4> {
        Training { epochs, batch: 4, seed: 1, threads: 1, lr: None, save: None, load: None }
    }

    fn data() -> Dataset {
        Dataset::new(1, vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0], vec![0, 1, 0, 1, 0, 1]).unwrap_or_else(|e| panic!("{e}"))
    }

    #[test]
    fn every_row_trains_in_every_epoch() {
        let mut seen = Vec::new();
        let step = |seen: &mut Vec<f32>, batch: Batch<'_>| {
            seen.extend(batch.x);
            Ok(0.5)
        };
        let test = |seen: &Vec<f32>| Ok(Metric { name: "accuracy", value: seen.len() as f64 });
        let metric = fit(&options(3), &data(), &mut seen, step, test).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(metric.to_string(), "test accuracy 18.0000");
        seen.sort_by(f32::total_cmp);
        assert_eq!(seen, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0].map(|x| [x; 3]).concat());
        let metric = fit(&options(0), &data(), &mut seen, step, test).ok();
        assert_eq!(metric, Some(Metric { name: "accuracy", value: 18.0 }), "0 epochs only test");
    }

    #[test]
    fn a_loss_that_is_no_number_ends_it() {
        let test = |_: &()| Ok(Metric { name: "loss", value: 0.0 });
        let error = fit(&options(1), &data(), &mut (), |_, _| Ok(f32::NAN), test).err();
        let text = error.map(|error| error.to_string()).unwrap_or_default();
        assert_eq!(text, "the loss is NaN in epoch 1; a lower learning rate may help (--lr)");
    }

    #[test]
    fn means_weigh_the_last_batch_by_its_rows() {
        let found = mean(&data(), 4, |batch| Ok(batch.x.iter().sum::<f32>() as f64 / batch.rows() as f64));
        assert_eq!(found.ok(), Some(2.5));
    }

    #[test]
    fn the_largest_value_decides() {
        let probabilities = [0.1, 0.7, 0.2, 0.5, 0.1, 0.4, 0.0, 0.0, 1.0, 0.3, 0.4, 0.3];
        assert_eq!(accuracy(&probabilities, 3, &[1, 0, 2, 0]).ok(), Some(0.75));
        assert!(accuracy(&probabilities, 3, &[1, 0, 2]).is_err());
    }
}
