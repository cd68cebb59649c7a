//! The reference: a network's graph run by the interpreter in f64.

use std::collections::BTreeMap;

use kiln_compiler::diag::Diagnostics;
use kiln_compiler::eval::{self, Context};
use kiln_compiler::functions;
use kiln_compiler::ir::{DType, Function, Network, RootKind};
use kiln_compiler::{resolve, syntax};
use proc_macro2::TokenStream;

pub use kiln_compiler::eval::Array;

use crate::Step;

/// A network for the interpreter.
pub struct Oracle {
    network: Network,
    functions: Vec<Function>,
}

impl Oracle {
    /// Parses and resolves a network's tokens.
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
        let functions = functions::functions(&network, false).expect("sound passes");
        Self { network, functions: functions.into_iter().map(|optimised| optimised.function).collect() }
    }

    /// Data for each input: floats around 0.3, or indices, from a fixed sequence.
    pub fn data(&self, rows: usize) -> Vec<Array> {
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut next = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as f64 / (1u64 << 53) as f64
        };
        self.network
            .inputs
            .iter()
            .map(|input| {
                let shape: Vec<usize> = std::iter::once(rows).chain(input.ty.dims.iter().copied()).collect();
                let classes = input.kind.classes();
                Array::from_shape_simple_fn(shape, || match (classes, input.ty.dtype) {
                    (Some(classes), DType::U32) => (next() * classes as f64).floor(),
                    _ => next() * 1.6 - 0.5,
                })
            })
            .collect()
    }

    /// Training steps from given parameters, then inference on the same data.
    ///
    /// # Panics
    /// If the network has no loss.
    pub fn steps(&self, params: &[Array], inputs: &[Array], rows: usize, steps: usize) -> Step {
        let optimizer = self.network.optimizer.expect("an optimiser");
        let mut params = params.to_vec();
        let before = params.clone();
        let mut states = BTreeMap::new();
        for (index, param) in self.network.params.iter().enumerate() {
            for slot in 0..optimizer.slots() {
                let zeros = Array::zeros(param.ty.dims.clone());
                states.insert((kiln_compiler::ir::ParamId(index), slot), zeros);
            }
        }
        let mut losses = Vec::new();
        for step in 1..=steps {
            let cx = Context {
                inputs,
                params: &params,
                states: &states,
                learning_rate: optimizer.learning_rate(),
                step: step as u64,
                seed: 5,
                ..Context::new(rows)
            };
            let roots = self.roots("step", &cx);
            let mut new_params = params.clone();
            let mut new_states = states.clone();
            for (kind, value) in roots {
                match kind {
                    RootKind::Loss => losses.push(value.sum()),
                    RootKind::Param(index) => new_params[index.0] = value,
                    RootKind::State(index, slot) => {
                        new_states.insert((index, slot), value);
                    }
                    RootKind::Output(_) => {}
                }
            }
            (params, states) = (new_params, new_states);
        }
        let cx = Context { inputs, params: &params, ..Context::new(rows) };
        let held_out = self.roots("loss", &cx).into_iter().map(|(_, value)| value.sum()).sum();
        let output = self.roots("run", &cx).into_iter().flat_map(|(_, value)| value.into_iter()).collect();
        Step { before, losses, after: params, held_out, output }
    }

    fn roots(&self, name: &str, cx: &Context<'_>) -> Vec<(RootKind, Array)> {
        let Some(function) = self.functions.iter().find(|function| function.name == name) else {
            return Vec::new();
        };
        let values = eval::run(&function.graph, cx);
        function.graph.roots.iter().map(|root| (root.kind.clone(), values[&root.node].clone())).collect()
    }
}
