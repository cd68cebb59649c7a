//! From a resolved network to its entry points: the graph is cut, specialised to training or inference, for a
//! training step differentiated and given its optimiser, and optimised.

use proc_macro2::Ident;

use crate::autodiff;
use crate::codegen::snake;
use crate::cost;
use crate::explain;
use crate::ir::verify::{Scope, Stage};
use crate::ir::{
    Explanation, Function, Graph, InputDecl, InputKind, Method, Network, Node, NodeId, ParamId, Root, RootKind, Type,
};
use crate::ops::{Broadcast, Constant, Input, Op, Scalar};
use crate::optimizer::Trained;
use crate::passes::{self, Driver, Failure, Mode, Trace};
use crate::recompute::recompute;

/// An entry point, and what the passes did to it.
#[derive(Clone, Debug)]
pub struct Optimised {
    /// The function.
    pub function: Function,
    /// Pass by pass.
    pub trace: Vec<Trace>,
    /// Of its floating-point operations on a full batch, those that compute values again to keep within a bound of
    /// memory.
    pub recomputed: u64,
}

/// All entry points: `step` first if the network has a loss, then `run`, `loss` and the methods. With `dump`, the
/// traces hold the graph after every pass.
///
/// # Errors
/// Which pass broke which invariant: kiln's bug.
pub fn functions(network: &Network, dump: bool) -> Result<Vec<Optimised>, Failure> {
    let loss = network.loss.map(|node| Root { kind: RootKind::Loss, node });
    let mut functions = Vec::new();
    if network.loss.is_some() {
        let mut roots = outputs(network);
        roots.extend(loss.clone());
        roots.extend(network.updates.iter().map(|&(param, node)| Root { kind: RootKind::Param(param), node }));
        functions.push(function(network, "step", roots, Goal::Train, dump)?);
        if network.gradients.is_some() {
            let loss = loss.iter().cloned().collect();
            functions.push(function(network, "gradients", loss, Goal::Gradients, dump)?);
        }
    }
    if !network.outputs.is_empty() {
        functions.push(function(network, "run", outputs(network), Goal::Infer, dump)?);
    }
    if let Some(loss) = loss {
        functions.push(function(network, "loss", vec![loss], Goal::Infer, dump)?);
    }
    for entry in &network.methods {
        functions.push(method(network, entry, dump)?);
    }
    for entry in &network.explanations {
        let roots = explain::sources(entry);
        functions.push(function(network, &entry.name.to_string(), roots, Goal::Explain(entry), dump)?);
    }
    Ok(functions)
}

fn outputs(network: &Network) -> Vec<Root> {
    let root = |(place, (_, node)): (usize, &(String, _))| Root { kind: RootKind::Output(place), node: *node };
    network.outputs.iter().enumerate().map(root).collect()
}

/// What a function is made for.
#[derive(Clone, Copy)]
enum Goal<'a> {
    /// Gradients and updates.
    Train,
    /// Gradients alone.
    Gradients,
    /// The roots.
    Infer,
    /// The attribution that the roots are the values of.
    Explain(&'a Explanation),
}

/// The part of the graph that the roots need, for a goal.
fn function(network: &Network, name: &str, roots: Vec<Root>, goal: Goal<'_>, dump: bool) -> Result<Optimised, Failure> {
    let mode = if matches!(goal, Goal::Train | Goal::Gradients) { Mode::Training } else { Mode::Inference };
    let mut graph = network.graph.clone();
    graph.roots = roots;
    let mut driver = Driver::new(Scope { inputs: &network.inputs, params: &network.params }, dump);
    // What only other entry points need, and in a method the inputs that its cut replaces.
    driver.apply_everywhere("dce", Stage::Network, &mut graph, passes::dce)?;
    driver.apply_everywhere("specialise", Stage::Function, &mut graph, |graph| passes::specialise(graph, mode))?;
    driver.apply_everywhere("dce", Stage::Function, &mut graph, passes::dce)?;
    driver.apply_everywhere("cse", Stage::Function, &mut graph, passes::cse)?;
    // The last of a loop's states is a result of its own: its gradient is no sequence of zeros.
    driver.apply_everywhere("prune", Stage::Function, &mut graph, passes::prune)?;
    driver.apply("dce", Stage::Function, &mut graph, passes::dce)?;
    match goal {
        Goal::Train => driver.apply("autodiff", Stage::Function, &mut graph, |graph| {
            train(network, graph);
            Ok(true)
        })?,
        Goal::Gradients => driver.apply("autodiff", Stage::Function, &mut graph, |graph| {
            give_gradients(network, graph);
            Ok(true)
        })?,
        Goal::Infer => false,
        Goal::Explain(explanation) => {
            driver.apply("explain", Stage::Function, &mut graph, |graph| explain::attribute(graph, explanation))?
        }
    };
    driver.optimise(&mut graph)?;
    driver.apply_everywhere("legalise", Stage::Backward, &mut graph, |graph| Ok(passes::legalise(graph)))?;
    driver.apply_everywhere("dce", Stage::Backward, &mut graph, passes::dce)?;
    driver.apply_everywhere("cse", Stage::Backward, &mut graph, passes::cse)?;
    // Nothing may join what is computed twice after this.
    let once = cost::graph_flops(&graph).of_rows(network.batch);
    if let Some((max, _)) = network.memory_max {
        driver.apply("recompute", Stage::Backward, &mut graph, |graph| recompute(graph, network.batch, max))?;
    }
    let recomputed = cost::graph_flops(&graph).of_rows(network.batch).saturating_sub(once);
    let trace = driver.into_trace();
    let function = Function { name: name.to_string(), inputs: network.inputs.clone(), graph };
    Ok(Optimised { function, trace, recomputed })
}

