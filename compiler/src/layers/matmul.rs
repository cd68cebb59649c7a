//! `matmul`

use super::template::{Kind, Parameter, Template};
use super::{Bound, Builder};
use crate::ir::{NodeId, shape};
use crate::ops::{BatchMatMul, MatMul};
use crate::resolve::{Eval, Value};

pub(super) const TEMPLATES: &[Template] = &[Template {
    name: "matmul",
    aliases: &["dot"],
    docs: "The matrix product of the two last axes, leading axes broadcast, as NumPy's matmul. The batch is no axis \
           of a matrix: a vector per row times a parameter [in, out] is a vector per row.",
    params: &[
        Parameter::required("a", Kind::Tensor, "The left factor, [.., M, K] or [K]."),
        Parameter::required("b", Kind::Tensor, "The right factor, [.., K, N] or [K]."),
    ],
    layer: false,
    build,
}];

fn build(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<Value> {
    let (left, right) = (b.tensor(args, "a")?, b.tensor(args, "b")?);
    let (left_type, right_type) = (b.ty(left), b.ty(right));
    let (l, r) = (left_type.dims.as_slice(), right_type.dims.as_slice());
    let rows = if r.len() > 1 { r.get(r.len() - 2) } else { r.last() };
    let (Some(inner), Some(rows)) = (l.last(), rows) else {
        let message = format!("`matmul` needs an axis in both factors: {} and {}", shape(l), shape(r));
        return b.shape_error(b.span, message, &[left, right], None);
    };
    if inner != rows {
        let message = format!(
            "can't multiply {} by {}: the left's last axis is {inner}, the right's {} is {rows}",
            shape(l),
            shape(r),
            if r.len() > 1 { "last but one" } else { "axis" }
        );
        let help = matches!(r, [_, last] if last == inner).then(|| "transpose(b) fits".to_string());
        return b.shape_error(b.span, message, &[left, right], help);
    }
    multiply(b, left, right).map(Value::Tensor)
}

/// The product of factors whose inner axes agree.
pub(super) fn multiply(b: &mut Builder<'_, '_>, left: NodeId, right: NodeId) -> Eval<NodeId> {
    let right_type = b.ty(right);
    if right_type.dims.len() == 2 && !right_type.batched {
        return b.node(MatMul { transpose: false }, &[left, right]);
    }
    product(b, left, right)
}

/// Vectors become matrices of one row or column for the product's time.
fn product(b: &mut Builder<'_, '_>, left: NodeId, right: NodeId) -> Eval<NodeId> {
    let (left_type, right_type) = (b.ty(left), b.ty(right));
    let (row, column) = (left_type.dims.len() == 1, right_type.dims.len() == 1);
    let (mut l, mut r) = (left_type.dims, right_type.dims);
    if row {
        l.insert(0, 1);
    }
    if column {
        r.push(1);
    }
    let (left, right) = (b.reshape(left, &l)?, b.reshape(right, &r)?);
    let (l_lead, l_matrix) = l.split_at(l.len() - 2);
    let (r_lead, r_matrix) = r.split_at(r.len() - 2);
    let Some(lead) = crate::resolve::broadcast_dims(l_lead, r_lead) else {
        let message = format!("can't multiply {} by {}: the leading axes differ", shape(&l), shape(&r));
        return b.shape_error(b.span, message, &[left, right], None);
    };
    let batched = left_type.batched || right_type.batched;
    let whole = |matrix: &[usize]| [lead.as_slice(), matrix].concat();
    let left = b.resolver.broadcast(left, batched, &whole(l_matrix), b.span)?;
    let right = b.resolver.broadcast(right, batched, &whole(r_matrix), b.span)?;
    let result = b.node(BatchMatMul { ta: false, tb: false }, &[left, right])?;
    let mut dims = b.dims(result);
    if column {
        dims.pop();
    }
    if row {
        dims.remove(lead.len());
    }
    b.reshape(result, &dims)
}
