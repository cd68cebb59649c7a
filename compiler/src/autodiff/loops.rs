//! The gradient of a loop: a loop in the other direction (backpropagation through time, Werbos, "Backpropagation
//! through time: what it does and how to do it", 1990).
//!
//! A step of it has the adjoints of the states after the forward step as its states, and reads the gradients by what
//! that step emitted. What it needs of the forward step's values is either computed again, if that is cheap and can be
//! done from what is there, or emitted by the forward loop and read as a sequence. Gradients by what every step reads
//! are sums over the steps (see `sums`).

use std::collections::{BTreeMap, BTreeSet};

use super::sums::Sum;
use super::{add, depending, pull_back_all};
use crate::ir::{Graph, Node, NodeId, Root, RootKind};
use crate::ops::{Add, Body, Broadcast, Constant, Input, Op, Scalar, Scan, Take};

/// The gradients by the operands of a loop that are wanted, given those by its results.
pub(super) fn gradients(
    graph: &mut Graph,
    id: NodeId,
    known: &BTreeMap<NodeId, NodeId>,
    wanted: &[bool],
) -> Vec<Option<NodeId>> {
    let Op::Scan(scan) = graph.op(id).clone() else { return vec![None; wanted.len()] };
    let mut results: BTreeMap<usize, NodeId> = BTreeMap::new();
    for user in graph.users(id) {
        if let (Op::Take(take), Some(&gradient)) = (graph.op(user).clone(), known.get(&user)) {
            let sum = match results.get(&take.index) {
                None => gradient,
                Some(&other) => add(graph, Add.into(), &[other, gradient], graph.node(id).span, None),
            };
            results.insert(take.index, sum);
        }
    }
    if results.is_empty() {
        return vec![None; wanted.len()];
    }
    Backward::new(graph, id, scan, wanted, results).build()
}

pub(super) struct Backward<'a> {
    graph: &'a mut Graph,
    id: NodeId,
    scan: Scan,
    operands: Vec<NodeId>,
    /// Gradients by the results, by their number.
    results: BTreeMap<usize, NodeId>,
    /// The step: first forward, then backward too.
    pub(super) step: Graph,
    /// The step's input for each operand that it reads.
    inputs: BTreeMap<usize, NodeId>,
    /// The operands whose gradients flow: of the states also those that only carry another's.
    active: BTreeSet<usize>,
}

impl<'a> Backward<'a> {
    fn new(graph: &'a mut Graph, id: NodeId, scan: Scan, wanted: &[bool], results: BTreeMap<usize, NodeId>) -> Self {
        let operands = graph.inputs(id);
        let mut step = scan.body.graph().clone();
        let mut inputs = BTreeMap::new();
        for node in step.ids() {
            let Op::Input(input) = step.op(node) else { continue };
            let first = *inputs.entry(input.index).or_insert(node);
            if first != node {
                step.replace(node, first);
            }
        }
        let mut active: BTreeSet<usize> = (0..wanted.len()).filter(|&operand| wanted[operand]).collect();
        // A state depends on what its next value does.
        loop {
            let nodes = inputs.iter().filter(|(operand, _)| active.contains(operand)).map(|(_, &node)| node);
            let depends = depending(&step, nodes);
            let states = (0..scan.states).filter(|&state| depends.contains(&step.roots[state].node));
            let before = active.len();
            active.extend(states.map(|state| scan.sequences + state));
            if active.len() == before {
                break;
            }
        }
        Self { graph, id, scan, operands, results, step, inputs, active }
    }

