//! Elementary functions over many elements.

use kiln::engine::{Part, sweep};
use kiln::simd::Simd;

use super::{Alone, Buffer, Kernel};

/// A function over elements.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Function {
    Exp,
    Tanh,
    Sigmoid,
    Log,
    Erf,
}

impl Function {
    /// All of them with their names.
    pub(crate) const ALL: [(&'static str, Self); 5] =
        [("exp", Self::Exp), ("tanh", Self::Tanh), ("sigmoid", Self::Sigmoid), ("log", Self::Log), ("erf", Self::Erf)];

    /// Between what its arguments are taken.
    pub(crate) fn domain(self) -> [f32; 2] {
        match self {
            Self::Exp | Self::Sigmoid => [-10.0, 10.0],
            Self::Tanh => [-5.0, 5.0],
            Self::Log => [1e-3, 100.0],
            Self::Erf => [-3.0, 3.0],
        }
    }

    /// The function over `count` elements.
    ///
    /// # Errors
    /// For 0 threads.
    pub(crate) fn over(self, count: usize, threads: usize) -> kiln::Result<Alone> {
        let [low, high] = self.domain();
        let (x, y) = (Buffer::random(count, 1, low, high), Buffer::zeros(count));
        Alone::new(threads, Elements { function: self, count, x, y })
    }
}

struct Elements {
    function: Function,
    count: usize,
    x: Buffer<f32>,
    y: Buffer<f32>,
}

impl Kernel for Elements {
    fn scratch(&self) -> usize {
        0
    }

    fn flops(&self) -> f64 {
        self.count as f64
    }

    #[inline(always)]
    unsafe fn part<S: Simd<f32>>(&self, s: S, part: &Part<'_>) {
        let (range, x, y) = (part.rows(self.count), self.x.at(), self.y.at());
        macro_rules! each {
            ($method:ident) => {
                sweep(
                    s,
                    range,
                    #[inline(always)]
                    |i, n| {
                        // SAFETY: within this part of the elements.
                        unsafe { s.store_n(y.add(i), s.$method(s.load_n(x.add(i), n)), n) }
                    },
                )
            };
        }
        match self.function {
            Function::Exp => each!(exp),
            Function::Tanh => each!(tanh),
            Function::Sigmoid => each!(sigmoid),
            Function::Log => each!(log),
            Function::Erf => each!(erf),
        }
    }
}
