//! Gradients through loops against differences, with the graph as it is and after the passes.

use proc_macro2::Span;

use super::*;
use crate::eval::{Array, Context, run};
use crate::ir::verify::{Scope, Stage, verify};
use crate::ir::{DType, InputDecl, InputKind, Root, RootKind};
use crate::ops::{
    Body, Compare, CompareKind, Contract, Input, MatMul, Mul, Neg, Reduce, ReduceKind, Scan, Select, Sigmoid, Slice,
    StopGradient, Sub, Take, Tanh,
};
use crate::passes::Driver;

const STEPS: usize = 3;

/// A graph that is being built: a function, or a step.
#[derive(Default)]
struct Build {
    graph: Graph,
    types: Vec<Type>,
}

impl Build {
    fn op(&mut self, op: impl Into<Op>, inputs: &[NodeId]) -> NodeId {
        infer::add(&mut self.graph, op, inputs, Span::call_site(), None).expect("the operands fit")
    }

    fn input(&mut self, batched: bool, dims: &[usize]) -> NodeId {
        let ty = Type { dtype: DType::F64, batched, dims: dims.to_vec() };
        self.types.push(ty.clone());
        self.op(Input { index: self.types.len() - 1, ty }, &[])
    }

    fn matmul(&mut self, x: NodeId, w: NodeId) -> NodeId {
        self.op(MatMul { transpose: false }, &[x, w])
    }

    fn like(&mut self, x: NodeId, like: NodeId) -> NodeId {
        let Type { batched, dims, .. } = self.graph.ty(like).clone();
        self.op(Broadcast { batched, dims }, &[x])
    }

    fn number(&mut self, value: f64, like: NodeId) -> NodeId {
        let number = self.op(Constant { value: Scalar(value), dtype: DType::F64 }, &[]);
        self.like(number, like)
    }

    fn add(&mut self, a: NodeId, b: NodeId) -> NodeId {
        self.op(Add, &[a, b])
    }

    fn mul(&mut self, a: NodeId, b: NodeId) -> NodeId {
        self.op(Mul, &[a, b])
    }

    /// `x w + h u + b`
    fn affine(&mut self, [x, h, w, u, b]: [NodeId; 5]) -> NodeId {
        let (x, h) = (self.matmul(x, w), self.matmul(h, u));
        let sum = self.add(x, h);
        let b = self.like(b, sum);
        self.add(sum, b)
    }

    /// A sum of the squares' parts, so that each element has a gradient of its own.
    fn loss(&mut self, values: &[NodeId]) -> NodeId {
        let parts: Vec<NodeId> = values
            .iter()
            .map(|&value| {
                let ty = self.graph.ty(value).clone();
                let tanh = self.op(Tanh, &[value]);
                let square = self.mul(tanh, value);
                self.op(
                    Reduce { kind: ReduceKind::Sum, axes: (0..ty.dims.len()).collect(), batch: ty.batched },
                    &[square],
                )
            })
            .collect();
        parts.into_iter().reduce(|a, b| self.add(a, b)).expect("a value")
    }

    /// The results of a loop whose step `body` gives the next states and what is emitted.
    fn scan(
        &mut self,
        [sequences, states]: [usize; 2],
        reverse: bool,
        operands: &[NodeId],
        body: impl FnOnce(&mut Build, &[NodeId]) -> Vec<NodeId>,
    ) -> Vec<NodeId> {
        let mut step = Build::default();
        let inputs: Vec<NodeId> = operands
            .iter()
            .enumerate()
            .map(|(place, &operand)| {
                let Type { batched, dims, .. } = self.graph.ty(operand).clone();
                step.input(batched, if place < sequences { &dims[1..] } else { &dims })
            })
            .collect();
        for (place, node) in body(&mut step, &inputs).into_iter().enumerate() {
            let kind = match place.checked_sub(states) {
                None => RootKind::Carry(place),
                Some(output) => RootKind::Output(output),
            };
            step.graph.roots.push(Root { kind, node });
        }
        let steps = self.graph.ty(operands[0]).dims[0];
        let scan = Scan { body: Body::new(step.graph), steps, reverse, sequences, states };
        let types = scan.results();
        let node = self.op(scan, operands);
        types.into_iter().enumerate().map(|(index, ty)| self.op(Take { index, ty }, &[node])).collect()
    }
}

