//! Where a program may be cut: segments between which few bytes are passed on, each of which is computed again from
//! what enters it (Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016). Cuts are found in the order of
//! kernels, from the sizes of values alone.

use std::collections::BTreeSet;

use super::estimate::Choice;
use super::model::{Model, Value};

/// The most segments that are tried.
const MOST: usize = 64;

/// For several numbers of segments, everything chosen to be computed again but what enters a segment. The fewest
/// segments come first.
pub(super) fn choices(model: &Model<'_>) -> Vec<Choice> {
    let waits = |value: &&Value| !value.kept && !value.late.is_empty();
    let total: usize = model.values.iter().filter(waits).map(|value| value.bytes).sum();
    let mut found: Vec<Choice> = Vec::new();
    let mut segments = 1;
    while segments <= MOST {
        let choice = choice(model, &cuts(model, total.div_ceil(segments).max(1)));
        if !found.contains(&choice) {
            found.push(choice);
        }
        // 1, 2, 3, 4, 6, 8, 12, 16, 24, …
        segments += (segments / 3).max(1).next_power_of_two();
    }
    found
}

/// The kernels in front of which a segment ends: where the values that are waited for from the last cut on come to
/// `weight`, the narrowest place of the second half.
fn cuts(model: &Model<'_>, weight: usize) -> BTreeSet<usize> {
    let mut stored = vec![0usize; model.turn + 2];
    let mut changes = vec![0i128; model.turn + 2];
    for value in model.values.iter().filter(|value| value.kernel <= model.turn) {
        if !value.kept && !value.late.is_empty() {
            stored[value.kernel + 1] += value.bytes;
        }
        // It is passed on over every cut behind its kernel, up to its last reader.
        changes[value.kernel + 1] += value.bytes as i128;
        changes[value.early + 1] -= value.bytes as i128;
    }
    let mut cuts = BTreeSet::new();
    let (mut since, mut across) = (0usize, 0i128);
    let mut narrowest: Option<(i128, usize)> = None;
    for at in 1..=model.turn {
        since += stored[at];
        across += changes[at];
        if since >= weight / 2 && narrowest.is_none_or(|(least, _)| across <= least) {
            narrowest = Some((across, at));
        }
        if since >= weight
            && let Some((_, cut)) = narrowest.take()
        {
            cuts.insert(cut);
            since = stored[cut + 1..=at].iter().sum();
        }
    }
    cuts
}

fn choice(model: &Model<'_>, cuts: &BTreeSet<usize>) -> Choice {
    let enters = |value: &Value| cuts.range(value.kernel + 1..).next().is_some_and(|&cut| cut <= value.early);
    model.values.iter().map(|value| !value.kept && !enters(value)).collect()
}
