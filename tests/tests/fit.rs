//! The training loop on generated networks.

use insta::assert_snapshot;
use kiln::network;
use kiln::train::{
    Accuracy, BinaryAccuracy, Checkpoint, Context, CsvLog, Data, EarlyStopping, Fit, FromConfusion, LearningRate,
    MeanSquaredError, ReduceOnPlateau, Schedule, TerminateOnNan, Trainer, evaluate, load_checkpoint, predict,
    weights_of_rows,
};

network! {
    /// Classes, weighed, with everything that a step's randomness and state can hang on.
    pub Net<batch = 8> {
        let x = input([3]);
        let side = class(2);
        let importance = weight();
        let hidden = x.dense(8).batch_norm().relu().dropout(0.3);
        let logits = hidden.dense(2);
        output(softmax(logits));
        loss(cross_entropy(logits, side, weight = importance));
        optimizer(adam(lr = 0.02));
    }
}

network! {
    /// A class for each step, weighed by step; the places of the largest as an output.
    pub Steps<batch = 6> {
        let x = input([2, 3]);
        let kind = classes([2], 3);
        let importance = weight([2]);
        let logits = x.dense(3);
        let best = argmax(logits);
        output(softmax(logits), best);
        loss(cross_entropy(logits, kind, weight = importance));
        optimizer(sgd(lr = 0.1));
    }
}

network! {
    /// Two inputs, a token sequence's counts among them, two outputs, in double precision.
    pub Pair<batch = 5, dtype = f64> {
        let x = input([2]);
        let word = tokens([3], 4);
        let y = target([1]);
        let sum = x.dense(1) + one_hot(word, 4).flatten().dense(1);
        let twice = sum * 2.0;
        output(sum, twice);
        loss(mse(sum, y));
        optimizer(sgd(lr = 0.1));
    }
}

/// A directory that goes when the test ends.
struct Directory(std::path::PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("kiln-tests-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a temporary directory");
        Self(path)
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        self.0.join(name)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // What is left of it harms no other test.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn points(rows: usize) -> (Vec<f32>, Vec<u32>) {
    let x: Vec<f32> = (0..rows * 3).map(|i| (i as f32 * 0.7).sin()).collect();
    let side = x.chunks(3).map(|x| u32::from(x[0] > x[1])).collect();
    (x, side)
}

fn trainer() -> NetTrainer {
    let mut trainer = Net::new(3).trainer();
    trainer.set_threads(1).expect("a thread");
    trainer.set_seed(9);
    trainer
}

/// Parameters and optimiser state.
fn bits(trainer: &NetTrainer) -> Vec<u32> {
    trainer.params().block().iter().chain(trainer.optimizer_state()).map(|x| x.to_bits()).collect()
}

#[track_caller]
fn error<T>(result: kiln::Result<T>) -> String {
    result.err().expect("an error").to_string()
}

#[test]
fn training_is_recorded_and_learns() {
    let (x, side) = points(101);
    let data = Data::new().with("x", &x).with("side", &side);
    let mut trainer = trainer();
    let history = Fit::new()
        .epochs(30)
        .validation_split(0.2)
        .metric(Accuracy::new())
        .metric(FromConfusion::f1(kiln::train::Average::Macro))
        .quiet()
        .run(&mut trainer, &data)
        .expect("good data");
    assert_eq!((history.epochs.len(), history.rows, trainer.steps()), (30, 30 * 80, 300));
    assert!(history.last("val_accuracy") > Some(0.85), "{}", history.to_csv());
    assert!(history.values("loss")[29] < history.values("loss")[0]);
    let csv = history.to_csv();
    assert!(
        csv.starts_with("epoch,loss,accuracy,f1_macro,val_loss,val_accuracy,val_f1_macro,learning_rate,seconds\n1,")
    );

    // The same over whole data sets, with partial last batches.
    let mut predictor = trainer.model().predictor();
    let held = Data::new().with("x", &x[240..]).with("side", &side[80..]).with("importance", &[1.0_f32; 21]);
    let logs = evaluate(&mut predictor, &held, &mut [Box::new(Accuracy::new())]).expect("good data");
    assert_eq!(logs.get("accuracy"), history.last("val_accuracy"));
    assert!((logs.get("loss").unwrap_or(f64::NAN) - history.last("val_loss").unwrap_or(f64::NAN)).abs() < 1e-6);
    let found = predict(&mut predictor, &Data::new().with("x", &x)).expect("good data");
    assert_eq!(found[0].shape(), [101, 2]);
}