    fn build(mut self) -> Vec<Option<NodeId>> {
        let (first, states) = (self.scan.sequences, self.scan.states);
        let carried = self.adjoints();
        let mut seeds = Vec::new();
        let mut leaves: BTreeMap<NodeId, Source> = BTreeMap::new();
        for &state in &carried {
            let (root, seed) = self.seed(state);
            leaves.insert(seed, Source::Adjoint(state));
            seeds.push((root, seed));
        }
        for (&result, &gradient) in self.results.clone().range(states..) {
            let (root, seed) = self.seed(result);
            leaves.insert(seed, Source::Sequence(gradient));
            seeds.push((root, seed));
        }
        let wrt: Vec<usize> = self.active.iter().copied().filter(|operand| self.inputs.contains_key(operand)).collect();
        let nodes: Vec<NodeId> = wrt.iter().map(|operand| self.inputs[operand]).collect();
        let found = pull_back_all(&mut self.step, &seeds, &nodes);
        let by: BTreeMap<usize, NodeId> =
            wrt.into_iter().zip(found).filter_map(|(operand, gradient)| Some((operand, gradient?))).collect();

        let captured: BTreeMap<NodeId, usize> = self
            .inputs
            .iter()
            .filter(|&(&operand, _)| operand >= first + states)
            .map(|(&operand, &node)| (node, operand))
            .collect();
        let sums: BTreeMap<usize, Sum> =
            by.range(first + states..).map(|(&o, &node)| (o, Sum::new(&self.step, node, &captured))).collect();
        let backward = depending(&self.step, seeds.iter().map(|&(_, seed)| seed));

        // What the loop backwards computes, and what is only read for sums behind it.
        let carries: Vec<NodeId> = carried
            .iter()
            .map(|&state| match by.get(&(first + state)) {
                Some(&node) => node,
                None => self.zeros_in_step(state),
            })
            .collect();
        let stacks: BTreeSet<NodeId> = sums.values().flat_map(Sum::stacks).collect();
        let mut emitted: Vec<NodeId> = by.range(..first).map(|(_, &node)| node).collect();
        emitted.extend(stacks.iter().filter(|&node| backward.contains(node)));
        let mut once = BTreeSet::new();
        emitted.retain(|node| !matches!(leaves.get(node), Some(Source::Sequence(_))) && once.insert(*node));

        let mut saved: BTreeSet<NodeId> = BTreeSet::new();
        for &node in stacks.iter().filter(|node| !backward.contains(node)) {
            if !self.is_sequence(node) {
                saved.insert(node);
            }
        }
        let read = self.demand(carries.iter().chain(&emitted), &backward, &saved);
        saved.extend(read.iter().copied().filter(|&node| !matches!(self.step.op(node), Op::Input(_))));
        saved.extend(read.iter().copied().filter(|&node| self.state(node).is_some()));
        let saved = self.save(&saved);

        for &node in &read {
            let source = match saved.get(&node) {
                Some(&stack) => Source::Sequence(stack),
                None => match self.step.op(node) {
                    Op::Input(input) if input.index < first => Source::Sequence(self.operands[input.index]),
                    Op::Input(input) => Source::Captured(self.operands[input.index]),
                    _ => unreachable!("a value is read and not saved"),
                },
            };
            leaves.insert(node, source);
        }
        let reverse = self.reverse(&carried, &carries, &emitted, &leaves);
        let ty_of = |index: usize, graph: &Graph| match graph.op(reverse) {
            Op::Scan(scan) => scan.results()[index].clone(),
            _ => unreachable!("it is the loop"),
        };
        let take = |this: &mut Self, index: usize| {
            let ty = ty_of(index, this.graph);
            this.push(Take { index, ty }, &[reverse])
        };

        let mut stacked: BTreeMap<NodeId, NodeId> = saved;
        for (place, &node) in emitted.iter().enumerate() {
            let stack = take(&mut self, carried.len() + place);
            stacked.insert(node, stack);
        }
        for (&node, source) in &leaves {
            if let (Source::Sequence(stack), false) = (source, stacked.contains_key(&node)) {
                stacked.insert(node, *stack);
            }
        }
        for (&operand, &node) in self.inputs.range(..first) {
            stacked.insert(node, self.operands[operand]);
        }
        let mut gradients = vec![None; self.operands.len()];
        for (&operand, node) in by.range(..first) {
            gradients[operand] = Some(stacked[node]);
        }
        for (place, &state) in carried.iter().enumerate() {
            gradients[first + state] = Some(take(&mut self, place));
        }
        let operands = self.operands.clone();
        for (operand, sum) in sums {
            let gradient = sum.build(&stacked, &operands, &mut |op, inputs: &[NodeId]| self.push(op, inputs));
            gradients[operand] = Some(gradient);
        }
        gradients
    }

    /// The states whose adjoints are not always zero: what the last ones are used for, or what they are used for in
    /// a later step, counts.
    fn adjoints(&self) -> Vec<usize> {
        let first = self.scan.sequences;
        let mut reached: BTreeSet<NodeId> = BTreeSet::new();
        let mut states: BTreeSet<usize> = BTreeSet::new();
        let mut todo: Vec<NodeId> = self.results.keys().map(|&result| self.step.roots[result].node).collect();
        states.extend(self.results.keys().copied().filter(|&result| result < self.scan.states));
        while let Some(node) = todo.pop() {
            if !reached.insert(node) {
                continue;
            }
            if let Some(state) = self.state(node)
                && states.insert(state)
            {
                todo.push(self.step.roots[state].node);
            }
            todo.extend(self.step.inputs(node));
        }
        states.into_iter().filter(|state| self.active.contains(&(first + state))).collect()
    }

