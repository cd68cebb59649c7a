//! Trains a recurrent cell on MNIST that is written from its equations.

use std::process::ExitCode;

use clap::Parser;
use kiln::network;
use kiln_examples::{MnistOptions, prepared};

network! {
    /// The gated recurrence `h_t = a_t * c_t + (1 - a_t) * h_{t-1}`: a gate decides, unit by unit, how much of a candidate
    /// takes the place of the old state. Nothing here is a built-in layer but the last.
    pub GatedRnn<batch = 128> {
        const H: usize = 128;
        let rows = input([28, 28]);
        let digit = class(10);

        let wa = param([28, H], init = glorot_uniform);
        let ua = param([H, H], init = orthogonal);
        let ba = param([H], init = zeros);
        let wc = param([28, H], init = glorot_uniform);
        let uc = param([H, H], init = orthogonal);
        let bc = param([H], init = zeros);
        let states = scan(rows, h = zeros([H]), |row, h| {
            let a = sigmoid(matmul(row, wa) + matmul(h, ua) + ba);
            let c = tanh(matmul(row, wc) + matmul(h, uc) + bc);
            a * c + (1.0 - a) * h
        });
        let logits = last(states).dense(10);

        output(softmax(logits));
        loss(cross_entropy(logits, digit));
        optimizer(adam(lr = 1e-3));
    }
}

/// Train a gated recurrent cell, written from its equations, on MNIST, whose rows are its time steps
#[derive(Parser)]
#[command(version)]
struct Options {
    #[command(flatten)]
    mnist: MnistOptions<5, { GatedRnn::BATCH }>,
}

fn train(Options { mnist }: Options) -> anyhow::Result<()> {
    let data = mnist.load()?;
    let mut trainer = prepared!(mnist.training, GatedRnn);
    let result = mnist.fit(&mut trainer, &data, "rows")?;
    if let Some(path) = &mnist.training.save {
        trainer.model().save(path)?;
    }
    println!("{result}");
    Ok(())
}

fn main() -> ExitCode {
    kiln_examples::run(train)
}
