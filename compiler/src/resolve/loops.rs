//! Loops while they are traced: the step is built once, in the network's graph, over stand-ins for its arguments,
//! and moved into a body when it is complete.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::Span;

use super::value::Eval;
use super::{Effect, Resolver, Trace};
use crate::ir::{NodeId, shape};
use crate::ops::{Input, Reshape, Scan, Slice, Take};

/// Stand-ins are numbered from here: past all data.
const FIRST_STAND_IN: usize = 1 << 40;

/// A loop whose step is being traced.
pub(crate) struct Loop {
    pub(super) span: Span,
    pub(super) steps: usize,
    pub(super) reverse: bool,
    /// Operands: `[steps, ..]` each.
    pub(super) sequences: Vec<NodeId>,
    /// Operands: initial states.
    pub(super) states: Vec<NodeId>,
    /// Stand-ins for the sequences' steps.
    pub(crate) inputs: Vec<NodeId>,
    /// Stand-ins for the states before the step.
    pub(crate) carried: Vec<NodeId>,
    /// Nodes from this number on were made by the step.
    pub(super) mark: usize,
}

/// What a step comes to.
pub(crate) struct Step {
    /// The states after it, of the states' types.
    pub(crate) next: Vec<NodeId>,
    /// What else is wanted of each step.
    pub(crate) emitted: Vec<NodeId>,
}

/// What a loop comes to.
pub(crate) struct Results {
    /// The states after each step, `[steps, ..]`; `last_step` takes the final ones.
    pub(crate) states: Vec<NodeId>,
    /// What the steps emitted, `[steps, ..]`.
    pub(crate) emitted: Vec<NodeId>,
}

/// What is known of loops until the network is complete.
#[derive(Debug, Default)]
pub(super) struct Traces {
    /// The sequence behind each stand-in for a step.
    sequences: BTreeMap<NodeId, NodeId>,
    stand_ins: usize,
    /// Nodes that stand in bodies now.
    pub(super) moved: BTreeSet<NodeId>,
    /// Where the last step's part of a loop's result is.
    finals: BTreeMap<NodeId, Final>,
}

#[derive(Clone, Copy, Debug)]
enum Final {
    /// It is a value of its own.
    State(NodeId),
    /// The loop ended at the first index.
    First,
}

