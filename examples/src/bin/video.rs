//! Trains a network on films of moving digits: which way do they move?

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use kiln::data::mnist;
use kiln::network;
use kiln::train::{Accuracy, Data, predict};
use kiln_examples::{DIRECTIONS, Training, digits, fit, halved, labelled, moving_digits, prepared, write_png};

network! {
    /// A convolutional network for each frame, the same for all, and an LSTM over what it says.
    pub Video<batch = 64> {
        fn encode(frame: Tensor<16, 16, 1>) -> Tensor {
            frame
                .conv2d(16, kernel = 3, pad = same).relu().max_pool2d(2)
                .conv2d(32, kernel = 3, pad = same).relu().max_pool2d(2)
                .flatten().dense(64).relu()
        }

        let film = input([8, 16, 16, 1]);
        let direction = class(8);

        let frames = film.time_distributed(encode);
        let end = frames.lstm(64);
        let logits = end.dense(8);

        output(softmax(logits));
        loss(cross_entropy(logits, direction));
        optimizer(adam(lr = 1e-3));
    }
}

/// Train a CNN per frame and an LSTM over frames to say which of 8 ways a digit moves
#[derive(Parser)]
#[command(version)]
struct Options {
    /// Directory with MNIST's IDX files, gzipped or not: its digits move, at half their size; without it the UCI digits
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// How many films to train on; a quarter as many test, with other digits
    #[arg(long, value_name = "N", default_value_t = 8000)]
    films: usize,
    /// The deviation of the noise in the films
    #[arg(long, value_name = "X", default_value_t = 0.2)]
    noise: f64,
    /// A picture of test films to write
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    training: Training<10, { Video::BATCH }>,
}

/// Frames of a film, and pixels of a frame's side.
const FILM: [usize; 2] = [8, 16];
/// Films in the picture.
const SHOWN: usize = 8;

fn train(Options { data, films, noise, out, training }: Options) -> anyhow::Result<()> {
    let (train, test) = match data {
        Some(path) => {
            let mnist = mnist(path)?;
            (halved(&mnist.train)?, halved(&mnist.test)?)
        }
        None => digits()?,
    };
    let train = moving_digits(&train, films, FILM, noise, training.seed)?;
    let test = moving_digits(&test, films.div_ceil(4), FILM, noise, !training.seed)?;
    let mut trainer = prepared!(training, Video);
    let [train_data, test_data] = [&train, &test].map(|data| labelled(data, "film", "direction"));
    let result = fit(&training, &mut trainer, &train_data, &test_data, Some(Accuracy::new()))?;
    if let Some(path) = &training.save {
        trainer.model().save(path)?;
    }
    let said = predict(&mut trainer.model().predictor(), &Data::new().with("film", test.x()))?;
    for (probabilities, &class) in said.iter().flat_map(|output| output.outer_iter()).zip(test.labels()).take(SHOWN) {
        let best = probabilities.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(best, _)| best);
        println!("moves {:10}, said {}", DIRECTIONS[class as usize].0, DIRECTIONS[best].0);
    }
    if let Some(out) = &out {
        let rows: Vec<&[f32]> = test.x().chunks(test.features()).take(SHOWN).collect();
        write_png(out, FILM[1], &rows)?;
        println!("test films, frame by frame: {}", out.display());
    }
    println!("{result}");
    Ok(())
}

fn main() -> ExitCode {
    kiln_examples::run(train)
}
