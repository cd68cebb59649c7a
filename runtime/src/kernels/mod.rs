//! Products, convolutions and pooling, written over [`Simd`](crate::simd::Simd).
//!
//! Each kernel is `#[inline(always)]`: generated code calls it inside [`Simd::vectorize`](crate::simd::Simd::vectorize)
//! with sizes that are mostly literals. Results don't go to memory but, vector by vector, to a closure of the
//! caller (the epilogue), which should be `#[inline(always)]` too: only what is inlined there has the
//! instruction set. A kernel allocates nothing; its `…_scratch` says how many elements of scratch it needs on any
//! instruction set.
//!
//! Every result is computed in an order that depends on the shape alone, so that the bits are the same for every
//! way to split the work.

mod arg_max;
mod avg_pool2d;
mod conv2d;
mod conv2d_input_grad;
mod conv2d_pooled_input_grad;
mod conv2d_pooled_weight_grad;
mod conv2d_weight_grad;
mod embed;
mod gemm;
mod max_pool2d;
mod pack;
mod patch;
mod pool2d;
#[cfg(test)]
mod tests;
mod tile;

pub use arg_max::arg_max;
pub use avg_pool2d::{avg_pool2d, avg_pool2d_grad};
pub use conv2d::{Conv2dShape, conv2d, conv2d_max_pool2d, conv2d_max_pool2d_scratch, conv2d_scratch};
pub use conv2d_input_grad::{conv2d_input_grad, conv2d_input_grad_scratch};
pub use conv2d_pooled_input_grad::{conv2d_pooled_input_grad, conv2d_pooled_input_grad_scratch};
pub use conv2d_pooled_weight_grad::{conv2d_pooled_weight_grad, conv2d_pooled_weight_grad_scratch};
pub use conv2d_weight_grad::{conv2d_weight_grad, conv2d_weight_grad_scratch};
pub use embed::{NO_PADDING, embed, embed_grad};
pub use gemm::{Matrix, gemm, gemm_scratch};
pub use max_pool2d::{max_pool2d, max_pool2d_grad};
pub use pool2d::Pool2dShape;

/// Lanes of the widest vectors that scratch must suffice for.
const MAX_LANES: usize = 16;
