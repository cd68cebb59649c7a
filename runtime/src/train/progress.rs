//! How far training is: a bar on a terminal (feature `progress`), a line per epoch elsewhere.

use std::io::{self, Write};
#[cfg(feature = "progress")]
use std::time::{Duration, Instant};

use super::history::Epoch;

/// Shows the progress of training.
pub(super) struct Progress {
    quiet: bool,
    epochs: usize,
    #[cfg(feature = "progress")]
    bar: Option<indicatif::ProgressBar>,
    /// When the bar's text changed last.
    #[cfg(feature = "progress")]
    shown: Option<Instant>,
}

/// How often the bar's text changes.
#[cfg(feature = "progress")]
const TICK: Duration = Duration::from_millis(100);

impl Progress {
    /// Before the first of `epochs` epochs of `steps` steps; `done` steps are behind.
    pub(super) fn new(quiet: bool, epochs: usize, steps: usize, done: usize) -> Self {
        #[cfg(feature = "progress")]
        let bar = (!quiet && io::IsTerminal::is_terminal(&io::stderr())).then(|| {
            use indicatif::{ProgressBar, ProgressStyle};
            let style = ProgressStyle::with_template("{wide_bar} {msg}, {eta} left");
            let bar = ProgressBar::new((epochs * steps) as u64).with_position(done as u64);
            bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        #[cfg(not(feature = "progress"))]
        let _ = (steps, done);
        Self {
            quiet,
            epochs,
            #[cfg(feature = "progress")]
            bar,
            #[cfg(feature = "progress")]
            shown: None,
        }
    }

    /// After a step; `loss` is the epoch's mean so far.
    #[cfg_attr(not(feature = "progress"), allow(clippy::unused_self))]
    pub(super) fn step(&mut self, epoch: usize, loss: f64) {
        #[cfg(feature = "progress")]
        if let Some(bar) = &self.bar {
            bar.inc(1);
            if self.shown.is_none_or(|shown| shown.elapsed() >= TICK) {
                bar.set_message(format!("epoch {epoch}/{}, loss {loss:.4}", self.epochs));
                self.shown = Some(Instant::now());
            }
        }
        #[cfg(not(feature = "progress"))]
        let _ = (epoch, loss);
    }

    /// After an epoch.
    pub(super) fn epoch(&mut self, epoch: &Epoch) -> io::Result<()> {
        if self.quiet {
            return Ok(());
        }
        let logs: Vec<String> = epoch.logs.iter().map(|(name, value)| format!("{name} {value:.4}")).collect();
        let (number, seconds) = (epoch.number, epoch.time.as_secs_f64());
        let line = format!("epoch {number}/{}: {}, {seconds:.1} s", self.epochs, logs.join(", "));
        #[cfg(feature = "progress")]
        if let Some(bar) = &self.bar {
            bar.println(line);
            return Ok(());
        }
        writeln!(io::stdout(), "{line}")
    }

    /// After the last epoch.
    pub(super) fn finish(self, stopped: Option<&str>) -> io::Result<()> {
        #[cfg(feature = "progress")]
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
        match stopped {
            Some(reason) if !self.quiet => writeln!(io::stdout(), "stopped: {reason}"),
            _ => Ok(()),
        }
    }
}
