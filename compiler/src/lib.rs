//! The compiler of kiln: `network!` tokens in, Rust code out.

pub mod autodiff;
pub mod codegen;
pub mod compile;
pub mod diag;
#[cfg(feature = "eval")]
pub mod eval;
pub mod functions;
pub mod fuse;
pub mod infer;
pub mod ir;
pub mod ops;
mod optimizer;
pub mod passes;
pub mod plan;
pub mod syntax;
