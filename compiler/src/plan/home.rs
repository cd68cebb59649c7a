//! Where a value lives.

use std::fmt;

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
    /// So many bytes into the arena; in the body of a loop, into the loop's part of the arena.
    Arena(usize),
    /// In the body of a loop, operand number n of the loop, or of a sequence the part of this step.
    Operand(usize),
    /// In the body of a loop, state number n: where the loop's result is, or in the loop's part of the arena.
    Carried(usize),
    /// In the body of a loop, the part of this step of the stacked value number n.
    Emitted(usize),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input(index) => write!(f, "input {index}"),
            Self::Param(param) => write!(f, "param {}", param.0),
            Self::State(param, slot) => write!(f, "state {}.{slot}", param.0),
            Self::Arena(offset) => write!(f, "arena + {offset}"),
            Self::Operand(index) => write!(f, "operand {index}"),
            Self::Carried(state) => write!(f, "carried {state}"),
            Self::Emitted(output) => write!(f, "emitted {output}"),
        }
    }
}
