//! Bytes that live at once whatever the order is.

use super::problem::Problem;

/// A lower bound of all orders' peaks. While a kernel runs, what it reads and stores is there, and whatever was stored
/// by one that comes before it for one that comes after it.
pub(super) fn bound(problem: &Problem) -> i128 {
    let words = problem.len().div_ceil(64);
    let Some(sorted) = sorted(problem) else { return 0 };
    let before = closures(&problem.before, sorted.iter(), words);
    let after = closures(&problem.after, sorted.iter().rev(), words);
    let mut needed: Vec<i128> = (0..problem.len()).map(|kernel| problem.stored(kernel)).collect();
    let mut across = vec![0; words];
    for value in problem.values.iter().filter(|value| value.bytes > 0) {
        across.fill(if value.kept { u64::MAX } else { 0 });
        for &reader in &value.readers {
            across.iter_mut().zip(&before[reader]).for_each(|(word, before)| *word |= before);
            across[reader / 64] |= 1 << (reader % 64);
        }
        for (index, (word, after)) in across.iter().zip(&after[value.writer]).enumerate() {
            let mut bits = word & after;
            while bits != 0 {
                needed[index * 64 + bits.trailing_zeros() as usize] += value.bytes;
                bits &= bits - 1;
            }
        }
    }
    // What may be written in place of what nobody has to read later.
    for (kernel, heirs) in problem.heirs.iter().enumerate() {
        let dies = |old: &&usize| {
            let later = |reader: &usize| after[kernel][reader / 64] >> (reader % 64) & 1 == 1;
            !problem.values[**old].readers.iter().any(later)
        };
        let inherited = heirs.iter().filter(|(_, over)| over.iter().any(|old| dies(&old)));
        needed[kernel] -= inherited.map(|&(value, _)| problem.values[value].bytes).sum::<i128>();
    }
    needed.into_iter().max().unwrap_or(0)
}

/// Kernels in an order in which each finds what it waits for.
fn sorted(problem: &Problem) -> Option<Vec<usize>> {
    let mut waits: Vec<usize> = problem.before.iter().map(Vec::len).collect();
    let mut order: Vec<usize> = (0..problem.len()).filter(|&kernel| waits[kernel] == 0).collect();
    let mut at = 0;
    while let Some(&kernel) = order.get(at) {
        at += 1;
        for &after in &problem.after[kernel] {
            waits[after] -= 1;
            if waits[after] == 0 {
                order.push(after);
            }
        }
    }
    (order.len() == problem.len()).then_some(order)
}

/// For each kernel, as bits, all that it reaches over `next`, given in an order in which those come first.
fn closures<'a>(next: &[Vec<usize>], order: impl Iterator<Item = &'a usize>, words: usize) -> Vec<Vec<u64>> {
    let mut reached = vec![Vec::new(); next.len()];
    for &kernel in order {
        let mut bits = vec![0u64; words];
        for &other in &next[kernel] {
            bits.iter_mut().zip(&reached[other]).for_each(|(bits, other): (&mut u64, &u64)| *bits |= other);
            bits[other / 64] |= 1 << (other % 64);
        }
        reached[kernel] = bits;
    }
    reached
}
