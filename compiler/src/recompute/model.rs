//! A program as recomputation sees it: values in the arena, who reads them before and after the turn, and what it
//! takes to compute each once more.

use std::collections::{BTreeMap, BTreeSet};

use crate::cost;
use crate::fuse::{Kind, Program};
use crate::ir::{Graph, NodeId, RootKind};
use crate::ops::{Lowering, Op};
use crate::plan::{ALIGNMENT, Place, Plan};

/// A value in the arena.
#[derive(Clone, Debug)]
pub(super) struct Value {
    /// Its node.
    pub node: NodeId,
    /// Its bytes.
    pub bytes: usize,
    /// The kernel that stores it.
    pub kernel: usize,
    /// The last kernel up to the turn that touches it.
    pub early: usize,
    /// The kernels behind the turn that read it.
    pub late: Vec<usize>,
    /// Whether it can't be computed again, or need not be.
    pub kept: bool,
    /// Whether the caller reads it.
    pub result: bool,
    /// The values that computing it again reads.
    pub reads: Vec<usize>,
    /// The operations of computing it again from those.
    pub flops: u64,
    /// The first kernel that writes over a parameter which computing it again reads.
    pub until: usize,
    /// The value whose place it takes.
    pub over: Option<usize>,
}

/// A function's kernels and values.
#[derive(Debug)]
pub(super) struct Model<'a> {
    /// Its kernels.
    pub program: &'a Program,
    /// In the order in which they are stored; operands before users.
    pub values: Vec<Value>,
    /// The place of a node among the values.
    pub index: BTreeMap<NodeId, usize>,
    /// The kernel in which most bytes wait for a later reader: in a training step, where forward becomes backward.
    pub turn: usize,
    /// What the bodies of loops need while each kernel runs.
    pub workspace: Vec<usize>,
}

impl<'a> Model<'a> {
    /// Of a program with its memory. `graph` is the function before kernels were made: its nodes can be copied.
    pub(super) fn of(graph: &Graph, program: &'a Program, plan: &Plan, batch: usize) -> Self {
        let stored = || {
            let kernels = program.kernels.iter().enumerate();
            let writes = kernels.flat_map(|(at, kernel)| {
                kernel.nodes.iter().filter(|node| kernel.writes.contains(node)).map(move |&node| (at, node))
            });
            writes.filter(|(_, node)| matches!(plan.places.get(node), Some(Place::Arena(_))))
        };
        let index: BTreeMap<NodeId, usize> = stored().enumerate().map(|(place, (_, node))| (node, place)).collect();
        let mut uses: Vec<Vec<usize>> = vec![Vec::new(); index.len()];
        for (at, kernel) in program.kernels.iter().enumerate() {
            for value in kernel.reads.iter().filter_map(|read| index.get(read)) {
                uses[*value].push(at);
            }
        }
        let sizes: Vec<usize> = stored()
            .map(|(_, node)| program.function.graph.ty(node).bytes(batch).next_multiple_of(ALIGNMENT).max(ALIGNMENT))
            .collect();
        let written: Vec<usize> = stored().map(|(at, _)| at).collect();
        let turn = turn(program.kernels.len(), &written, &uses, &sizes);
        let results = results(program);
        let overwritten = overwritten(program);
        let mut workspace = vec![0; program.kernels.len()];
        let mut over = BTreeMap::new();
        for (buffer, _, values) in &plan.buffers {
            if let [only] = values.as_slice()
                && matches!(program.function.graph.op(*only), Op::Scan(_))
            {
                workspace[buffer.lower] += buffer.size;
            }
            over.extend(values.windows(2).filter_map(|pair| Some((*index.get(&pair[1])?, *index.get(&pair[0])?))));
        }
        let mut model = Self { program, values: Vec::new(), index, turn, workspace };
        for (place, (kernel, node)) in stored().enumerate() {
            let part = Part::of(&model, node);
            let (late, early): (Vec<usize>, Vec<usize>) = uses[place].iter().partition(|&&at| at > turn);
            // Copies of results are made with the kernels: what they read is a result, too.
            let copied = late.iter().any(|&at| {
                let mut copies = program.kernels[at].nodes.iter().filter(|&&node| !graph.contains(node));
                copies.any(|&copy| program.needs.sources(&program.function.graph, copy).contains(&node))
            });
            let result = results.contains(&node);
            let looped = matches!(program.kernels[kernel].kind, Kind::Loop(_));
            let movable = !part.reads.is_empty() || !part.external.is_empty();
            let until = part.external.iter().filter_map(|node| overwritten.get(node).copied()).min();
            let until = until.unwrap_or(program.kernels.len());
            let too_late = until <= turn || late.first().is_some_and(|&at| at > until);
            let again = graph.contains(node) && part.nodes.iter().all(|&node| graph.contains(node));
            model.values.push(Value {
                node,
                bytes: sizes[place],
                kernel,
                early: early.last().copied().unwrap_or(kernel),
                late,
                kept: kernel > turn || copied || result || looped || too_late || !movable || !again,
                result,
                reads: part.reads.iter().map(|read| model.index[read]).collect(),
                flops: part.nodes.iter().map(|&node| cost::flops(&program.function.graph, node).of_rows(batch)).sum(),
                until,
                over: over.get(&place).copied(),
            });
        }
        model
    }
}

