//! Trains on digits of which one is rare, without and with weights that make up for it.

use std::process::ExitCode;

use clap::Parser;
use kiln::data::Dataset;
use kiln::network;
use kiln::train::{Average, Confusion, Data, Fit, TerminateOnNan, balanced_class_weights, predict, weights_of_rows};
use kiln_examples::{Training, cut, digits, labelled, trainer};

network! {
    /// A hidden layer; `importance` weighs each image's loss.
    pub Imbalanced<batch = 32> {
        let image = input([64]);
        let digit = class(10);
        let importance = weight();

        let hidden = image.dense(64).relu();
        let logits = hidden.dense(10);

        output(softmax(logits));
        loss(cross_entropy(logits, digit, weight = importance));
        optimizer(adam(lr = 1e-3));
    }
}

/// Train on the UCI digits with one of them made rare: as they are, with class weights, and with weighted sampling
#[derive(Parser)]
#[command(version)]
struct Options {
    /// The digit that is made rare
    #[arg(long, value_name = "DIGIT", default_value_t = 3, value_parser = clap::value_parser!(u32).range(0..10))]
    rare: u32,
    /// Its share of the training images
    #[arg(long, value_name = "SHARE", default_value_t = 0.02, value_parser = share)]
    share: f64,
    /// How often to train, with one seed after another
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=1000))]
    runs: u64,
    #[command(flatten)]
    training: Training<30, { Imbalanced::BATCH }>,
}

fn share(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|share| (0.0..1.0).contains(share)).ok_or("expected a share from 0 to below 1".to_owned())
}

/// What is done about a rare class.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Remedy {
    Nothing,
    ClassWeights,
    Sampling,
}

impl Remedy {
    const ALL: [Self; 3] = [Self::Nothing, Self::ClassWeights, Self::Sampling];

    fn name(self) -> &'static str {
        match self {
            Self::Nothing => "as it is",
            Self::ClassWeights => "class weights",
            Self::Sampling => "weighted sampling",
        }
    }
}

/// What a trained network makes of the test data.
fn test(predictor: &mut ImbalancedPredictor, data: &Dataset) -> kiln::Result<Confusion> {
    let mut matrix = Confusion::new(10);
    for probabilities in predict(predictor, &Data::new().with("image", data.x()))? {
        for (row, &digit) in probabilities.outer_iter().zip(data.labels()) {
            let largest = row.iter().zip(0..).max_by(|a, b| a.0.total_cmp(b.0)).map_or(0, |(_, class)| class);
            matrix.add(digit, largest);
        }
    }
    Ok(matrix)
}

/// Recall, precision and F1 of one class, and the accuracy.
fn figures(matrix: &Confusion, class: u32) -> [f64; 4] {
    let class = Average::Class(class as usize);
    [matrix.recall(class), matrix.precision(class), matrix.f1(class), matrix.accuracy()]
}

fn train(Options { rare, share, runs, training }: Options) -> anyhow::Result<()> {
    let (all, held_out) = digits()?;
    let data = cut(&all, rare, share)?;
    let few = data.labels().iter().filter(|&&label| label == rare).count();
    println!("{}", Imbalanced::summary());
    println!("{few} of {} training images show a {rare}\n", data.rows());
    let class_weights = balanced_class_weights(data.labels(), 10);

    let mut means = [[0.0; 4]; 3];
    for (remedy, means) in Remedy::ALL.into_iter().zip(&mut means) {
        let mut shown = None;
        for seed in training.seed..training.seed.saturating_add(runs) {
            let mut training = training.clone();
            training.setup.seed = seed;
            let mut trainer = trainer!(training, Imbalanced);
            let mut fit =
                Fit::new().epochs(training.epochs).batch(training.batch).seed(seed).callback(TerminateOnNan).quiet();
            match remedy {
                Remedy::Nothing => {}
                Remedy::ClassWeights => fit = fit.balance_classes(),
                Remedy::Sampling => fit = fit.sample_by(weights_of_rows(data.labels(), &class_weights)),
            }
            let history = fit.run(&mut trainer, &labelled(&data, "image", "digit"))?;
            if let Some(reason) = history.stopped {
                anyhow::bail!("{reason}; a lower learning rate may help (--lr)");
            }
            let mut predictor = trainer.model().predictor();
            predictor.set_threads(training.threads)?;
            let matrix = test(&mut predictor, &held_out)?;
            for (mean, figure) in means.iter_mut().zip(figures(&matrix, rare)) {
                *mean += figure / runs as f64;
            }
            if shown.is_none() {
                if let (Remedy::ClassWeights, Some(path)) = (remedy, &training.save) {
                    trainer.model().save(path)?;
                }
                shown = Some(matrix);
            }
        }
        if let Some(matrix) = shown {
            println!("{}, seed {}, test images:\n{matrix}", remedy.name(), training.seed);
        }
    }

    println!("{:<18} recall of {rare}  precision     F1  accuracy", format!("mean of {runs} runs"));
    for (remedy, [recall, precision, f1, accuracy]) in Remedy::ALL.iter().zip(means) {
        println!("{:<18} {recall:>11.3} {precision:>10.3} {f1:>6.3} {accuracy:>9.3}", remedy.name());
    }
    let [[before, ..], [after, ..], _] = means;
    println!("class weights change the test recall of {rare} by {:+.1} points", 100.0 * (after - before));
    Ok(())
}

fn main() -> ExitCode {
    kiln_examples::run(train)
}