#[test]
fn several_inputs_and_outputs_of_any_kind() {
    let x = kiln::ndarray::Array2::from_shape_fn((23, 2), |(row, column)| ((row * 2 + column) as f64 * 0.3).cos());
    let word: Vec<u32> = (0..69).map(|i| i % 4).collect();
    let y: Vec<f64> = x.rows().into_iter().map(|x| x[0] - 2.0 * x[1]).collect();
    let data = Data::new().with("x", &x).with("word", &word).with("y", &y);
    let mut trainer = Pair::new(1).trainer();
    let fit = || Fit::new().epochs(40).quiet();
    let history = fit()
        .metric(MeanSquaredError::new())
        .metric_of(BinaryAccuracy::new(), "twice", "y")
        .validation_data(data.clone())
        .run(&mut trainer, &data)
        .expect("good data");
    assert!(history.last("loss") < Some(0.05), "{}", history.to_csv());
    let (loss, mse) = (history.last("val_loss").unwrap_or(0.0), history.last("val_mse").unwrap_or(1.0));
    assert!((loss - mse).abs() < 1e-12);
    let found = predict(&mut trainer.model().predictor(), &Data::new().with("word", &word).with("x", x.view()));
    let found = found.expect("good data");
    assert_eq!((found.len(), found[1].shape()), (2, &[23, 1][..]));
    assert_eq!(found[0][[22, 0]] * 2.0, found[1][[22, 0]]);

    let mut run = |data: &Data<'_>| error(fit().run(&mut trainer, data));
    assert_snapshot!(run(&Data::new().with("x", &x).with("word", &word)), @"there is no data for the input `y`");
    assert_snapshot!(run(&data.clone().with("z", &y)), @"the network has no input `z`; it has `x`, `word`, `y`");
    assert_snapshot!(run(&data.clone().with("y", &[1.0_f32; 23])), @"`y` takes elements of type f64, not f32");
    assert_snapshot!(run(&data.clone().with("y", &y[1..])), @"`x` has 23 rows, but `y` has 22");
    assert_snapshot!(run(&data.clone().with("word", &[4_u32; 69])), @"`word` has 4 at position 0, but there are only 4 classes, from 0");
    let error = error(fit().balance_classes().run(&mut trainer, &data));
    assert_snapshot!(error, @"`balance_classes` needs weights in the network's loss: declare `let weights = weight();` and write `weight = weights` in the loss");
    let error = self::error(fit().batch(6).run(&mut trainer, &data));
    assert_snapshot!(error, @"`batch` must be 1 to 5, not 6");
}

