//! What networks compiled by kiln run on.

// Generated code says `::kiln`, in this crate's own tests too.
extern crate self as kiln;

mod aligned;
#[cfg(feature = "data")]
pub mod data;
#[cfg(all(test, any(feature = "data", feature = "safetensors")))]
mod directory;
#[doc(hidden)]
pub mod engine;
mod error;
#[doc(hidden)]
pub mod kernels;
pub mod params;
pub mod pool;
mod random;
pub mod rows;
pub mod simd;

pub use ::ndarray;
pub use aligned::{ALIGNMENT, AlignedVec, Zeroable};
pub use error::{Error, Result};
pub use kiln_macros::network;
pub use params::{Element, Init, ParamInfo, Params};
pub use rows::Rows;

// Generated code names its arrays through here: users need no ndarray of their own.
