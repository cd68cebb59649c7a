//! Forms of loops that kernels exist for, and that don't do in every step what can be done once.

use super::legalise::{Heir, legalise};
use crate::ir::{DType, Graph, NodeId};
use crate::ops::{Body, Compare, CompareKind, Concat, Input, MatMul, Op, Pad, Scan, Select, Transpose};

/// A loop that reads comparisons, which are never stored, as one that reads ones and zeros.
pub(super) fn numbers_for_masks(graph: &mut Graph, node: NodeId, scan: &Scan) -> Option<NodeId> {
    let mut operands = graph.inputs(node);
    let masks: Vec<usize> =
        (0..operands.len()).filter(|&index| graph.ty(operands[index]).dtype == DType::Bool).collect();
    let mut body = scan.body.graph().clone();
    let dtype = body.ids().into_iter().map(|id| body.ty(id).dtype).find(|dtype| dtype.is_float());
    let (false, Some(dtype)) = (masks.is_empty(), dtype) else { return None };
    let heir = Heir::of(graph, node);
    for index in masks {
        let ty = graph.ty(operands[index]).with_dtype(dtype);
        let (one, zero) = (heir.constant(graph, 1.0, &ty), heir.constant(graph, 0.0, &ty));
        operands[index] = heir.push(graph, Select {}, &[operands[index], one, zero]);
        for read in body.ids() {
            let Op::Input(input) = body.op(read) else { continue };
            if input.index != index {
                continue;
            }
            let ty = body.ty(read).with_dtype(dtype);
            let number = heir.push(&mut body, Input { index, ty: ty.clone() }, &[]);
            let zero = heir.constant(&mut body, 0.0, &ty);
            let mask = heir.push(&mut body, Compare { kind: CompareKind::Ne }, &[number, zero]);
            body.replace(read, mask);
            body.remove(read);
        }
    }
    // Views of these comparisons are new.
    legalise(&mut body);
    Some(heir.push(graph, Scan { body: Body::new(body), ..scan.clone() }, &operands))
}

/// A loop whose products read weights the wrong way round as one over weights that were turned once, in front of it.
pub(super) fn weights_upright(graph: &mut Graph, node: NodeId, scan: &Scan) -> Option<NodeId> {
    let mut operands = graph.inputs(node);
    let mut body = scan.body.graph().clone();
    let heir = Heir::of(graph, node);
    let mut changed = false;
    for product in body.ids() {
        let Op::MatMul(MatMul { transpose: true }) = body.op(product) else { continue };
        let (left, right) = (body.input(product, 0), body.input(product, 1));
        let Op::Input(Input { index, ty }) = body.op(right).clone() else { continue };
        let captured = index >= scan.sequences + scan.states && !ty.batched && ty.dims.len() == 2;
        if !captured {
            continue;
        }
        let turn = Transpose { perm: vec![1, 0] };
        let upright = heir.push(graph, turn, &[operands[index]]);
        let ty = graph.ty(upright).clone();
        let read = heir.push(&mut body, Input { index: operands.len(), ty }, &[]);
        operands.push(upright);
        let plain = heir.push(&mut body, MatMul { transpose: false }, &[left, read]);
        body.replace(product, plain);
        body.remove(product);
        changed = true;
    }
    changed.then(|| heir.push(graph, Scan { body: Body::new(body), ..scan.clone() }, &operands))
}

/// A sum of values with zeros around that together fill the result as those values side by side.
pub(super) fn side_by_side(graph: &mut Graph, node: NodeId) -> Option<NodeId> {
    let mut parts: Vec<(usize, NodeId)> = Vec::new();
    let mut along: Option<usize> = None;
    let mut stack = vec![node];
    while let Some(next) = stack.pop() {
        match graph.op(next) {
            Op::Add(_) => stack.extend(graph.inputs(next)),
            Op::Pad(pad) => {
                let axis = padded_axis(pad)?;
                if *along.get_or_insert(axis) != axis {
                    return None;
                }
                parts.push((pad.low[axis], graph.input(next, 0)));
            }
            _ => return None,
        }
        if parts.len() + stack.len() > MOST_PARTS {
            return None;
        }
    }
    let axis = along?;
    parts.sort_unstable();
    let mut end = 0;
    for &(start, part) in &parts {
        if start != end {
            return None;
        }
        end += graph.ty(part).dims.get(axis)?;
    }
    if end != *graph.ty(node).dims.get(axis)? {
        return None;
    }
    let operands: Vec<NodeId> = parts.into_iter().map(|(_, part)| part).collect();
    Some(Heir::of(graph, node).push(graph, Concat { axis }, &operands))
}

/// Past so many parts nobody has written slices of one value.
const MOST_PARTS: usize = 64;

/// The one axis along which zeros stand around, not between.
fn padded_axis(pad: &Pad) -> Option<usize> {
    let mut axes = (0..pad.low.len()).filter(|&axis| pad.low[axis] + pad.high[axis] > 0);
    match (axes.next(), axes.next()) {
        (Some(axis), None) if pad.interior.iter().all(|&zeros| zeros == 0) => Some(axis),
        _ => None,
    }
}
