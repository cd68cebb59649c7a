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
    const TOLERANCE: f64 = 2e-4;

    fn of(value: f64) -> Self {
        value as Self
    }
}

impl Number for f64 {
    const TOLERANCE: f64 = 1e-9;

    fn of(value: f64) -> Self {
        value
    }
}

/// What some training steps and then inference gave.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Parameters before.
    pub before: Vec<Array>,
    /// The loss of each step.
    pub losses: Vec<f64>,
    /// Parameters after.
    pub after: Vec<Array>,
    /// The loss on the same data in inference.
    pub held_out: f64,
    /// The elements of the output.
    pub output: Vec<f64>,
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
pub fn check<E: Number>(source: &str, batch: usize, network: &mut dyn FnMut(Isa, usize, &[Data], usize) -> Step) {
    let oracle = Oracle::of(source);
    let mut counts = vec![1, 2, batch.div_ceil(2), batch.saturating_sub(1), batch];
    counts.retain(|&rows| (1..=batch).contains(&rows));
    counts.sort_unstable();
    counts.dedup();
    for rows in counts {
        let data: Vec<Data> = oracle.data(rows).into_iter().map(|values| Data { values }).collect();
        let inputs: Vec<Array> = data.iter().map(|data| data.values.mapv(|x| f64::from(x as f32))).collect();
        let data: Vec<Data> = inputs.iter().map(|values| Data { values: values.clone() }).collect();
        for isa in Isa::available() {
            let one = network(isa, 1, &data, STEPS);
            let expected = oracle.steps(&one.before, &inputs, rows, STEPS);
            let close = |what: &str, found: f64, expected: f64| {
                let scale = 1.0 + expected.abs();
                assert!(
                    (found - expected).abs() <= E::TOLERANCE * scale,
                    "{what}: {found} instead of {expected}, {rows} rows on {isa}"
                );
            };
            for (step, (&found, &expected)) in one.losses.iter().zip(&expected.losses).enumerate() {
                close(&format!("loss of step {step}"), found, expected);
            }
            for (index, (found, expected)) in one.after.iter().zip(&expected.after).enumerate() {
                assert_eq!(found.shape(), expected.shape(), "shape of parameter {index}");
                for (&found, &expected) in found.iter().zip(expected) {
                    close(&format!("parameter {index} after {STEPS} steps"), found, expected);
                }
            }
            close("loss in inference", one.held_out, expected.held_out);
            assert_eq!(one.output.len(), expected.output.len(), "elements of the output");
            for (&found, &expected) in one.output.iter().zip(&expected.output) {
                close("output", found, expected);
            }
            for threads in 2..=4 {
                let many = network(isa, threads, &data, STEPS);
                assert!(many == one, "{threads} threads give other bits than one, {rows} rows on {isa}");
            }
        }
    }
}
