//! Memory: where every value lives in the arena, and when.

mod place;
mod validate;

pub use place::{Buffer, Placement, place};
pub use validate::validate;
