//! A traced step becomes a body: what varies from step to step moves into it, the rest stays outside and is read.

use std::collections::{BTreeMap, BTreeSet};

use super::Resolver;
use super::loops::{Extracted, Loop, Step};
use super::value::Eval;
use crate::ir::{DType, Graph, Node, NodeId, Root, RootKind};
use crate::ops::{Body, Input, Op, Random, Scan};

/// Where the values of a step come from.
#[derive(Default)]
struct Parts {
    /// Arguments of the step.
    arguments: BTreeSet<NodeId>,
    /// Computed in the body.
    inside: BTreeSet<NodeId>,
    /// Random numbers, of which each step has its own.
    random: BTreeSet<NodeId>,
    /// Computed before the loop, and read in each step.
    captured: BTreeSet<NodeId>,
}

impl Resolver<'_> {
    /// The loop of a traced step.
    pub(super) fn extract(&mut self, open: &Loop, step: &Step) -> Eval<Extracted> {
        let varying = self.varying(open);
        let roots: Vec<NodeId> = step.next.iter().chain(&step.emitted).copied().collect();
        let parts = self.parts(open, &varying, &roots);
        self.traces.moved.extend(varying);

        let mut sources: BTreeMap<NodeId, usize> = BTreeMap::new();
        let mut operands = Vec::new();
        for (&argument, &operand) in open.inputs.iter().zip(&open.sequences) {
            sources.insert(argument, operands.len());
            operands.push(operand);
        }
        for &node in &parts.random {
            let Op::Random(random) = self.net.graph.op(node).clone() else { continue };
            let ty = random.ty.with_dims([&[open.steps], random.ty.dims.as_slice()].concat());
            let all = self.node(Random { stream: random.stream, ty }, &[], open.span)?;
            sources.insert(node, operands.len());
            operands.push(all);
        }
        let sequences = operands.len();
        for (&argument, &operand) in open.carried.iter().zip(&open.states) {
            sources.insert(argument, operands.len());
            operands.push(operand);
        }
        for &node in &parts.captured {
            sources.insert(node, operands.len());
            operands.push(node);
        }

        let unused = |node: &NodeId| !parts.arguments.contains(node);
        for argument in open.inputs.iter().chain(&open.carried).filter(|node| unused(node)) {
            sources.remove(argument);
        }
        let body = self.body(&sources, &parts.inside, step)?;
        let (steps, reverse, states) = (open.steps, open.reverse, open.states.len());
        Ok((Scan { body: Body::new(body), steps, reverse, sequences, states }, operands))
    }

    /// What is not the same in each step: all that depends on the arguments, or on random numbers of the step.
    /// Operands are older than their users, so one walk by number finds them.
    fn varying(&self, open: &Loop) -> BTreeSet<NodeId> {
        let graph = &self.net.graph;
        let mut varying: BTreeSet<NodeId> = open.inputs.iter().chain(&open.carried).copied().collect();
        for node in graph.ids().into_iter().filter(|node| node.index() >= open.mark) {
            if matches!(graph.op(node), Op::Random(_)) || graph.inputs(node).iter().any(|input| varying.contains(input))
            {
                varying.insert(node);
            }
        }
        varying
    }

    /// What the results need, by where it comes from.
    fn parts(&self, open: &Loop, varying: &BTreeSet<NodeId>, roots: &[NodeId]) -> Parts {
        let graph = &self.net.graph;
        let mut parts = Parts::default();
        let mut seen = BTreeSet::new();
        let mut stack = roots.to_vec();
        while let Some(node) = stack.pop() {
            if !seen.insert(node) {
                continue;
            }
            if open.inputs.contains(&node) || open.carried.contains(&node) {
                parts.arguments.insert(node);
                continue;
            }
            let inside = match graph.op(node) {
                Op::Random(_) if varying.contains(&node) => {
                    parts.random.insert(node);
                    continue;
                }
                // Cheaper to make again than to read, and a comparison can't be stored.
                Op::Constant(_) | Op::Broadcast(_) => true,
                _ => varying.contains(&node) || graph.ty(node).dtype == DType::Bool,
            };
            if inside {
                parts.inside.insert(node);
                stack.extend(graph.inputs(node));
            } else {
                parts.captured.insert(node);
            }
        }
        parts
    }

    /// The graph of one step over its operands.
    fn body(&mut self, sources: &BTreeMap<NodeId, usize>, inside: &BTreeSet<NodeId>, step: &Step) -> Eval<Graph> {
        let graph = &self.net.graph;
        let mut body = Graph::default();
        let mut made: BTreeMap<NodeId, NodeId> = BTreeMap::new();
        let nodes: BTreeSet<NodeId> = sources.keys().chain(inside).copied().collect();
        for id in nodes {
            let node = graph.node(id).clone();
            let inputs: Option<Vec<NodeId>> = match sources.contains_key(&id) {
                true => Some(Vec::new()),
                false => graph.inputs(id).iter().map(|input| made.get(input).copied()).collect(),
            };
            let Some(inputs) = inputs else { return self.bug(node.span, "a step of a loop misses a value") };
            let op = match sources.get(&id) {
                Some(&index) => Input { index, ty: node.ty.clone() }.into(),
                None => node.op,
            };
            made.insert(id, body.push(Node { op, ..node }, &inputs));
        }
        let carried = step.next.iter().enumerate().map(|(state, node)| (RootKind::Carry(state), node));
        // The states after each step are results, too.
        let emitted = step.next.iter().chain(&step.emitted).enumerate();
        let emitted = emitted.map(|(place, node)| (RootKind::Output(place), node));
        for (kind, node) in carried.chain(emitted) {
            if let Some(&node) = made.get(node) {
                body.roots.push(Root { kind, node });
            }
        }
        Ok(body)
    }
}
