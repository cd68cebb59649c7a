//! What the training binaries share around `kiln::train`.

use std::io::{self, Write};

use anyhow::{Result, bail};
use kiln::data::Dataset;
use kiln::train::{Data, Fit, Metric, TerminateOnNan, Trainer, evaluate};

use crate::Training;

/// A labelled data set as a network's two inputs.
pub fn labelled<'a>(data: &'a Dataset, input: &str, label: &str) -> Data<'a> {
    Data::new().with(input, data.x()).with(label, data.labels())
}

/// Trains for as many epochs as the options say, and tells of it. After every epoch, the test data is evaluated: its
/// loss, or the metric where there is one. Prints the speed, and gives the last evaluation as a line.
///
/// # Errors
/// If the data does not fit the network, or the loss is no number any more.
pub fn fit<T: Trainer, M: Metric + Clone + 'static, const EPOCHS: usize, const CAPACITY: usize>(
    options: &Training<EPOCHS, CAPACITY>,
    trainer: &mut T,
    train: &Data<'_>,
    test: &Data<'_>,
    metric: Option<M>,
) -> Result<String> {
    let name = metric.as_ref().map_or_else(|| "loss".to_owned(), Metric::name);
    let mut fit = Fit::new()
        .epochs(options.epochs)
        .batch(options.batch)
        .seed(options.seed)
        .validation_data(test.clone())
        .callback(TerminateOnNan);
    if let Some(metric) = metric.clone() {
        fit = fit.metric(metric);
    }
    let history = fit.run(trainer, train)?;
    if let Some(reason) = history.stopped {
        bail!("{reason}; a lower learning rate may help (--lr)");
    }
    let value = match history.last(&format!("val_{name}")) {
        Some(value) => {
            let (seconds, rows) = (history.training_time().as_secs_f64(), history.rows);
            writeln!(io::stdout(), "trained on {rows} rows in {seconds:.2} s, {:.0} rows/s", rows as f64 / seconds)?;
            value
        }
        // 0 epochs only test.
        None => {
            let mut metrics: Vec<Box<dyn Metric>> = Vec::new();
            if let Some(metric) = metric {
                metrics.push(Box::new(metric));
            }
            evaluate(&mut trainer.evaluator(), test, &mut metrics)?.get(&name).unwrap_or(f64::NAN)
        }
    };
    Ok(format!("test {name} {value:.4}"))
}

#[cfg(test)]
mod tests {
    use kiln::network;
    use kiln::train::Accuracy;

    use super::*;
    use crate::Setup;

    network! {
        Signs<batch = 4> {
            let x = input([1]);
            let sign = class(2);
            let logits = x.dense(2);
            output(logits);
            loss(cross_entropy(logits, sign));
            optimizer(sgd(lr = 1.0));
        }
    }

    fn options(epochs: usize) -> Training<5, 4> {
        Training { epochs, setup: Setup { batch: 4, seed: 1, threads: 1, lr: None, save: None, load: None } }
    }

    fn dataset(x: [f32; 6]) -> Dataset {
        Dataset::new(1, x.to_vec(), vec![0, 1, 0, 1, 0, 1]).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn the_last_test_is_told() {
        let set = dataset([-1.0, 1.0, -2.0, 0.5, -0.5, 2.0]);
        let data = labelled(&set, "x", "sign");
        let mut trainer = Signs::new(1).trainer();
        let text = fit(&options(20), &mut trainer, &data, &data, Some(Accuracy::new())).ok();
        assert_eq!(text.as_deref(), Some("test accuracy 1.0000"));
        assert_eq!(trainer.steps(), 40);
        let text = fit(&options(0), &mut trainer, &data, &data, Some(Accuracy::new())).ok();
        assert_eq!(text.as_deref(), Some("test accuracy 1.0000"), "0 epochs only test");
        assert_eq!(trainer.steps(), 40);
    }

    #[test]
    fn a_loss_that_is_no_number_ends_it() {
        let set = dataset([f32::NAN; 6]);
        let data = labelled(&set, "x", "sign");
        let error = fit(&options(3), &mut Signs::new(1).trainer(), &data, &data, Some(Accuracy::new())).err();
        let text = error.map(|error| error.to_string()).unwrap_or_default();
        assert_eq!(text, "the loss is NaN in epoch 1; a lower learning rate may help (--lr)");
    }
}
