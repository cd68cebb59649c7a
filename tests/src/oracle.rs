//! The reference: a network's graph run by the interpreter in f64.

use std::collections::BTreeMap;

use kiln_compiler::diag::Diagnostics;
use kiln_compiler::eval::{self, Context};
use kiln_compiler::ir::{DType, Function, InputDecl, Network, NodeId, Optimizer, ParamId, Root, RootKind};
use kiln_compiler::ops::Op;
use kiln_compiler::optimizer::Trained;
use kiln_compiler::passes::{self, Mode};
use kiln_compiler::{autodiff, functions, resolve, syntax};
use proc_macro2::TokenStream;

pub use kiln_compiler::eval::Array;

use crate::Outcome;

/// A network for the interpreter.
pub struct Oracle {
    network: Network,
    functions: Vec<Function>,
}

impl Oracle {
    /// Parses and resolves a network's tokens. The graphs are as the tokens say: no pass has touched those of `step`,
    /// `run` and `loss`.
    ///
    /// # Panics
    /// If they have a mistake.
    pub fn of(source: &str) -> Self {
        let tokens: TokenStream = source.parse().expect("tokens");
        let mut errors = Diagnostics::default();
        let network = syntax::parse(tokens, &mut errors).and_then(|decl| resolve::resolve(&decl, &mut errors));
        let Some(network) = network.filter(|_| !errors.any()) else {
            panic!("{}", errors.render("network", source));
        };
        let outputs = network.outputs.iter().enumerate();
        let outputs: Vec<Root> =
            outputs.map(|(place, (_, node))| Root { kind: RootKind::Output(place), node: *node }).collect();
        let loss: Vec<Root> = network.loss.iter().map(|&node| Root { kind: RootKind::Loss, node }).collect();
        let updates = network.updates.iter().map(|&(param, node)| Root { kind: RootKind::Param(param), node });
        let trained: Vec<Root> = outputs.iter().chain(&loss).cloned().chain(updates).collect();
        let mut functions = vec![
            raw(&network, "step", trained, Mode::Training),
            raw(&network, "run", outputs, Mode::Inference),
            raw(&network, "loss", loss, Mode::Inference),
        ];
        let optimised = functions::functions(&network, false).expect("sound passes");
        functions.extend(
            optimised
                .into_iter()
                .map(|optimised| optimised.function)
                .filter(|function| network.methods.iter().any(|method| method.name == function.name)),
        );
        Self { network, functions }
    }

    /// Data for each input: floats around 0.3 that f32 can hold, or indices, from a fixed sequence.
    pub fn data(&self, rows: usize) -> Vec<Array> {
        data(&self.network.inputs, rows)
    }

    /// Data for each input of a method.
    ///
    /// # Panics
    /// If there is no such method.
    pub fn method_data(&self, method: &str, rows: usize) -> Vec<Array> {
        data(&self.function(method).expect("a method of the network").inputs, rows)
    }

    /// Training steps from given parameters if the network has a loss, then inference on the same data, then its
    /// methods on theirs.
    pub fn outcome(
        &self,
        before: &[Array],
        inputs: &[Array],
        rows: usize,
        steps: usize,
        methods: &[&str],
        cuts: &[Vec<Array>],
    ) -> Outcome {
        let mut outcome = Outcome { before: before.to_vec(), after: before.to_vec(), ..Outcome::default() };
        if let Some(optimizer) = self.network.optimizer {
            self.train(optimizer, &mut outcome, inputs, rows, steps);
        }
        let infer = |function: &str, inputs: &[Array]| -> Vec<f64> {
            let cx = Context { inputs, params: &outcome.after, training: false, step: 0, ..Context::new(rows) };
            self.roots(function, &cx).into_iter().flat_map(|(_, value)| value.into_iter()).collect()
        };
        let held_out = infer("loss", inputs);
        let output = infer("run", inputs);
        let methods = methods.iter().zip(cuts).map(|(method, cut)| infer(method, cut)).collect();
        Outcome { held_out, output, methods, ..outcome }
    }

    fn train(&self, optimizer: Optimizer, outcome: &mut Outcome, inputs: &[Array], rows: usize, steps: usize) {
        let mut states = BTreeMap::new();
        for (index, param) in self.network.params.iter().enumerate() {
            for slot in 0..optimizer.slots() {
                states.insert((ParamId(index), slot), Array::zeros(param.ty.dims.clone()));
            }
        }
        for step in 1..=steps {
            let params = outcome.after.clone();
            let cx = Context {
                inputs,
                params: &params,
                states: &states,
                learning_rate: optimizer.learning_rate(),
                step: step as u64,
                seed: 5,
                ..Context::new(rows)
            };
            let mut new_states = states.clone();
            outcome.trained_output.clear();
            for (kind, value) in self.roots("step", &cx) {
                match kind {
                    RootKind::Loss => outcome.losses.push(value.sum()),
                    RootKind::Param(index) => outcome.after[index.0] = value,
                    RootKind::State(index, slot) => {
                        new_states.insert((index, slot), value);
                    }
                    RootKind::Output(_) => outcome.trained_output.extend(value),
                    RootKind::Carry(state) => unreachable!("state {state} of a loop is no result of a function"),
                }
            }
            states = new_states;
        }
    }

    fn function(&self, name: &str) -> Option<&Function> {
        self.functions.iter().find(|function| function.name == name)
    }

    fn roots(&self, name: &str, cx: &Context<'_>) -> Vec<(RootKind, Array)> {
        let Some(function) = self.function(name) else { return Vec::new() };
        let values = eval::run(&function.graph, cx);
        function.graph.roots.iter().map(|root| (root.kind.clone(), values[&root.node].clone())).collect()
    }
}

/// The part of a network's graph behind the roots, with gradients and updates where it trains.
fn raw(network: &Network, name: &str, roots: Vec<Root>, mode: Mode) -> Function {
    let mut graph = network.graph.clone();
    graph.roots = roots;
    passes::specialise(&mut graph, mode).expect("phases have two operands");
    passes::dce(&mut graph).expect("dead code goes");
    let loss = graph.roots.iter().find(|root| root.kind == RootKind::Loss).map(|root| root.node);
    if let (Mode::Training, Some(loss), Some(optimizer)) = (mode, loss, network.optimizer) {
        let params: Vec<(ParamId, NodeId)> = graph
            .ids()
            .into_iter()
            .filter_map(|node| match graph.op(node) {
                Op::Param(param) if network.params[param.index.0].trainable => Some((param.index, node)),
                _ => None,
            })
            .collect();
        let wrt: Vec<NodeId> = params.iter().map(|&(_, node)| node).collect();
        let gradients = autodiff::gradients(&mut graph, loss, &wrt);
        let trained = params.iter().zip(gradients);
        let trained: Vec<Trained> = trained
            .filter_map(|(&(index, param), gradient)| Some(Trained { index, param, gradient: gradient? }))
            .collect();
        optimizer.update(&mut graph, &trained, &network.params);
    }
    Function { name: name.to_string(), inputs: network.inputs.clone(), graph }
}

fn data(inputs: &[InputDecl], rows: usize) -> Vec<Array> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    let column = |input: &InputDecl| {
        let shape: Vec<usize> = std::iter::once(rows).chain(input.ty.dims.iter().copied()).collect();
        let classes = input.kind.classes();
        Array::from_shape_simple_fn(shape, || match (classes, input.ty.dtype) {
            (Some(classes), DType::U32) => (next() * classes as f64).floor(),
            _ => f64::from((next() * 1.6 - 0.5) as f32),
        })
    };
    inputs.iter().map(column).collect()
}
