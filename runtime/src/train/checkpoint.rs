//! Checkpoints: everything that training depends on, in one safetensors file.

use std::path::{Path, PathBuf};

use super::callback::{Callback, Context, Position};
use super::history::Epoch;
use super::network::Trainer;
use super::plateau::{Best, Mode};
use crate::params::Element;
use crate::params::file::{Contents, Extra};
use crate::{Error, Params, Result};

/// The tensor of the optimiser's state. Parameters' own names have no colon, so weight files and checkpoints can be
/// told apart, and a model can be loaded from either.
const STATE: &str = "kiln:optimizer";

/// The file's format, in its metadata.
const FORMAT: &str = "kiln checkpoint 1";

/// Numbers of a checkpoint's metadata, in order.
const KEYS: [&str; 8] = ["steps", "mask_seed", "learning_rate", "epoch", "batch", "order_seed", "batch_rows", "rows"];

/// Writes a trainer's parameters, its optimiser's state, the counters of its random numbers, its learning rate and the
/// position in the data. `Model::load` and `load_matching` read the parameters of such a file, too.
///
/// # Errors
/// If the file cannot be written.
pub fn save_checkpoint<T: Trainer>(trainer: &T, position: Position, path: impl AsRef<Path>) -> Result<()> {
    let (steps, seed) = trainer.counters();
    let Position { epoch, batch, seed: order_seed, batch_rows, rows } = position;
    // The rate's bits: no digit is lost.
    let rate = trainer.rate().to_bits();
    let numbers = [steps, seed, rate, epoch as u64, batch as u64, order_seed, batch_rows as u64, rows as u64];
    let mut text = FORMAT.to_owned();
    for (key, number) in KEYS.into_iter().zip(numbers) {
        text += &format!(" {key}={number}");
    }
    let extra = Extra { name: STATE, values: trainer.optimizer_state(), metadata: ("kiln", &text) };
    trainer.params().save_with(path, Some(&extra))
}

/// Puts a trainer where a checkpoint left off, and gives the position in the data. If anything is wrong with the file,
/// the trainer stays as it is.
///
/// # Errors
/// If the file cannot be read, is no checkpoint, or is of another network or optimiser; with what was expected and
/// found.
pub fn load_checkpoint<T: Trainer>(trainer: &mut T, path: impl AsRef<Path>) -> Result<Position> {
    let (loaded, position) = read(trainer, path.as_ref())?;
    loaded.commit(trainer);
    Ok(position)
}

/// A checkpoint that fits.
pub(super) struct Loaded<E: Element> {
    params: Params<E>,
    state: Vec<E>,
    steps: u64,
    seed: u64,
    rate: f64,
}

impl<E: Element> Loaded<E> {
    /// Hands it to the trainer that it was read for.
    pub(super) fn commit<T: Trainer<Float = E>>(self, trainer: &mut T) {
        *trainer.params_mut() = self.params;
        trainer.optimizer_state_mut().copy_from_slice(&self.state);
        trainer.set_counters(self.steps, self.seed);
        trainer.set_rate(self.rate);
    }
}

/// Reads a checkpoint for a trainer.
pub(super) fn read<T: Trainer>(trainer: &T, path: &Path) -> Result<(Loaded<T::Float>, Position)> {
    let contents = Contents::read(path)?;
    parse(trainer, &contents).map_err(|error| error.in_file(path))
}

fn parse<T: Trainer>(trainer: &T, contents: &Contents) -> Result<(Loaded<T::Float>, Position)> {
    let foreign = |expected: &str, found: String| Error::NotCheckpoint { expected: expected.to_owned(), found };
    let text = contents.metadata("kiln")?.unwrap_or_default();
    let Some(rest) = text.strip_prefix(FORMAT) else {
        let found = if text.is_empty() { "none: weights alone, or another program's file".to_owned() } else { text };
        return Err(foreign(&format!("the mark `{FORMAT}`"), found));
    };
    let mut numbers = [0_u64; KEYS.len()];
    for (key, number) in KEYS.into_iter().zip(&mut numbers) {
        let value = rest.split(' ').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='));
        let value = value.ok_or_else(|| foreign(&format!("a number `{key}`"), "none".to_owned()))?;
        *number = value.parse().map_err(|_| foreign(&format!("a number `{key}`"), value.to_owned()))?;
    }
    let params = contents.params(trainer.params().infos(), trainer.params().block().len())?;
    let state = contents.extra::<T::Float>(STATE)?;
    let expected = trainer.optimizer_state().len();
    if state.len() != expected {
        let text = format!("an optimiser state of {expected} numbers");
        return Err(foreign(&text, format!("one of {}", state.len())));
    }
    let [steps, seed, rate, epoch, batch, order_seed, batch_rows, rows] = numbers;
    let [epoch, batch, batch_rows, rows] = [epoch, batch, batch_rows, rows].map(|number| number as usize);
    let loaded = Loaded { params, state, steps, seed, rate: f64::from_bits(rate) };
    Ok((loaded, Position { epoch, batch, seed: order_seed, batch_rows, rows }))
}

/// Writes a checkpoint after every epoch, or after those that are the best so far: Keras's `ModelCheckpoint`.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    path: PathBuf,
    best: Option<Best>,
}

impl Checkpoint {
    /// After every epoch. `{epoch}` in the path stands for its number; without it the file is written over.
    pub fn each(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), best: None }
    }

    /// After every epoch in which a number of the logs is the best so far.
    pub fn best(path: impl Into<PathBuf>, monitor: impl Into<String>) -> Self {
        Self { path: path.into(), best: Some(Best::new(monitor)) }
    }

    /// Which way the number improves.
    #[must_use]
    pub fn mode(mut self, mode: Mode) -> Self {
        if let Some(best) = &mut self.best {
            best.mode = mode;
        }
        self
    }
}

impl<T: Trainer> Callback<T> for Checkpoint {
    fn epoch_end(&mut self, context: &mut Context<'_, T>, epoch: &Epoch) -> Result<()> {
        if let Some(best) = &mut self.best
            && !best.improves(epoch)?
        {
            return Ok(());
        }
        let path = match self.path.to_str() {
            Some(path) => PathBuf::from(path.replace("{epoch}", &epoch.number.to_string())),
            None => self.path.clone(),
        };
        context.save_checkpoint(path)
    }
}
