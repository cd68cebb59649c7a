//! Metrics that are kept up batch by batch, for `fit` and `evaluate`.

use super::network::{Column, InputInfo, InputKind, OutputInfo};
use crate::{Error, Result};

/// What predictions are held against.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Targets<'a> {
    /// Class indices.
    Classes(&'a [u32]),
    /// Numbers: as many as predictions.
    Numbers(&'a [f64]),
}

impl Targets<'_> {
    /// How many elements.
    pub fn len(&self) -> usize {
        match self {
            Self::Classes(classes) => classes.len(),
            Self::Numbers(numbers) => numbers.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// As numbers.
    pub fn numbers(&self) -> Vec<f64> {
        match self {
            Self::Classes(classes) => classes.iter().map(|&class| f64::from(class)).collect(),
            Self::Numbers(numbers) => numbers.to_vec(),
        }
    }

    /// As classes: of numbers, the largest of each `width`, or which side of a half one alone is on.
    pub fn classes(&self, width: usize) -> Vec<u32> {
        match self {
            Self::Classes(classes) => classes.to_vec(),
            Self::Numbers(numbers) => decide(numbers, width, 0.5),
        }
    }
}

/// The class that each row of `width` numbers is for: the first of the largest, or whether one alone is above the
/// threshold.
pub(super) fn decide(values: &[f64], width: usize, threshold: f64) -> Vec<u32> {
    if width <= 1 {
        return values.iter().map(|&value| u32::from(value > threshold)).collect();
    }
    values.chunks(width).map(|row| first_largest(row) as u32).collect()
}

fn first_largest(row: &[f64]) -> usize {
    let mut best = 0;
    for (index, value) in row.iter().enumerate() {
        if *value > row[best] {
            best = index;
        }
    }
    best
}

/// A number about predictions and targets that is kept up batch by batch.
pub trait Metric {
    /// What it is called in logs.
    fn name(&self) -> String;

    /// Forgets all batches.
    fn reset(&mut self);

    /// One more batch; `width` is the predictions' last axis: the number of classes.
    fn update(&mut self, predictions: &[f64], width: usize, targets: Targets<'_>);

    /// Its value over all batches since the last reset.
    fn value(&self) -> f64;
}

/// Which output and which input a metric compares, by name; without names the first output and the first `class`,
/// `classes` or `target`, or where there is none the first `input`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) output: Option<String>,
    pub(super) target: Option<String>,
}

/// What each metric compares: its output with its width, and its input.
#[derive(Clone, Debug)]
pub(super) struct Attached(Vec<(usize, usize, usize)>);

impl Attached {
    /// Finds outputs and inputs.
    pub(super) fn new(wanted: &[Wanted], inputs: &[InputInfo], outputs: &[OutputInfo]) -> Result<Self> {
        let target = |kind: InputKind| matches!(kind, InputKind::Class(_) | InputKind::Classes(_) | InputKind::Target);
        let first = || {
            let place = inputs.iter().position(|input| target(input.kind));
            place.or_else(|| inputs.iter().position(|input| input.kind == InputKind::Dense))
        };
        let one = |wanted: &Wanted| {
            let output = match &wanted.output {
                Some(name) => outputs.iter().position(|output| output.name == name),
                None => (!outputs.is_empty()).then_some(0),
            };
            let target = match &wanted.target {
                Some(name) => inputs.iter().position(|input| input.name == name),
                None => first(),
            };
            let Some((output, info)) = output.and_then(|index| Some((index, outputs.get(index)?))) else {
                let known: Vec<&str> = outputs.iter().map(|output| output.name).collect();
                let found = wanted.output.as_deref().unwrap_or("none");
                return Err(Error::argument("a metric's output", format!("one of {known:?}"), found));
            };
            let Some((target, input)) = target.and_then(|index| Some((index, inputs.get(index)?))) else {
                let known: Vec<&str> = inputs.iter().map(|input| input.name).collect();
                let found = wanted.target.as_deref().unwrap_or("none");
                return Err(Error::argument("a metric's target", format!("one of {known:?}"), found));
            };
            let width = info.shape.last().copied().unwrap_or(1).max(1);
            // One number for each prediction, or a class for each row of them.
            let (elements, given) = (info.row(), input.row());
            if !info.batched || (given != elements && given * width != elements) {
                let expected = format!("as large as the output `{}` or a class for each row of it", info.name);
                let found = format!("`{}` of shape {:?}", input.name, input.shape);
                return Err(Error::argument("a metric's target", expected, found));
            }
            Ok((output, width, target))
        };
        Ok(Self(wanted.iter().map(one).collect::<Result<_>>()?))
    }

    /// Hands an output of a batch to the metrics that want it.
    pub(super) fn update<E: crate::params::Element>(
        &self,
        metrics: &mut [Box<dyn Metric>],
        output: usize,
        values: &[E],
        columns: &[Column<'_>],
    ) {
        if !self.0.iter().any(|&(wanted, ..)| wanted == output) {
            return;
        }
        let values: Vec<f64> = values.iter().map(|value| value.to_f64()).collect();
        for (metric, &(wanted, width, input)) in metrics.iter_mut().zip(&self.0) {
            if wanted != output {
                continue;
            }
            match columns.get(input) {
                Some(&Column::U32(classes)) => metric.update(&values, width, Targets::Classes(classes)),
                Some(column) => metric.update(&values, width, Targets::Numbers(&column.to_f64())),
                None => {}
            }
        }
    }
}

/// A mean over elements, kept up.
#[derive(Clone, Debug, Default)]
struct Mean {
    sum: f64,
    count: f64,
}

impl Mean {
    fn add(&mut self, values: impl Iterator<Item = f64>) {
        for value in values {
            self.sum += value;
            self.count += 1.0;
        }
    }

    fn value(&self) -> f64 {
        if self.count == 0.0 { 0.0 } else { self.sum / self.count }
    }
}

macro_rules! means {
    ($($(#[$docs:meta])* $name:ident($text:expr) { $($field:ident: $ty:ty = $default:expr),* }
       |$self:ident, $predictions:ident, $width:ident, $targets:ident| $values:expr;)*) => {$(
        $(#[$docs])*
        #[derive(Clone, Debug)]
        pub struct $name {
            mean: Mean,
            $($field: $ty,)*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { mean: Mean::default(), $($field: $default,)* }
            }
        }

        impl $name {
            /// With its default settings.
            pub fn new() -> Self {
                Self::default()
            }
        }

        impl Metric for $name {
            fn name(&self) -> String {
                let $self = self;
                let _ = $self;
                $text
            }

            fn reset(&mut self) {
                self.mean = Mean::default();
            }

            fn update(&mut self, $predictions: &[f64], $width: usize, $targets: Targets<'_>) {
                let $self = &*self;
                let values: Vec<f64> = $values;
                self.mean.add(values.into_iter());
            }

            fn value(&self) -> f64 {
                let $self = self;
                $self.finish(self.mean.value())
            }
        }
    )*};
}

macro_rules! as_it_is {
    ($($name:ident),*) => {$(
        impl $name {
            fn finish(&self, mean: f64) -> f64 {
                mean
            }
        }
    )*};
}

means! {
    /// The share of rows whose largest prediction is the target's: Keras's `accuracy`. Of equal ones the first counts.
    Accuracy("accuracy".to_owned()) {} |this, predictions, width, targets| {
        let _ = this;
        let found = decide(predictions, width, 0.5);
        found.iter().zip(targets.classes(width)).map(|(a, b)| f64::from(u8::from(*a == b))).collect()
    };
    /// The share of rows whose target is among the `k` largest predictions: Keras's `top_k_categorical_accuracy`.
    TopK(format!("top_{}_accuracy", this.k)) { k: usize = 5 } |this, predictions, width, targets| {
        let classes = targets.classes(width);
        let rows = predictions.chunks(width).zip(classes);
        rows.map(|(row, class)| f64::from(u8::from(in_top(row, class as usize, this.k)))).collect()
    };
    /// The share of predictions on the target's side of a threshold: Keras's `binary_accuracy`.
    BinaryAccuracy("binary_accuracy".to_owned()) { threshold: f64 = 0.5 } |this, predictions, width, targets| {
        let _ = width;
        let right = |(&p, t): (&f64, f64)| f64::from(u8::from((p > this.threshold) == (t > 0.5)));
        predictions.iter().zip(targets.numbers()).map(right).collect()
    };
    /// The mean of squared differences.
    MeanSquaredError("mse".to_owned()) {} |this, predictions, width, targets| {
        let _ = (this, width);
        predictions.iter().zip(targets.numbers()).map(|(p, t)| (p - t) * (p - t)).collect()
    };
    /// The mean of differences' absolute values.
    MeanAbsoluteError("mae".to_owned()) {} |this, predictions, width, targets| {
        let _ = (this, width);
        predictions.iter().zip(targets.numbers()).map(|(p, t)| (p - t).abs()).collect()
    };
    /// e to the mean cross entropy of predicted probabilities, which are kept above 1e-7 as Keras does.
    Perplexity("perplexity".to_owned()) {} |this, predictions, width, targets| {
        let _ = this;
        let classes = targets.classes(width);
        let probability = |(row, class): (&[f64], u32)| row.get(class as usize).copied().unwrap_or(0.0);
        predictions.chunks(width).zip(classes).map(|pair| -probability(pair).max(1e-7).ln()).collect()
    };
}

as_it_is!(Accuracy, TopK, BinaryAccuracy, MeanSquaredError, MeanAbsoluteError);

impl Perplexity {
    fn finish(&self, mean: f64) -> f64 {
        mean.exp()
    }
}

impl TopK {
    /// Among the `k` largest.
    pub fn of(k: usize) -> Self {
        Self { k, ..Self::default() }
    }
}

impl BinaryAccuracy {
    /// With another threshold than a half; 0 for logits.
    pub fn above(threshold: f64) -> Self {
        Self { threshold, ..Self::default() }
    }
}

/// Fewer than `k` predictions are larger, TensorFlow's `in_top_k`: ties at the border count as in.
fn in_top(row: &[f64], class: usize, k: usize) -> bool {
    row.get(class).is_some_and(|&own| own.is_finite() && row.iter().filter(|&&other| other > own).count() < k)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two batches of the same.
    fn value(mut metric: impl Metric, predictions: &[f64], width: usize, targets: Targets<'_>) -> f64 {
        metric.update(predictions, width, targets);
        metric.update(predictions, width, targets);
        let twice = metric.value();
        metric.reset();
        metric.update(predictions, width, targets);
        assert!((metric.value() - twice).abs() < 1e-12, "{}", metric.name());
        twice
    }

    fn near(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-12, "{found}, expected {expected}");
    }

    const ROWS: [f64; 12] = [0.5, 0.2, 0.2, 0.1, 0.1, 0.2, 0.3, 0.4, 0.25, 0.25, 0.25, 0.25];

    #[test]
    fn the_largest_and_the_largest_few() {
        near(value(Accuracy::new(), &ROWS, 4, Targets::Classes(&[0, 2, 1])), 1.0 / 3.0);
        near(value(TopK::of(1), &ROWS, 4, Targets::Classes(&[0, 2, 1])), 2.0 / 3.0);
        // Of the second row's, class 1 is the third. What is equal to the last of the largest counts.
        near(value(TopK::of(2), &ROWS, 4, Targets::Classes(&[3, 1, 3])), 1.0 / 3.0);
        near(value(TopK::of(3), &ROWS, 4, Targets::Classes(&[3, 1, 3])), 2.0 / 3.0);
        near(value(TopK::new(), &ROWS, 4, Targets::Classes(&[3, 1, 3])), 1.0);
        let hot = [0., 0., 1., 0., 0., 0., 0., 1., 1., 0., 0., 0.];
        near(value(TopK::of(2), &ROWS, 4, Targets::Numbers(&hot)), 1.0);
        assert_eq!(TopK::of(2).name(), "top_2_accuracy");
        near(value(TopK::of(2), &[f64::NAN, 0.0], 2, Targets::Classes(&[0])), 0.0);
    }

    #[test]
    fn surprise() {
        // The cube root of 1 / (0.5 * 0.2 * 0.25).
        near(value(Perplexity::new(), &ROWS, 4, Targets::Classes(&[0, 1, 2])), 40.0_f64.cbrt());
        near(value(Perplexity::new(), &[0.25; 4], 4, Targets::Classes(&[3])), 4.0);
        assert!((value(Perplexity::new(), &[1.0, 0.0], 2, Targets::Classes(&[1])) - 1e7).abs() < 1e-3);
    }

    #[test]
    fn distances() {
        let (found, wanted) = ([1.0, -2.0, 0.5, 4.0], [0.0, 2.0, 0.5, 3.5]);
        near(value(MeanAbsoluteError::new(), &found, 2, Targets::Numbers(&wanted)), 5.5 / 4.0);
        near(value(MeanSquaredError::new(), &found, 2, Targets::Numbers(&wanted)), 17.25 / 4.0);
        near(MeanAbsoluteError::new().value(), 0.0);
    }

    #[test]
    fn sides_of_a_threshold() {
        let found = [0.5, 0.7, 0.2, 0.9];
        // 0.5 itself is not above.
        near(value(BinaryAccuracy::new(), &found, 1, Targets::Numbers(&[0.0, 1.0, 1.0, 1.0])), 0.75);
        near(value(BinaryAccuracy::new(), &found, 1, Targets::Classes(&[1, 1, 0, 0])), 0.5);
        near(value(BinaryAccuracy::above(0.8), &found, 2, Targets::Numbers(&[0.0, 0.0, 0.0, 1.0])), 1.0);
        near(value(BinaryAccuracy::above(0.0), &[-0.1, 3.0], 1, Targets::Classes(&[0, 1])), 1.0);
    }
}
