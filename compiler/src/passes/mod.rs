//! The passes over a function's graph: one ordered table, and the driver that no pass can slip past.
//!
//! A pass is one file with one function from graph to graph that keeps every value the roots hold. What it may and
//! may not assume of floating point:
//!
//! - NaN and infinities are kept: `x * 0`, `x - x` and `x / x` stay as they are, for `x` may be infinite or NaN.
//! - The sign of a zero is not kept: `x + 0` is `x`, and `-(x - y)` is `y - x`.
//! - Sums and products are not reassociated, except that a product of constants, all of ordinary size, is taken at
//!   build time.

mod bodies;
mod cse;
mod dce;
mod fold;
mod hoist;
mod legalise;
mod lift;
mod loop_forms;
mod looped;
mod pool_gradient;
mod pool_mask;
mod prune;
mod rewrite;
mod simplify;
mod sink;
mod specialise;
mod strip;
#[cfg(test)]
mod testing;

use std::fmt;
use std::time::{Duration, Instant};

use crate::ir::verify::{Scope, Stage, verify};
use crate::ir::{Graph, Root};

pub use cse::cse;
pub use dce::dce;
pub use fold::fold;
pub use hoist::hoist;
pub use legalise::legalise;
pub use pool_gradient::pool_gradient;
pub use pool_mask::pool_mask;
pub use prune::prune;
pub use simplify::simplify;
pub use sink::sink;
pub use specialise::{Mode, specialise};
pub use strip::strip;

/// A rewrite of a graph.
#[derive(Clone, Copy)]
pub struct Pass {
    /// Its name in dumps and failures.
    pub name: &'static str,
    /// Rewrites the graph and says whether anything changed. An error is a bug of the pass.
    pub run: fn(&mut Graph) -> Result<bool, String>,
}

/// What optimises every function, in order; repeated until nothing changes.
pub const TABLE: &[Pass] = &[
    Pass { name: "strip", run: strip },
    Pass { name: "dce", run: dce },
    Pass { name: "simplify", run: simplify },
    Pass { name: "fold", run: fold },
    Pass { name: "cse", run: cse },
    Pass { name: "prune", run: prune },
    Pass { name: "hoist", run: hoist },
    Pass { name: "sink", run: sink },
    Pass { name: "pool_mask", run: pool_mask },
    Pass { name: "pool_gradient", run: pool_gradient },
];

/// The most rounds over the table: each costs time in the user's build, and hardly any graph needs four.
const MAX_ROUNDS: usize = 8;

/// What one run of a pass did.
#[derive(Clone, Debug)]
pub struct Trace {
    /// The pass.
    pub name: &'static str,
    /// Nodes before it.
    pub nodes_before: usize,
    /// Nodes after it.
    pub nodes_after: usize,
    /// Whether it says that it changed anything.
    pub changed: bool,
    /// The time that it took, without the verifier's; none where the pass had left this very graph as it is before, and
    /// was not run again.
    pub duration: Duration,
    /// The graph after it, if dumps were asked for.
    pub text: Option<String>,
}

/// A pass that failed or left a broken graph. It is never the user's fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The pass.
    pub pass: &'static str,
    /// What it said, or which invariant it broke.
    pub message: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the pass `{}` failed: {}\n  this is a bug in kiln, not in your network", self.pass, self.message)
    }
}

impl std::error::Error for Failure {}

/// Runs passes on one function's graph; verifies and times after each, and dumps if asked.
#[derive(Debug)]
pub struct Driver<'a> {
    scope: Scope<'a>,
    dump: bool,
    trace: Vec<Trace>,
    /// The graph that was last found good.
    verified: Option<(Seen, Stage)>,
}

/// Which graph has been looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    revision: u64,
    roots: Vec<Root>,
}

impl Seen {
    fn of(graph: &Graph) -> Self {
        Self { revision: graph.revision(), roots: graph.roots.clone() }
    }
}

impl<'a> Driver<'a> {
    /// A driver for a function over these inputs and parameters. With `dump`, the trace holds the graph as text
    /// after every pass; what is compiled does not depend on it.
    pub fn new(scope: Scope<'a>, dump: bool) -> Self {
        Self { scope, dump, trace: Vec::new(), verified: None }
    }

    /// What has been run so far, in order.
    pub fn trace(&self) -> &[Trace] {
        &self.trace
    }

    /// What has been run, in order.
    pub fn into_trace(self) -> Vec<Trace> {
        self.trace
    }

    /// Runs one rewrite, which leaves the graph at `stage`, and says whether it changed anything.
    ///
    /// # Errors
    /// If the pass fails, or the verifier refuses what it leaves.
    pub fn apply(
        &mut self,
        name: &'static str,
        stage: Stage,
        graph: &mut Graph,
        pass: impl FnOnce(&mut Graph) -> Result<bool, String>,
    ) -> Result<bool, Failure> {
        let nodes_before = graph.len();
        let start = Instant::now();
        let result = pass(graph);
        let duration = start.elapsed();
        let text = self.dump.then(|| graph.to_string());
        let changed = *result.as_ref().unwrap_or(&true);
        self.trace.push(Trace { name, nodes_before, nodes_after: graph.len(), changed, duration, text });
        let failure = |message| Failure { pass: name, message };
        result.map_err(failure)?;
        // A graph that nothing has touched since it was verified is still good.
        let seen = Some((Seen::of(graph), stage));
        if changed || seen != self.verified {
            verify(graph, &self.scope, stage).map_err(failure)?;
            self.verified = seen;
        }
        Ok(changed)
    }

