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
//! 12. `Carry` is a root of the bodies of loops alone, and they have no other roots than those and outputs.
//! 13. The operand of a `Take` is a `Scan`, and its type is what the loop gives under its number.
//! 14. Whoever reads a `Scan` is a `Take`; no root does.
//! 15. The body of a loop has no `Param`, `State`, `Hyper` or `Random`: what depends on the call comes as an operand.
//! 16. All of this holds of the body of a loop, whose inputs are the loop's operands, of a sequence those of one step.

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

/// What this graph may refer to: a function, or a loop's body.
struct Inside<'a> {
    inputs: Vec<Type>,
    params: &'a [ParamDecl],
    body: bool,
}

impl<'a> Inside<'a> {
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
    let inputs = scope.inputs.iter().map(|declared| declared.ty.clone()).collect();
    check(graph, &Inside { inputs, params: scope.params, body: false }, stage)
}

fn check(graph: &Graph, scope: &Inside<'_>, stage: Stage) -> Result<(), String> {
    let Some(order) = graph.try_topological() else {
        return Err("invariant 1: the graph has a cycle".into());
    };
    for id in order {
        node(graph, scope, stage, id)
            .map_err(|message| format!("{message}\n  at {id} = {} : {}", graph.op(id).rules().name(), graph.ty(id)))?;
    }
    roots(graph, scope)
}

fn node(graph: &Graph, scope: &Inside<'_>, stage: Stage, id: NodeId) -> Result<(), String> {
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
            Some(declared) => same(4, "the declaration", declared, &node.ty),
            None => Err(format!("invariant 4: there is no input {}", input.index)),
        },
        Op::Param(_) | Op::State(_) | Op::Hyper(_) | Op::Random(_) if scope.body => {
            Err("invariant 15: a loop's body reads it".into())
        }
        Op::Param(param) => same(5, "the declaration", scope.param(param.index)?, &node.ty),
        Op::State(state) => same(5, "the parameter", scope.param(state.index)?, &node.ty),
        Op::Take(take) => match operands.first().map(|&(_, input)| graph.op(input)) {
            Some(Op::Scan(scan)) => match scan.results().get(take.index) {
                Some(result) => same(13, "the loop", result, &node.ty),
                None => Err(format!("invariant 13: the loop has no result {}", take.index)),
            },
            _ => Err("invariant 13: its operand is no loop".into()),
        },
        Op::Scan(scan) => {
            if graph.users(id).into_iter().any(|user| !matches!(graph.op(user), Op::Take(_))) {
                return Err("invariant 14: somebody else than a `take` reads it".into());
            }
            let inputs = scan.arguments(&types)?;
            check(scan.body.graph(), &Inside { inputs, params: &[], body: true }, stage)
                .map_err(|message| format!("{message}\n  in the body"))
        }
        Op::Phase(_) if stage >= Stage::Function => Err("invariant 10: a phase is left".into()),
        Op::StopGradient(_) if stage >= Stage::Backward => Err("invariant 11: a stop_gradient is left".into()),
        _ => Ok(()),
    }
}