/// Adds the gradients and the updates of all trainable parameters.
fn train(network: &Network, graph: &mut Graph) {
    let trained = trained(network, graph);
    if let Some(optimizer) = network.optimizer {
        optimizer.update(graph, &trained, &network.params);
    }
}

/// Makes the gradients of all trainable parameters results, in order of declaration.
fn give_gradients(network: &Network, graph: &mut Graph) {
    let trained = trained(network, graph);
    let trainable = network.params.iter().enumerate().filter(|(_, decl)| decl.trainable);
    for (place, (index, decl)) in trainable.enumerate() {
        let found = trained.iter().find(|one| one.index.0 == index).map(|one| one.gradient);
        // The loss does not depend on it.
        let node = found.unwrap_or_else(|| {
            let (dtype, dims, span) = (decl.ty.dtype, decl.ty.dims.clone(), decl.span);
            let zero =
                Node { op: Constant { value: Scalar(0.0), dtype }.into(), ty: Type::scalar(dtype), span, name: None };
            let zero = graph.push(zero, &[]);
            let op = Broadcast { batched: false, dims }.into();
            graph.push(Node { op, ty: decl.ty.clone(), span, name: None }, &[zero])
        });
        graph.roots.push(Root { kind: RootKind::Output(place), node });
    }
}

/// Adds the gradients of all trainable parameters that the loss depends on.
fn trained(network: &Network, graph: &mut Graph) -> Vec<Trained> {
    let loss = graph.roots.iter().find(|root| root.kind == RootKind::Loss).map(|root| root.node);
    let Some(loss) = loss else { return Vec::new() };
    let trainable: Vec<(ParamId, NodeId)> = graph
        .ids()
        .into_iter()
        .filter_map(|node| match graph.op(node) {
            Op::Param(param) if network.params.get(param.index.0).is_some_and(|decl| decl.trainable) => {
                Some((param.index, node))
            }
            _ => None,
        })
        .collect();
    let wrt: Vec<NodeId> = trainable.iter().map(|&(_, node)| node).collect();
    let gradients = autodiff::gradients(graph, loss, &wrt);
    let trained = trainable.into_iter().zip(gradients);
    trained.filter_map(|((index, param), gradient)| Some(Trained { index, param, gradient: gradient? })).collect()
}

/// The graph between the cut values and the result.
fn method(network: &Network, entry: &Method, dump: bool) -> Result<Optimised, Failure> {
    let mut cut = network.clone();
    cut.inputs.clear();
    let mut result = entry.to;
    for (place, &from) in entry.from.iter().enumerate() {
        let source = network.graph.node(from).clone();
        let declared = match &source.op {
            Op::Input(input) => network.inputs.get(input.index),
            _ => None,
        };
        // Whoever hands over indices is held to their bound.
        let made = network.classes(from).map_or(InputKind::Dense, InputKind::Classes);
        let (mut name, kind) = match (declared, &source.name) {
            (Some(input), _) => (input.name.clone(), input.kind.clone()),
            (None, Some(name)) => (Ident::new(&snake(name), source.span), made),
            (None, None) => (Ident::new(&format!("input_{place}"), source.span), made),
        };
        if cut.inputs.iter().any(|input| input.name == name) {
            name = Ident::new(&format!("{}_{place}", snake(&name.to_string())), name.span());
        }
        cut.inputs.push(InputDecl { name, kind, ty: source.ty.clone() });
        let op = Op::from(Input { index: place, ty: source.ty.clone() });
        let new = cut.graph.push(Node { op, ..source }, &[]);
        cut.graph.replace(from, new);
        if result == from {
            result = new;
        }
    }
    let roots = vec![Root { kind: RootKind::Output(0), node: result }];
    function(&cut, &entry.name.to_string(), roots, Goal::Infer, dump)
}
