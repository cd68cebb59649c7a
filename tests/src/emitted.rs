//! Emitted networks of golden cases (`build.rs`) against what Keras and PyTorch say.

use std::collections::BTreeMap;
use std::path::Path;

use kiln::ndarray::{ArrayD, ArrayViewD};
use kiln::simd::Isa;

use crate::check::Number;
use crate::golden::{self, Case, RATE, Tensor};

/// What an emitted network is given.
#[derive(Debug)]
pub struct Given<E> {
    inputs: BTreeMap<String, Vec<f64>>,
    /// Parameters by name.
    pub params: BTreeMap<String, ArrayD<E>>,
    /// How many training steps are made.
    pub steps: usize,
}

impl<E: Number> Given<E> {
    /// An input of floats.
    pub fn float(&self, name: &str) -> Vec<E> {
        self.inputs.get(name).into_iter().flatten().map(|&value| E::of(value)).collect()
    }

    /// An input of indices.
    pub fn index(&self, name: &str) -> Vec<u32> {
        self.inputs.get(name).into_iter().flatten().map(|&value| value as u32).collect()
    }
}

/// What it gave.
#[derive(Debug, Default)]
pub struct Answer {
    /// Outputs of the last training step.
    pub values: Vec<(&'static str, Vec<f64>)>,
    /// Outputs out of training, of the first parameters.
    pub inferred: Vec<(&'static str, Vec<f64>)>,
    /// The loss of each step.
    pub losses: Vec<f64>,
    /// Parameters after all steps.
    pub after: BTreeMap<String, Vec<f64>>,
}

/// An emitted network: some cases of a file.
#[derive(Clone, Copy, Debug)]
pub struct Emitted<E: 'static> {
    /// The file.
    pub family: &'static str,
    /// Which of its cases.
    pub cases: &'static [usize],
    /// Runs it.
    pub run: fn(&Given<E>, Isa) -> Answer,
}

/// Values in f64.
pub fn numbers<'a, E: Copy + Into<f64> + 'a>(values: impl Iterator<Item = &'a E>) -> Vec<f64> {
    values.map(|&value| value.into()).collect()
}

/// Parameters in f64 by name.
pub fn kept<'a, E: Copy + Into<f64> + 'a>(
    parameters: impl Iterator<Item = (&'static str, ArrayViewD<'a, E>)>,
) -> BTreeMap<String, Vec<f64>> {
    parameters.map(|(name, values)| (name.to_string(), numbers(values.iter()))).collect()
}

/// Runs each network on every instruction set and compares all its cases.
///
/// # Panics
/// If any differs.
pub fn check<E: Number>(networks: &[Emitted<E>], tolerance: f64) {
    let mut mistakes = Vec::new();
    for network in networks {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("goldens/cases/{}.golden", network.family));
        let all = golden::read(&file);
        let cases: Vec<(usize, &Case)> =
            network.cases.iter().filter_map(|&index| Some((index, all.get(index)?))).collect();
        assert_eq!(cases.len(), network.cases.len(), "cases of {}", network.family);
        for isa in Isa::available() {
            let given = given(&cases);
            let answer = (network.run)(&given, isa);
            for &(index, case) in &cases {
                if let Err(error) = compare(case, index, &answer, tolerance) {
                    mistakes.push(format!("{}, {} on {isa}: {error}", network.family, case.name));
                }
            }
            let trained = || cases.iter().filter(|(_, case)| case.trains());
            for step in 0..given.steps {
                let sum: f64 = trained().filter_map(|(_, case)| case.losses.get(step)).sum();
                let sizes: f64 = trained().filter_map(|(_, case)| case.losses.get(step)).map(|loss| loss.abs()).sum();
                let found = answer.losses.get(step).copied().unwrap_or_default();
                if trained().next().is_some() && (found - sum).abs() > tolerance * sizes {
                    mistakes.push(format!("{}, loss on {isa}: {found} instead of {sum}", network.family));
                }
            }
        }
    }
    assert!(mistakes.is_empty(), "{} differ:\n{}", mistakes.len(), mistakes.join("\n"));
}

fn given<E: Number>(cases: &[(usize, &Case)]) -> Given<E> {
    let mut given = Given { inputs: BTreeMap::new(), params: BTreeMap::new(), steps: 1 };
    for &(index, case) in cases {
        given.steps = given.steps.max(case.losses.len());
        for input in &case.inputs {
            given.inputs.insert(case.renamed(&input.name, index), input.values.clone());
        }
        let shifts = case.shifted().into_iter().map(|input| format!("{}_shift", input.name));
        let names = case.params.iter().map(|param| param.name.clone()).chain(shifts);
        for param in names.filter_map(|name| case.param(&name)) {
            let values = param.values.iter().map(|&value| E::of(value)).collect();
            let values = ArrayD::from_shape_vec(param.shape, values).expect("a value for each element");
            given.params.insert(case.renamed(&param.name, index), values);
        }
    }
    given
}

fn compare(case: &Case, index: usize, answer: &Answer, tolerance: f64) -> Result<(), String> {
    let close = |what: &str, found: Option<&Vec<f64>>, expected: &[f64]| {
        let found = found.ok_or_else(|| format!("no {what}"))?;
        golden::compare(found, expected, golden::largest(expected), tolerance)
            .map_err(|error| format!("{what}: {error}"))
    };
    let find = |values: &'_ [(&'static str, Vec<f64>)], name: &str| {
        let name = case.renamed(name, index);
        values.iter().find(|(found, _)| *found == name).map(|(_, values)| values.clone())
    };
    for expected in &case.outputs {
        close(&expected.name, find(&answer.values, &expected.name).as_ref(), &expected.values)?;
    }
    let inferred = if case.inferred.is_empty() { &case.outputs } else { &case.inferred };
    for expected in inferred {
        let what = format!("{} out of training", expected.name);
        close(&what, find(&answer.inferred, &expected.name).as_ref(), &expected.values)?;
    }
    for expected in &case.after {
        close(&expected.name, answer.after.get(&case.renamed(&expected.name, index)), &expected.values)?;
    }
    if case.optimizer.is_some() {
        return Ok(());
    }
    let all = case.gradients.iter().map(|gradient| golden::largest(&gradient.values)).fold(0.0, f64::max);
    for expected in &case.gradients {
        // A gradient that is zero by symmetry, as by a key's bias under softmax, is a sum of terms like the others'.
        let scale = golden::largest(&expected.values).max(1e-3 * all);
        let shifted = case.shifted().iter().any(|input| input.name == expected.name);
        let (name, expected) = match shifted {
            true => (format!("{}_shift", expected.name), rows_added(expected)),
            false => (expected.name.clone(), expected.values.clone()),
        };
        let before = case.param(&name).ok_or_else(|| format!("no parameter {name}"))?;
        let after = answer.after.get(&case.renamed(&name, index));
        let change = |after: &Vec<f64>| before.values.iter().zip(after).map(|(b, a)| (b - a) / RATE).collect();
        let found: Vec<f64> = after.map(change).ok_or_else(|| format!("no parameter {name}"))?;
        golden::compare(&found, &expected, scale, tolerance).map_err(|error| format!("gradient by {name}: {error}"))?;
    }
    Ok(())
}

/// The gradient by what is added to every row.
fn rows_added(gradient: &Tensor) -> Vec<f64> {
    let rows = gradient.shape.first().copied().unwrap_or(1).max(1);
    let mut sum = vec![0.0; gradient.values.len() / rows];
    for row in gradient.values.chunks(sum.len().max(1)) {
        sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
    }
    sum
}
