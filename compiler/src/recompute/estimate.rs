//! What a choice costs: the bytes that live at most, and the additional arithmetic, in the order that the kernels have,
//! with each clone in front of its first reader.

use std::collections::BTreeMap;

use super::model::{Model, Value};

/// A choice: for each value of a model, whether readers behind the turn get a clone of it.
pub(super) type Choice = Vec<bool>;

/// What a choice comes to.
#[derive(Clone, Debug)]
pub(super) struct Estimate {
    /// The most bytes that live at once.
    pub peak: usize,
    /// Operations of the clones.
    pub flops: u64,
    /// The values that are computed again, each with the kernel in front of which it is.
    pub clones: BTreeMap<usize, usize>,
}

/// The uses of a value in the order with clones: when it is written, and when it is read for the last time.
#[derive(Clone, Copy)]
struct Life {
    from: usize,
    to: usize,
}

/// The estimate of a choice; none if a clone would read a parameter that is written over before.
pub(super) fn estimate(model: &Model<'_>, choice: &Choice) -> Option<Estimate> {
    let clones = clones(model, choice)?;
    let flops = clones.keys().map(|&value| model.values[value].flops).fold(0, u64::saturating_add);
    Some(Estimate { peak: peak(model, choice, &clones), flops, clones })
}

/// Which values are computed again, in front of which kernel: of the chosen ones those that somebody reads.
fn clones(model: &Model<'_>, choice: &Choice) -> Option<BTreeMap<usize, usize>> {
    let mut wanted: Vec<usize> = vec![usize::MAX; model.values.len()];
    let mut clones = BTreeMap::new();
    for (place, value) in model.values.iter().enumerate().rev().filter(|&(place, _)| choice[place]) {
        let at = wanted[place].min(value.late.first().copied().unwrap_or(usize::MAX));
        if at == usize::MAX {
            continue;
        }
        if at > value.until {
            return None;
        }
        clones.insert(place, at);
        for &read in value.reads.iter().filter(|&&read| choice[read]) {
            wanted[read] = wanted[read].min(at);
        }
    }
    Some(clones)
}

fn peak(model: &Model<'_>, choice: &Choice, clones: &BTreeMap<usize, usize>) -> usize {
    let kernels = model.workspace.len();
    let mut before: Vec<Vec<usize>> = vec![Vec::new(); kernels];
    for (&value, &at) in clones {
        before[at].push(value);
    }
    // The place of each kernel and of each clone in the order of both.
    let mut kernel_at = Vec::with_capacity(kernels);
    let mut clone_at = vec![0; model.values.len()];
    let mut steps = 0;
    for clones in &before {
        for &value in clones {
            clone_at[value] = steps;
            steps += 1;
        }
        kernel_at.push(steps);
        steps += 1;
    }
    let late = |value: &Value| value.late.last().map(|&at| kernel_at[at]);
    let mut first: Vec<Life> = Vec::with_capacity(model.values.len());
    for (place, value) in model.values.iter().enumerate() {
        let to = if value.result { Some(steps) } else { late(value).filter(|_| !choice[place]) };
        first.push(Life { from: kernel_at[value.kernel], to: to.unwrap_or(0).max(kernel_at[value.early]) });
    }
    let mut second: BTreeMap<usize, Life> = BTreeMap::new();
    for &value in clones.keys() {
        let from = clone_at[value];
        second.insert(value, Life { from, to: late(&model.values[value]).unwrap_or(0).max(from) });
    }
    for &value in clones.keys() {
        let at = clone_at[value];
        for read in &model.values[value].reads {
            let life = if choice[*read] { second.get_mut(read) } else { first.get_mut(*read) };
            if let Some(life) = life {
                life.to = life.to.max(at);
            }
        }
    }
    let mut changes = vec![0i128; steps + 2];
    let mut live = |life: Life, bytes: usize| {
        changes[life.from] += bytes as i128;
        changes[life.to + 1] -= bytes as i128;
    };
    for (place, value) in model.values.iter().enumerate() {
        live(first[place], value.bytes);
        if let Some(&life) = second.get(&place) {
            live(life, value.bytes);
        }
    }
    for (&bytes, &at) in model.workspace.iter().zip(&kernel_at) {
        live(Life { from: at, to: at }, bytes);
    }
    // What takes the place of its operand needs none of its own while the two meet.
    for (place, value) in model.values.iter().enumerate() {
        let Some(operand) = value.over else { continue };
        let lives = |value: usize| [Some(first[value]), second.get(&value).copied()].into_iter().flatten();
        for life in lives(place) {
            if lives(operand).any(|other| other.to == life.from) {
                changes[life.from] -= value.bytes as i128;
                changes[life.from + 1] += value.bytes as i128;
            }
        }
    }
    let mut sum = 0;
    let sums = changes.iter().map(|change| {
        sum += change;
        sum
    });
    sums.max().map_or(0, |most| usize::try_from(most).unwrap_or(0))
}
