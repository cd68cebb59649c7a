//! The generated API: what it refuses and in which words, and what it promises.

use insta::assert_snapshot;
use kiln::ndarray::{Array1, Array2, Array3, Array4, ArrayD, s};
use kiln::network;
use kiln_compiler::diag::Diagnostics;
use kiln_compiler::{functions, module, resolve, syntax};

/// A network, compiled, and its tokens as text.
macro_rules! compiled {
    ($source:ident, $($tokens:tt)*) => {
        network! { $($tokens)* }
        const $source: &str = stringify!($($tokens)*);
    };
}

compiled! {
    NET,
    /// Images of 5 × 4 pixels.
    pub Net<batch = 5> {
        let image = input([5, 4, 1]);
        let digit = class(3);
        let features = image.conv2d(4, kernel = 2).relu().max_pool2d(2).flatten();
        let hidden = features.dense(6).tanh().dropout(0.4);
        let logits = hidden.dense(3);
        output(softmax(logits));
        loss(cross_entropy(logits, digit));
        optimizer(sgd(lr = 0.25));
        method(encode, from = image, to = hidden);
    }
}

network! {
    Pair<batch = 4> {
        let x = input([3]);
        let z = input([2]);
        let a = x.dense(2);
        let b = a + z;
        output(a, b);
    }
}

/// Pixels that differ, for so many rows.
fn pixels(rows: usize) -> Vec<f32> {
    (0..rows * 20).map(|i| (i as f32 * 0.37).sin()).collect()
}

/// Labels for them.
fn labels(rows: usize) -> Vec<u32> {
    (0..rows as u32).map(|row| row % 3).collect()
}

fn bits(net: &Net) -> Vec<u32> {
    net.parameters().flat_map(|(_, values)| values.iter().map(|x| x.to_bits()).collect::<Vec<_>>()).collect()
}

fn trainer(seed: u64) -> NetTrainer {
    let mut trainer = Net::new(seed).trainer();
    trainer.set_threads(2).expect("some threads");
    trainer
}

#[track_caller]
fn error<T>(result: kiln::Result<T>) -> String {
    result.err().expect("an error").to_string()
}

#[test]
fn bad_inputs_are_refused_and_change_nothing() {
    let mut trainer = trainer(1);
    let before = bits(trainer.model());
    let (x, y) = (pixels(2), labels(2));
    let none: &[f32] = &[];
    assert_snapshot!(error(trainer.step(none, &y)), @"`image` has 0 rows; it takes 1 to 5");
    assert_snapshot!(error(trainer.step(&x, &[0; 0])), @"`digit` has 0 rows; it takes 1 to 5");
    assert_snapshot!(
        error(trainer.step(&pixels(6), &labels(6))),
        @"`image` has 6 rows, but the network is compiled for at most 5"
    );
    assert_snapshot!(
        error(trainer.step(&x[1..], &y)),
        @"`image` takes rows of 20 elements, but 39 elements are no whole number of rows"
    );
    assert_snapshot!(error(trainer.step(&x, &labels(3))), @"`image` has 2 rows, but `digit` has 3");
    assert_snapshot!(error(trainer.step(&x, &[0, 3])), @"`digit` has 3 at position 1, but there are only 3 classes, from 0");
    assert_snapshot!(
        error(trainer.step(&Array2::zeros((2, 20)), &y)),
        @"`image` takes rows of shape [5, 4, 1], but the array's shape is [2, 20]"
    );
    assert_snapshot!(
        error(trainer.step(&Array4::zeros((2, 4, 5, 1)), &y)),
        @"`image` takes rows of shape [5, 4, 1], but the array's shape is [2, 4, 5, 1]"
    );
    assert_snapshot!(
        error(trainer.step(&Array4::zeros((0, 5, 4, 1)), &y)),
        @"`image` has 0 rows; it takes 1 to 5"
    );
    let wide = Array4::<f32>::zeros((2, 5, 8, 1));
    assert_snapshot!(
        error(trainer.step(wide.slice(s![.., .., ..;2, ..]), &y)),
        @"`image` is an array that is not in standard (row-major) layout; pass `.as_standard_layout()` of it"
    );
    assert_snapshot!(
        error(trainer.step(&x, &Array2::<u32>::zeros((2, 1)))),
        @"`digit` takes rows of shape [], but the array's shape is [2, 1]"
    );
    assert_snapshot!(error(trainer.set_threads(0)), @"`threads` must be at least 1, not 0");
    assert_eq!(bits(trainer.model()), before);
    assert_eq!((trainer.steps(), trainer.threads()), (0, 2));
    // What comes after is as if nothing had been wrong.
    trainer.step(&x, &y).expect("good data");
    let mut other = self::trainer(1);
    other.step(&x, &y).expect("good data");
    assert_eq!(bits(trainer.model()), bits(other.model()));

    let mut predictor = trainer.model().predictor();
    assert_snapshot!(error(predictor.run(none)), @"`image` has 0 rows; it takes 1 to 5");
    assert_snapshot!(error(predictor.loss(&x, &[9, 9])), @"`digit` has 9 at position 0, but there are only 3 classes, from 0");
    assert_snapshot!(error(predictor.encode(&x[..7])), @"`image` takes rows of 20 elements, but 7 elements are no whole number of rows");
    assert_snapshot!(error(predictor.set_threads(0)), @"`threads` must be at least 1, not 0");
}

