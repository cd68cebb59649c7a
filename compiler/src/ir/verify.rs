//! The verifier. The driver of the passes runs it after every one, so a broken pass is caught where it broke.
//!
//! What holds of every graph, by number; a failure names the number and the node.
//!
//! 1. The graph is acyclic.
//! 2. The operands of a node are numbered 0, 1, 2, … without a gap or a repetition.
//! 3. Every node's type is what its primitive's own shape rule gives for its operands' types.
//! 4. `Input(i)` is an input of the function, with the type that it is declared with.
//! 5. `Param(p)` is a parameter of the network, with the type that it is declared with; a slot of the optimiser's
//!    state belongs to a parameter and has its type.
//! 6. Every root's node stands in the graph, and no two roots are of the same kind.
//! 7. A root has the type of what it writes: a new parameter or slot the parameter's, the loss a float scalar.
//! 8. Outputs are numbered 0, 1, 2, … in order.
//! 9. No root is of type `Bool`, which is never stored.
//! 10. From [`Stage::Function`] on there is no `Phase`.
//! 11. From [`Stage::Backward`] on there is no `StopGradient`.

use std::collections::HashSet;

use super::{DType, Graph, InputDecl, NodeId, ParamDecl, ParamId, RootKind, Type};
use crate::infer::infer;
use crate::ops::Op;

/// How far a graph has come; each stage forbids what the passes before it took out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// As resolved: every phase in one graph.
    Network,
    /// Specialised to training or inference.
    Function,
    /// Whatever is to be differentiated has been.
    Backward,
}

/// What a graph may refer to.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// The function's inputs.
    pub inputs: &'a [InputDecl],
    /// The network's parameters.
    pub params: &'a [ParamDecl],
}

impl<'a> Scope<'a> {
    fn param(&self, param: ParamId) -> Result<&'a Type, String> {
        let declared = self.params.get(param.0).map(|declared| &declared.ty);
        declared.ok_or_else(|| format!("invariant 5: there is no parameter {}", param.0))
    }
}

/// Checks every invariant of this module's header.
///
/// # Errors
/// The first one that does not hold, and where.
pub fn verify(graph: &Graph, scope: &Scope<'_>, stage: Stage) -> Result<(), String> {
    let Some(order) = graph.try_topological() else {
        return Err("invariant 1: the graph has a cycle".into());
    };
    for id in order {
        node(graph, scope, stage, id)
            .map_err(|message| format!("{message}\n  at {id} = {} : {}", graph.op(id).rules().name(), graph.ty(id)))?;
    }
    roots(graph, scope)
}

fn node(graph: &Graph, scope: &Scope<'_>, stage: Stage, id: NodeId) -> Result<(), String> {
    let operands = graph.operands(id);
    if operands.iter().enumerate().any(|(expected, &(position, _))| position != expected) {
        let positions: Vec<usize> = operands.iter().map(|&(position, _)| position).collect();
        return Err(format!("invariant 2: the operands are numbered {positions:?}"));
    }
    let node = graph.node(id);
    let types: Vec<&Type> = operands.iter().map(|&(_, input)| graph.ty(input)).collect();
    let expected = infer(&node.op, &types).map_err(|message| format!("invariant 3: the shape rule says: {message}"))?;
    same(3, "the shape rule", &expected, &node.ty)?;
    match &node.op {
        Op::Input(input) => match scope.inputs.get(input.index) {
            Some(declared) => same(4, "the declaration", &declared.ty, &node.ty),
            None => Err(format!("invariant 4: there is no input {}", input.index)),
        },
        Op::Param(param) => same(5, "the declaration", scope.param(param.index)?, &node.ty),
        Op::State(state) => same(5, "the parameter", scope.param(state.index)?, &node.ty),
        Op::Phase(_) if stage >= Stage::Function => Err("invariant 10: a phase is left".into()),
        Op::StopGradient(_) if stage >= Stage::Backward => Err("invariant 11: a stop_gradient is left".into()),
        _ => Ok(()),
    }
}

fn roots(graph: &Graph, scope: &Scope<'_>) -> Result<(), String> {
    let mut kinds = HashSet::new();
    let mut outputs = 0;
    for root in &graph.roots {
        let at = |message: String| format!("{message}\n  at the root `{}`", root.kind);
        if !graph.contains(root.node) {
            return Err(at(format!("invariant 6: its node {} was removed", root.node)));
        }
        if !kinds.insert(&root.kind) {
            return Err(at("invariant 6: there are two of it".into()));
        }
        let ty = graph.ty(root.node);
        match root.kind {
            RootKind::Output(number) => {
                if number != outputs {
                    return Err(at(format!("invariant 8: output {outputs} should come here")));
                }
                outputs += 1;
            }
            RootKind::Loss => {
                if !ty.is_scalar() || !ty.dtype.is_float() {
                    return Err(at(format!("invariant 7: the loss is {ty}, not a float scalar")));
                }
            }
            RootKind::Param(param) | RootKind::State(param, _) => {
                scope.param(param).and_then(|declared| same(7, "the parameter", declared, ty)).map_err(at)?;
            }
        }
        if ty.dtype == DType::Bool {
            return Err(at("invariant 9: a bool is never stored".into()));
        }
    }
    Ok(())
}

fn same(invariant: usize, whose: &str, expected: &Type, found: &Type) -> Result<(), String> {
    if expected == found {
        Ok(())
    } else {
        Err(format!("invariant {invariant}: {whose} says {expected}, the type is {found}"))
    }
}
