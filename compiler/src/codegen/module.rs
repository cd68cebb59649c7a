//! What the generator is handed: everything is decided.

use crate::fuse::Program;
use crate::ir::{DType, Network, NodeId, ParamId};
use crate::plan::Plan;

/// A function with its kernels and its memory.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its kernels.
    pub program: Program,
    /// Its memory.
    pub plan: Plan,
    /// Scalars that hold for a whole call and that kernels read, in order.
    pub uniforms: Vec<NodeId>,
    /// Of its floating-point operations on a full batch, those that compute values again to keep within a bound of
    /// memory.
    pub recomputed: u64,
}

/// A compiled network.
#[derive(Clone, Debug)]
pub struct Module {
    /// What the user wrote, resolved.
    pub network: Network,
    /// `step`, `run`, `loss` and the methods, as far as they exist.
    pub entries: Vec<Entry>,
    /// Where parameters lie in their block.
    pub layout: Layout,
}

impl Module {
    /// An entry by the function's name.
    pub fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.program.function.name == name)
    }

    /// Entries that the predictor runs.
    pub fn inference(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| !matches!(entry.program.function.name.as_str(), "step" | "gradients"))
    }
}

/// Parameters in one block, each on a cache line of its own; each optimiser slot is a block of the same layout.
#[derive(Clone, Debug)]
pub struct Layout {
    offsets: Vec<usize>,
    /// Elements of the block.
    pub len: usize,
}

impl Layout {
    /// Lays out a network's parameters.
    pub fn of(network: &Network) -> Self {
        let line = crate::plan::ALIGNMENT / network.dtype.bytes();
        let mut len = 0;
        let mut offsets = Vec::new();
        for param in &network.params {
            offsets.push(len);
            len += param.ty.elements().next_multiple_of(line);
        }
        Self { offsets, len }
    }

    /// The first element of a parameter.
    pub fn param(&self, param: ParamId) -> usize {
        self.offsets.get(param.0).copied().unwrap_or_default()
    }

    /// The first element of an optimiser's slot.
    pub fn state(&self, param: ParamId, slot: usize) -> usize {
        slot * self.len + self.param(param)
    }
}

/// Rust's name of the network's element type.
pub(super) fn element(dtype: DType) -> proc_macro2::Ident {
    super::names::ident(dtype.rust())
}
