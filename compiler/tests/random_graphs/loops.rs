//! Random loops: their values and gradients are those of the same steps written out one behind the other, before the
//! passes and after them.

use std::collections::BTreeMap;

use kiln_compiler::autodiff::gradients;
use kiln_compiler::eval::{Array, Context, run};
use kiln_compiler::infer;
use kiln_compiler::ir::verify::{Scope, Stage};
use kiln_compiler::ir::{DType, Graph, InputDecl, InputKind, NodeId, Root, RootKind, Type};
use kiln_compiler::ops::*;
use kiln_compiler::passes::{Driver, Mode, legalise, specialise};
use proc_macro2::Span;
use proptest::prelude::*;

use crate::generate::{Builder, Choices, ROWS};
use crate::{agree, config, failed};

/// Past these, rounding drowns what is looked for.
const MAX_VALUE: f64 = 1e6;

/// A loop, and the data of its operands.
struct Case {
    scan: Scan,
    types: Vec<Type>,
    data: Vec<Array>,
}

fn push(graph: &mut Graph, op: impl Into<Op>, inputs: &[NodeId]) -> NodeId {
    infer::add(graph, op, inputs, Span::call_site(), None).expect("the operands fit")
}

impl Case {
    fn new(program: &[(u8, u64)], seed: u64) -> Self {
        let mut builder = Builder::new(seed);
        for &(code, seed) in program {
            builder.instruction(code, seed);
        }
        let pool: Vec<NodeId> = builder.pool.iter().map(|(id, _)| *id).collect();
        let mut body = builder.graph;
        let mut choices = Choices(seed.rotate_left(17) | 1);
        let leaf = |op: &Op| matches!(op, Op::Input(_) | Op::Param(_) | Op::State(_) | Op::Hyper(_) | Op::Random(_));
        let leaves: Vec<NodeId> = body.ids().into_iter().filter(|&id| leaf(body.op(id))).collect();
        // 0 is a sequence, 1 a state, 2 what every step reads.
        let mut kinds: Vec<(usize, NodeId)> = leaves
            .into_iter()
            .map(|id| match body.ty(id).dtype.is_float() {
                true => (choices.below(3), id),
                false => (2 * choices.below(2), id),
            })
            .collect();
        kinds.sort_by_key(|&(kind, _)| kind);
        let count = |wanted: usize| kinds.iter().filter(|&&(kind, _)| kind == wanted).count();
        let (sequences, states, steps) = (count(0), count(1), 1 + choices.below(4));
        let mut roots = Vec::new();
        for &(_, state) in kinds.iter().filter(|&&(kind, _)| kind == 1) {
            let same: Vec<NodeId> = pool.iter().copied().filter(|&id| body.ty(id) == body.ty(state)).collect();
            let chosen = same[same.len() - 1 - choices.below(same.len().min(3))];
            // Bounded, unless the state is handed through.
            let next = if leaf(body.op(chosen)) { chosen } else { push(&mut body, Tanh, &[chosen]) };
            roots.push(Root { kind: RootKind::Carry(roots.len()), node: next });
        }
        for place in 0..1 + choices.below(4) {
            let back = choices.below(pool.len().min(6));
            roots.push(Root { kind: RootKind::Output(place), node: pool[pool.len() - 1 - back] });
        }
        body.roots = roots;
        specialise(&mut body, Mode::Training).expect("phases have two operands");
        let parts: Vec<Type> = kinds.iter().map(|&(_, id)| body.ty(id).clone()).collect();
        let leaves: BTreeMap<NodeId, usize> = kinds.iter().enumerate().map(|(place, &(_, id))| (id, place)).collect();
        let body = body.part(&leaves, body.roots.clone());
        let reverse = choices.below(2) == 0;
        let scan = Scan { body: Body::new(body), steps, reverse, sequences, states };
        let whole = |(ty, place): (&Type, usize)| if place < sequences { scan.stacked(ty) } else { ty.clone() };
        let types: Vec<Type> = parts.iter().zip(0..).map(whole).collect();
        let data = types
            .iter()
            .map(|ty| {
                Array::from_shape_simple_fn(Context::new(ROWS).shape(ty), || match ty.dtype {
                    DType::U32 => choices.below(4) as f64,
                    _ => (choices.below(17) as f64 - 8.0) / 4.0,
                })
            })
            .collect();
        Self { scan, types, data }
    }
}

impl Case {
    /// The function of the loop's operands whose outputs are its results, with what gives those for the operands.
    fn function(&self, results: impl FnOnce(&mut Graph, &[NodeId]) -> Vec<NodeId>) -> Graph {
        let mut graph = Graph::default();
        let operands: Vec<NodeId> = self
            .types
            .iter()
            .enumerate()
            .map(|(index, ty)| push(&mut graph, Input { index, ty: ty.clone() }, &[]))
            .collect();
        let results = results(&mut graph, &operands);
        let mut loss = push(&mut graph, Constant { value: Scalar(0.0), dtype: DType::F64 }, &[]);
        for &result in &results {
            let Type { batched, dims, .. } = graph.ty(result).clone();
            let bounded = push(&mut graph, Tanh, &[result]);
            let axes = (0..dims.len()).collect();
            let term = push(&mut graph, Reduce { kind: ReduceKind::Sum, axes, batch: batched }, &[bounded]);
            loss = push(&mut graph, Add, &[loss, term]);
        }
        let wrt: Vec<NodeId> = operands.into_iter().filter(|&operand| graph.ty(operand).dtype.is_float()).collect();
        let found = gradients(&mut graph, loss, &wrt);
        // What the loss does not depend on has a gradient of zeros.
        let found: Vec<NodeId> = found
            .into_iter()
            .zip(&wrt)
            .map(|(gradient, &operand)| {
                gradient.unwrap_or_else(|| {
                    let Type { batched, dims, .. } = graph.ty(operand).clone();
                    let zero = push(&mut graph, Constant { value: Scalar(0.0), dtype: DType::F64 }, &[]);
                    push(&mut graph, Broadcast { batched, dims }, &[zero])
                })
            })
            .collect();
        for (number, node) in results.into_iter().chain(found).enumerate() {
            graph.roots.push(Root { kind: RootKind::Output(number), node });
        }
        graph
    }

