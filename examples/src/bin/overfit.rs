//! Trains a large network on few images, without and with what keeps it from learning them by heart.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use kiln::data::Dataset;
use kiln::network;
use kiln::train::{
    Accuracy, Context, EarlyStopping, Evaluator, Fit, Metric, Perplexity, TerminateOnNan, Trainer, evaluate,
};
use kiln_examples::{Chart, Training, digits, labelled, trainer, write_curves};

network! {
    /// Two wide layers: 85,002 parameters, of which a few hundred images need few.
    pub Plain<batch = 32> {
        let image = input([64]);
        let digit = class(10);

        let first = image.dense(256).relu();
        let second = first.dense(256).relu();
        let logits = second.dense(10);

        output(softmax(logits));
        loss(cross_entropy(logits, digit));
        optimizer(adam(lr = 1e-3));
    }
}

network! {
    /// The same with dropout: half of each layer, another half in every step.
    pub Dropout<batch = 32> {
        let image = input([64]);
        let digit = class(10);

        let first = image.dense(256).relu().dropout(0.5);
        let second = first.dense(256).relu().dropout(0.5);
        let logits = second.dense(10);

        output(softmax(logits));
        loss(cross_entropy(logits, digit));
        optimizer(adam(lr = 1e-3));
    }
}

network! {
    /// The same with an L2 penalty on all weights.
    pub Penalty<batch = 32> {
        let image = input([64]);
        let digit = class(10);

        let first = image.dense(256, l2 = 1e-3).relu();
        let second = first.dense(256, l2 = 1e-3).relu();
        let logits = second.dense(10, l2 = 1e-3);

        output(softmax(logits));
        loss(cross_entropy(logits, digit));
        optimizer(adam(lr = 1e-3));
    }
}

network! {
    /// The same with both.
    pub Both<batch = 32> {
        let image = input([64]);
        let digit = class(10);

        let first = image.dense(256, l2 = 1e-3).relu().dropout(0.5);
        let second = first.dense(256, l2 = 1e-3).relu().dropout(0.5);
        let logits = second.dense(10, l2 = 1e-3);

        output(softmax(logits));
        loss(cross_entropy(logits, digit));
        optimizer(adam(lr = 1e-3));
    }
}

/// Train a large network on 500 of the UCI digits: as it is, and with dropout, an L2 penalty, early stopping
#[derive(Parser)]
#[command(version)]
struct Options {
    /// The picture of the curves to write
    #[arg(long, value_name = "FILE", default_value = "overfit.svg")]
    out: PathBuf,
    /// Epochs without improvement after which early stopping ends training
    #[arg(long, value_name = "N", default_value_t = 5)]
    patience: usize,
    #[command(flatten)]
    training: Training<100, { Plain::BATCH }>,
}

/// Images that train; the others of the same writers validate.
const TRAINED: usize = 500;

/// Training images, validation images by the same writers, test images by others.
struct Sets {
    train: Dataset,
    validation: Dataset,
    test: Dataset,
}

/// Cross entropy and accuracy.
type Score = [f64; 2];

/// What a network makes of a data set in inference. The cross entropy is without penalties, which the loss contains.
fn score<P: Evaluator>(predictor: &mut P, data: &Dataset) -> kiln::Result<Score> {
    let mut metrics: [Box<dyn Metric>; 2] = [Box::new(Perplexity::new()), Box::new(Accuracy::new())];
    evaluate(predictor, &labelled(data, "image", "digit"), &mut metrics)?;
    let [perplexity, accuracy] = metrics;
    Ok([perplexity.value().ln(), accuracy.value()])
}

/// How one way of training went.
struct Course {
    name: &'static str,
    epochs: usize,
    /// After every epoch: of training and validation images.
    curves: [Vec<Score>; 2],
    /// With the parameters that training gives back: of training, validation and test images.
    last: [Score; 3],
}

impl Course {
    /// Validation's cross entropy above training's, training's accuracy above validation's.
    fn gap(&self) -> Score {
        let [train, validation, _] = self.last;
        [validation[0] - train[0], train[1] - validation[1]]
    }
}

