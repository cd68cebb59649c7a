//! What networks compiled by kiln run on.

mod aligned;
#[cfg(feature = "data")]
pub mod data;
#[cfg(all(test, any(feature = "data", feature = "safetensors")))]
mod directory;
mod error;
pub mod kernels;
pub mod params;
pub mod pool;
mod random;
pub mod rows;
pub mod simd;

pub use aligned::{ALIGNMENT, AlignedVec, Zeroable};
pub use error::{Error, Result};
pub use params::{Element, Init, ParamInfo, Params};
pub use rows::Rows;
