//! Products: a kernel of the runtime, and in its epilogue whatever was fused behind it.

use proc_macro2::TokenStream;
use quote::quote;

use super::body::{Body, Context, int};
use super::locate::locate;
use super::{columns, window};
use crate::fuse::{Kernel, Level};
use crate::ir::{Graph, NodeId, Type};
use crate::ops::{Conv2d, MaxPool2dIndex, Op};

/// A product's call: its kernel's statements and the scratch that it takes, in elements.
pub(super) struct Product {
    /// The statements.
    pub code: TokenStream,
    /// An expression for the elements of scratch memory.
    pub scratch: TokenStream,
}

/// The kernel's statements.
pub(super) fn product(cx: Context<'_>, kernel: &Kernel, anchor: NodeId) -> Product {
    let graph = cx.graph();
    let needs = &cx.program.needs;
    let mut body = Body::new(cx, kernel, false);
    let bases: Vec<NodeId> = graph.inputs(anchor).into_iter().map(|operand| needs.storage(graph, operand)).collect();
    let pointers: Vec<_> = bases.iter().map(|&base| body.pointer(base)).collect();
    let pitches: Vec<Option<usize>> = bases.iter().map(|&base| locate(cx, base).pitch).collect();
    let types: Vec<&Type> = graph.inputs(anchor).into_iter().map(|operand| graph.ty(operand)).collect();
    let sum = body.name("sum");
    body.full.define(anchor, sum.clone());
    if let (Some(pool), Op::Conv2d(conv)) = (kernel.pool, graph.op(anchor)) {
        return max_pooled(body, conv, pool, (&pointers, &types), &sum);
    }
    let (own, others): (Vec<NodeId>, Vec<NodeId>) =
        kernel.writes.iter().partition(|&&node| graph.ty(node).dims == kernel.domain.dims);
    let lines = body.epilogue(&own);
    let sums = kernel.sums.map(|reduce| columns::along(&mut body, kernel, reduce, &others));
    let epilogue_after = |first: TokenStream| {
        quote! {
            #[inline(always)] |#sum, row, col, n| {
                #first
                #(#lines)*
            }
        }
    };
    let epilogue = epilogue_after(quote!());
    let head = std::mem::take(&mut body.head);
    let ([left, right], [left_ty, right_ty], &[left_pitch, right_pitch]) =
        (pointers.as_slice(), types.as_slice(), pitches.as_slice())
    else {
        let Product { code, scratch } = pooled(graph, kernel, anchor, &pointers, &epilogue);
        return Product { code: quote!(#(#head)* #code), scratch };
    };
    let sides = Sides { left, right, left_ty, right_ty, left_pitch, right_pitch };
    let Product { code, scratch } = match graph.op(anchor) {
        Op::MatMul(op) => matmul(kernel, &sides, op.transpose, &epilogue),
        Op::Contract(_) => contract(cx, kernel, &sides, &epilogue),
        Op::BatchMatMul(op) => batch_matmul(kernel, &sides, [op.ta, op.tb], &epilogue_after),
        Op::Conv2d(op) => {
            let shape = window::conv_shape(op, left_ty, right_ty, graph.ty(anchor));
            over_images(kernel, &shape, "conv2d", left, right, &epilogue)
        }
        Op::Conv2dInputGrad(op) => {
            let shape = window::conv_shape(&op.conv, graph.ty(anchor), right_ty, left_ty);
            over_images(kernel, &shape, "conv2d_input_grad", left, right, &epilogue)
        }
        Op::Conv2dWeightGrad(op) => {
            let shape = window::conv_shape(&op.conv, left_ty, graph.ty(anchor), right_ty);
            weight_grad(kernel, &shape, &sides, &epilogue)
        }
        _ => Product { code: TokenStream::new(), scratch: quote!(0) },
    };
    Product { code: quote!(#(#head)* #code #sums), scratch }
}

struct Sides<'a> {
    left: &'a proc_macro2::Ident,
    right: &'a proc_macro2::Ident,
    left_ty: &'a Type,
    right_ty: &'a Type,
    left_pitch: Option<usize>,
    right_pitch: Option<usize>,
}

fn matrix(pointer: &proc_macro2::Ident, row: usize, col: usize) -> TokenStream {
    let (row, col) = (int(row), int(col));
    quote!(::kiln::kernels::Matrix { ptr: #pointer.cast_const(), row: #row, col: #col })
}

/// The statement that takes this thread's rows and columns of a two-dimensional result.
fn tile(kernel: &Kernel) -> TokenStream {
    let (lead, cols) = (int(kernel.lead()), int(kernel.cols()));
    if kernel.domain.batched {
        quote! {
            let rows = part.rows(m.rows);
            let rows = rows.start * #lead..rows.end * #lead;
            let cols = 0..#cols;
        }
    } else {
        quote!(let (rows, cols) = part.tile(#lead, #cols);)
    }
}

/// The same for a product whose sums are taken along afterwards.
fn split(kernel: &Kernel) -> TokenStream {
    let tile = tile(kernel);
    let kept = kernel.sums.map(|_| quote!(let (first, summed) = (rows.start == 0, cols.clone());));
    quote!(#tile #kept)
}

/// `[*, K] · [K, N]`.
fn matmul(kernel: &Kernel, sides: &Sides<'_>, transpose: bool, epilogue: &TokenStream) -> Product {
    let depth = sides.left_ty.last();
    let a = matrix(sides.left, sides.left_pitch.unwrap_or(depth), 1);
    let b = if transpose { matrix(sides.right, 1, depth) } else { matrix(sides.right, kernel.cols(), 1) };
    let (tile, depth) = (tile(kernel), int(depth));
    Product {
        code: quote! {
            #tile
            ::kiln::kernels::gemm(s, part.scratch(), rows, cols, #depth, #a, #b, #epilogue);
        },
        scratch: quote!(::kiln::kernels::gemm_scratch(#depth)),
    }
}

/// `[*, K]ᵀ · [*, N]`, over all rows.
fn contract(cx: Context<'_>, kernel: &Kernel, sides: &Sides<'_>, epilogue: &TokenStream) -> Product {
    let rows: usize = sides.left_ty.dims.iter().rev().skip(1).product();
    let a = matrix(sides.left, 1, sides.left_pitch.unwrap_or(sides.left_ty.last()));
    let b = matrix(sides.right, sides.right_pitch.unwrap_or(sides.right_ty.last()), 1);
    let tile = split(kernel);
    let lead = int(rows);
    let (depth, most) = if sides.left_ty.batched {
        (quote!(m.rows * #lead), int(cx.network.batch.saturating_mul(rows)))
    } else {
        (quote!(#lead), int(rows))
    };
    Product {
        code: quote! {
            #tile
            ::kiln::kernels::gemm(s, part.scratch(), rows, cols, #depth, #a, #b, #epilogue);
        },
        scratch: quote!(::kiln::kernels::gemm_scratch(#most)),
    }
}

/// One product for each leading index.
fn batch_matmul(
    kernel: &Kernel,
    sides: &Sides<'_>,
    [ta, tb]: [bool; 2],
    epilogue_after: &dyn Fn(TokenStream) -> TokenStream,
) -> Product {
    let axes = |ty: &Type| {
        let mut last = ty.dims.iter().rev().copied();
        (last.nth(1).unwrap_or(1), ty.last())
    };
    let (a_rows, a_cols) = axes(sides.left_ty);
    let (b_rows, b_cols) = axes(sides.right_ty);
    let (height, depth) = if ta { (a_cols, a_rows) } else { (a_rows, a_cols) };
    let groups = kernel.lead() / height.max(1);
    let a_step = int(sides.left_pitch.unwrap_or(a_rows * a_cols));
    let b_step = int(sides.right_pitch.unwrap_or(b_rows * b_cols));
    let stride = |transposed: bool, cols: usize| {
        let cols = int(cols);
        if transposed { quote!(row: 1, col: #cols) } else { quote!(row: #cols, col: 1) }
    };
    let (a_stride, b_stride) = (stride(ta, a_cols), stride(tb, b_cols));
    let (left, right) = (sides.left, sides.right);
    let (groups, height, depth, cols) = (int(groups), int(height), int(depth), int(kernel.cols()));
    let range = if kernel.domain.batched {
        quote! {
            let groups = part.rows(m.rows);
            let groups = groups.start * #groups..groups.end * #groups;
        }
    } else {
        quote!(let groups = part.rows(#groups);)
    };
    let epilogue = epilogue_after(quote!(let row = group * #height + row;));
    Product {
        code: quote! {
            #range
            for group in groups {
                let a = ::kiln::kernels::Matrix { ptr: #left.add(group * #a_step).cast_const(), #a_stride };
                let b = ::kiln::kernels::Matrix { ptr: #right.add(group * #b_step).cast_const(), #b_stride };
                ::kiln::kernels::gemm(s, part.scratch(), 0..#height, 0..#cols, #depth, a, b, #epilogue);
            }
        },
        scratch: quote!(::kiln::kernels::gemm_scratch(#depth)),
    }
}

/// A convolution or its input gradient: each thread takes images.
fn over_images(
    kernel: &Kernel,
    shape: &TokenStream,
    name: &str,
    left: &proc_macro2::Ident,
    right: &proc_macro2::Ident,
    epilogue: &TokenStream,
) -> Product {
    let function = super::names::ident(name);
    let scratch = quote::format_ident!("{name}_scratch");
    let images = window::images(kernel);
    Product {
        code: quote! {
            ::kiln::kernels::#function(
                s, part.scratch(), #images, #shape, #left.cast_const(), #right.cast_const(), #epilogue,
            );
        },
        scratch: quote!(::kiln::kernels::#scratch(#shape)),
    }
}

/// A convolution with the max-pool behind it: each thread takes images.
fn max_pooled(
    mut body: Body<'_>,
    conv: &Conv2d,
    pool: NodeId,
    (pointers, types): (&[proc_macro2::Ident], &[&Type]),
    sum: &proc_macro2::Ident,
) -> Product {
    let (graph, kernel) = (body.graph(), body.kernel());
    let image = graph.input(pool, 0);
    let value = body.value(image, Level::Full);
    let is_pool = |node: &NodeId| matches!(graph.op(*node), Op::MaxPool2d(_) | Op::MaxPool2dIndex(_));
    let own: Vec<NodeId> = kernel.writes.iter().copied().filter(|node| !is_pool(node)).collect();
    let lines = body.epilogue(&own);
    let [values, index] = window::maxima(&mut body);
    let (Op::MaxPool2d(settings) | Op::MaxPool2dIndex(MaxPool2dIndex { pool: settings })) = graph.op(pool) else {
        return Product { code: TokenStream::new(), scratch: quote!(0) };
    };
    let (images, pool) = (window::images(kernel), window::max_shape(settings, graph.ty(image), graph.ty(pool)));
    let shape = match types {
        [x, w] => window::conv_shape(conv, x, w, graph.ty(image)),
        _ => TokenStream::new(),
    };
    let head = std::mem::take(&mut body.head);
    Product {
        code: quote! {
            #(#head)*
            ::kiln::kernels::conv2d_max_pool2d(
                s, part.scratch(), #images, #shape, #pool, #(#pointers.cast_const(),)* #values, #index,
                #[inline(always)] |#sum, row, col, n| {
                    #(#lines)*
                    #value
                },
            );
        },
        scratch: quote!(::kiln::kernels::conv2d_max_pool2d_scratch(#shape, #pool)),
    }
}

/// A convolution's gradient under a max-pool: each thread takes images, or filters and goes through all images.
fn pooled(
    graph: &Graph,
    kernel: &Kernel,
    anchor: NodeId,
    pointers: &[proc_macro2::Ident],
    epilogue: &TokenStream,
) -> Product {
    let inputs = graph.inputs(anchor);
    let ty = |place: usize| inputs.get(place).map_or(graph.ty(anchor), |&input| graph.ty(input));
    let (name, shape, spread, [g, image, weights], range) = match graph.op(anchor) {
        Op::Conv2dPooledInputGrad(op) => {
            let types = [ty(0), graph.ty(anchor), ty(2)];
            ("conv2d_pooled_input_grad", &op.grad.conv, &op.spread, types, window::images(kernel))
        }
        Op::Conv2dPooledWeightGrad(op) => {
            let filters = int(kernel.cols());
            let images = all_images(ty(0));
            let range = quote!(part.rows(#filters), #images);
            ("conv2d_pooled_weight_grad", &op.grad.conv, &op.spread, [ty(1), ty(0), graph.ty(anchor)], range)
        }
        _ => return Product { code: TokenStream::new(), scratch: quote!(0) },
    };
    let [height, width] = spread.input;
    let between = g.with_dims([height, width, g.last()]);
    let shape = window::conv_shape(shape, image, weights, &between);
    let pool = window::max_shape(&spread.pool, &between, g);
    let (function, scratch) = (super::names::ident(name), quote::format_ident!("{name}_scratch"));
    Product {
        code: quote! {
            ::kiln::kernels::#function(
                s, part.scratch(), #range, #shape, #pool, #(#pointers.cast_const(),)* #epilogue,
            );
        },
        scratch: quote!(::kiln::kernels::#scratch(#shape, #pool)),
    }
}

/// How many images there are in all rows.
fn all_images(ty: &Type) -> TokenStream {
    let lead: usize = ty.dims.iter().rev().skip(3).product();
    let count = int(lead);
    match (ty.batched, lead) {
        (true, 1) => quote!(m.rows),
        (true, _) => quote!(m.rows * #count),
        (false, _) => quote!(#count),
    }
}

/// A convolution's weight gradient: each thread takes a tile of the weights and goes through all images.
fn weight_grad(kernel: &Kernel, shape: &TokenStream, sides: &Sides<'_>, epilogue: &TokenStream) -> Product {
    let images = all_images(sides.left_ty);
    let (left, right) = (sides.left, sides.right);
    let tile = split(kernel);
    Product {
        code: quote! {
            #tile
            ::kiln::kernels::conv2d_weight_grad(
                s, part.scratch(), rows, cols, #images, #shape, #left.cast_const(), #right.cast_const(), #epilogue,
            );
        },
        scratch: quote!(::kiln::kernels::conv2d_weight_grad_scratch(#shape)),
    }
}
