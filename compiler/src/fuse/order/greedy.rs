//! Orders that are made by one choice after another.

use super::problem::Problem;

/// From the beginning: of the kernels that are ready the one that frees most and allocates least, the first of several.
/// There is none where kernels wait for each other.
pub(super) fn forward(problem: &Problem) -> Option<Vec<usize>> {
    let mut unread: Vec<usize> = problem.values.iter().map(|value| value.readers.len()).collect();
    let mut done = vec![false; problem.len()];
    // What a kernel would add to the bytes that live, kept up as values lose their readers.
    let mut cost: Vec<i128> = (0..problem.len()).map(|kernel| problem.stored(kernel)).collect();
    let free = |value: usize, done: &[bool], cost: &mut [i128]| {
        let value = &problem.values[value];
        if let Some(&last) = value.readers.iter().find(|reader| !done[**reader]).filter(|_| !value.kept) {
            cost[last] -= value.bytes;
        }
    };
    for value in (0..unread.len()).filter(|&value| unread[value] == 1) {
        free(value, &done, &mut cost);
    }
    let mut waits: Vec<usize> = problem.before.iter().map(Vec::len).collect();
    let mut ready: Vec<usize> = (0..problem.len()).filter(|&kernel| waits[kernel] == 0).collect();
    let mut order = Vec::new();
    while let Some(place) = (0..ready.len()).min_by_key(|&place| (cost[ready[place]], ready[place])) {
        let next = ready.swap_remove(place);
        done[next] = true;
        order.push(next);
        for &read in &problem.reads[next] {
            unread[read] -= 1;
            if unread[read] == 1 {
                free(read, &done, &mut cost);
            }
        }
        for &after in &problem.after[next] {
            waits[after] -= 1;
            if waits[after] == 0 {
                ready.push(after);
            }
        }
    }
    (order.len() == problem.len()).then_some(order)
}

/// From the end: of the kernels that nobody comes after any more the one that stores most and keeps least alive, the
/// last of several.
pub(super) fn backward(problem: &Problem) -> Vec<usize> {
    let mut alive: Vec<bool> = problem.values.iter().map(|value| value.kept).collect();
    let mut cost: Vec<i128> = (0..problem.len())
        .map(|kernel| {
            let woken = problem.reads[kernel].iter().filter(|&&read| !alive[read]);
            woken.map(|&read| problem.values[read].bytes).sum::<i128>() - problem.stored(kernel)
        })
        .collect();
    let mut waits: Vec<usize> = problem.after.iter().map(Vec::len).collect();
    let mut ready: Vec<usize> = (0..problem.len()).filter(|&kernel| waits[kernel] == 0).collect();
    let mut order = Vec::new();
    while let Some(place) = (0..ready.len()).max_by_key(|&place| (-cost[ready[place]], ready[place])) {
        let next = ready.swap_remove(place);
        order.push(next);
        for &read in &problem.reads[next] {
            if !std::mem::replace(&mut alive[read], true) {
                for &reader in &problem.values[read].readers {
                    cost[reader] -= problem.values[read].bytes;
                }
            }
        }
        for &before in &problem.before[next] {
            waits[before] -= 1;
            if waits[before] == 0 {
                ready.push(before);
            }
        }
    }
    order.reverse();
    order
}

/// The same order, but what allocates more than it frees comes just before the first that waits for it.
pub(super) fn late(problem: &Problem, order: &[usize]) -> Vec<usize> {
    let mut unread: Vec<usize> = problem.values.iter().map(|value| value.readers.len()).collect();
    let mut waiting = vec![false; problem.len()];
    for &kernel in order {
        let mut added = problem.stored(kernel);
        for &read in &problem.reads[kernel] {
            unread[read] -= 1;
            if unread[read] == 0 && !problem.values[read].kept {
                added -= problem.values[read].bytes;
            }
        }
        waiting[kernel] = added > 0 && !problem.after[kernel].is_empty();
    }
    let mut place = vec![0; problem.len()];
    for (at, &kernel) in order.iter().enumerate() {
        place[kernel] = at;
    }
    let mut done = vec![false; problem.len()];
    let mut sorted = Vec::new();
    for &kernel in order.iter().filter(|&&kernel| !waiting[kernel]) {
        let mut stack = vec![kernel];
        while let Some(&top) = stack.last() {
            let missing = problem.before[top].iter().filter(|&&before| !done[before]);
            match missing.min_by_key(|&&before| place[before]) {
                Some(&first) => stack.push(first),
                None => {
                    stack.pop();
                    if !std::mem::replace(&mut done[top], true) {
                        sorted.push(top);
                    }
                }
            }
        }
    }
    sorted
}