    /// The value of a result in the step, and an input for the gradient by it.
    fn seed(&mut self, result: usize) -> (NodeId, NodeId) {
        let root = self.step.roots[result].node;
        let Node { ty, span, name, .. } = self.step.node(root).clone();
        let index = self.operands.len() + result;
        (root, add(&mut self.step, Input { index, ty }.into(), &[], span, name))
    }

    /// The number of the state that a node of the step is.
    pub(super) fn state(&self, node: NodeId) -> Option<usize> {
        match self.step.op(node) {
            Op::Input(input) => input.index.checked_sub(self.scan.sequences).filter(|&state| state < self.scan.states),
            _ => None,
        }
    }

    fn is_sequence(&self, node: NodeId) -> bool {
        matches!(self.step.op(node), Op::Input(input) if input.index < self.scan.sequences)
    }

    fn zeros_in_step(&mut self, state: usize) -> NodeId {
        let node = self.step.node(self.step.roots[state].node).clone();
        zeros(&mut self.step, &node)
    }

    fn push(&mut self, op: impl Into<Op>, inputs: &[NodeId]) -> NodeId {
        let Node { span, name, .. } = self.graph.node(self.id).clone();
        add(self.graph, op.into(), inputs, span, name)
    }

    /// Lets the forward loop emit these values; what each is for all steps.
    fn save(&mut self, nodes: &BTreeSet<NodeId>) -> BTreeMap<NodeId, NodeId> {
        let states = self.scan.states;
        let mut roots = self.step.roots.clone();
        let mut places = BTreeMap::new();
        for &node in nodes {
            let known = (states..roots.len()).find(|&place| roots[place].node == node);
            let place = known.unwrap_or_else(|| {
                roots.push(Root { kind: RootKind::Output(roots.len() - states), node });
                roots.len() - 1
            });
            places.insert(node, place);
        }
        let leaves = self.inputs.iter().map(|(&operand, &node)| (node, operand)).collect();
        self.scan.body = Body::new(self.step.part(&leaves, roots));
        self.graph.node_mut(self.id).op = self.scan.clone().into();
        let results = self.scan.results();
        let mut stacked = BTreeMap::new();
        for (node, index) in places {
            let take = self.push(Take { index, ty: results[index].clone() }, &[self.id]);
            stacked.insert(node, take);
        }
        stacked
    }

    /// The loop backwards.
    fn reverse(
        &mut self,
        carried: &[usize],
        carries: &[NodeId],
        emitted: &[NodeId],
        leaves: &BTreeMap<NodeId, Source>,
    ) -> NodeId {
        let mut operands = Vec::new();
        let mut numbers: BTreeMap<NodeId, usize> = BTreeMap::new();
        let sequences = leaves.iter().filter_map(|(&node, source)| match source {
            Source::Sequence(stack) => Some((node, *stack)),
            _ => None,
        });
        for (node, stack) in sequences {
            numbers.insert(node, operands.len());
            operands.push(stack);
        }
        let sequences = operands.len();
        for &state in carried {
            let seed = leaves.iter().find(|(_, source)| matches!(source, Source::Adjoint(other) if *other == state));
            if let Some((&node, _)) = seed {
                numbers.insert(node, operands.len());
            }
            let last = match self.results.get(&state) {
                Some(&gradient) => gradient,
                None => {
                    let node = self.graph.node(self.operands[self.scan.sequences + state]).clone();
                    zeros(self.graph, &node)
                }
            };
            operands.push(last);
        }
        for (&node, source) in leaves {
            if let Source::Captured(operand) = source {
                numbers.insert(node, operands.len());
                operands.push(*operand);
            }
        }
        let carry = carries.iter().enumerate().map(|(state, &node)| Root { kind: RootKind::Carry(state), node });
        let output = emitted.iter().enumerate().map(|(place, &node)| Root { kind: RootKind::Output(place), node });
        let body = self.step.part(&numbers, carry.chain(output).collect());
        let (steps, reverse) = (self.scan.steps, !self.scan.reverse);
        let scan = Scan { body: Body::new(body), steps, reverse, sequences, states: carried.len() };
        self.push(scan, &operands)
    }
}

/// Where an input of the loop backwards comes from.
enum Source {
    /// The adjoint of a state.
    Adjoint(usize),
    /// The values of all steps.
    Sequence(NodeId),
    /// A value that every step reads.
    Captured(NodeId),
}

/// Zeros of a node's type.
fn zeros(graph: &mut Graph, like: &Node) -> NodeId {
    let Node { ty, span, name, .. } = like;
    let zero = Constant { value: Scalar(0.0), dtype: ty.dtype };
    let zero = add(graph, zero.into(), &[], *span, name.clone());
    let all = Broadcast { batched: ty.batched, dims: ty.dims.clone() };
    add(graph, all.into(), &[zero], *span, name.clone())
}