impl Resolver<'_> {
    /// Begins a loop over the first axis of sequences. Its step is to be traced next.
    pub(crate) fn open_loop(
        &mut self,
        span: Span,
        sequences: &[(NodeId, Span)],
        states: &[NodeId],
        reverse: bool,
    ) -> Eval<Loop> {
        let mut steps: Option<(usize, NodeId)> = None;
        for &(sequence, at) in sequences {
            let Some(&first) = self.dims(sequence).first() else {
                let message = "a loop goes over the first axis, and [] has none";
                return self.shape_error(at, message, &[sequence], None);
            };
            match steps {
                Some((steps, other)) if steps != first => {
                    let message = format!("the sequences of a loop have {steps} and {first} steps");
                    return self.shape_error(at, message, &[other, sequence], None);
                }
                _ => steps = Some((first, sequence)),
            }
        }
        let Some((steps, _)) = steps else { return self.bug(span, "a loop has no sequence") };
        let sequences: Vec<NodeId> = sequences.iter().map(|&(node, _)| node).collect();
        let batched = sequences.iter().chain(states).any(|&node| self.net.graph.ty(node).batched);
        let mut initial = Vec::new();
        for &state in states {
            let dims = self.dims(state);
            initial.push(self.broadcast(state, batched, &dims, span)?);
        }
        let mut inputs = Vec::new();
        for &sequence in &sequences {
            let ty = self.ty(sequence);
            let step = ty.dims.get(1..).unwrap_or_default();
            let node = self.stand_in(ty.with_dims(step), span)?;
            self.traces.sequences.insert(node, sequence);
            let text = format!("a step of it is {}", shape(step));
            self.history.record(node, Some(sequence), span, Trace::Gives(text), Effect::Other);
            inputs.push(node);
        }
        let mut carried = Vec::new();
        for (&state, &given) in initial.iter().zip(states) {
            let ty = self.ty(state);
            let node = self.stand_in(ty, span)?;
            self.history.record(node, Some(given), span, Trace::Silent, Effect::Keep);
            carried.push(node);
        }
        let mark = self.net.graph.len();
        self.tracing += 1;
        Ok(Loop { span, steps, reverse, sequences, states: initial, inputs, carried, mark })
    }

    fn stand_in(&mut self, ty: crate::ir::Type, span: Span) -> Eval<NodeId> {
        let index = FIRST_STAND_IN + self.traces.stand_ins;
        self.traces.stand_ins += 1;
        self.node(Input { index, ty }, &[], span)
    }

    /// Ends a loop whose step has been traced, well or not.
    pub(crate) fn close_loop(&mut self, open: Loop, step: Eval<Step>) -> Eval<Results> {
        self.tracing = self.tracing.saturating_sub(1);
        let step = step?;
        let states = step.next.len();
        let (scan, operands) = self.extract(&open, &step)?;
        let types = scan.results();
        let reverse = scan.reverse;
        let scan = self.node(scan, &operands, open.span)?;
        let mut takes = Vec::new();
        for (index, ty) in types.into_iter().enumerate() {
            let text = format!("the loop gives {}", shape(&ty.dims));
            let take = self.node(Take { index, ty }, &[scan], open.span)?;
            self.history.record(take, open.sequences.first().copied(), open.span, Trace::Gives(text), Effect::Other);
            takes.push(take);
        }
        let mut stacked = takes.split_off(states.min(takes.len()));
        let emitted = stacked.split_off(states.min(stacked.len()));
        for (&stacked, &end) in stacked.iter().zip(&takes) {
            self.traces.finals.insert(stacked, Final::State(end));
        }
        if reverse {
            self.traces.finals.extend(emitted.iter().map(|&node| (node, Final::First)));
        }
        Ok(Results { states: stacked, emitted })
    }

    /// What the last step of a loop gave, or the last part of another value along its first axis.
    pub(crate) fn last_step(&mut self, x: NodeId, span: Span) -> Eval<NodeId> {
        let dims = self.dims(x);
        let Some((&steps, rest)) = dims.split_first() else {
            return self.shape_error(
                span,
                "`last` takes the last part along the first axis, and [] has none",
                &[x],
                None,
            );
        };
        let at = match self.traces.finals.get(&x) {
            Some(&Final::State(node)) => return Ok(node),
            Some(Final::First) => 0,
            None => steps.saturating_sub(1),
        };
        let (mut starts, mut ends) = (vec![0; dims.len()], dims.clone());
        if let (Some(start), Some(end)) = (starts.first_mut(), ends.first_mut()) {
            (*start, *end) = (at, at + 1);
        }
        let part = self.node(Slice { starts, ends, steps: vec![1; dims.len()] }, &[x], span)?;
        self.node(Reshape { dims: rest.to_vec() }, &[part], span)
    }

    /// Whether a loop's step is being traced.
    pub(crate) fn in_loop(&self) -> bool {
        self.tracing > 0
    }

    /// The value that a node is a step of, where it stands for one.
    pub(crate) fn sequence_of(&self, node: NodeId) -> Option<NodeId> {
        self.traces.sequences.get(&node).copied()
    }

    /// Takes out of the graph what stands in bodies. Nothing else reads it.
    pub(super) fn sweep(&mut self) {
        let graph = &mut self.net.graph;
        for &node in self.traces.moved.iter().rev() {
            if graph.users(node).is_empty() {
                graph.remove(node);
            }
        }
    }
}

/// A loop as the operands and settings of its node.
pub(super) type Extracted = (Scan, Vec<NodeId>);