#[test]
fn buffers_fit_their_results() {
    let mut predictor = Net::new(1).predictor();
    let mut buffer = [0.0; 7];
    assert_snapshot!(
        error(predictor.run_into(&pixels(2), &mut buffer)),
        @"the buffer for `output` has 7 elements, but the result has 6"
    );
    assert_eq!(predictor.run_into(&pixels(2), &mut buffer[..6]).ok(), Some(2));
    let expected: Vec<f32> = predictor.run(&pixels(2)).expect("good data").iter().copied().collect();
    assert_eq!(buffer[..6], expected[..]);
    let mut code = [0.0; 12];
    assert_eq!(predictor.encode_into(&pixels(2), &mut code).ok(), Some(2));

    let mut pair = Pair::new(1).predictor();
    let (mut a, mut b) = ([0.0; 4], [0.0; 2]);
    assert_snapshot!(
        error(pair.run_into(&[1.0; 6], &[1.0; 4], &mut a, &mut b)),
        @"the buffer for `b_output` has 2 elements, but the result has 4"
    );
    assert_snapshot!(error(pair.run(&[1.0; 6], &[1.0; 2])), @"`x` has 2 rows, but `z` has 1");
    let both = pair.run(&[1.0; 6], &[1.0; 4]).expect("good data");
    assert_eq!((both.a.shape(), both.b.shape()), (&[2, 2][..], &[2, 2][..]));
}

#[test]
fn parameters_are_read_and_set_by_name() {
    let mut net = Net::new(1);
    let names: Vec<(&str, Vec<usize>)> =
        net.parameters().map(|(name, values)| (name, values.shape().to_vec())).collect();
    let expected = [
        ("features.weight", vec![2, 2, 1, 4]),
        ("features.bias", vec![4]),
        ("hidden.weight", vec![8, 6]),
        ("hidden.bias", vec![6]),
        ("logits.weight", vec![6, 3]),
        ("logits.bias", vec![3]),
    ];
    assert_eq!(names, expected);
    let before = bits(&net);
    let values = ArrayD::from_elem(vec![3], 0.5);
    assert_snapshot!(
        error(net.set_parameter("logits", values.view())),
        @"there is no parameter `logits`; there are `features.weight`, `features.bias`, `hidden.weight`, `hidden.bias`, `logits.weight`, `logits.bias`"
    );
    assert_snapshot!(error(net.set_parameter("hidden.bias", values.view())), @"`hidden.bias` has shape [6], not [3]");
    assert_eq!(bits(&net), before);
    net.set_parameter("logits.bias", values.view()).expect("the parameter's shape");
    assert_eq!(net.parameter("logits.bias"), Some(values.view()));
    assert!(net.parameter("logits").is_none());
}

#[test]
fn models_are_values() {
    fn value<T: Clone + Send + Sync + 'static>() {}
    fn moves<T: Send + 'static>() {}
    value::<Net>();
    value::<Pair>();
    moves::<NetTrainer>();
    moves::<NetPredictor>();
    // Trainers and predictors have parameters of their own.
    let net = Net::new(1);
    let before = bits(&net);
    let mut predictor = net.predictor();
    let output = predictor.run(&pixels(2)).expect("good data").to_owned();
    let mut trainer = net.trainer();
    trainer.step(&pixels(2), &labels(2)).expect("good data");
    assert_eq!(bits(&net), before);
    assert_ne!(bits(trainer.model()), before);
    assert_eq!(predictor.run(&pixels(2)).expect("good data"), output);
    let after = bits(trainer.model());
    assert_eq!(bits(&trainer.into_model()), after);
}

