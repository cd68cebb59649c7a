//! Loss, metrics and predictions over whole data sets.

use ndarray::{Array, ArrayD, IxDyn};

use super::data::{Columns, Data};
use super::history::Logs;
use super::metric::{Attached, Metric, Wanted};
use super::network::{Evaluator, Predictor, Scalar};
use crate::simd::Float;
use crate::{Error, Result};

/// The mean loss over a data set and metrics: `loss` and each metric by its name.
///
/// # Errors
/// If the data does not fit the network, or a metric does not fit its outputs.
pub fn evaluate<P: Evaluator>(predictor: &mut P, data: &Data<'_>, metrics: &mut [Box<dyn Metric>]) -> Result<Logs> {
    let columns = data.columns(P::INPUTS, <P::Float as Scalar>::NAME, |_| true)?;
    let wanted: Vec<Wanted> = metrics.iter().map(|_| Wanted::default()).collect();
    let attached = Attached::new(&wanted, P::INPUTS, P::OUTPUTS)?;
    evaluate_columns(predictor, &columns, &attached, metrics, P::CAPACITY)
}

pub(super) fn evaluate_columns<P: Evaluator>(
    predictor: &mut P,
    data: &Columns<'_>,
    attached: &Attached,
    metrics: &mut [Box<dyn Metric>],
    batch: usize,
) -> Result<Logs> {
    let mut sum = 0.0;
    metrics.iter_mut().for_each(|metric| metric.reset());
    for start in (0..data.rows()).step_by(batch.clamp(1, P::CAPACITY)) {
        let end = (start + batch).min(data.rows());
        let columns = data.slice(start, end);
        sum += predictor.loss_columns(&columns)?.to_f64() * (end - start) as f64;
        if !metrics.is_empty() {
            predictor.run_columns(&columns, &mut |index, values| attached.update(metrics, index, values, &columns))?;
        }
    }
    let mut logs = Logs::default();
    logs.set("loss", sum / data.rows() as f64);
    for metric in metrics {
        logs.set(metric.name(), metric.value());
    }
    Ok(logs)
}

/// The outputs for a data set, in order, each with the rows along its first axis. Data for targets may be missing.
///
/// # Errors
/// If the data does not fit the network.
pub fn predict<P: Predictor>(predictor: &mut P, data: &Data<'_>) -> Result<Vec<ArrayD<P::Float>>> {
    let columns = data.columns(P::INPUTS, <P::Float as Scalar>::NAME, |index| P::RUN_INPUTS.contains(&index))?;
    let mut results: Vec<Vec<P::Float>> = P::OUTPUTS.iter().map(|_| Vec::new()).collect();
    for start in (0..columns.rows()).step_by(P::CAPACITY) {
        let batch = columns.slice(start, (start + P::CAPACITY).min(columns.rows()));
        predictor.run_columns(&batch, &mut |index, values| {
            if let (Some(result), Some(info)) = (results.get_mut(index), P::OUTPUTS.get(index)) {
                if !info.batched {
                    result.clear();
                }
                result.extend_from_slice(values);
            }
        })?;
    }
    let array = |(values, info): (Vec<P::Float>, &super::OutputInfo)| {
        let rows = info.batched.then_some(columns.rows());
        let shape: Vec<usize> = rows.into_iter().chain(info.shape.iter().copied()).collect();
        let found = values.len();
        Array::from_shape_vec(IxDyn(&shape), values).map_err(|_| Error::OutputLength {
            name: info.name.to_owned(),
            expected: shape.iter().product(),
            found,
        })
    };
    results.into_iter().zip(P::OUTPUTS).map(array).collect()
}