    fn looped(&self) -> Graph {
        self.function(|graph, operands| {
            let scan = push(graph, self.scan.clone(), operands);
            let takes = self.scan.results().into_iter().enumerate();
            takes.map(|(index, ty)| push(graph, Take { index, ty }, &[scan])).collect()
        })
    }

    /// The steps one behind the other.
    fn unrolled(&self) -> Graph {
        self.function(|graph, operands| {
            let Scan { body, steps, reverse, sequences, states } = &self.scan;
            let body = body.graph();
            let mut carried = operands[*sequences..][..*states].to_vec();
            let mut emitted: Vec<Vec<NodeId>> = vec![Vec::new(); body.roots.len() - states];
            for index in 0..*steps {
                let step = if *reverse { steps - 1 - index } else { index };
                let mut made: BTreeMap<NodeId, NodeId> = BTreeMap::new();
                for id in body.topological() {
                    let inputs: Vec<NodeId> = body.inputs(id).iter().map(|input| made[input]).collect();
                    let new = match body.op(id) {
                        Op::Input(input) if input.index < *sequences => {
                            let operand = operands[input.index];
                            let dims = graph.ty(operand).dims.clone();
                            let (mut starts, mut ends) = (vec![0; dims.len()], dims.clone());
                            (starts[0], ends[0]) = (step, step + 1);
                            let slice = Slice { starts, ends, steps: vec![1; dims.len()] };
                            let part = push(graph, slice, &[operand]);
                            push(graph, Reshape { dims: dims[1..].to_vec() }, &[part])
                        }
                        Op::Input(input) if input.index < sequences + states => carried[input.index - sequences],
                        Op::Input(input) => operands[input.index],
                        op => push(graph, op.clone(), &inputs),
                    };
                    made.insert(id, new);
                }
                carried = body.roots[..*states].iter().map(|root| made[&root.node]).collect();
                for (parts, root) in emitted.iter_mut().zip(&body.roots[*states..]) {
                    let dims = [&[1], body.ty(root.node).dims.as_slice()].concat();
                    let part = push(graph, Reshape { dims }, &[made[&root.node]]);
                    parts.push(part);
                }
            }
            let stacked = emitted.into_iter().map(|mut parts| {
                if *reverse {
                    parts.reverse();
                }
                push(graph, Concat { axis: 0 }, &parts)
            });
            carried.into_iter().chain(stacked.collect::<Vec<_>>()).collect()
        })
    }

    fn eval(&self, graph: &Graph) -> Vec<Array> {
        let values = run(graph, &Context { inputs: &self.data, ..Context::new(ROWS) });
        graph.roots.iter().map(|root| values[&root.node].clone()).collect()
    }
}

/// The primitives of a random loop with its gradients.
pub(crate) fn occurring(seed: u64, found: &mut dyn FnMut(&Op)) {
    let graph = Case::new(&[], seed).looped();
    graph.ids().into_iter().for_each(|id| found(graph.op(id)));
}

fn check(program: &[(u8, u64)], seed: u64) -> Result<(), TestCaseError> {
    let case = Case::new(program, seed);
    let unrolled = case.unrolled();
    let values = run(&unrolled, &Context { inputs: &case.data, ..Context::new(ROWS) });
    if values.values().flatten().any(|value| value.is_nan() || value.abs() > MAX_VALUE) {
        return Ok(());
    }
    let expected = case.eval(&unrolled);
    let looped = case.looped();
    agree(&looped, &expected, &case.eval(&looped))
        .map_err(|message| failed(&unrolled, &looped, "autodiff", message))?;
    let declared: Vec<InputDecl> = case
        .types
        .iter()
        .map(|ty| InputDecl { name: quote::format_ident!("x"), kind: InputKind::Dense, ty: ty.clone() })
        .collect();
    let mut graph = looped.clone();
    let mut driver = Driver::new(Scope { inputs: &declared, params: &[] }, false);
    driver.optimise(&mut graph).map_err(|failure| failed(&looped, &graph, "all", failure))?;
    agree(&graph, &expected, &case.eval(&graph)).map_err(|message| failed(&looped, &graph, "all", message))?;
    let rounds = kiln_compiler::passes::TABLE.len();
    let last = driver.trace().len() - rounds;
    if let Some(busy) = driver.trace()[last..].iter().find(|trace| trace.changed) {
        let history: Vec<&str> = driver.trace().iter().filter(|trace| trace.changed).map(|trace| trace.name).collect();
        let message = format!("it finds something in every round: {history:?}");
        return Err(failed(&looped, &graph, busy.name, message));
    }
    let mut legal = graph.clone();
    driver
        .apply_everywhere("legalise", Stage::Backward, &mut legal, |graph| Ok(legalise(graph)))
        .map_err(|failure| failed(&graph, &legal, "legalise", failure))?;
    agree(&legal, &expected, &case.eval(&legal)).map_err(|message| failed(&graph, &legal, "legalise", message))
}

proptest! {
    #![proptest_config(config(150))]

    #[test]
    fn loops_are_their_steps(
        program in prop::collection::vec((any::<u8>(), any::<u64>()), 1..16),
        seed in any::<u64>(),
    ) {
        check(&program, seed)?;
    }
}