#[test]
fn rows_do_not_know_each_other() {
    let mut predictor = Net::new(1).predictor();
    let all: Vec<f32> = predictor.run(&pixels(5)).expect("good data").iter().copied().collect();
    for (start, end) in [(0, 1), (3, 5), (1, 4), (0, 5)] {
        for threads in [1, 2, 3] {
            predictor.set_threads(threads).expect("some threads");
            let part = predictor.run(&pixels(5)[start * 20..end * 20]).expect("good data");
            let part: Vec<f32> = part.iter().copied().collect();
            assert_eq!(part, all[start * 3..end * 3], "rows {start}..{end}");
        }
    }
}

/// What an earlier, larger batch left in memory is never read.
#[test]
fn a_partial_batch_after_a_whole_one() {
    let mut used = trainer(1);
    used.step(&pixels(5), &labels(5)).expect("good data");
    let mut fresh = used.model().trainer();
    // Dropout's masks depend on the number of the step: without it, another one would be drawn.
    let mut again = used.model().trainer();
    again.step(&pixels(4), &labels(4)).expect("good data");
    fresh.step(&pixels(2), &labels(2)).expect("good data");
    let mut third = fresh.model().trainer();
    third.step(&pixels(2), &labels(2)).expect("good data");
    let mut second = fresh.into_model().trainer();
    second.step(&pixels(2), &labels(2)).expect("good data");
    assert_eq!(bits(second.model()), bits(third.model()));
    let mut predictor = used.model().predictor();
    predictor.run(&pixels(5)).expect("good data");
    let loss = predictor.loss(&pixels(2), &labels(2)).expect("good data");
    let alone = used.model().predictor().loss(&pixels(2), &labels(2)).expect("good data");
    assert_eq!(loss.to_bits(), alone.to_bits());
}

#[test]
fn seeds_decide_everything() {
    assert_eq!(bits(&Net::new(1)), bits(&Net::new(1)));
    assert_ne!(bits(&Net::new(1)), bits(&Net::new(2)));
    let run = |seed: u64, masks: u64| {
        let mut trainer = trainer(seed);
        trainer.set_seed(masks);
        for rows in [5, 3, 5] {
            trainer.step(&pixels(rows), &labels(rows)).expect("good data");
        }
        bits(trainer.model())
    };
    assert_eq!(run(1, 1), run(1, 1));
    assert_ne!(run(1, 1), run(1, 2));
    assert_ne!(run(1, 1), run(2, 1));
}

#[test]
fn the_learning_rate_takes_effect() {
    let change = |rate: Option<f64>| -> Vec<f32> {
        let mut trainer = trainer(1);
        let before = Net::new(1);
        if let Some(rate) = rate {
            trainer.set_learning_rate(rate);
            assert_eq!(trainer.learning_rate(), rate);
        }
        trainer.step(&pixels(5), &labels(5)).expect("good data");
        let pairs = before.parameters().zip(trainer.model().parameters());
        pairs.flat_map(|((_, a), (_, b))| (&b - &a).into_iter().collect::<Vec<_>>()).collect()
    };
    assert_eq!(trainer(1).learning_rate(), 0.25);
    assert!(change(Some(0.0)).iter().all(|&x| x == 0.0));
    let (default, double) = (change(None), change(Some(0.5)));
    assert!(default.iter().any(|&x| x != 0.0));
    assert_eq!(change(Some(0.25)), default);
    for (a, b) in default.iter().zip(&double) {
        assert!((2.0 * a - b).abs() < 1e-6, "{a} doubled is not {b}");
    }
}

#[test]
fn a_step_gives_loss_and_output() {
    let mut trainer = trainer(1);
    assert_eq!(trainer.steps(), 0);
    let step = trainer.step(&pixels(5), &labels(5)).expect("good data");
    assert_eq!(step.output.shape(), [5, 3]);
    for row in step.output.rows() {
        assert!((row.sum() - 1.0).abs() < 1e-6);
    }
    let rows = step.output.rows().into_iter().zip(labels(5)).map(|(row, label)| -row[label as usize].ln());
    assert!((rows.sum::<f32>() / 5.0 - step.loss).abs() < 1e-6);
    assert_eq!(trainer.steps(), 1);
}

