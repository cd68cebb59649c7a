//! The command line.

use std::ops::Deref;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser};
use kiln::pool::Team;

/// Arguments of binaries that train by epochs, with the defaults of their networks. Those of [`Setup`] are read as if they
/// were its own.
#[derive(Args, Clone, Debug)]
pub struct Training<const EPOCHS: usize, const CAPACITY: usize> {
    /// How often to go through the training data; 0 only tests
    #[arg(long, value_name = "N", default_value_t = EPOCHS)]
    pub epochs: usize,
    /// What all binaries take
    #[command(flatten)]
    pub setup: Setup<CAPACITY>,
}

impl<const EPOCHS: usize, const CAPACITY: usize> Deref for Training<EPOCHS, CAPACITY> {
    type Target = Setup<CAPACITY>;

    fn deref(&self) -> &Self::Target {
        &self.setup
    }
}

/// Arguments of every training binary.
#[derive(Args, Clone, Debug)]
pub struct Setup<const CAPACITY: usize> {
    /// Rows of a training step, at most what the network is compiled for
    #[arg(long, value_name = "ROWS", default_value_t = CAPACITY, value_parser = rows::<CAPACITY>)]
    pub batch: usize,
    /// Decides the first weights, the order of the data and what dropout drops
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// How many threads compute; the result is the same for any number
    #[arg(long, value_name = "N", default_value_t = Team::available(), value_parser = threads)]
    pub threads: usize,
    /// Learning rate instead of the network's own
    #[arg(long, value_name = "RATE", value_parser = rate)]
    pub lr: Option<f64>,
    /// Write the trained weights to this file (safetensors)
    #[arg(long, value_name = "FILE")]
    pub save: Option<PathBuf>,
    /// Start from the weights in this file
    #[arg(long, value_name = "FILE")]
    pub load: Option<PathBuf>,
}

fn rows<const CAPACITY: usize>(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|rows| (1..=CAPACITY).contains(rows)).ok_or(format!("expected 1 to {CAPACITY} rows"))
}

fn threads(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|threads| (1..=1024).contains(threads)).ok_or("expected 1 to 1024 threads".to_owned())
}

fn rate(text: &str) -> Result<f64, String> {
    let fits = |rate: &f64| rate.is_finite() && *rate >= 0.0;
    text.parse().ok().filter(fits).ok_or("expected a finite number, not negative".to_owned())
}

/// A network's trainer as the arguments want it: its weights fresh or from a file, seed, threads and learning rate.
/// Returns from the caller with an error if the file does not fit.
#[macro_export]
macro_rules! trainer {
    ($training:expr, $network:ident) => {{
        let model = match &$training.load {
            Some(path) => $network::load(path)?,
            None => $network::new($training.seed),
        };
        let mut trainer = model.trainer();
        trainer.set_seed($training.seed);
        trainer.set_threads($training.threads)?;
        if let Some(lr) = $training.lr {
            trainer.set_learning_rate(lr);
        }
        trainer
    }};
}

/// Prints a network's table, and gives its [`trainer!`].
#[macro_export]
macro_rules! prepared {
    ($training:expr, $network:ident) => {{
        println!("{}", $network::summary());
        $crate::trainer!($training, $network)
    }};
}

/// A program: reads its arguments, runs, and prints an error plainly.
pub fn run<A: Parser>(program: impl FnOnce(A) -> anyhow::Result<()>) -> ExitCode {
    let arguments = match A::try_parse() {
        Ok(arguments) => arguments,
        Err(answer) => {
            // Nothing is left to do if even this can't be printed.
            let _ = answer.print();
            return if answer.use_stderr() { ExitCode::FAILURE } else { ExitCode::SUCCESS };
        }
    };
    match program(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        training: Training<30, 32>,
    }

    fn parse(arguments: &[&str]) -> Result<Training<30, 32>, String> {
        let all = ["program"].iter().chain(arguments);
        Program::try_parse_from(all).map(|program| program.training).map_err(|error| error.to_string())
    }

    #[test]
    fn defaults_are_the_networks() {
        let training = parse(&[]).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((training.epochs, training.batch, training.seed), (30, 32, 0));
        assert!(training.threads >= 1);
        let training = parse(&["--batch", "7", "--lr", "5e-4", "--epochs=0"]).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((training.epochs, training.batch, training.lr), (0, 7, Some(5e-4)));
    }

    #[test]
    fn what_is_out_of_range_is_named() {
        for (arguments, expected) in [
            (["--batch", "33"], "invalid value '33' for '--batch <ROWS>': expected 1 to 32 rows"),
            (["--batch", "0"], "expected 1 to 32 rows"),
            (["--batch", "many"], "expected 1 to 32 rows"),
            (["--threads", "0"], "expected 1 to 1024 threads"),
            (["--lr", "NaN"], "expected a finite number, not negative"),
            (["--lr=-1", "--epochs=1"], "expected a finite number, not negative"),
        ] {
            let error = parse(&arguments).err().unwrap_or_default();
            assert!(error.contains(expected), "{error}");
        }
    }
}
