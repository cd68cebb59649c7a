//! Where a value lives.

use crate::ir::ParamId;

/// Where a value's bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// In the data that the caller handed over as argument n.
    Input(usize),
    /// Over a parameter.
    Param(ParamId),
    /// Over an optimiser's slot of a parameter.
    State(ParamId, usize),
    /// So many bytes into the arena.
    Arena(usize),
}
