//! The compiler of kiln: `network!` tokens in, Rust code out.

pub mod autodiff;
pub mod diag;
#[cfg(feature = "eval")]
pub mod eval;
pub mod infer;
pub mod ir;
pub mod ops;
pub mod passes;
pub mod plan;
pub mod syntax;
