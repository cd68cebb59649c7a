//! Trains a transformer to write, character by character.

use std::process::ExitCode;

use clap::Parser;
use kiln::network;
use kiln_examples::{Language, learn, prepared};

network! {
    /// A decoder of four blocks over 64 characters, normalised in front of each part (R. Xiong et al., 2020).
    pub CharTransformer<batch = 8, vocabulary = 65, blocks = 4, width = 128> {
        fn block(x: Tensor, width: usize) -> Tensor {
            let seen = x + x.layer_norm().attention(4, causal = true);
            seen + seen.layer_norm().dense(4 * width).gelu(approximate = true).dense(width)
        }

        let characters = tokens([64], vocabulary);
        let next = classes([64], vocabulary);

        let mut h = characters.embedding(width).positional_embedding();
        for _ in 0..blocks {
            h = h.block(width);
        }
        let logits = h.layer_norm().dense(vocabulary);

        output(logits);
        loss(cross_entropy(logits, next));
        optimizer(adam(lr = 1e-3, global_clip_norm = 1.0));
    }
}

/// Train a transformer on a text, character by character, and let it write
#[derive(Parser)]
#[command(version)]
struct Options {
    #[command(flatten)]
    language: Language<1000, { CharTransformer::BATCH }>,
}

fn train(Options { language }: Options) -> anyhow::Result<()> {
    let mut trainer = prepared!(language.setup, CharTransformer);
    learn(&language, &mut trainer)?;
    if let Some(path) = &language.setup.save {
        trainer.model().save(path)?;
    }
    Ok(())
}

fn main() -> ExitCode {
    kiln_examples::run(train)
}