#[test]
fn resumed_training_is_the_same_to_the_bit() {
    let directory = Directory::new("resume");
    let (x, side) = points(61);
    let data = Data::new().with("x", &x).with("side", &side);
    let fit = |epochs| Fit::new().epochs(epochs).batch(7).seed(5).quiet().balance_classes();
    let schedule = || LearningRate::per_step(Schedule::cosine(0.05, 45, 0.0).after_warm_up(6));
    let mut straight = trainer();
    let whole = fit(5).callback(schedule()).run(&mut straight, &data).expect("good data");

    let path = directory.file("{epoch}.safetensors");
    let mut first = trainer();
    fit(2).callback(schedule()).callback(Checkpoint::each(&path)).run(&mut first, &data).expect("good data");
    // Another trainer: nothing of the first is left but the file.
    let mut second = Net::new(77).trainer();
    let rest = fit(5).callback(schedule()).resume(directory.file("2.safetensors")).run(&mut second, &data);
    let rest = rest.expect("a checkpoint");
    assert_eq!(bits(&second), bits(&straight));
    assert_eq!(rest.values("loss"), whole.values("loss")[2..]);

    // In the middle of an epoch.
    let middle = directory.file("middle");
    let stop = |context: &mut Context<'_, NetTrainer>| {
        if context.epoch == 3 && context.batch == 4 {
            context.save_checkpoint(&middle)?;
            context.stop("enough");
        }
        Ok(())
    };
    let mut third = trainer();
    let history = fit(5).callback(schedule()).after_batch(stop).run(&mut third, &data).expect("good data");
    assert_eq!(history.stopped.as_deref(), Some("enough"));
    let mut fourth = Net::new(78).trainer();
    fit(5).callback(schedule()).resume(&middle).run(&mut fourth, &data).expect("a checkpoint");
    assert_eq!(bits(&fourth), bits(&straight));

    // Weights from a checkpoint, and files that are none.
    assert!(Net::load(directory.file("2.safetensors")).is_ok());
    let weights = directory.file("weights");
    straight.model().save(&weights).expect("a file");
    let before = bits(&fourth);
    let mut load = |path| {
        let text = error(load_checkpoint(&mut fourth, path));
        text.replace(&format!("{}{}", directory.0.display(), std::path::MAIN_SEPARATOR), "")
    };
    assert_snapshot!(load(&weights), @"weights: not a checkpoint of this network: expected the mark `kiln checkpoint 1`, found none: weights alone, or another program's file");
    let bytes = std::fs::read(&middle).expect("a file");
    std::fs::write(&weights, &bytes[..bytes.len() - 10]).expect("a file");
    assert!(load(&weights).contains("truncated or damaged: the header announces"));
    assert_eq!(bits(&fourth), before);
    let error = error(fit(5).batch(8).resume(&middle).run(&mut fourth, &data));
    assert!(error.ends_with("`batch` must be 7, as in the checkpoint, not 8"), "{error}");
}

#[test]
fn weights_weigh() {
    let (x, side) = points(40);
    let data = Data::new().with("x", &x).with("side", &side);
    let fit = || Fit::new().epochs(2).quiet();
    let train = |fit: Fit<'_, NetTrainer>, data: &Data<'_>| {
        let mut trainer = trainer();
        fit.run(&mut trainer, data).expect("good data");
        bits(&trainer)
    };
    let rows = weights_of_rows(&side, &[0.5, 3.0]);
    let given: Vec<f32> = rows.iter().map(|&weight| weight as f32).collect();
    let by_class = train(fit().class_weights([0.5, 3.0]), &data);
    assert_eq!(by_class, train(fit().sample_weights(rows.clone()), &data));
    assert_eq!(by_class, train(fit(), &data.clone().with("importance", &given)));
    assert_ne!(by_class, train(fit(), &data));
    assert_ne!(train(fit().sample_by(rows), &data), train(fit(), &data));
    assert_eq!(train(fit().steps_per_epoch(5), &data), train(fit(), &data));
    let mut trainer = trainer();
    fit().steps_per_epoch(12).run(&mut trainer, &data).expect("good data");
    assert_eq!(trainer.steps(), 24);
    let wrong = error(fit().class_weights([1.0]).run(&mut trainer, &data));
    assert_snapshot!(wrong, @"`class_weights` must be 2 numbers, not 1");
    let wrong = error(fit().validation_split(1.0).run(&mut trainer, &data));
    assert_snapshot!(wrong, @"`validation_split` must be a share that leaves both parts of 40 rows some, not 1");
}

