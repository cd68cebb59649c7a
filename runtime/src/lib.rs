//! Neural networks, declared in Rust and compiled to CPU kernels.
//!
//! [`network!`] takes the declaration of a network. While your crate is built, kiln derives its backward pass, optimises
//! both, plans their memory, and emits kernels for exactly these shapes. At run time there is no graph and no
//! interpreter, and a training step allocates nothing.
//!
//! ```
//! use kiln::network;
//!
//! network! {
//!     /// Exclusive or, the smallest task that needs a hidden layer.
//!     pub Xor<batch = 4> {
//!         let x = input([2]);
//!         let y = target([1]);
//!
//!         let hidden = x.dense(8).tanh();
//!         let logits = hidden.dense(1);
//!
//!         output(sigmoid(logits));
//!         loss(binary_cross_entropy(logits, y));
//!         optimizer(adam(lr = 0.05));
//!     }
//! }
//!
//! fn main() -> kiln::Result<()> {
//!     // Four rows, one after another. Any number from 1 to the capacity (`batch`) will do.
//!     let x = [0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0];
//!     let y = [0.0, 1.0, 1.0, 0.0];
//!
//!     let model = Xor::new(42);
//!     let mut trainer = model.trainer();
//!     for _ in 0..400 {
//!         trainer.step(&x, &y)?;
//!     }
//!
//!     let mut predictor = trainer.model().predictor();
//!     let probabilities = predictor.run(&x)?;
//!     assert_eq!(probabilities.shape(), [4, 1]);
//!     assert!(probabilities[[1, 0]] > 0.9 && probabilities[[3, 0]] < 0.1);
//!     Ok(())
//! }
//! ```
//!
//! What `Xor` has, beside what is used here, stands in the rustdoc that is generated with it: `cargo doc` shows its
//! layers, their shapes and parameters, and what a step costs. The language has a reference of its own in the
//! repository, `docs/language.md`, with every layer and its defaults.
//!
//! # Data
//!
//! Entry points take [`Rows`]: slices, references to vectors and arrays, and ndarray's views. Results are views into the
//! trainer's or predictor's memory. What does not fit (0 rows, too many, another shape, a class out of range) is an
//! [`Error`] that says what was expected and what was found. ndarray is re-exported as [`ndarray`].
//!
//! # Instruction sets
//!
//! Kernels use AVX-512, or AVX2 with FMA, where the machine has them, which is found out when a trainer or predictor is
//! made, and otherwise a portable path that is always there. The environment variable `KILN_ISA` (`portable`, `avx2` or
//! `avx512`) overrides that, as does `set_isa` of trainers and predictors. Results are the same bits for any number of
//! threads; between instruction sets they differ by rounding.
//!
//! # Paranoid mode
//!
//! With `KILN_PARANOID=1` in the environment, or `set_paranoid` of trainers and predictors, every call checks that no
//! kernel reads memory that nobody wrote, and is an error if one does. It is slow, and finds bugs of kiln's only.
//!
//! # Time of kernels
//!
//! `profile` of trainers and predictors measures each kernel, see [`Profile`].
//!
//! # Cargo's profile
//!
//! Kernels are compiled in your profile. A debug build works and is slow; train with `--release`.
//!
//! # Features
//!
//! - `safetensors` (default): `save` and `load`.
//! - `data`: readers of IDX and CSV files, and shuffled mini-batches, in `kiln::data`.
//! - `progress`: a bar on the terminal while [`train::Fit`] runs.

// Generated code says `::kiln`, in this crate's own tests too.
extern crate self as kiln;

mod aligned;
#[cfg(feature = "data")]
pub mod data;
#[cfg(all(test, any(feature = "data", feature = "safetensors")))]
mod directory;
#[doc(hidden)]
pub mod engine;
mod error;
#[cfg(feature = "explain")]
pub mod explain;
#[doc(hidden)]
pub mod kernels;
pub mod params;
pub mod pool;
pub mod probe;
pub mod profile;
mod random;
pub mod rows;
pub mod simd;
pub mod train;

pub use ::ndarray;
pub use aligned::{ALIGNMENT, AlignedVec, Zeroable};
pub use error::{Error, Result};
pub use kiln_macros::network;
pub use params::{Element, Frozen, Gradients, Init, ParamInfo, Params};
pub use profile::Profile;
pub use rows::Rows;

/// The examples of the README and of the references, compiled as tests.
#[cfg(doctest)]
mod documents {
    #[doc = include_str!("../../README.md")]
    mod readme {}
    #[doc = include_str!("../../docs/language.md")]
    mod language {}
    #[doc = include_str!("../../docs/profile.md")]
    mod profile {}
    #[doc = include_str!("../../docs/training.md")]
    mod training {}
}
