//! Metrics that need all predictions at once: the area under the ROC curve, and R².

use super::metric::{Metric, Targets};

/// The area under the receiver operating characteristic: how likely a positive row scores above a negative one, a tie
/// counting half (the Mann–Whitney statistic; sklearn's `roc_auc_score`). Not a number without both kinds.
pub fn roc_auc(scores: &[f64], positive: &[bool]) -> f64 {
    let mut order: Vec<(f64, bool)> = scores.iter().copied().zip(positive.iter().copied()).collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut below, mut area) = (0.0, 0.0);
    // Rows of one score at a time; == also joins 0 and -0.
    for tied in order.chunk_by(|a, b| a.0 == b.0) {
        let positives = tied.iter().filter(|(_, positive)| *positive).count() as f64;
        let negatives = tied.len() as f64 - positives;
        area += positives * (below + negatives / 2.0);
        below += negatives;
    }
    area / (below * (order.len() as f64 - below))
}

/// The ROC AUC over all batches: of one score per row, or of one class against the rest.
#[derive(Clone, Debug, Default)]
pub struct RocAuc {
    class: Option<usize>,
    scores: Vec<f64>,
    positive: Vec<bool>,
}

impl RocAuc {
    /// Of one score per row, or with several of the last of them against the rest.
    pub fn new() -> Self {
        Self::default()
    }

    /// Of one class against the rest.
    pub fn of_class(class: usize) -> Self {
        Self { class: Some(class), ..Self::default() }
    }
}

impl Metric for RocAuc {
    fn name(&self) -> String {
        self.class.map_or_else(|| "auc".to_owned(), |class| format!("auc_{class}"))
    }

    fn reset(&mut self) {
        self.scores.clear();
        self.positive.clear();
    }

    fn update(&mut self, predictions: &[f64], width: usize, targets: Targets<'_>) {
        let class = if width > 1 { self.class.unwrap_or(width - 1) } else { 0 };
        self.scores.extend(predictions.chunks(width).map(|row| row.get(class).copied().unwrap_or(0.0)));
        let wanted = if width > 1 { class as u32 } else { 1 };
        self.positive.extend(targets.classes(width).into_iter().map(|target| target == wanted));
    }

    fn value(&self) -> f64 {
        roc_auc(&self.scores, &self.positive)
    }
}

/// The share of the targets' variance that predictions explain: `1 - Σ(t - p)² / Σ(t - mean(t))²`, per column and
/// averaged evenly (Keras's `R2Score`, sklearn's `r2_score`). A constant column gives 1 where it is met, otherwise 0.
#[derive(Clone, Debug, Default)]
pub struct R2 {
    width: usize,
    predictions: Vec<f64>,
    targets: Vec<f64>,
}

impl R2 {
    /// No rows yet.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Metric for R2 {
    fn name(&self) -> String {
        "r2".to_owned()
    }

    fn reset(&mut self) {
        self.predictions.clear();
        self.targets.clear();
    }

    fn update(&mut self, predictions: &[f64], width: usize, targets: Targets<'_>) {
        self.width = width;
        self.predictions.extend_from_slice(predictions);
        self.targets.extend(targets.numbers());
    }

    fn value(&self) -> f64 {
        r2(&self.predictions, &self.targets, self.width)
    }
}

/// R² of rows of `width` numbers, see [`R2`].
pub fn r2(predictions: &[f64], targets: &[f64], width: usize) -> f64 {
    let width = width.max(1);
    let rows = (targets.len() / width) as f64;
    let column = |column: usize| {
        let targets = || targets.iter().skip(column).step_by(width);
        let mean = targets().sum::<f64>() / rows;
        let total: f64 = targets().map(|t| (t - mean) * (t - mean)).sum();
        let found = predictions.iter().skip(column).step_by(width);
        let left: f64 = targets().zip(found).map(|(t, p)| (t - p) * (t - p)).sum();
        if total > 0.0 { 1.0 - left / total } else { f64::from(u8::from(left == 0.0)) }
    };
    (0..width).map(column).sum::<f64>() / width as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// sklearn.metrics.roc_auc_score: its documentation's example, and one with ties counted by hand: of 2 × 3 pairs,
    /// 3 are in order and 2 tie.
    #[test]
    fn auc_as_sklearn() {
        assert_eq!(roc_auc(&[0.1, 0.4, 0.35, 0.8], &[false, false, true, true]), 0.75);
        let auc = roc_auc(&[0.5, 0.5, 0.5, 0.7, 0.2], &[true, false, false, true, true]);
        assert_eq!(auc, 3.0 / 6.0);
        assert!(roc_auc(&[0.5], &[true]).is_nan());
    }

    /// The examples in the documentation of sklearn.metrics.r2_score.
    #[test]
    fn r2_as_sklearn() {
        let value = r2(&[2.5, 0.0, 2.0, 8.0], &[3.0, -0.5, 2.0, 7.0], 1);
        assert!((value - 0.948_608_137_044_967_9).abs() < 1e-12, "{value}");
        let value = r2(&[0.0, 2.0, -1.0, 2.0, 8.0, -5.0], &[0.5, 1.0, -1.0, 1.0, 7.0, -6.0], 2);
        assert!((value - 0.936_800_526_662_278_9).abs() < 1e-12, "{value}");
    }
}
