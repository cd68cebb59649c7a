//! What networks compiled by kiln run on.

pub mod simd;
