//! Shape inference: every node's type comes from its primitive's own rule, here and nowhere else.

use proc_macro2::Span;

use crate::ir::{Graph, Name, Node, NodeId, Type};
use crate::ops::Op;

/// The most elements that one block of a value may have; past it sizes in bytes could overflow.
pub const MAX_ELEMENTS: usize = match 1usize.checked_shl(40) {
    Some(elements) => elements,
    // A compiler that runs on 32 bits.
    None => 1 << 24,
};

/// The type of `op` on operands of these types.
///
/// # Errors
/// What is wrong with the operands, in the user's terms.
pub fn infer(op: &Op, inputs: &[&Type]) -> Result<Type, String> {
    let ty = op.rules().infer(inputs)?;
    let elements = ty.dims.iter().try_fold(1usize, |product, &dim| product.checked_mul(dim));
    match elements {
        Some(elements) if elements <= MAX_ELEMENTS => Ok(ty),
        _ => Err(format!("{} has more than 2^{} elements", ty.shape(), MAX_ELEMENTS.ilog2())),
    }
}

/// Adds a node whose type is inferred.
///
/// # Errors
/// What is wrong with the operands, in the user's terms.
pub fn add(
    graph: &mut Graph,
    op: impl Into<Op>,
    inputs: &[NodeId],
    span: Span,
    name: Option<Name>,
) -> Result<NodeId, String> {
    let op = op.into();
    let types: Vec<&Type> = inputs.iter().map(|&input| graph.ty(input)).collect();
    let ty = infer(&op, &types)?;
    Ok(graph.push(Node { op, ty, span, name }, inputs))
}
