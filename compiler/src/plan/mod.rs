//! Memory: where every value lives in the arena, and when.

mod barriers;
mod memory;
mod place;
mod validate;

pub use memory::{ALIGNMENT, Place, Plan, plan};
pub use place::{Buffer, Placement, place};
pub use validate::validate;