fn data(types: &[Type], rows: usize) -> Vec<Array> {
    let mut state = 7u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / (1u64 << 24) as f64 * 2.0 - 1.0
    };
    types.iter().map(|ty| Array::from_shape_simple_fn(Context::new(rows).shape(ty), &mut next)).collect()
}

/// Checks the gradients by all inputs, and gives the optimised graph of loss and gradients.
fn check(build: impl FnOnce(&mut Build) -> NodeId) -> Graph {
    let mut made = Build::default();
    let loss = build(&mut made);
    let Build { graph: forward, types } = made;
    let mut graph = forward.clone();
    let input = |index| {
        let is = |&id: &NodeId| matches!(graph.op(id), Op::Input(input) if input.index == index);
        graph.ids().into_iter().find(is).expect("the input")
    };
    let wrt: Vec<NodeId> = (0..types.len()).map(input).collect();
    let found = gradients(&mut graph, loss, &wrt);
    graph.roots.push(Root { kind: RootKind::Loss, node: loss });
    for (index, gradient) in found.iter().enumerate() {
        let node = gradient.expect("the loss depends on every input");
        graph.roots.push(Root { kind: RootKind::Output(index), node });
    }
    let declared: Vec<InputDecl> = types
        .iter()
        .map(|ty| InputDecl { name: quote::format_ident!("x"), kind: InputKind::Dense, ty: ty.clone() })
        .collect();
    let scope = Scope { inputs: &declared, params: &[] };
    verify(&graph, &scope, Stage::Function).unwrap_or_else(|error| panic!("{error}\n{graph}"));
    let mut optimised = graph.clone();
    let mut driver = Driver::new(scope, false);
    driver.optimise(&mut optimised).unwrap_or_else(|error| panic!("{error}\n{optimised}"));

    for rows in [1, 3] {
        let inputs = data(&types, rows);
        let value = |inputs: &[Array]| {
            let cx = Context { inputs, ..Context::new(rows) };
            run(&forward, &cx)[&loss].sum()
        };
        let cx = Context { inputs: &inputs, ..Context::new(rows) };
        for graph in [&graph, &optimised] {
            let values = run(graph, &cx);
            for root in &graph.roots {
                let RootKind::Output(index) = root.kind else { continue };
                for (element, found) in values[&root.node].iter().enumerate() {
                    let at = |distance: f64| {
                        let mut moved = inputs.clone();
                        if let Some(x) = moved[index].iter_mut().nth(element) {
                            *x += distance;
                        }
                        value(&moved)
                    };
                    let expected = (at(1e-5) - at(-1e-5)) / 2e-5;
                    let close = (found - expected).abs() < 1e-7 * expected.abs().max(1.0);
                    assert!(close, "by input {index} at {element}: {found}, not {expected}:\n{graph}");
                }
            }
        }
    }
    optimised
}

fn last(build: &mut Build, x: NodeId, step: usize) -> NodeId {
    let dims = build.graph.ty(x).dims.clone();
    let (mut starts, mut ends) = (vec![0; dims.len()], dims.clone());
    (starts[0], ends[0]) = (step, step + 1);
    build.op(Slice { starts, ends, steps: vec![1; dims.len()] }, &[x])
}

/// What the loss is of: final states, all states, the last of all, or both.
#[derive(Clone, Copy)]
enum Of {
    Final,
    All,
    Last,
    Both,
}

