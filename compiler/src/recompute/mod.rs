//! Recomputation: values that wait long for their last readers are not kept but computed again, until the memory of a
//! call is within the user's bound. The results have the same bits.

mod estimate;
mod model;
mod rewrite;
mod search;
mod segments;

use crate::fuse::{self, Program};
use crate::ir::{Function, Graph};
use crate::plan::{Plan, plan};
use model::Model;

/// How often a choice is planned in earnest to find one that fits.
const ROUNDS: usize = 6;

/// How many bounds are tried, an eighth apart, to come as close as can be to what is not reached.
const NEAR: usize = 4;

/// Rewrites a function's graph until its arena has at most `max` bytes for `batch` rows, and says whether anything
/// changed. Where that can't be reached, what comes closest is left.
///
/// # Errors
/// A stage that contradicts itself: kiln's bug.
pub fn recompute(graph: &mut Graph, batch: usize, max: u64) -> Result<bool, String> {
    let max = usize::try_from(max).unwrap_or(usize::MAX);
    let (program, plan) = planned(graph, batch)?;
    if plan.arena_bytes <= max {
        return Ok(false);
    }
    let model = Model::of(graph, &program, &plan, batch);
    let least = search::least(&model);
    let Some(lowest) = least.first().map(|candidate| candidate.estimate.peak) else { return Ok(false) };
    let mut closest = (plan.arena_bytes, None);
    // The least arithmetic within an estimate of `target` bytes, planned: the estimate and the bytes of its arena.
    let mut attempt = |target: usize| -> Result<Option<(usize, usize)>, String> {
        let Some(found) = search::cheapest(&model, &least, target) else { return Ok(None) };
        let changed = rewrite::rewrite(graph, &model, &found.estimate)?;
        let bytes = planned(&changed, batch)?.1.arena_bytes;
        if bytes < closest.0 {
            closest = (bytes, Some(changed));
        }
        Ok(Some((found.estimate.peak, bytes)))
    };
    // The estimate knows neither the order nor the places that will be found: it is held against them, and its bound
    // set anew.
    let unchosen = estimate::estimate(&model, &vec![false; model.values.len()]);
    let mut target = unchosen.map_or(max, |all| scaled(max, all.peak, plan.arena_bytes));
    let mut fits = false;
    for _ in 0..ROUNDS {
        let Some((estimate, bytes)) = attempt(target)? else { break };
        fits = bytes <= max;
        if fits {
            break;
        }
        target = scaled(max, estimate, bytes).min(target - target / 64);
    }
    for eighths in 0..NEAR {
        if !fits {
            fits = attempt(lowest + lowest * eighths / 8)?.is_some_and(|(_, bytes)| bytes <= max);
        }
    }
    let Some(changed) = closest.1 else { return Ok(false) };
    *graph = changed;
    Ok(true)
}

/// `max` by the ratio of two sizes.
fn scaled(max: usize, to: usize, from: usize) -> usize {
    usize::try_from(max as u128 * to as u128 / from.max(1) as u128).unwrap_or(usize::MAX)
}

