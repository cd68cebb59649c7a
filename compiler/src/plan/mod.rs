//! Memory: where every value lives in the arena, and when.

mod barriers;
mod exact;
mod floors;
mod greedy;
mod home;
mod loads;
mod memory;
mod place;
#[cfg(test)]
pub(crate) mod puzzles;
mod replay;
mod rise;
mod skyline;
mod validate;

pub use home::Place;
pub use memory::{ALIGNMENT, Plan, plan};
pub use place::{Buffer, Effort, Placement, place, place_within};
pub use validate::validate;