/// Trains, with early stopping where there is a patience.
fn follow<T: Trainer, const EPOCHS: usize, const CAPACITY: usize>(
    name: &'static str,
    training: &Training<EPOCHS, CAPACITY>,
    trainer: &mut T,
    sets: &Sets,
    patience: Option<usize>,
) -> anyhow::Result<Course> {
    let mut curves = [Vec::new(), Vec::new()];
    let mut fit = Fit::new()
        .epochs(training.epochs)
        .batch(training.batch)
        .seed(training.seed)
        .validation_data(labelled(&sets.validation, "image", "digit"))
        .callback(TerminateOnNan)
        .after_epoch(|context: &mut Context<'_, T>, _| {
            let mut predictor = context.trainer.evaluator();
            let [train, validation] = &mut curves;
            train.push(score(&mut predictor, &sets.train)?);
            validation.push(score(&mut predictor, &sets.validation)?);
            Ok(())
        })
        .quiet();
    if let Some(patience) = patience {
        fit = fit.callback(EarlyStopping::new("val_loss").patience(patience));
    }
    let history = fit.run(trainer, &labelled(&sets.train, "image", "digit"))?;
    if let (Some(reason), None) = (history.stopped, patience) {
        anyhow::bail!("{reason}; a lower learning rate may help (--lr)");
    }
    let mut predictor = trainer.evaluator();
    let [train, validation, test] = [&sets.train, &sets.validation, &sets.test].map(|set| score(&mut predictor, set));
    Ok(Course { name, epochs: history.epochs.len(), curves, last: [train?, validation?, test?] })
}

fn train(Options { out, patience, training }: Options) -> anyhow::Result<()> {
    let (all, test) = digits()?;
    let (train, validation) = all.split(TRAINED)?;
    let sets = Sets { train, validation, test };
    println!("{}", Plain::summary());
    println!(
        "{} images train, {} validate, {} by other writers test\n",
        sets.train.rows(),
        sets.validation.rows(),
        sets.test.rows()
    );

    let plain = follow("nothing", &training, &mut trainer!(training, Plain), &sets, None)?;
    let dropout = follow("dropout", &training, &mut trainer!(training, Dropout), &sets, None)?;
    let penalty = follow("L2", &training, &mut trainer!(training, Penalty), &sets, None)?;
    let stopped = follow("early stopping", &training, &mut trainer!(training, Plain), &sets, Some(patience))?;
    let mut last = trainer!(training, Both);
    let all = follow("all three", &training, &mut last, &sets, Some(patience))?;
    if let Some(path) = &training.save {
        last.model().save(path)?;
    }
    let courses = [plain, dropout, penalty, stopped, all];

    println!("                        cross entropy                  accuracy");
    println!("                epochs  train  valid    gap   test     train  valid    gap   test");
    for course in &courses {
        let ([train, validation, test], gap) = (course.last, course.gap());
        print!("{:<15} {:>6}", course.name, course.epochs);
        println!(
            " {:>6.3} {:>6.3} {:>6.3} {:>6.3}    {:>6.3} {:>6.3} {:>6.3} {:>6.3}",
            train[0], validation[0], gap[0], test[0], train[1], validation[1], gap[1], test[1]
        );
    }
    let line = |scores: &[Score]| scores.iter().map(|score| score[0]).collect();
    let chart = |course: &Course| {
        let [train, validation] = &course.curves;
        Chart {
            title: course.name.to_owned(),
            lines: vec![("training", line(train)), ("validation", line(validation))],
        }
    };
    write_curves(&out, "cross entropy", TOP, &courses.each_ref().map(chart))?;
    println!("curves: {}", out.display());
    let [first, .., last] = courses.map(|course| course.gap()[0]);
    println!("gap between training and validation loss {first:.4}, with all three {last:.4}");
    Ok(())
}

/// The curves' highest value: what matters happens far below the first epoch's.
const TOP: f64 = 0.6;

fn main() -> ExitCode {
    kiln_examples::run(train)
}