fn rnn(of: Of, reverse: bool) -> Graph {
    check(|build| {
        let [x, h] = [build.input(true, &[STEPS, 2]), build.input(true, &[3])];
        let [w, u, b] = [build.input(false, &[2, 3]), build.input(false, &[3, 3]), build.input(false, &[3])];
        let found = build.scan([1, 1], reverse, &[x, h, w, u, b], |step, args| {
            let sum = step.affine([args[0], args[1], args[2], args[3], args[4]]);
            let h = step.op(Tanh, &[sum]);
            vec![h, h]
        });
        let end = last(build, found[1], if reverse { 0 } else { STEPS - 1 });
        let values = match of {
            Of::Final => vec![found[0]],
            Of::All => vec![found[1]],
            Of::Last => vec![end],
            Of::Both => vec![found[0], found[1]],
        };
        build.loss(&values)
    })
}

#[test]
fn plain_cells() {
    for of in [Of::Final, Of::All, Of::Last, Of::Both] {
        rnn(of, false);
        rnn(of, true);
    }
}

#[test]
fn a_gated_cell_that_emits_its_gate() {
    check(|build| {
        let [x, h] = [build.input(true, &[STEPS, 2]), build.input(true, &[2])];
        let [wa, ua, ba] = [build.input(false, &[2, 2]), build.input(false, &[2, 2]), build.input(false, &[2])];
        let [wc, uc, bc] = [build.input(false, &[2, 2]), build.input(false, &[2, 2]), build.input(false, &[2])];
        let found = build.scan([1, 1], false, &[x, h, wa, ua, ba, wc, uc, bc], |step, args| {
            let &[x, h, wa, ua, ba, wc, uc, bc] = args else { panic!("eight operands") };
            let a = step.affine([x, h, wa, ua, ba]);
            let a = step.op(Sigmoid, &[a]);
            let c = step.affine([x, h, wc, uc, bc]);
            let c = step.op(Tanh, &[c]);
            let one = step.number(1.0, a);
            let rest = step.op(Sub, &[one, a]);
            let (kept, new) = (step.mul(rest, h), step.mul(a, c));
            let next = step.add(new, kept);
            let emitted = step.mul(a, a);
            vec![next, emitted]
        });
        build.loss(&found)
    });
}

/// An LSTM from its equations, with weights for each gate.
pub(super) fn lstm(final_only: bool) -> Graph {
    check(|build| {
        let [x, h, c] = [build.input(true, &[STEPS, 2]), build.input(true, &[2]), build.input(true, &[2])];
        let mut operands = vec![x, h, c];
        for _ in 0..4 {
            operands.extend([build.input(false, &[2, 2]), build.input(false, &[2, 2]), build.input(false, &[2])]);
        }
        let found = build.scan([1, 2], false, &operands, |step, args| {
            let (x, h, c) = (args[0], args[1], args[2]);
            let gate = |step: &mut Build, place: usize| {
                let at = 3 + 3 * place;
                step.affine([x, h, args[at], args[at + 1], args[at + 2]])
            };
            let sums: Vec<NodeId> = (0..4).map(|place| gate(step, place)).collect();
            let [i, f, o] = [sums[0], sums[1], sums[3]].map(|sum| step.op(Sigmoid, &[sum]));
            let g = step.op(Tanh, &[sums[2]]);
            let (kept, new) = (step.mul(f, c), step.mul(i, g));
            let c = step.add(kept, new);
            let tanh = step.op(Tanh, &[c]);
            let h = step.mul(o, tanh);
            vec![h, c, h]
        });
        let of = if final_only { found[0] } else { found[2] };
        build.loss(&[of])
    })
}

#[test]
fn a_long_short_term_memory_from_its_equations() {
    insta::assert_snapshot!("lstm", lstm(false));
    lstm(true);
}

