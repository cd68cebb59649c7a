//! Memory: where every value lives in the arena, and when.

mod barriers;
mod home;
mod memory;
mod place;
mod validate;

pub use home::Place;
pub use memory::{ALIGNMENT, Plan, plan};
pub use place::{Buffer, Placement, place};
pub use validate::validate;