fn roots(graph: &Graph, scope: &Inside<'_>) -> Result<(), String> {
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
        if matches!(graph.op(root.node), Op::Scan(_)) {
            return Err(at("invariant 14: a loop is no value".into()));
        }
        match root.kind {
            RootKind::Output(number) => {
                if number != outputs {
                    return Err(at(format!("invariant 8: output {outputs} should come here")));
                }
                outputs += 1;
            }
            RootKind::Loss | RootKind::Param(_) | RootKind::State(..) if scope.body => {
                return Err(at("invariant 12: this is a loop's body".into()));
            }
            RootKind::Loss => {
                if !ty.is_scalar() || !ty.dtype.is_float() {
                    return Err(at(format!("invariant 7: the loss is {ty}, not a float scalar")));
                }
            }
            RootKind::Carry(_) if scope.body => {}
            RootKind::Carry(_) => return Err(at("invariant 12: this is no loop's body".into())),
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

#[cfg(test)]
mod tests {
    use proc_macro2::Span;

    use super::super::{Init, InputKind, Node, Root};
    use super::*;
    use crate::ops::{Body, Compare, CompareKind, Input, Neg, Param, Phase, Scan, State, StopGradient, Take};

    fn ty(batched: bool) -> Type {
        Type { dtype: DType::F32, batched, dims: vec![2] }
    }

    fn push(graph: &mut Graph, op: impl Into<Op>, inputs: &[NodeId], ty: Type) -> NodeId {
        graph.push(Node { op: op.into(), ty, span: Span::call_site(), name: None }, inputs)
    }

    /// The negated input is output 0, the parameter is written back, in a scope of one input and one parameter.
    fn good() -> (Graph, NodeId, NodeId) {
        let mut graph = Graph::default();
        let x = push(&mut graph, Input { index: 0, ty: ty(true) }, &[], ty(true));
        let w = push(&mut graph, Param { index: ParamId(0), ty: ty(false) }, &[], ty(false));
        let y = push(&mut graph, Neg, &[x], ty(true));
        graph.roots.push(Root { kind: RootKind::Output(0), node: y });
        graph.roots.push(Root { kind: RootKind::Param(ParamId(0)), node: w });
        (graph, x, w)
    }

    fn verified(graph: &Graph, stage: Stage) -> Result<(), String> {
        let inputs = [InputDecl { name: quote::format_ident!("x"), kind: InputKind::Dense, ty: ty(true) }];
        let (name, init, span) = ("w".to_string(), Init::Zeros, Span::call_site());
        let params = [ParamDecl { name, ty: ty(false), init, trainable: true, settings: Default::default(), span }];
        verify(graph, &Scope { inputs: &inputs, params: &params }, stage)
    }

    /// The number of the invariant that a change breaks.
    #[track_caller]
    fn breaks(number: usize, stage: Stage, change: impl FnOnce(&mut Graph, NodeId, NodeId)) {
        let (mut graph, x, w) = good();
        change(&mut graph, x, w);
        let error = verified(&graph, stage).unwrap_err();
        assert!(error.starts_with(&format!("invariant {number}: ")), "{error}");
    }

    #[test]
    fn a_good_graph_passes() {
        assert_eq!(verified(&good().0, Stage::Backward), Ok(()));
    }

    #[test]
    fn every_invariant_is_checked() {
        let stage = Stage::Backward;
        breaks(1, stage, |graph, x, _| {
            let a = push(graph, Neg, &[x], ty(true));
            let b = push(graph, Neg, &[a], ty(true));
            graph.set_input(a, 0, b);
        });
        breaks(2, stage, |graph, x, _| {
            let sum = push(graph, crate::ops::Add, &[x, x], ty(true));
            graph.unplug(sum, 0);
        });
        breaks(3, stage, |graph, x, _| {
            push(graph, Neg, &[x], ty(false));
        });
        breaks(3, stage, |graph, x, w| {
            push(graph, crate::ops::Add, &[x, w], ty(true));
        });
        breaks(4, stage, |graph, _, _| {
            push(graph, Input { index: 1, ty: ty(true) }, &[], ty(true));
        });
        breaks(4, stage, |graph, _, _| {
            let other = ty(true).with_dims([3]);
            push(graph, Input { index: 0, ty: other.clone() }, &[], other);
        });
        breaks(5, stage, |graph, _, _| {
            push(graph, Param { index: ParamId(1), ty: ty(false) }, &[], ty(false));
        });
        breaks(5, stage, |graph, _, _| {
            let other = ty(false).with_dims([3]);
            push(graph, State { index: ParamId(0), slot: 1, ty: other.clone() }, &[], other);
        });
        breaks(6, stage, |graph, _, _| graph.remove(graph.roots[0].node));
        breaks(6, stage, |graph, _, _| graph.roots.push(graph.roots[1].clone()));
        breaks(7, stage, |graph, x, _| graph.roots[1].node = x);
        breaks(7, stage, |graph, x, _| graph.roots.push(Root { kind: RootKind::State(ParamId(0), 0), node: x }));
        breaks(7, stage, |graph, x, _| graph.roots.push(Root { kind: RootKind::Loss, node: x }));
        breaks(8, stage, |graph, x, _| graph.roots.push(Root { kind: RootKind::Output(2), node: x }));
        breaks(9, stage, |graph, x, _| {
            let less = Compare { kind: CompareKind::Lt };
            graph.roots[0].node = push(graph, less, &[x, x], ty(true).with_dtype(DType::Bool));
        });
    }

    /// A loop whose body negates a state of the parameter's type, with a `Take` of it.
    fn looped(graph: &mut Graph, w: NodeId, change: impl FnOnce(&mut Graph, NodeId)) -> (NodeId, NodeId) {
        let mut body = Graph::default();
        let h = push(&mut body, Input { index: 0, ty: ty(false) }, &[], ty(false));
        let next = push(&mut body, Neg, &[h], ty(false));
        body.roots.push(Root { kind: RootKind::Carry(0), node: next });
        change(&mut body, h);
        let scan = Scan { body: Body::new(body), steps: 3, reverse: false, sequences: 0, states: 1 };
        let scan = push(graph, scan, &[w], Type::fixed(DType::U8, [0]));
        (scan, push(graph, Take { index: 0, ty: ty(false) }, &[scan], ty(false)))
    }

    #[test]
    fn loops_are_checked_and_their_bodies_too() {
        let stage = Stage::Backward;
        let (mut graph, _, w) = good();
        looped(&mut graph, w, |_, _| {});
        assert_eq!(verified(&graph, stage), Ok(()));
        breaks(3, stage, |graph, x, _| {
            looped(graph, x, |_, _| {});
        });
        breaks(3, stage, |graph, _, w| {
            looped(graph, w, |body, h| {
                push(body, Neg, &[h], ty(true));
            });
        });
        breaks(3, stage, |graph, _, w| {
            looped(graph, w, |body, h| {
                push(body, Input { index: 1, ty: ty(false) }, &[h], ty(false));
            });
        });
        breaks(12, stage, |graph, x, _| graph.roots.push(Root { kind: RootKind::Carry(0), node: x }));
        breaks(3, stage, |graph, _, w| {
            looped(graph, w, |body, h| body.roots.push(Root { kind: RootKind::Param(ParamId(0)), node: h }));
        });
        breaks(13, stage, |graph, _, w| {
            push(graph, Take { index: 0, ty: ty(false) }, &[w], ty(false));
        });
        breaks(13, stage, |graph, _, w| {
            let (scan, _) = looped(graph, w, |_, _| {});
            push(graph, Take { index: 1, ty: ty(false) }, &[scan], ty(false));
        });
        breaks(13, stage, |graph, _, w| {
            let (scan, _) = looped(graph, w, |_, _| {});
            push(graph, Take { index: 0, ty: ty(true) }, &[scan], ty(true));
        });
        breaks(14, stage, |graph, _, w| {
            let (scan, _) = looped(graph, w, |_, _| {});
            let empty = graph.ty(scan).clone();
            push(graph, crate::ops::StopGradient, &[scan], empty);
        });
        breaks(14, stage, |graph, _, w| {
            let (scan, _) = looped(graph, w, |_, _| {});
            graph.roots[0].node = scan;
        });
        breaks(15, stage, |graph, _, w| {
            looped(graph, w, |body, _| {
                push(body, Param { index: ParamId(0), ty: ty(false) }, &[], ty(false));
            });
        });
        breaks(11, stage, |graph, _, w| {
            looped(graph, w, |body, h| {
                push(body, StopGradient, &[h], ty(false));
            });
        });
    }

    #[test]
    fn stages_forbid_what_is_settled() {
        let phase = |graph: &mut Graph, x: NodeId, _| {
            push(graph, Phase, &[x, x], ty(true));
        };
        let stop = |graph: &mut Graph, x: NodeId, _| {
            push(graph, StopGradient, &[x], ty(true));
        };
        breaks(10, Stage::Function, phase);
        breaks(10, Stage::Backward, phase);
        breaks(11, Stage::Backward, stop);
        let (mut graph, x, w) = good();
        stop(&mut graph, x, w);
        assert_eq!(verified(&graph, Stage::Function), Ok(()));
        phase(&mut graph, x, w);
        assert_eq!(verified(&graph, Stage::Network), Ok(()));
    }
}
