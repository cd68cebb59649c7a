//! Which values to compute again: for each way of cutting the program into segments, what is dear to compute and small
//! is kept, until as many bytes live at once as may.

use super::estimate::{Choice, Estimate, estimate};
use super::model::Model;
use super::segments;

/// A choice with what it comes to.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    /// For each value, whether it is computed again.
    pub choice: Choice,
    /// What that comes to.
    pub estimate: Estimate,
}

/// The choices that keep least, one for each way of cutting, the ones that need the fewest bytes first.
pub(super) fn least(model: &Model<'_>) -> Vec<Candidate> {
    let mut found: Vec<Candidate> = segments::choices(model)
        .into_iter()
        .filter_map(|choice| estimate(model, &choice).map(|estimate| Candidate { choice, estimate }))
        .collect();
    found.sort_by_key(|candidate| (candidate.estimate.peak, candidate.estimate.flops));
    found
}

/// How many ways of cutting are followed to the end.
const FOLLOWED: usize = 2;

/// The choice of least arithmetic among those that are found to need at most `target` bytes at once.
pub(super) fn cheapest(model: &Model<'_>, least: &[Candidate], target: usize) -> Option<Candidate> {
    let fits = least.iter().filter(|candidate| candidate.estimate.peak <= target);
    let mut found: Vec<Candidate> = fits.map(|candidate| keep_dearest(model, candidate, target)).collect();
    found.sort_by_key(|candidate| candidate.estimate.flops);
    found.truncate(FOLLOWED);
    let kept = found.into_iter().map(|candidate| keep_more(model, candidate, target));
    kept.min_by_key(|candidate| candidate.estimate.flops)
}

/// The values that are computed again, those first that cost most arithmetic for a byte.
fn by_worth(model: &Model<'_>, candidate: &Candidate) -> Vec<usize> {
    let mut order: Vec<usize> = candidate.estimate.clones.keys().copied().collect();
    // a / b > c / d as a d > c b, without rounding.
    let worth = |a: usize, b: usize| {
        let (a, b) = (&model.values[a], &model.values[b]);
        (u128::from(a.flops) * b.bytes as u128).cmp(&(u128::from(b.flops) * a.bytes as u128))
    };
    order.sort_by(|&a, &b| worth(b, a).then(a.cmp(&b)));
    order
}

/// Keeps as many of the dearest values as the bytes allow.
fn keep_dearest(model: &Model<'_>, candidate: &Candidate, target: usize) -> Candidate {
    let order = by_worth(model, candidate);
    let mut best = candidate.clone();
    let (mut fits, mut exceeds) = (0, order.len() + 1);
    while fits + 1 < exceeds {
        let count = (fits + exceeds) / 2;
        match keeping(model, candidate, &order[..count], target) {
            Some(found) => (best, fits) = (found, count),
            None => exceeds = count,
        }
    }
    best
}

/// Keeps values one by one as long as the bytes allow it.
fn keep_more(model: &Model<'_>, mut best: Candidate, target: usize) -> Candidate {
    for value in by_worth(model, &best) {
        if best.estimate.clones.contains_key(&value)
            && let Some(found) = keeping(model, &best, &[value], target)
        {
            best = found;
        }
    }
    best
}

/// A candidate with these values kept, if that needs at most `target` bytes at once.
fn keeping(model: &Model<'_>, candidate: &Candidate, values: &[usize], target: usize) -> Option<Candidate> {
    let mut choice = candidate.choice.clone();
    for &value in values {
        choice[value] = false;
    }
    let estimate = estimate(model, &choice).filter(|estimate| estimate.peak <= target)?;
    Some(Candidate { choice, estimate })
}
