//! What the binaries share that learn to write: training on random windows of a text, and writing.

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::Args;
use kiln::simd::Float;
use kiln::train::{Column, Evaluator, InputInfo, InputKind, Predictor, Schedule, Trainer};

use crate::{Random, Setup, Text, Windows};

/// Arguments of binaries that learn to write, with the defaults of their networks.
#[derive(Args, Clone, Debug)]
pub struct Language<const STEPS: usize, const CAPACITY: usize> {
    /// Text to learn, in UTF-8; without it, 100 kB of Shakespeare that the binary carries with it
    #[arg(long, value_name = "FILE")]
    pub data: Option<PathBuf>,
    /// How many batches of random windows to train on; 0 only validates and writes
    #[arg(long, value_name = "N", default_value_t = STEPS)]
    pub steps: usize,
    /// What all binaries take
    #[command(flatten)]
    pub setup: Setup<CAPACITY>,
    /// Characters to write after training
    #[arg(long, value_name = "N", default_value_t = 400)]
    pub length: usize,
    /// What the written text goes on from; a line break, where the text has them
    #[arg(long, value_name = "TEXT")]
    pub prompt: Option<String>,
    /// What logits are divided by: towards 0 the likeliest character always comes, at 1 as often as the network says
    #[arg(long, value_name = "T", default_value_t = 0.8, value_parser = temperature)]
    pub temperature: f64,
}

fn temperature(text: &str) -> Result<f64, String> {
    let fits = |value: &f64| value.is_finite() && *value >= 0.0;
    text.parse().ok().filter(fits).ok_or("expected a finite number, not negative".to_owned())
}

/// How often training tells of itself.
const REPORTS: usize = 10;
/// Windows that such a report validates on; the end validates on all.
const SOME: usize = 128;

/// The length of a window and the characters that a network tells apart: its inputs are `tokens([steps], n)`, then
/// `classes([steps], n)`.
fn shape(inputs: &[InputInfo]) -> Result<(usize, usize)> {
    match inputs {
        [
            InputInfo { shape: [steps], kind: InputKind::Tokens(n), .. },
            InputInfo { kind: InputKind::Classes(m), .. },
        ] if n == m => Ok((*steps, *n)),
        _ => bail!("expected a network of tokens([steps], n) and classes([steps], n)"),
    }
}

/// Reads the text, trains on random windows of it, validates on what was held out, and writes a sample: all that the
/// options say but `--save`. The learning rate grows for a tenth of the steps, at most 100, and then falls by a cosine to a
/// tenth.
///
/// # Errors
/// If the text can't be read, is too short, does not have a character of the prompt, or the loss is no number any more.
pub fn learn<T: Trainer, const STEPS: usize, const CAPACITY: usize>(
    options: &Language<STEPS, CAPACITY>,
    trainer: &mut T,
) -> Result<()> {
    let mut out = io::stdout();
    let (window, capacity) = shape(T::INPUTS)?;
    let text = Text::read(options.data.as_deref(), capacity, window)?;
    let prompt = prompt(&text, options.prompt.as_deref())?;
    let all: usize = text.train.len() + text.held_out.len();
    let known = text.vocabulary.characters().len();
    let rest = text.vocabulary.unknown().map_or("", |_| "; one more stands for all others");
    writeln!(out, "{all} characters, {known} different ones{rest}")?;

    let started = Instant::now();
    train(options, trainer, &text, window)?;
    if options.steps > 0 {
        let seconds = started.elapsed().as_secs_f64();
        let rate = options.steps as f64 / seconds;
        writeln!(out, "{} steps in {seconds:.1} s, {rate:.1} steps/s", options.steps)?;
    }
    let mut predictor = trainer.evaluator();
    let loss = validate(&mut predictor, &text.held_out, window, usize::MAX)?;
    writeln!(out, "validation loss {loss:.4}, perplexity {:.2}\n", loss.exp())?;
    let sample = write(&mut predictor, &text, &prompt, options)?;
    writeln!(out, "{sample}")?;
    Ok(())
}

/// What the written text goes on from, at least one character.
fn prompt(text: &Text, given: Option<&str>) -> Result<Vec<u32>> {
    match given {
        Some(given) if !given.is_empty() => text.vocabulary.encode(given).context("--prompt"),
        _ => Ok(vec![text.vocabulary.index('\n').unwrap_or(0)]),
    }
}

fn train<T: Trainer, const STEPS: usize, const CAPACITY: usize>(
    options: &Language<STEPS, CAPACITY>,
    trainer: &mut T,
    text: &Text,
    window: usize,
) -> Result<()> {
    let mut out = io::stdout();
    let (steps, warm_up) = (options.steps, (options.steps / 10).min(100));
    let schedule = Schedule::cosine(trainer.rate(), (steps - warm_up) as u64, 0.1).after_warm_up(warm_up as u64);
    let mut random = Random::new(options.setup.seed);
    let (mut sum, mut count) = (0.0, 0);
    for step in 0..steps {
        trainer.set_rate(schedule.at(step as u64));
        let windows = Windows::random(&text.train, window, options.setup.batch, &mut random);
        let columns = [Column::U32(&windows.characters), Column::U32(&windows.next)];
        let loss = trainer.step_columns(&columns, &mut |_, _| ())?.to_f64();
        if !loss.is_finite() {
            bail!("the loss is {loss} at step {}; a lower learning rate may help (--lr)", step + 1);
        }
        (sum, count) = (sum + loss, count + 1);
        let (done, next) = (step * REPORTS / steps, (step + 1) * REPORTS / steps);
        if next > done {
            let held_out = validate(&mut trainer.evaluator(), &text.held_out, window, SOME)?;
            let mean = sum / f64::from(count);
            writeln!(out, "step {:>5}/{steps}  loss {mean:.4}  val_loss about {held_out:.3}", step + 1)?;
            (sum, count) = (0.0, 0);
        }
    }
    Ok(())
}