#[test]
fn classes_of_steps_weigh_and_places_are_predicted() {
    let x: Vec<f32> = (0..120).map(|i| (i as f32 * 0.7).sin()).collect();
    let kind: Vec<u32> = (0..40).map(|i| i * i % 3).collect();
    let data = Data::new().with("x", &x).with("kind", &kind);
    let train = |fit: Fit<'_, StepsTrainer>, data: &Data<'_>| {
        let mut trainer = Steps::new(3).trainer();
        fit.epochs(2).quiet().run(&mut trainer, data).expect("good data");
        trainer.params().block().to_vec()
    };
    let steps: Vec<f32> = weights_of_rows(&kind, &[0.5, 2.0, 1.0]).iter().map(|&weight| weight as f32).collect();
    let by_class = train(Fit::new().class_weights([0.5, 2.0, 1.0]), &data);
    assert_eq!(by_class, train(Fit::new(), &data.clone().with("importance", &steps)));
    let rows: Vec<f64> = (0..20).map(f64::from).collect();
    let repeated: Vec<f32> = rows.iter().flat_map(|&row| [row as f32; 2]).collect();
    let by_row = train(Fit::new().sample_weights(rows), &data);
    assert_eq!(by_row, train(Fit::new(), &data.clone().with("importance", &repeated)));
    train(Fit::new().balance_classes().validation_split(0.2), &data);

    let mut predictor = Steps::new(3).predictor();
    let found = predict(&mut predictor, &Data::new().with("x", &x)).expect("good data");
    assert_eq!((found[0].shape(), found[1].shape()), (&[20, 2, 3][..], &[20, 2][..]));
    for (row, place) in found[0].rows().into_iter().zip(&found[1]) {
        assert!(row.iter().all(|&other| other <= row[*place as usize]));
    }
    let output = predictor.run(&x[..6]).expect("good data");
    let first: kiln::ndarray::ArrayView2<'_, u32> = output.best;
    assert_eq!(f64::from(first[[0, 1]]), f64::from(found[1][[0, 1]]));
}

#[test]
fn callbacks_stop_restore_and_log() {
    let directory = Directory::new("callbacks");
    let (x, side) = points(40);
    let data = Data::new().with("x", &x).with("side", &side);
    let fit = || Fit::new().epochs(9).quiet();
    let mut best = Vec::new();
    let mut trainer = trainer();
    let log = directory.file("log.csv");
    let history = fit()
        .shuffle(false)
        .callback(CsvLog::new(&log))
        .callback(ReduceOnPlateau::new("loss").patience(1).factor(0.5))
        .callback(EarlyStopping::new("loss").patience(2).min_delta(0.001))
        // Nothing is learned after the second epoch.
        .after_epoch(|context, epoch| {
            if epoch.number == 2 {
                best = bits(context.trainer);
                context.trainer.set_rate(1e-9);
                context.trainer.set_seed(1);
            }
            Ok(())
        })
        .after_batch(|context| {
            if context.epoch > 2 {
                // Worse and worse.
                let worse = context.trainer.params().block().iter().map(|x| x * 1.5).collect::<Vec<_>>();
                context.trainer.params_mut().block_mut().copy_from_slice(&worse);
            }
            Ok(())
        })
        .run(&mut trainer, &data)
        .expect("good data");
    assert_eq!(history.epochs.len(), 4, "{}", history.to_csv());
    assert_eq!(history.stopped.as_deref(), Some("`loss` has not improved for 2 epochs"));
    assert_eq!(bits(&trainer)[..trainer.params().block().len()], best[..trainer.params().block().len()]);
    assert_eq!(std::fs::read_to_string(&log).expect("a log"), history.to_csv());
    assert!(trainer.learning_rate() < 1e-9);

    let mut nan = x.clone();
    nan[50] = f32::NAN;
    let data = Data::new().with("x", &nan).with("side", &side);
    let history = fit().callback(TerminateOnNan).run(&mut trainer, &data).expect("good data");
    assert_eq!((history.stopped.as_deref(), history.epochs.len()), (Some("the loss is NaN in epoch 1"), 1));
    let wrong = error(fit().callback(EarlyStopping::new("val_loss")).run(&mut self::trainer(), &data));
    assert_snapshot!(wrong, @r#"`monitor` must be one of ["loss"], not `val_loss`"#);
}
