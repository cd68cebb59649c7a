//! The facts of a function, or of the body of a loop.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::{Kernel, Loop, Neighbour, Node, Phase, Program, Role};
use super::groups::Groups;
use super::memory::memory;
use super::phases::phases;
use crate::cost::{self, Cost};
use crate::diag::location;
use crate::fuse::{self, Kind};
use crate::ir::{Graph, Network, NodeId};
use crate::ops::{Lowering, Op};
use crate::plan::{Place, Plan};

/// The facts of a function.
pub(super) fn program(network: &Network, program: &fuse::Program, plan: &Plan) -> Program {
    let function = &program.function;
    of(network, program, plan, &phases(&function.name, &function.graph))
}

fn of(network: &Network, program: &fuse::Program, plan: &Plan, phases: &BTreeMap<NodeId, Phase>) -> Program {
    let graph = &program.function.graph;
    let order = graph.lines();
    let groups = Groups::of(network, graph);
    let cx = Gathering {
        network,
        program,
        plan,
        phases,
        groups: &groups,
        number: order.iter().enumerate().map(|(line, &node)| (node, line)).collect(),
    };
    let nodes = order.iter().map(|&node| cx.node(node)).collect();
    let (flops, scalars) = cx.flops();
    let bodies: Vec<NodeId> = program.kernels.iter().filter_map(loop_of).collect();
    let kernels: Vec<Kernel> = program
        .kernels
        .iter()
        .enumerate()
        .map(|(index, kernel)| cx.kernel(index, kernel, flops.get(index).copied().unwrap_or_default(), &bodies))
        .collect();
    let loops = bodies.iter().filter_map(|&node| cx.body(node)).collect();
    let memory = memory(program, plan, &cx.number, |value| groups.outermost(value));
    Program {
        groups: groups.groups.clone(),
        nodes,
        kernels,
        neighbours: cx.neighbours(),
        scalars,
        flops: cost::graph_flops(graph),
        memory,
        loops,
    }
}

fn loop_of(kernel: &fuse::Kernel) -> Option<NodeId> {
    match kernel.kind {
        Kind::Loop(node) => Some(node),
        _ => None,
    }
}

/// A program, with what is known of its nodes.
struct Gathering<'a> {
    network: &'a Network,
    program: &'a fuse::Program,
    plan: &'a Plan,
    phases: &'a BTreeMap<NodeId, Phase>,
    groups: &'a Groups,
    /// The number of each node: its line in the printed graph.
    number: BTreeMap<NodeId, usize>,
}