#[test]
fn arrays_and_slices_are_one() {
    let mut predictor = Net::new(1).predictor();
    let flat = predictor.run(&pixels(3)).expect("good data").to_owned();
    let array = Array4::from_shape_vec((3, 5, 4, 1), pixels(3)).expect("as many elements");
    assert_eq!(predictor.run(&array).expect("good data"), flat);
    assert_eq!(predictor.run(array.view()).expect("good data"), flat);
    assert_eq!(predictor.run(array.view().into_dyn()).expect("good data"), flat);
    assert_eq!(predictor.run(array.slice(s![1..3, .., .., ..])).expect("good data"), flat.slice(s![1..3, ..]));
    assert_eq!(predictor.run(&Array1::from(pixels(3))).expect("good data"), flat);
    let loss = predictor.loss(&array, &Array1::from(labels(3))).expect("good data");
    assert_eq!(predictor.loss(&pixels(3), &labels(3)).ok(), Some(loss));
    let swapped = Array3::<f32>::zeros((20, 1, 3)).reversed_axes();
    assert!(predictor.run(&swapped).is_err());
}

const _: () = assert!(Net::TRAIN_ARENA_BYTES < 64 << 10 && Net::BATCH == 5);

#[test]
fn the_consts_say_what_is_there() {
    let elements: usize = Net::new(1).parameters().map(|(_, values)| values.len()).sum();
    assert_eq!(Net::PARAMETERS, elements);
    assert!(Net::PARAMETER_BYTES >= 4 * elements && Net::PARAMETER_BYTES.is_multiple_of(64));
    assert_eq!(Net::OPTIMIZER_BYTES, 0);

    let mut errors = Diagnostics::default();
    let declaration = syntax::parse(NET.parse().expect("tokens"), &mut errors).expect("a network");
    let network = resolve::resolve(&declaration, &mut errors).expect("a network");
    let functions = functions::functions(&network, false).expect("sound passes");
    let module = module::assemble(network, functions).expect("sound plans");
    let mut largest = 0;
    for entry in &module.entries {
        let (bytes, bound) = (entry.plan.arena_bytes, entry.plan.lower_bound);
        assert!(bytes >= bound && bound > 0, "{}", entry.program.function.name);
        match entry.program.function.name.as_str() {
            "step" => assert_eq!(Net::TRAIN_ARENA_BYTES, bytes),
            _ => largest = largest.max(bytes),
        }
    }
    assert_eq!(Net::INFER_ARENA_BYTES, largest);
    // A convolution of 4 × 3 places by 2 × 2 cells by 4 filters, twice for multiply and add, five rows, at least.
    let least = 5 * 2 * (12 * 4 * 4 + 8 * 6 + 6 * 3);
    assert!((least..4 * least).contains(&Net::INFER_FLOPS), "{}", Net::INFER_FLOPS);
    // Less than twice as many again: gradients under the pool come from its winners alone.
    const { assert!(Net::TRAIN_FLOPS > Net::INFER_FLOPS) };
    const { assert!(Net::SCRATCH_BYTES_PER_THREAD > 0) };
}

#[test]
fn the_summary_is_a_table() {
    // What the steps cost changes whenever the compiler gets better.
    let (table, costs) = Net::summary().split_once("\nTraining step of 5 rows: ").expect("costs behind the table");
    assert!(costs.contains(" arena, 0 B optimiser state\nInference of 5 rows: "), "{costs}");
    assert_snapshot!(table, @r"
    Net
    ─────────────────────────────────────────────────────────
    Name      Layer                  Output        Parameters
    ─────────────────────────────────────────────────────────
    image     input                  [B, 5, 4, 1]           0
    digit     indices below 3        [B]                    0
    features  conv2d(4, kernel = 2)  [B, 4, 3, 4]          20
    features  relu                   [B, 4, 3, 4]           0
    features  max_pool2d(size = 2)   [B, 2, 1, 4]           0
    features  flatten                [B, 8]                 0
    hidden    dense(6)               [B, 6]                54
    hidden    tanh                   [B, 6]                 0
    hidden    dropout(0.4)           [B, 6]                 0
    logits    dense(3)               [B, 3]                21
    softmax   softmax                [B, 3]                 0
    ─────────────────────────────────────────────────────────
    Parameters: 95 (380 B), of which 95 trainable
    ");
}
