//! Trains a stacked LSTM to write, character by character.

use std::process::ExitCode;

use clap::Parser;
use kiln::network;
use kiln_examples::{Language, learn, prepared};

network! {
    /// Two LSTMs over 64 characters, and at each the logits of the one that comes next.
    pub CharLstm<batch = 32, vocabulary = 65> {
        let characters = tokens([64], vocabulary);
        let next = classes([64], vocabulary);

        let vectors = characters.embedding(64);
        let first = vectors.lstm(128, return_sequences = true);
        let second = first.lstm(128, return_sequences = true);
        let logits = second.dense(vocabulary);

        output(logits);
        loss(cross_entropy(logits, next));
        optimizer(adam(lr = 4e-3, global_clip_norm = 1.0));
    }
}

/// Train a stacked LSTM on a text, character by character, and let it write
#[derive(Parser)]
#[command(version)]
struct Options {
    #[command(flatten)]
    language: Language<1000, { CharLstm::BATCH }>,
}

fn train(Options { language }: Options) -> anyhow::Result<()> {
    let mut trainer = prepared!(language.setup, CharLstm);
    learn(&language, &mut trainer)?;
    if let Some(path) = &language.setup.save {
        trainer.model().save(path)?;
    }
    Ok(())
}

fn main() -> ExitCode {
    kiln_examples::run(train)
}
