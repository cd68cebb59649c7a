//! Canonical forms, and what costs nothing to leave out: identities of arithmetic, chains of reshapes, transposes
//! that a product can read as they are, reductions over axes of one element.
//!
//! Every rule makes the graph smaller, or an operation cheaper, or brings it to the one form that later rules and
//! passes look for: constants stand on the right of `Add` and `Mul`, a negation is part of a `Sub`, each reduction
//! covers one run of neighbouring axes.

mod arithmetic;
mod products;
mod reductions;
mod shapes;

use super::rewrite::{At, Rewritten, walk};
use crate::ir::Graph;
use crate::ops::Op;

/// Applies the rules to every node, operands first.
///
/// # Errors
/// If a rule builds a node that does not fit: a bug of the rule.
pub fn simplify(graph: &mut Graph) -> Result<bool, String> {
    walk(graph, rule)
}

fn rule(at: &mut At<'_>) -> Rewritten {
    match at.op() {
        Op::Add(_) => arithmetic::add(at),
        Op::Sub(_) => arithmetic::sub(at),
        Op::Mul(_) => arithmetic::mul(at),
        Op::Div(_) => arithmetic::div(at),
        Op::Pow(_) => arithmetic::pow(at),
        Op::Neg(_) => arithmetic::neg(at),
        Op::Abs(_) => arithmetic::abs(at),
        Op::Relu(_) => arithmetic::relu(at),
        Op::Maximum(_) | Op::Minimum(_) => arithmetic::extremum(at),
        Op::Select(_) => arithmetic::select(at),
        Op::Broadcast(_) => shapes::broadcast(at),
        Op::Reshape(_) => shapes::reshape(at),
        Op::Transpose(_) => shapes::transpose(at),
        Op::Slice(_) => shapes::slice(at),
        Op::Pad(_) => shapes::pad(at),
        Op::Concat(_) => shapes::concat(at),
        Op::Reduce(_) => reductions::reduce(at),
        Op::MatMul(_) => products::matmul(at),
        Op::BatchMatMul(_) => products::batch_matmul(at),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests;
