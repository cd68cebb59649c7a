//! How far training is: a bar on a terminal, a line per epoch elsewhere.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressStyle};

/// How often the bar's text changes.
const TICK: Duration = Duration::from_millis(100);

/// Shows the progress of training.
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    epochs: usize,
    /// The epoch that runs, from 1.
    epoch: usize,
    /// What the last measurement gave.
    metric: String,
    start: Instant,
    /// When the bar's text changed last.
    shown: Option<Instant>,
}

impl Progress {
    /// Before the first of `epochs` epochs of `steps` steps.
    pub(crate) fn new(epochs: usize, steps: usize) -> Self {
        let bar = io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{wide_bar} {msg}, {eta} left");
            ProgressBar::new((epochs * steps) as u64).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Self { bar, epochs, epoch: 1, metric: String::new(), start: Instant::now(), shown: None }
    }

    /// After a step; `loss` is the epoch's mean so far.
    pub(crate) fn step(&mut self, loss: f64) {
        let Some(bar) = &self.bar else { return };
        bar.inc(1);
        if self.shown.is_none_or(|shown| shown.elapsed() >= TICK) {
            bar.set_message(format!("epoch {}/{}, loss {loss:.4}{}", self.epoch, self.epochs, self.metric));
            self.shown = Some(Instant::now());
        }
    }

    /// After an epoch with its mean loss and what was measured then.
    pub(crate) fn epoch(&mut self, loss: f64, metric: impl ToString) -> io::Result<()> {
        self.metric = format!(", {}", metric.to_string());
        let elapsed = self.start.elapsed();
        let left = elapsed.mul_f64((self.epochs - self.epoch) as f64 / self.epoch as f64);
        let mut line = format!("epoch {}/{}: loss {loss:.4}{}", self.epoch, self.epochs, self.metric);
        line += &format!(", {:.1} s", elapsed.as_secs_f64());
        match &self.bar {
            Some(bar) => bar.println(line),
            None if left.is_zero() => writeln!(io::stdout(), "{line}")?,
            None => writeln!(io::stdout(), "{line}, {} left", HumanDuration(left))?,
        }
        self.epoch += 1;
        Ok(())
    }

    /// After the last epoch.
    pub(crate) fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}
