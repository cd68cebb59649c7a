//! What training gives back: numbers for every epoch.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use crate::{Error, Result};

/// Named numbers in the order in which they came: `loss`, the metrics, `val_loss`, and the metrics again with `val_`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Logs(Vec<(String, f64)>);

impl Logs {
    /// A number by its name.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.0.iter().find(|(known, _)| known == name).map(|&(_, value)| value)
    }

    /// Sets a number.
    pub fn set(&mut self, name: impl Into<String>, value: f64) {
        let name = name.into();
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name, value)),
        }
    }

    /// All of them.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, f64)> {
        self.0.iter().map(|(name, value)| (name.as_str(), *value))
    }
}

/// One epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct Epoch {
    /// Its number, from 1.
    pub number: usize,
    /// Loss and metrics.
    pub logs: Logs,
    /// The learning rate at its end.
    pub learning_rate: f64,
    /// How long its training steps took.
    pub training: Duration,
    /// How long all of it took, validation included.
    pub time: Duration,
}

/// The epochs that were trained.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// In order.
    pub epochs: Vec<Epoch>,
    /// Why training ended before the last epoch, if it did.
    pub stopped: Option<String>,
    /// Rows that were trained on, all epochs together.
    pub rows: usize,
}

impl History {
    /// A number of every epoch that has it: `loss`, `val_loss`, `accuracy`.
    pub fn values(&self, name: &str) -> Vec<f64> {
        self.epochs.iter().filter_map(|epoch| epoch.logs.get(name)).collect()
    }

    /// A number of the last epoch.
    pub fn last(&self, name: &str) -> Option<f64> {
        self.epochs.last().and_then(|epoch| epoch.logs.get(name))
    }

    /// How long the training steps took, validation aside.
    pub fn training_time(&self) -> Duration {
        self.epochs.iter().map(|epoch| epoch.training).sum()
    }

    /// A table with a line per epoch.
    pub fn to_csv(&self) -> String {
        let mut text = String::new();
        if let Some(first) = self.epochs.first() {
            text += &header(first);
        }
        for epoch in &self.epochs {
            text += &line(epoch);
        }
        text
    }

    /// Writes the table.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write_csv(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        std::fs::write(path, self.to_csv()).map_err(|error| Error::from(error).in_file(path))
    }
}

/// The line of column names.
pub(super) fn header(epoch: &Epoch) -> String {
    let mut text = "epoch".to_owned();
    for (name, _) in epoch.logs.iter() {
        text.push(',');
        // Quoted as RFC 4180 has it.
        if name.contains([',', '"', '\n', '\r']) {
            text += &format!("\"{}\"", name.replace('"', "\"\""));
        } else {
            text += name;
        }
    }
    text + ",learning_rate,seconds\n"
}

/// An epoch's line.
pub(super) fn line(epoch: &Epoch) -> String {
    let mut text = epoch.number.to_string();
    for (_, value) in epoch.logs.iter() {
        // Writing to a string does not fail.
        let _ = write!(text, ",{value}");
    }
    text + &format!(",{},{:.3}\n", epoch.learning_rate, epoch.time.as_secs_f64())
}
