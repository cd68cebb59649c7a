//! Weights of rows and classes, as the input `weight()` of a network takes them.

use super::data::Columns;
use super::network::{Column, InputInfo, InputKind};
use super::sampling::{balanced_class_weights, check_weights, weights_of_rows};
use crate::simd::Float;
use crate::{Error, Result};

/// Weights of classes.
#[derive(Clone, Debug)]
pub(super) enum ClassWeights {
    /// One for each.
    Given(Vec<f64>),
    /// From how often each occurs.
    Balanced,
}

/// What a `Fit` is to weigh by.
pub(super) struct Weights {
    /// By class.
    pub class: Option<ClassWeights>,
    /// One for each row.
    pub sample: Option<Vec<f64>>,
}

/// The network's weights: one for each row, or for each of its steps.
fn declared(inputs: &'static [InputInfo]) -> Option<(usize, &'static InputInfo)> {
    inputs.iter().enumerate().find(|(_, input)| input.kind == InputKind::Weight)
}

/// How many classes, of labels.
fn classes(input: &InputInfo) -> Option<usize> {
    match input.kind {
        InputKind::Class(classes) | InputKind::Classes(classes) => Some(classes),
        _ => None,
    }
}

/// What the network lacks, as the line that declares it.
fn line(inputs: &[InputInfo]) -> String {
    match inputs.iter().find(|input| classes(input).is_some()) {
        Some(label) if !label.shape.is_empty() => format!("let weights = weight({:?});", label.shape),
        _ => "let weights = weight();".to_owned(),
    }
}

impl Weights {
    /// The data's weights times the given ones, or ones; nothing where the network takes no weights.
    pub(super) fn base<E: Float>(&self, inputs: &'static [InputInfo], data: &Columns<'_>) -> Result<Option<Vec<E>>> {
        let Some((index, input)) = declared(inputs) else {
            let setting = match (&self.class, &self.sample) {
                (None, None) => return Ok(None),
                (Some(ClassWeights::Given(_)), _) => "class_weights",
                (Some(ClassWeights::Balanced), _) => "balance_classes",
                (None, Some(_)) => "sample_weights",
            };
            return Err(Error::NoWeights { setting: setting.to_owned(), line: line(inputs) });
        };
        if let Some(weights) = &self.sample {
            check_weights("sample_weights", weights, data.rows())?;
        }
        if self.sample.is_none() && data.column(index).is_some() {
            return Ok(None);
        }
        let steps = input.row();
        let mut all = data.column(index).map_or_else(|| vec![1.0; data.rows() * steps], Column::to_f64);
        if let Some(weights) = &self.sample {
            for (row, weight) in all.chunks_mut(steps.max(1)).zip(weights) {
                row.iter_mut().for_each(|all| *all *= weight);
            }
        }
        Ok(Some(all.into_iter().map(E::from_f64).collect()))
    }

    /// The weights times those of the rows' classes, or of the steps', where there are any.
    pub(super) fn by_class<E: Float>(
        &self,
        inputs: &'static [InputInfo],
        data: &Columns<'_>,
    ) -> Result<Option<Vec<E>>> {
        let (Some(by_class), Some((index, weight))) = (&self.class, declared(inputs)) else { return Ok(None) };
        // Labels of the weights' own shape come first; a class of the whole row weighs each of its steps.
        let labelled = || inputs.iter().enumerate().filter_map(|(at, input)| Some((at, input, classes(input)?)));
        let own = labelled().find(|(_, input, _)| input.shape == weight.shape);
        let Some((at, label, classes)) = own.or_else(|| labelled().find(|(_, input, _)| input.shape.is_empty())) else {
            return Err(match labelled().next() {
                Some((_, label, _)) => Error::argument(
                    weight.name,
                    format!("`weight({:?})`, one weight for each of `{}`", label.shape, label.name),
                    match weight.shape {
                        [] => "`weight()`".to_owned(),
                        shape => format!("`weight({shape:?})`"),
                    },
                ),
                None => Error::argument("class_weights", "left out: the network has no classes", "given"),
            });
        };
        let Some(Column::U32(labels)) = data.column(at) else {
            return Err(Error::MissingColumn { name: label.name.to_owned() });
        };
        let by_class = match by_class {
            ClassWeights::Given(weights) => {
                check_weights("class_weights", weights, classes)?;
                weights.clone()
            }
            ClassWeights::Balanced => balanced_class_weights(labels, classes),
        };
        let repeats = weight.row() / label.row().max(1);
        let factors = weights_of_rows(labels, &by_class).into_iter().flat_map(|factor| vec![factor; repeats]);
        let own = data.column(index).map_or_else(Vec::new, Column::to_f64);
        Ok(Some(factors.zip(own).map(|(a, b)| E::from_f64(a * b)).collect()))
    }
}
