//! In which order an epoch sees the rows, and what they weigh.

use crate::random::Random;
use crate::{Error, Result};

/// Every order equally likely (R. Fisher, F. Yates, 1938; R. Durstenfeld, "Algorithm 235: Random permutation", 1964).
/// The order depends on the seed and the epoch alone, so that a position in the data is an epoch and a batch.
pub(super) fn shuffled(rows: usize, seed: u64, epoch: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..rows).collect();
    let random = &mut Random::new(seed, epoch);
    for last in (1..rows).rev() {
        let other = (u128::from(random.bits()) * (last as u128 + 1)) >> 64;
        order.swap(last, other as usize);
    }
    order
}

/// As many rows as there are, each drawn with replacement and in proportion to its weight: PyTorch's
/// `WeightedRandomSampler`.
pub(super) fn sampled(weights: &[f64], seed: u64, epoch: u64) -> Vec<usize> {
    let mut sum = 0.0;
    let sums: Vec<f64> = weights
        .iter()
        .map(|weight| {
            sum += weight;
            sum
        })
        .collect();
    let random = &mut Random::new(seed, epoch);
    let draw = |_| {
        let at = random.unit() * sum;
        // Rounding may reach the sum itself; a row of weight 0 has no place of its own.
        let last = weights.iter().rposition(|&weight| weight > 0.0).unwrap_or(0);
        sums.partition_point(|&end| end <= at).min(last)
    };
    (0..weights.len()).map(draw).collect()
}

/// A weight for each class so that all classes weigh as much in sum: `rows / (classes * count)`, sklearn's
/// `compute_class_weight("balanced")`, with the classes that occur counted as sklearn does. A class without rows weighs
/// 0.
pub fn balanced_class_weights(labels: &[u32], classes: usize) -> Vec<f64> {
    let mut counts = vec![0_usize; classes];
    for &label in labels {
        if let Some(count) = counts.get_mut(label as usize) {
            *count += 1;
        }
    }
    let present = counts.iter().filter(|&&count| count > 0).count();
    let weight = |&count: &usize| if count == 0 { 0.0 } else { labels.len() as f64 / (present * count) as f64 };
    counts.iter().map(weight).collect()
}

/// The weight of each row by its class, to draw rows or to weigh their losses.
pub fn weights_of_rows(labels: &[u32], class_weights: &[f64]) -> Vec<f64> {
    labels.iter().map(|&label| class_weights.get(label as usize).copied().unwrap_or(0.0)).collect()
}

/// That weights are finite and not negative, and not all 0, one for each of `rows` rows.
pub(super) fn check_weights(name: &str, weights: &[f64], count: usize) -> Result<()> {
    if weights.len() != count {
        return Err(Error::argument(name, format!("{count} numbers"), weights.len()));
    }
    if let Some(wrong) = weights.iter().find(|weight| !weight.is_finite() || **weight < 0.0) {
        return Err(Error::argument(name, "finite and not negative", wrong));
    }
    if weights.iter().all(|&weight| weight == 0.0) {
        return Err(Error::argument(name, "positive somewhere", 0));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_permutations_of_their_own() {
        let (a, b) = (shuffled(50, 1, 0), shuffled(50, 1, 1));
        let mut sorted = a.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..50).collect::<Vec<_>>());
        assert_ne!(a, b);
        assert_eq!(a, shuffled(50, 1, 0));
    }

    #[test]
    fn rows_are_drawn_by_weight() {
        let weights: Vec<f64> = (0..10_000).map(|row| [0.0, 1.0, 3.0, 0.0][row % 4]).collect();
        let mut counts = [0; 4];
        for row in sampled(&weights, 3, 0) {
            counts[row % 4] += 1;
        }
        assert_eq!((counts[0], counts[3]), (0, 0));
        assert!((counts[2] as f64 / counts[1] as f64 - 3.0).abs() < 0.15, "{counts:?}");
    }

    /// `compute_class_weight("balanced", classes=[0, 1, 2], y=[0, 0, 0, 0, 1, 2, 2, 2])`
    #[test]
    fn balanced_as_sklearn() {
        let labels = [0, 0, 0, 0, 1, 2, 2, 2];
        let weights = balanced_class_weights(&labels, 3);
        assert_eq!(weights, [8.0 / 12.0, 8.0 / 3.0, 8.0 / 9.0]);
        assert_eq!(balanced_class_weights(&labels, 4)[3], 0.0);
        assert_eq!(weights_of_rows(&labels, &weights)[4], 8.0 / 3.0);
    }
}
