//! Kernels of the runtime without an epilogue (pools, tables), and the shapes of windows as it takes them.

use proc_macro2::TokenStream;
use quote::quote;

use super::body::{Body, Context, int};
use crate::fuse::Kernel;
use crate::ir::{NodeId, Type};
use crate::ops::{AvgPool2d, Conv2d, MaxPool2d, Op};

fn dim(ty: &Type, axis: usize) -> usize {
    ty.dims.get(axis).copied().unwrap_or(1)
}

/// An axis of an image: 0 is its height, whatever stands in front.
fn side(ty: &Type, axis: usize) -> usize {
    dim(ty, ty.dims.len().saturating_sub(3) + axis)
}

/// The images that this thread takes: those of its rows.
pub(super) fn images(kernel: &Kernel) -> TokenStream {
    let lead: usize = kernel.domain.dims.iter().rev().skip(3).product();
    let count = int(lead);
    match (kernel.domain.batched, lead) {
        (true, 1) => quote!(part.rows(m.rows)),
        (true, _) => quote!({
            let rows = part.rows(m.rows);
            rows.start * #count..rows.end * #count
        }),
        (false, _) => quote!(part.alone(#count)),
    }
}

fn pair([a, b]: [usize; 2]) -> TokenStream {
    let (a, b) = (int(a), int(b));
    quote!([#a, #b])
}

/// A convolution's shape from those of its image, its weights and its result.
pub(super) fn conv_shape(op: &Conv2d, image: &Type, weights: &Type, result: &Type) -> TokenStream {
    let input = pair([side(image, 0), side(image, 1)]);
    let channels = int(side(image, 2));
    let kernel = pair([dim(weights, 0), dim(weights, 1)]);
    let filters = int(dim(weights, 3));
    let output = pair([side(result, 0), side(result, 1)]);
    let (stride, dilation) = (pair(op.stride), pair(op.dilation));
    let low = pair([op.pad[0][0], op.pad[1][0]]);
    let high = pair([op.pad[0][1], op.pad[1][1]]);
    let groups = int(op.groups);
    quote! {
        const {
            ::kiln::kernels::Conv2dShape {
                input: #input,
                channels: #channels,
                kernel: #kernel,
                filters: #filters,
                output: #output,
                stride: #stride,
                pad_low: #low,
                pad_high: #high,
                dilation: #dilation,
                groups: #groups,
            }
        }
    }
}

fn pool_shape(size: [usize; 2], stride: [usize; 2], pad: [[usize; 2]; 2], image: &Type, result: &Type) -> TokenStream {
    let input = pair([side(image, 0), side(image, 1)]);
    let channels = int(side(image, 2));
    let output = pair([side(result, 0), side(result, 1)]);
    let (size, stride) = (pair(size), pair(stride));
    let low = pair([pad[0][0], pad[1][0]]);
    quote! {
        const {
            ::kiln::kernels::Pool2dShape {
                input: #input,
                channels: #channels,
                size: #size,
                stride: #stride,
                pad_low: #low,
                output: #output,
            }
        }
    }
}

/// A max-pool's shape from those of its image and its result.
pub(super) fn max_shape(pool: &MaxPool2d, image: &Type, result: &Type) -> TokenStream {
    pool_shape(pool.size, pool.stride, pool.pad, image, result)
}

/// Pointers to a max-pool's results, null where nobody wants them: the largest values, and their places.
pub(super) fn maxima(body: &mut Body<'_>) -> [TokenStream; 2] {
    let (graph, kernel) = (body.graph(), body.kernel());
    let is_place = |node: &NodeId| matches!(graph.op(*node), Op::MaxPool2dIndex(_));
    let is_value = |node: &NodeId| matches!(graph.op(*node), Op::MaxPool2d(_));
    [kernel.writes.iter().find(|node| is_value(node)), kernel.writes.iter().find(|node| is_place(node))].map(|found| {
        let pointer = found.map(|&node| body.pointer(node));
        pointer.map_or_else(|| quote!(::core::ptr::null_mut()), |pointer| quote!(#pointer))
    })
}

/// The indices that this thread takes: those of its rows.
fn rows_of(kernel: &Kernel, index: Option<&Type>) -> TokenStream {
    let count = int(index.map_or(1, Type::elements));
    if kernel.domain.batched {
        quote!({
            let rows = part.rows(m.rows);
            rows.start * #count..rows.end * #count
        })
    } else {
        quote!(part.rows(#count))
    }
}

/// The padding's index as the runtime takes it.
fn padding(index: Option<usize>) -> TokenStream {
    match index {
        Some(index) => {
            let index = int(index);
            quote!(#index)
        }
        None => quote!(::kiln::kernels::NO_PADDING),
    }
}

/// The statements of a kernel of the runtime that has no epilogue.
pub(super) fn whole(cx: Context<'_>, kernel: &Kernel, anchor: NodeId) -> TokenStream {
    let graph = cx.graph();
    let needs = &cx.program.needs;
    let mut body = Body::new(cx, kernel, false);
    let operands: Vec<_> =
        graph.inputs(anchor).into_iter().map(|operand| body.pointer(needs.storage(graph, operand))).collect();
    let source = graph.inputs(anchor).first().map(|&operand| graph.ty(operand).clone());
    let (Some(source), Some(first)) = (source, operands.first()) else { return TokenStream::new() };
    let result = graph.ty(anchor);
    let images = images(kernel);
    let avg =
        |pool: &AvgPool2d, image: &Type, result: &Type| pool_shape(pool.size, pool.stride, pool.pad, image, result);
    let call = match graph.op(anchor) {
        Op::MaxPool2d(_) | Op::MaxPool2dIndex(_) => {
            let pool = match graph.op(anchor) {
                Op::MaxPool2dIndex(index) => &index.pool,
                Op::MaxPool2d(pool) => pool,
                _ => return TokenStream::new(),
            };
            let shape = max_shape(pool, &source, result);
            let [values, index] = maxima(&mut body);
            quote!(::kiln::kernels::max_pool2d(s, #images, #shape, #first.cast_const(), #values, #index);)
        }
        Op::MaxPool2dGrad(op) => {
            let shape = max_shape(&op.pool, result, &source);
            let Some(index) = operands.get(1) else { return TokenStream::new() };
            let target = body.pointer(anchor);
            quote! {
                ::kiln::kernels::max_pool2d_grad(
                    s, #images, #shape, #first.cast_const(), #index.cast_const(), #target,
                );
            }
        }
        Op::AvgPool2d(pool) => {
            let shape = avg(pool, &source, result);
            let target = body.pointer(anchor);
            quote!(::kiln::kernels::avg_pool2d(s, #images, #shape, #first.cast_const(), #target);)
        }
        Op::AvgPool2dGrad(op) => {
            let shape = avg(&op.pool, result, &source);
            let target = body.pointer(anchor);
            quote!(::kiln::kernels::avg_pool2d_grad(s, #images, #shape, #first.cast_const(), #target);)
        }
        Op::ArgMax(_) => {
            let target = body.pointer(anchor);
            let (places, extent) = (rows_of(kernel, Some(result)), int(source.last()));
            quote!(::kiln::kernels::arg_max(s, #places, #extent, #first.cast_const(), #target);)
        }
        Op::Embed(op) => {
            let Some(index) = operands.get(1) else { return TokenStream::new() };
            let target = body.pointer(anchor);
            let places = rows_of(kernel, graph.inputs(anchor).get(1).map(|&index| graph.ty(index)));
            let (features, padding) = (int(result.last()), padding(op.padding));
            quote! {
                ::kiln::kernels::embed(
                    s, #places, #features, #padding, #first.cast_const(), #index.cast_const(), #target,
                );
            }
        }
        Op::EmbedGrad(op) => {
            let Some(g) = operands.get(1) else { return TokenStream::new() };
            let target = body.pointer(anchor);
            let (rows, features, padding) = (int(op.vocabulary), int(result.last()), padding(op.padding));
            let places = int(source.elements());
            let places = if source.batched { quote!(m.rows * #places) } else { quote!(#places) };
            quote! {
                let (rows, cols) = part.tile(#rows, #features);
                ::kiln::kernels::embed_grad(
                    s, rows, cols, #places, #features, #padding, #first.cast_const(), #g.cast_const(), #target,
                );
            }
        }
        _ => quote!(::core::compile_error!("kiln's bug: a kernel that nobody wrote");),
    };
    let head = std::mem::take(&mut body.head);
    quote!(#(#head)* #call)
}
