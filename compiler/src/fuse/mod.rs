//! Grouping primitives into kernels. The graph stays as it is: a kernel names the nodes that it computes, and
//! what is only read inside it never reaches memory.

pub mod access;
mod again;
mod assign;
mod body;
mod facts;
mod group;
mod grouping;
pub mod in_place;
mod later;
mod level;
mod memo;
mod merge;
mod needs;
mod order;
mod pools;
mod program;
mod refusal;
mod sink;
mod sums;
mod sweeps;
#[cfg(test)]
mod testing;
mod verify;

pub use body::{Frame, index};
pub use group::fuse;
pub use level::{Level, Reader, leaves, level};
pub use needs::Needs;
pub use program::{Kernel, Kind, Program};
pub use refusal::Refusal;
pub use sweeps::Sweeps;
pub use verify::verify;