/// The kernels and the memory of a graph.
fn planned(graph: &Graph, batch: usize) -> Result<(Program, Plan), String> {
    let function = Function { name: "recompute".to_string(), inputs: Vec::new(), graph: graph.clone() };
    let program = fuse::fuse(function)?;
    fuse::verify(&program)?;
    let plan = plan(&program, batch)?;
    Ok((program, plan))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Diagnostics;
    use crate::functions::{Optimised, functions};
    use crate::ops::Op;
    use crate::{cost, resolve, syntax};

    /// The training step of a network, compiled for a bound in bytes if there is one.
    fn step(body: &str, max: Option<usize>) -> Optimised {
        let bound = max.map(|max| format!("memory(max = \"{max} B\");")).unwrap_or_default();
        let source = format!("Net<batch = 8> {{ {bound} {body} }}");
        let mut errors = Diagnostics::default();
        let declaration = syntax::parse(source.parse().unwrap(), &mut errors);
        let network = declaration.and_then(|declaration| resolve::resolve(&declaration, &mut errors));
        let Some(network) = network.filter(|_| !errors.any()) else { panic!("{}", errors.render("network", &source)) };
        functions(&network, true).unwrap().swap_remove(0)
    }

    fn arena(step: &Optimised) -> usize {
        planned(&step.function.graph, 8).unwrap().1.arena_bytes
    }

    fn count(step: &Optimised, is: impl Fn(&Op) -> bool) -> usize {
        let graph = &step.function.graph;
        graph.ids().into_iter().filter(|&node| is(graph.op(node))).count()
    }

    /// So many layers of one width.
    fn deep(layers: usize) -> String {
        format!(
            "let x = input([64]);
            let y = class(3);
            let mut h = x;
            for _ in 0..{layers} {{ h = h.dense(64).sigmoid(); }}
            loss(cross_entropy(h.dense(3), y));
            optimizer(sgd(lr = 0.1));"
        )
    }

    #[test]
    fn a_deep_chain_fits_a_third() {
        let free = step(&deep(64), None);
        let max = arena(&free) / 3;
        let tight = step(&deep(64), Some(max));
        assert!(arena(&tight) <= max, "{} of {max} bytes", arena(&tight));
        let total = |step: &Optimised| cost::graph_flops(&step.function.graph).of_rows(8);
        let (before, after) = (total(&free), total(&tight));
        assert_eq!(after - before, tight.recomputed);
        // A forward pass is a third of a step.
        assert!(3 * after <= 4 * before, "{after} instead of {before}");
        let last = tight.trace.last().unwrap();
        assert!(last.name == "recompute" && last.changed && last.text.as_ref().unwrap().contains("= later "));
        assert_eq!(tight.function.graph.to_string(), step(&deep(64), Some(max)).function.graph.to_string());
    }

    #[test]
    fn what_fits_is_left_alone() {
        let free = step(&deep(16), None);
        let same = step(&deep(16), Some(arena(&free)));
        assert_eq!((free.function.graph.to_string(), 0), (same.function.graph.to_string(), same.recomputed));
        assert!(!same.trace.last().unwrap().changed);
    }

    #[test]
    fn a_smaller_bound_costs_no_less() {
        let whole = arena(&step(&deep(16), None));
        let costs: Vec<u64> =
            [9, 8, 7, 6, 5, 4].map(|tenths| step(&deep(16), Some(whole * tenths / 10)).recomputed).to_vec();
        assert!(costs[5] > 0 && costs.is_sorted(), "{costs:?}");
    }

    #[test]
    fn averages_are_updated_once() {
        let body = "let x = input([6, 6, 2]);
            let y = class(3);
            let mut h = x.conv2d(4, kernel = 3, pad = same);
            for _ in 0..4 { h = h.batch_norm().relu().conv2d(4, kernel = 3, pad = same); }
            loss(cross_entropy(h.flatten().dense(3), y));
            optimizer(sgd(lr = 0.1));";
        let free = step(body, None);
        let tight = step(body, Some(arena(&free) / 2));
        assert!(tight.recomputed > 0);
        let written = |step: &Optimised| step.function.graph.roots.iter().map(|root| root.kind.clone()).collect();
        let roots: (Vec<_>, Vec<_>) = (written(&free), written(&tight));
        assert_eq!(roots.0, roots.1);
        // The moving averages read theirs, and nobody else.
        let params = |step: &Optimised| count(step, |op| matches!(op, Op::Param(_)));
        assert_eq!(params(&free), params(&tight));
    }

    #[test]
    fn loops_run_once() {
        let body = "let x = input([20, 6]);
            let y = class(3);
            let h = x.dense(40).tanh().lstm(6, return_sequences = true).dense(40).tanh().lstm(5);
            loss(cross_entropy(h.dense(3), y));
            optimizer(sgd(lr = 0.1));";
        let free = step(body, None);
        let tight = step(body, Some(1));
        assert!(tight.recomputed > 0 && arena(&tight) < arena(&free));
        let loops = |step: &Optimised| count(step, |op| matches!(op, Op::Scan(_)));
        assert_eq!(loops(&free), loops(&tight));
    }

    #[test]
    fn the_estimate_of_what_is_there_is_its_bound() {
        let graph = step(&deep(16), None).function.graph;
        let (program, plan) = planned(&graph, 8).unwrap();
        let model = Model::of(&graph, &program, &plan, 8);
        let all = estimate::estimate(&model, &vec![false; model.values.len()]).unwrap();
        assert_eq!((all.peak, all.flops), (plan.lower_bound, 0));
    }
}
