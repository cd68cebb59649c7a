//! The instruction set that a network runs on, chosen when the network is made.

use core::fmt;

use super::Portable;
#[cfg(target_arch = "x86_64")]
use super::{Avx2, Avx512};

/// An instruction set of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isa {
    /// The one of every machine.
    Portable(Portable),
    /// AVX2 and FMA.
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    /// AVX-512.
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
}

impl Isa {
    /// The best that the machine has, or the one that the environment variable `KILN_ISA` names: `portable`,
    /// `avx2` or `avx512`. A name that is unknown, or of a set that this machine lacks, changes nothing.
    pub fn detect() -> Self {
        let mut available = Self::available();
        let best = available.pop().unwrap_or(Self::portable());
        let Ok(wanted) = std::env::var("KILN_ISA") else { return best };
        available.into_iter().find(|isa| isa.name() == wanted).unwrap_or(best)
    }

    /// The portable one.
    pub fn portable() -> Self {
        Self::Portable(Portable)
    }

    /// All that the machine has, the best last.
    pub fn available() -> Vec<Self> {
        [
            Some(Self::portable()),
            #[cfg(target_arch = "x86_64")]
            Avx2::detect().map(Self::Avx2),
            #[cfg(target_arch = "x86_64")]
            Avx512::detect().map(Self::Avx512),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// Its name, as `KILN_ISA` spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Portable(_) => "portable",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => "avx2",
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => "avx512",
        }
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Evaluates an expression with the token of an [`Isa`] bound to a name, compiled once for each instruction set.
///
/// `dispatch!(isa, s => s.vectorize(|| kernel(s, x)))`
#[doc(hidden)]
#[macro_export]
macro_rules! dispatch {
    ($isa:expr, $s:ident => $body:expr) => {
        match $isa {
            $crate::simd::Isa::Portable($s) => $body,
            #[cfg(target_arch = "x86_64")]
            $crate::simd::Isa::Avx2($s) => $body,
            #[cfg(target_arch = "x86_64")]
            $crate::simd::Isa::Avx512($s) => $body,
        }
    };
}
