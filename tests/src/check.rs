//! Emitted code against the reference.

use kiln::ndarray::ArrayViewD;
use kiln::simd::Isa;

use crate::oracle::{Array, Oracle};

/// The rows of one input.
#[derive(Clone, Debug)]
pub struct Data {
    values: Array,
}

impl Data {
    /// As floats of the network's element type.
    pub fn float<E: Number>(&self) -> Vec<E> {
        self.values.iter().map(|&value| E::of(value)).collect()
    }

    /// As indices.
    pub fn index<E: Number>(&self) -> Vec<u32> {
        self.values.iter().map(|&value| value as u32).collect()
    }
}

/// Element types of networks.
pub trait Number: Copy {
    /// How far results may be from the reference's, relative to their size.
    const TOLERANCE: f64;
    /// Rounded.
    fn of(value: f64) -> Self;
}

impl Number for f32 {
    const TOLERANCE: f64 = 5e-5;

    fn of(value: f64) -> Self {
        value as Self
    }
}

impl Number for f64 {
    const TOLERANCE: f64 = 1e-10;

    fn of(value: f64) -> Self {
        value
    }
}

/// What some training steps and then inference gave.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// Parameters before.
    pub before: Vec<Array>,
    /// The loss of each step.
    pub losses: Vec<f64>,
    /// The outputs of the last step, one after another.
    pub trained_output: Vec<f64>,
    /// Parameters after.
    pub after: Vec<Array>,
    /// The loss on the same data in inference, of a network that has one.
    pub held_out: Vec<f64>,
    /// The outputs, one after another.
    pub output: Vec<f64>,
    /// The result of each method.
    pub methods: Vec<Vec<f64>>,
}

/// What a compiled network is asked.
#[derive(Clone, Debug)]
pub struct Question {
    /// The instruction set.
    pub isa: Isa,
    /// How many threads.
    pub threads: usize,
    /// The network's inputs.
    pub data: Vec<Data>,
    /// Each method's inputs.
    pub methods: Vec<Vec<Data>>,
    /// How many training steps are made.
    pub steps: usize,
}

/// Parameters in f64.
pub fn parameters<'a, E: Copy + Into<f64> + 'a>(
    parameters: impl Iterator<Item = (&'static str, ArrayViewD<'a, E>)>,
) -> Vec<Array> {
    parameters.map(|(_, values)| values.mapv(Into::into)).collect()
}

/// How many training steps are made: the second sees what the first left in the optimiser.
const STEPS: usize = 3;

/// Holds a compiled network against the reference for several numbers of rows, on every instruction set, and
/// expects the same bits for every number of threads.
///
/// # Panics
/// If anything differs.
pub fn check<E: Number>(source: &str, batch: usize, methods: &[&str], network: &mut dyn FnMut(&Question) -> Outcome) {
    let oracle = Oracle::of(source);
    let mut counts = vec![1, 2, batch.div_ceil(2), batch.saturating_sub(1), batch];
    counts.retain(|&rows| (1..=batch).contains(&rows));
    counts.sort_unstable();
    counts.dedup();
    for rows in counts {
        let inputs = oracle.data(rows);
        let cuts: Vec<Vec<Array>> = methods.iter().map(|method| oracle.method_data(method, rows)).collect();
        let given = |arrays: &[Array]| arrays.iter().map(|values| Data { values: values.clone() }).collect();
        for isa in Isa::available() {
            let mut question = Question {
                isa,
                threads: 1,
                data: given(&inputs),
                methods: cuts.iter().map(|cut| given(cut)).collect(),
                steps: STEPS,
            };
            let one = network(&question);
            let expected = oracle.outcome(&one.before, &inputs, rows, STEPS, methods, &cuts);
            agree::<E>(&one, &expected, &format!("{rows} rows on {isa}"));
            for threads in 2..=4 {
                question.threads = threads;
                let many = network(&question);
                assert!(many == one, "{threads} threads give other bits than one, {rows} rows on {isa}");
            }
        }
    }
}

fn agree<E: Number>(found: &Outcome, expected: &Outcome, when: &str) {
    let close = |what: &str, found: &[f64], expected: &[f64]| {
        assert_eq!(found.len(), expected.len(), "elements of {what}, {when}");
        for (index, (&found, &expected)) in found.iter().zip(expected).enumerate() {
            let same = (found - expected).abs() <= E::TOLERANCE * (1.0 + expected.abs());
            assert!(same, "{what}, element {index}: {found} instead of {expected}, {when}");
        }
    };
    close("the losses", &found.losses, &expected.losses);
    close("the training pass's output", &found.trained_output, &expected.trained_output);
    assert_eq!(found.after.len(), expected.after.len(), "parameters");
    for (index, (found, expected)) in found.after.iter().zip(&expected.after).enumerate() {
        assert_eq!(found.shape(), expected.shape(), "shape of parameter {index}");
        let elements = |array: &Array| array.iter().copied().collect::<Vec<f64>>();
        close(&format!("parameter {index} after {STEPS} steps"), &elements(found), &elements(expected));
    }
    close("the loss in inference", &found.held_out, &expected.held_out);
    close("the output", &found.output, &expected.output);
    for (index, (found, expected)) in found.methods.iter().zip(&expected.methods).enumerate() {
        close(&format!("method {index}"), found, expected);
    }
}
