//! Strided copies: transposes, flips, slices, pads and concatenations.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::body::{Body, Context, int};
use super::locate::pitch;
use super::module::element;
use crate::fuse::Kernel;
use crate::ir::{NodeId, Type};
use crate::ops::Op;

/// A block of elements of one row, taken from `from` on and put at `to` on.
struct Block {
    dims: Vec<usize>,
    from: usize,
    from_strides: Vec<isize>,
    to: usize,
    to_strides: Vec<usize>,
}

fn strides(dims: &[usize]) -> Vec<usize> {
    let mut strides = vec![1usize; dims.len()];
    for axis in (1..dims.len()).rev() {
        strides[axis - 1] = strides[axis].saturating_mul(dims[axis]);
    }
    strides
}

fn dot(a: &[usize], b: &[usize]) -> usize {
    a.iter().zip(b).map(|(a, b)| a.saturating_mul(*b)).fold(0, usize::saturating_add)
}

/// Strides of a source, which a flip walks backwards.
fn signed(strides: &[usize]) -> Vec<isize> {
    strides.iter().map(|&stride| isize::try_from(stride).unwrap_or(isize::MAX)).collect()
}

fn scaled(strides: &[usize], by: impl Iterator<Item = usize>) -> Vec<usize> {
    strides.iter().zip(by).map(|(stride, by)| stride.saturating_mul(by)).collect()
}

/// The copy that a primitive asks of operand number `position`.
fn block(op: &Op, position: usize, operands: &[&Type], result: &Type) -> Option<Block> {
    let source = operands.get(position)?;
    let (inner, outer) = (strides(&source.dims), strides(&result.dims));
    Some(match op {
        Op::Transpose(op) => {
            let strides: Vec<usize> =
                op.perm.iter().map(|&axis| inner.get(axis).copied().unwrap_or_default()).collect();
            Block { dims: result.dims.clone(), from: 0, from_strides: signed(&strides), to: 0, to_strides: outer }
        }
        Op::Flip(op) => {
            let mut from_strides = signed(&inner);
            let mut from: usize = 0;
            for &axis in &op.axes {
                let (Some(stride), Some(dim)) = (from_strides.get_mut(axis), source.dims.get(axis)) else { continue };
                from = from.saturating_add(stride.unsigned_abs().saturating_mul(dim.saturating_sub(1)));
                *stride = -*stride;
            }
            Block { dims: result.dims.clone(), from, from_strides, to: 0, to_strides: outer }
        }
        Op::Slice(op) => Block {
            dims: result.dims.clone(),
            from: dot(&op.starts, &inner),
            from_strides: signed(&scaled(&inner, op.steps.iter().copied())),
            to: 0,
            to_strides: outer,
        },
        Op::Pad(op) => Block {
            dims: source.dims.clone(),
            from: 0,
            from_strides: signed(&inner),
            to: dot(&op.low, &outer),
            to_strides: scaled(&outer, op.interior.iter().map(|zeros| zeros + 1)),
        },
        Op::Concat(op) => {
            let before: usize = operands[..position].iter().filter_map(|ty| ty.dims.get(op.axis)).sum();
            let to = before.saturating_mul(outer.get(op.axis).copied().unwrap_or_default());
            Block { dims: source.dims.clone(), from: 0, from_strides: signed(&inner), to, to_strides: outer }
        }
        _ => return None,
    })
}

fn signed_array(values: &[isize]) -> TokenStream {
    let values = values.iter().map(|&value| {
        let size = int(value.unsigned_abs());
        if value < 0 { quote!(-#size) } else { quote!(#size) }
    });
    quote!([#(#values),*])
}

fn array(values: &[usize]) -> TokenStream {
    let values = values.iter().map(|&value| int(value));
    quote!([#(#values),*])
}

/// The kernel's statements.
pub(super) fn moves(cx: Context<'_>, kernel: &Kernel, anchor: NodeId) -> TokenStream {
    let graph = cx.graph();
    let needs = &cx.program.needs;
    let mut body = Body::new(cx, kernel, false);
    let inputs = graph.inputs(anchor);
    let types: Vec<&Type> = inputs.iter().map(|&operand| graph.ty(operand)).collect();
    let bases: Vec<NodeId> = inputs.iter().map(|&operand| needs.storage(graph, operand)).collect();
    let sources: Vec<Ident> = bases.iter().map(|&base| body.pointer(base)).collect();
    let target = body.pointer(anchor);
    let result = graph.ty(anchor);
    let (size, apart) = (int(result.elements()), int(pitch(cx, anchor)));
    let clear = matches!(graph.op(anchor), Op::Pad(_)).then(|| {
        let float = element(result.dtype);
        quote!(::core::ptr::write_bytes::<#float>(#target.add(row * #apart), 0, #size);)
    });
    let copies: Vec<TokenStream> = sources
        .iter()
        .enumerate()
        .filter_map(|(position, source)| {
            let block = block(graph.op(anchor), position, &types, result)?;
            // A value without a batch is the same in each row.
            let row = int(if types[position].batched { pitch(cx, bases[position]) } else { 0 });
            let (from, to) = (int(block.from), int(block.to));
            let (dims, from_strides, to_strides) =
                (array(&block.dims), signed_array(&block.from_strides), array(&block.to_strides));
            let (copy, simd) = match result.dtype == cx.network.dtype {
                true => (quote!(copy_floats), Some(quote!(s,))),
                false => (quote!(copy), None),
            };
            Some(quote! {
                ::kiln::engine::#copy(
                    #simd
                    #dims,
                    #source.add(row * #row + #from).cast_const(),
                    #from_strides,
                    #target.add(row * #apart + #to),
                    #to_strides,
                );
            })
        })
        .collect();
    let rows = if kernel.domain.batched { quote!(part.rows(m.rows)) } else { quote!(part.alone(1)) };
    let head = std::mem::take(&mut body.head);
    quote! {
        #(#head)*
        for row in #rows {
            #clear
            #(#copies)*
        }
    }
}