/// The mean loss over windows of the text that don't overlap: all of them, or `most`, spread evenly.
fn validate<P: Evaluator>(predictor: &mut P, text: &[u32], window: usize, most: usize) -> Result<f64> {
    let places = text.len().saturating_sub(1) / window;
    let taken = places.min(most);
    let mut sum = 0.0;
    for first in (0..taken).step_by(P::CAPACITY) {
        let rows = first..(first + P::CAPACITY).min(taken);
        let windows = Windows::at(text, window, rows.clone().map(|row| row * places / taken * window));
        let columns = [Column::U32(&windows.characters), Column::U32(&windows.next)];
        let loss = predictor.loss_columns(&columns)?.to_f64();
        sum += loss * rows.len() as f64;
    }
    Ok(sum / taken as f64)
}

/// Lets the network write: the prompt, then one character after the other, each drawn by the softmax of its logits. It
/// reads a window of at most `steps` characters back. What stands behind the last one in the window does not matter, as
/// the network looks back only.
fn write<P: Predictor, const STEPS: usize, const CAPACITY: usize>(
    predictor: &mut P,
    text: &Text,
    prompt: &[u32],
    options: &Language<STEPS, CAPACITY>,
) -> Result<String> {
    let (window, capacity) = shape(P::INPUTS)?;
    let known = text.vocabulary.characters();
    let mut random = Random::new(options.setup.seed);
    let mut written = prompt.to_vec();
    for _ in 0..options.length {
        let mut read = written.get(written.len().saturating_sub(window)..).unwrap_or_default().to_vec();
        let last = read.len().saturating_sub(1);
        read.resize(window, 0);
        let mut logits: Vec<f64> = Vec::new();
        predictor.run_columns(&[Column::U32(&read), Column::U32(&[])], &mut |_, values| {
            logits = values.iter().skip(last * capacity).take(known.len()).map(|value| value.to_f64()).collect();
        })?;
        written.push(draw(&logits, options.temperature, &mut random));
    }
    Ok(written.iter().map(|&index| known.get(index as usize).copied().unwrap_or(char::REPLACEMENT_CHARACTER)).collect())
}

/// An index, drawn by the softmax of `logits / temperature`; the first of the largest at temperature 0.
fn draw(logits: &[f64], temperature: f64, random: &mut Random) -> u32 {
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    // The limit of the temperature's way to 0.
    let weight = |&logit: &f64| {
        if temperature > 0.0 { ((logit - largest) / temperature).exp() } else { f64::from(u8::from(logit == largest)) }
    };
    let sum: f64 = logits.iter().map(weight).sum();
    let mut left = if temperature > 0.0 { random.uniform() * sum } else { 0.0 };
    let mut chosen = 0;
    for (index, logit) in logits.iter().enumerate() {
        let weight = weight(logit);
        if weight > 0.0 {
            chosen = index as u32;
            if left < weight {
                break;
            }
        }
        left -= weight;
    }
    chosen
}

#[cfg(test)]
mod tests {
    use kiln::network;

    use super::*;

    network! {
        /// Knows of each character which one follows it.
        Pairs<batch = 4> {
            let characters = tokens([3], 4);
            let next = classes([3], 4);
            let logits = characters.embedding(4);
            output(logits);
            loss(cross_entropy(logits, next));
            optimizer(adam(lr = 0.3));
        }
    }

    fn options(steps: usize, prompt: Option<&str>) -> Language<5, 4> {
        Language {
            data: None,
            steps,
            setup: Setup { batch: 4, seed: 1, threads: 1, lr: None, save: None, load: None },
            length: 5,
            prompt: prompt.map(str::to_owned),
            temperature: 0.1,
        }
    }

    #[test]
    fn a_circle_is_learnt_and_written() -> Result<()> {
        let text = Text::new(&"abc".repeat(20), 4, 3)?;
        let mut trainer = Pairs::new(0).trainer();
        let options = options(60, Some("cab"));
        train(&options, &mut trainer, &text, 3)?;
        let mut predictor = trainer.evaluator();
        assert!(validate(&mut predictor, &text.held_out, 3, usize::MAX)? < 0.1);
        let prompt = prompt(&text, options.prompt.as_deref())?;
        assert_eq!(write(&mut predictor, &text, &prompt, &options)?, "cabcabca");
        Ok(())
    }

    #[test]
    fn prompts_are_known_or_refused() -> Result<()> {
        let text = Text::new(&"abc".repeat(20), 4, 3)?;
        assert_eq!(prompt(&text, None)?, [0], "there is no line break");
        assert_eq!(prompt(&text, Some(""))?, [0]);
        let error = prompt(&text, Some("axe")).err().map(|error| format!("{error:#}"));
        assert_eq!(error.as_deref(), Some("--prompt: the character 'x' does not occur in the text"));
        Ok(())
    }

    #[test]
    fn draws_follow_the_softmax() {
        let mut random = Random::new(3);
        let logits = [0.0, f64::ln(3.0), f64::NEG_INFINITY];
        let draws = 10_000;
        let ones: u32 = (0..draws).map(|_| draw(&logits, 1.0, &mut random)).sum();
        assert!(ones.abs_diff(draws * 3 / 4) < 200, "{ones} of {draws}, expected 3/4");
        assert_eq!(draw(&logits, 0.0, &mut random), 1);
        assert_eq!(draw(&[2.0, 2.0], 0.0, &mut random), 0);
    }
}