    /// As `apply`, with the bodies of loops rewritten first, the innermost before those around them.
    ///
    /// # Errors
    /// If the pass fails, or the verifier refuses what it leaves.
    pub fn apply_everywhere(
        &mut self,
        name: &'static str,
        stage: Stage,
        graph: &mut Graph,
        pass: impl Fn(&mut Graph) -> Result<bool, String>,
    ) -> Result<bool, Failure> {
        self.apply(name, stage, graph, |graph| bodies::everywhere(graph, &pass))
    }

    /// Runs the table until nothing changes, for a bounded number of rounds.
    ///
    /// # Errors
    /// If a pass fails, or the verifier refuses what one leaves.
    pub fn optimise(&mut self, graph: &mut Graph) -> Result<(), Failure> {
        self.run_table(TABLE, graph)
    }

    /// Notes a pass that would change nothing.
    fn skip(&mut self, name: &'static str, graph: &Graph) {
        let (nodes, text) = (graph.len(), self.dump.then(|| graph.to_string()));
        let duration = Duration::ZERO;
        self.trace.push(Trace { name, nodes_before: nodes, nodes_after: nodes, changed: false, duration, text });
    }

    fn run_table(&mut self, table: &[Pass], graph: &mut Graph) -> Result<(), Failure> {
        // For each pass, the graph that it left as it is.
        let mut settled: Vec<Option<Seen>> = vec![None; table.len()];
        for _ in 0..MAX_ROUNDS {
            let mut changed = false;
            for (pass, settled) in table.iter().zip(&mut settled) {
                let before = Some(Seen::of(graph));
                if *settled == before {
                    self.skip(pass.name, graph);
                } else if self.apply_everywhere(pass.name, Stage::Backward, graph, pass.run)? {
                    changed = true;
                } else {
                    *settled = before;
                }
            }
            if !changed {
                break;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::testing::Build;
    use super::*;
    use crate::ir::{NodeId, Root, RootKind};
    use crate::ops::{Exp, Neg, Op, StopGradient};

    fn sample() -> Build {
        let mut build = Build::default();
        let x = build.input(&[3]);
        let stopped = build.op(StopGradient, &[x]);
        let one = build.splat(1.0, stopped);
        let product = build.op(crate::ops::Mul, &[stopped, one]);
        let y = build.op(Exp, &[product]);
        build.output(y);
        build
    }

    #[test]
    fn the_table_runs_to_its_fixed_point() {
        let mut build = sample();
        let mut driver = Driver::new(build.scope(), true);
        let mut graph = build.graph.clone();
        driver.optimise(&mut graph).unwrap();
        let text = "%0 = input {index=0} : f64[B, 3]\n%1 = exp %0 : f64[B, 3]\noutput 0 = %1\n";
        assert_eq!(graph.to_string(), text);
        let trace = driver.into_trace();
        let names: Vec<&str> = trace.iter().map(|trace| trace.name).collect();
        let table: Vec<&str> = TABLE.iter().map(|pass| pass.name).collect();
        assert!(names.chunks(table.len()).all(|round| round == table), "{names:?}");
        assert!(trace[0].changed && trace[trace.len() - table.len()..].iter().all(|trace| !trace.changed));
        assert_eq!((trace[0].nodes_before, trace[0].nodes_after), (6, 5));
        assert_eq!(trace.last().and_then(|trace| trace.text.as_deref()), Some(text));
        build.graph = graph;
        let mut silent = Driver::new(build.scope(), false);
        silent.optimise(&mut build.graph.clone()).unwrap();
        assert!(silent.trace().iter().all(|trace| trace.text.is_none()));
    }

    /// Runs the table with one more, broken pass.
    fn broken(run: fn(&mut Graph) -> Result<bool, String>) -> String {
        let build = sample();
        let table = [TABLE, &[Pass { name: "broken", run }]].concat();
        let failure = Driver::new(build.scope(), false).run_table(&table, &mut build.graph.clone()).unwrap_err();
        assert_eq!(failure.pass, "broken");
        let text = failure.to_string();
        assert!(text.contains("`broken`") && text.contains("a bug in kiln, not in your network"), "{text}");
        text
    }

    fn exp(graph: &Graph) -> NodeId {
        graph.ids().into_iter().find(|&id| matches!(graph.op(id), Op::Exp(_))).unwrap()
    }

    #[test]
    fn broken_passes_are_caught() {
        let caught = |invariant: &str, run| {
            let text = broken(run);
            assert!(text.contains(&format!("{invariant}: ")), "{text}");
        };
        caught("invariant 1", |graph| {
            let y = exp(graph);
            graph.set_input(y, 0, y);
            Ok(true)
        });
        caught("invariant 3", |graph| {
            let y = exp(graph);
            graph.node_mut(y).ty.dims.push(1);
            Ok(true)
        });
        caught("invariant 6", |graph| {
            let y = exp(graph);
            let x = graph.input(y, 0);
            let node = graph.node(y).clone();
            graph.push(node, &[x]);
            graph.remove(y);
            Ok(true)
        });
        caught("invariant 7", |graph| {
            let y = exp(graph);
            graph.roots.push(Root { kind: RootKind::Loss, node: y });
            Ok(true)
        });
        caught("invariant 11", |graph| {
            let y = exp(graph);
            let node = crate::ir::Node { op: StopGradient.into(), ..graph.node(y).clone() };
            graph.push(node, &[y]);
            Ok(true)
        });
        // It says that nothing changed, and is looked at all the same.
        caught("invariant 3", |graph| {
            let y = exp(graph);
            let node = crate::ir::Node { op: Neg.into(), ..graph.node(y).clone() };
            graph.push(node, &[]);
            Ok(false)
        });
        assert!(broken(|_| Err("a rule went wrong".into())).contains("a rule went wrong"));
    }
}