#[test]
fn two_states_that_change_places_and_a_captured_value_of_each_row() {
    check(|build| {
        let [x, a, b] = [build.input(true, &[STEPS, 2]), build.input(true, &[2]), build.input(true, &[2])];
        let [row, scale] = [build.input(true, &[2]), build.input(false, &[2])];
        let found = build.scan([1, 2], true, &[x, a, b, row, scale], |step, args| {
            let &[x, a, b, row, scale] = args else { panic!("five operands") };
            let sum = step.add(x, a);
            let scale = step.like(scale, sum);
            let scaled = step.mul(sum, scale);
            let next = step.mul(scaled, row);
            let stopped = step.op(StopGradient, &[row]);
            let negative = step.op(Neg, &[stopped]);
            // No gradient: it is only compared.
            let positive = step.op(Compare { kind: CompareKind::Gt }, &[b, negative]);
            let half = step.number(0.5, b);
            let less = step.mul(b, half);
            let chosen = step.op(Select, &[positive, b, less]);
            vec![chosen, next, x]
        });
        build.loss(&found)
    });
}

#[test]
fn states_without_a_batch_and_products_over_it() {
    check(|build| {
        let [x, m] = [build.input(true, &[STEPS, 2]), build.input(false, &[2, 2])];
        let row = build.input(true, &[2]);
        let found = build.scan([1, 1], false, &[x, m, row], |step, args| {
            let y = step.matmul(args[0], args[1]);
            let row = step.mul(args[2], y);
            let product = step.op(Contract, &[row, y]);
            let next = step.op(Tanh, &[product]);
            vec![next, y]
        });
        build.loss(&found)
    });
}

#[test]
fn no_state_at_all() {
    check(|build| {
        let [x, w] = [build.input(true, &[STEPS, 2]), build.input(false, &[2, 2])];
        let found = build.scan([1, 0], false, &[x, w], |step, args| {
            let y = step.matmul(args[0], args[1]);
            vec![step.op(Sigmoid, &[y]), y]
        });
        build.loss(&found)
    });
}

#[test]
fn loops_in_loops() {
    check(|build| {
        let [x, h] = [build.input(true, &[STEPS, 2, 2]), build.input(true, &[2])];
        let [w, u, b] = [build.input(false, &[2, 2]), build.input(false, &[2, 2]), build.input(false, &[2])];
        let found = build.scan([1, 1], false, &[x, h, w, u, b], |step, args| {
            let inner = step.scan([1, 1], true, args, |step, args| {
                let sum = step.affine([args[0], args[1], args[2], args[3], args[4]]);
                let h = step.op(Tanh, &[sum]);
                let out = step.op(Sigmoid, &[sum]);
                vec![h, out]
            });
            let sum = step.op(Reduce { kind: ReduceKind::Sum, axes: vec![0], batch: false }, &[inner[1]]);
            let next = step.mul(inner[0], sum);
            vec![next, inner[1]]
        });
        build.loss(&found)
    });
}

#[test]
fn one_step() {
    check(|build| {
        let [x, h, u] = [build.input(true, &[1, 2]), build.input(true, &[2]), build.input(false, &[2, 2])];
        let found = build.scan([1, 1], false, &[x, h, u], |step, args| {
            let product = step.matmul(args[1], args[2]);
            vec![step.add(product, args[0])]
        });
        build.loss(&found)
    });
}

#[test]
fn second_derivatives() {
    check(|build| {
        let [x, h, u] = [build.input(true, &[2, 2]), build.input(true, &[2]), build.input(false, &[2, 2])];
        let found = build.scan([1, 1], false, &[x, h, u], |step, args| {
            let product = step.matmul(args[1], args[2]);
            let sum = step.add(product, args[0]);
            vec![step.op(Tanh, &[sum])]
        });
        let loss = build.loss(&found);
        let by = gradients(&mut build.graph, loss, &[x]);
        let by: Vec<NodeId> = by.into_iter().flatten().collect();
        build.loss(&by)
    });
}
