//! Why a kernel ends where it does: the rule that kept what reads a value out of the value's kernel.

use std::collections::BTreeMap;
use std::fmt;

use crate::ir::NodeId;

/// The rule by which two neighbouring kernels stayed two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refusal {
    /// The reader's primitive opens a kernel: it reads elements of its operands in an order of its own.
    Anchor,
    /// The reader is a copy that somebody needs the bytes of.
    Copy,
    /// The value's kernel is one of the runtime, or a loop: it has no epilogue.
    NoEpilogue,
    /// The reader stores its parts side by side, which only sweeps do.
    Stacked,
    /// The reader also waits for a kernel that waits for this one.
    Cycle,
    /// The reader reduces, and epilogues don't.
    Reduction,
    /// The two split their elements into rows and columns in different places.
    Columns,
    /// The two go over different elements.
    Shape,
    /// The reader has one value a row, for which this kernel has no place.
    Row,
    /// One of the two reads other elements than the one under way.
    Reach,
    /// A parameter or state would be written over while its old value is wanted.
    Overwrite,
    /// The reader is in the kernel of another operand already.
    Elsewhere,
    /// Another kernel has to run after the one and before the other.
    Between,
    /// The convolution's image is read by others, so it has to be stored, and a pool reads it from there.
    ReadByOthers,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Anchor => "it reads its operands in an order of its own, so they have to be stored",
            Self::Copy => "it is a copy whose bytes somebody needs",
            Self::NoEpilogue => "a kernel of the runtime and a loop take nothing along behind them",
            Self::Stacked => "it stores parts side by side, which only a sweep does",
            Self::Cycle => "it also waits for a kernel that waits for this one",
            Self::Reduction => "it reduces, and only a sweep takes a reduction along",
            Self::Columns => "the two split their elements into rows and columns in different places",
            Self::Shape => "the two go over different elements",
            Self::Row => "it has one value a row, for which the other has no place",
            Self::Reach => "one of the two reads other elements than the one under way",
            Self::Overwrite => "a parameter or state would be written over while its old value is wanted",
            Self::Elsewhere => "it went into the kernel of another operand",
            Self::Between => "another kernel has to run between the two",
            Self::ReadByOthers => "the convolution's image is read by others, too, and has to be stored",
        })
    }
}

/// What was refused, by a node of each of the two kernels; the last rule that was asked counts.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    said: Vec<(NodeId, NodeId, Refusal)>,
}

impl Refusals {
    pub(super) fn note(&mut self, one: NodeId, other: NodeId, refusal: Refusal) {
        self.said.push((one, other, refusal));
    }

    /// By the kernels that the nodes came to, the lower number first.
    pub(super) fn by_kernel(self, kernel_of: &BTreeMap<NodeId, usize>) -> BTreeMap<(usize, usize), Refusal> {
        let mut found = BTreeMap::new();
        for (one, other, refusal) in self.said {
            if let (Some(&one), Some(&other)) = (kernel_of.get(&one), kernel_of.get(&other))
                && one != other
            {
                found.insert((one.min(other), one.max(other)), refusal);
            }
        }
        found
    }
}
