//! From a compiled network to the facts of its report.

use super::facts::{Facts, Function, Input, Layer, Machine, Parameter, Pass};
use super::program::program;
use crate::codegen::{Module, constants};
use crate::diag::location;
use crate::functions::Optimised;
use crate::ir::DType;
use crate::passes::Trace;

/// What the passes did to each function.
#[derive(Clone, Debug, Default)]
pub struct Passes(Vec<Vec<Pass>>);

impl Passes {
    /// Of these functions, in their order.
    pub fn of(functions: &[Optimised]) -> Self {
        let pass = |run: &Trace| Pass {
            name: run.name,
            before: run.nodes_before,
            after: run.nodes_after,
            changed: run.changed,
            micros: run.duration.as_nanos() as f64 / 1e3,
        };
        Self(functions.iter().map(|function| function.trace.iter().map(pass).collect()).collect())
    }
}

/// What is assumed of a machine of which nothing was measured: one thread of a current desktop processor with 256-bit
/// vectors. Half as many operations of f64 fit a vector.
fn assumed(dtype: DType) -> Machine {
    let gflops = if dtype == DType::F64 { 50.0 } else { 100.0 };
    Machine { gflops, memory: 20.0 }
}

impl Facts {
    /// All that there is to say of a network.
    pub fn of(module: &Module, passes: Passes) -> Self {
        let network = &module.network;
        let mut passes = passes.0.into_iter();
        let functions = module.entries.iter().map(|entry| Function {
            name: entry.program.function.name.clone(),
            program: program(network, &entry.program, &entry.plan),
            passes: passes.next().unwrap_or_default(),
        });
        let functions = functions.collect();
        let layer = |layer: &crate::ir::LayerRow| {
            let own = layer.params.iter().filter_map(|param| network.params.get(param.0));
            Layer {
                name: layer.name.clone(),
                kind: layer.kind.clone(),
                ty: layer.ty.to_string(),
                parameters: own.map(|param| param.ty.elements()).sum(),
            }
        };
        let inputs = network.inputs.iter().map(|input| Input {
            name: input.name.to_string(),
            classes: input.kind.classes(),
            ty: input.ty.to_string(),
        });
        let parameters = network.params.iter().map(|param| Parameter {
            name: param.name.clone(),
            ty: param.ty.to_string(),
            elements: param.ty.elements(),
            trainable: param.trainable,
        });
        Self {
            name: network.name.to_string(),
            line: location(network.name.span()),
            batch: network.batch,
            dtype: network.dtype.rust(),
            inputs: inputs.collect(),
            layers: network.layers.iter().map(layer).collect(),
            parameters: parameters.collect(),
            constants: constants(module),
            machine: assumed(network.dtype),
            functions,
            profile: None,
        }
    }
}