/// The kernel during which most bytes are neither read nor written, but will be read.
fn turn(kernels: usize, written: &[usize], uses: &[Vec<usize>], sizes: &[usize]) -> usize {
    let mut idle = vec![0i128; kernels + 1];
    for ((&written, uses), &bytes) in written.iter().zip(uses).zip(sizes) {
        let mut last = written;
        for &at in uses {
            if at > last + 1 {
                idle[last + 1] += bytes as i128;
                idle[at] -= bytes as i128;
            }
            last = at;
        }
    }
    let (mut waiting, mut most, mut turn) = (0, 0, 0);
    for (at, change) in idle.into_iter().enumerate() {
        waiting += change;
        if waiting > most {
            (most, turn) = (waiting, at);
        }
    }
    turn
}

/// The values that somebody outside reads.
fn results(program: &Program) -> BTreeSet<NodeId> {
    let graph = &program.function.graph;
    graph.roots.iter().map(|root| program.needs.storage(graph, root.node)).collect()
}

/// For parameters and slots that are written over: by which kernel.
fn overwritten(program: &Program) -> BTreeMap<NodeId, usize> {
    let graph = &program.function.graph;
    let mut found = BTreeMap::new();
    for root in &graph.roots {
        let same = |node: NodeId| match (graph.op(node), &root.kind) {
            (Op::Param(param), RootKind::Param(index)) => param.index == *index,
            (Op::State(state), RootKind::State(index, slot)) => state.index == *index && state.slot == *slot,
            _ => false,
        };
        let Some(&writer) = program.kernel_of.get(&program.needs.storage(graph, root.node)) else { continue };
        found.extend(graph.ids().into_iter().filter(|&node| same(node)).map(|node| (node, writer)));
    }
    found
}

/// What has to be done to compute a value again.
struct Part {
    /// The nodes, down to what is stored.
    nodes: BTreeSet<NodeId>,
    /// Values of the arena that they read.
    reads: BTreeSet<NodeId>,
    /// What else they read: inputs, parameters, slots.
    external: BTreeSet<NodeId>,
}

impl Part {
    fn of(model: &Model<'_>, value: NodeId) -> Self {
        let graph = &model.program.function.graph;
        let (mut nodes, mut reads, mut external) = (BTreeSet::from([value]), BTreeSet::new(), BTreeSet::new());
        let mut stack = vec![value];
        while let Some(node) = stack.pop() {
            for operand in graph.inputs(node) {
                if model.index.contains_key(&operand) {
                    reads.insert(operand);
                } else if matches!(graph.op(operand).rules().lowering(), Lowering::External) {
                    external.insert(operand);
                } else if !model.program.needs.uniform.contains(&operand) && nodes.insert(operand) {
                    stack.push(operand);
                }
            }
        }
        Self { nodes, reads, external }
    }
}