impl Gathering<'_> {
    fn graph(&self) -> &Graph {
        &self.program.function.graph
    }

    fn phase(&self, node: NodeId) -> Phase {
        self.phases.get(&node).copied().unwrap_or(Phase::Forward)
    }

    fn numbers<'n>(&self, nodes: impl IntoIterator<Item = &'n NodeId>) -> Vec<usize> {
        nodes.into_iter().filter_map(|node| self.number.get(node).copied()).collect()
    }

    fn node(&self, id: NodeId) -> Node {
        let graph = self.graph();
        let node = graph.node(id);
        let settings = node.op.rules().attributes().into_iter();
        let settings: Vec<String> = settings.map(|(key, value)| format!("{key}={value}")).collect();
        Node {
            op: node.op.rules().name(),
            settings: settings.join(", "),
            name: self.name(id),
            ty: node.ty.to_string(),
            inputs: self.numbers(&graph.inputs(id)),
            group: self.groups.group(id),
            phase: self.phase(id),
            role: self.role(id),
            kernel: self.program.kernel_of.get(&id).copied(),
            flops: cost::flops(graph, id),
            bytes: Cost::bytes(&node.ty),
            place: self.plan.places.get(&id).map(|place| self.place(*place)),
            line: location(node.span),
        }
    }

    fn name(&self, id: NodeId) -> Option<String> {
        let node = self.graph().node(id);
        let param = |index: usize| self.network.params.get(index).map(|param| &param.name);
        match (&node.op, &self.program.needs.frame) {
            (Op::Param(op), _) => param(op.index.0).cloned(),
            (Op::State(op), _) => param(op.index.0).map(|name| format!("{name}, slot {}", op.slot)),
            (Op::Input(input), None) => {
                self.program.function.inputs.get(input.index).map(|input| input.name.to_string())
            }
            // In the body of a loop, inputs are what the loop reads.
            (Op::Input(input), Some(frame)) => Some(match frame.state(input.index) {
                Some(state) => format!("state {state}"),
                None if input.index < frame.sequences => format!("step of sequence {}", input.index),
                None => format!("operand {}", input.index),
            }),
            _ => node.name.as_ref().map(ToString::to_string),
        }
    }

    fn role(&self, id: NodeId) -> Role {
        let needs = &self.program.needs;
        let lowering = self.graph().op(id).rules().lowering();
        match lowering {
            _ if needs.uniform.contains(&id) => Role::Scalar,
            Lowering::External => Role::External,
            _ if needs.is_work(self.graph(), id) => Role::Work,
            Lowering::Broadcast | Lowering::Alias => Role::View,
            _ if needs.viewed.contains(&id) => Role::View,
            _ => Role::Inlined,
        }
    }

    fn place(&self, place: Place) -> String {
        let param = |index: usize| self.network.params.get(index).map_or("?", |param| param.name.as_str());
        match place {
            Place::Input(index) => match self.program.function.inputs.get(index) {
                Some(input) => format!("the caller's `{}`", input.name),
                None => format!("the caller's argument {index}"),
            },
            Place::Param(index) => format!("parameter `{}`", param(index.0)),
            Place::State(index, slot) => format!("optimiser's slot {slot} of `{}`", param(index.0)),
            Place::Arena(offset) => format!("arena, byte {offset}"),
            Place::Operand(index) => format!("operand {index} of the loop"),
            Place::Carried(state) => format!("state {state} of the loop"),
            Place::Emitted(output) => format!("this step's part of result {output}"),
        }
    }

    /// The operations of each kernel, and those of none: what several kernels compute again counts for the first.
    fn flops(&self) -> (Vec<Cost>, Cost) {
        let graph = self.graph();
        let mut of = vec![Cost::default(); self.program.kernels.len()];
        let mut counted: BTreeSet<NodeId> = BTreeSet::new();
        for (kernel, sum) in self.program.kernels.iter().zip(&mut of) {
            let mut todo = kernel.nodes.clone();
            while let Some(node) = todo.pop() {
                if !counted.insert(node) {
                    continue;
                }
                *sum = sum.and(cost::flops(graph, node));
                let again = |input: &NodeId| {
                    !self.program.kernel_of.contains_key(input) && !self.program.needs.uniform.contains(input)
                };
                todo.extend(graph.inputs(node).into_iter().filter(again));
            }
        }
        let rest = graph.ids().into_iter().filter(|node| !counted.contains(node));
        let rest = rest.fold(Cost::default(), |sum, node| sum.and(cost::flops(graph, node)));
        (of, rest)
    }

    fn kernel(&self, index: usize, kernel: &fuse::Kernel, flops: Cost, bodies: &[NodeId]) -> Kernel {
        let graph = self.graph();
        let main = kernel.kind.anchor().or_else(|| self.main_node(kernel));
        let touched = kernel.reads.iter().chain(&kernel.writes);
        let bytes = touched.fold(Cost::default(), |sum, &node| sum.and(Cost::bytes(graph.ty(node))));
        let mut lines: Vec<String> = Vec::new();
        for line in kernel.nodes.iter().filter_map(|&node| location(graph.node(node).span)) {
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
        Kernel {
            name: kernel.name.clone(),
            kind: kernel.kind.name(),
            domain: kernel.domain.to_string(),
            group: main.map_or(0, |node| self.groups.group(node)),
            phase: main.map_or(Phase::Forward, |node| self.phase(node)),
            nodes: self.numbers(&kernel.nodes),
            reads: self.numbers(&kernel.reads),
            writes: self.numbers(&kernel.writes),
            flops,
            bytes,
            barrier: self.plan.barriers.get(index).copied().unwrap_or_default(),
            body: loop_of(kernel).and_then(|node| bodies.iter().position(|&body| body == node)),
            lines,
        }
    }

    /// Of a sweep, which is built around nothing, the node with the most operations; of equals the first.
    fn main_node(&self, kernel: &fuse::Kernel) -> Option<NodeId> {
        let cost = |node: &NodeId| cost::flops(self.graph(), *node).of_rows(self.network.batch);
        kernel.nodes.iter().copied().rev().max_by_key(cost)
    }

    fn neighbours(&self) -> Vec<Neighbour> {
        let mut pairs: BTreeSet<(usize, usize)> = BTreeSet::new();
        for (to, kernel) in self.program.kernels.iter().enumerate() {
            let from = kernel.reads.iter().filter_map(|read| self.program.kernel_of.get(read).copied());
            pairs.extend(from.filter(|&from| from != to).map(|from| (from, to)));
        }
        let why = |from: usize, to: usize| self.program.refusals.get(&(from.min(to), from.max(to)));
        let neighbour = |(from, to)| Neighbour { from, to, why: why(from, to).map(ToString::to_string) };
        pairs.into_iter().map(neighbour).collect()
    }

    fn body(&self, node: NodeId) -> Option<Loop> {
        let Op::Scan(scan) = self.graph().op(node) else { return None };
        let kernel = self.program.kernel_of.get(&node).copied()?;
        let (body, plan) = (self.program.loops.get(&node)?, self.plan.loops.get(&node)?);
        // A loop's steps are for what the loop is for.
        let phase = self.phase(node);
        let phases = body.function.graph.ids().into_iter().map(|inner| (inner, phase)).collect();
        let program = of(self.network, body, plan, &phases);
        Some(Loop { kernel, steps: scan.steps, reverse: scan.reverse, program })
    }
}
