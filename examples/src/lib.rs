//! What the training binaries share: arguments, the loop with its progress, data and pictures.

mod data;
mod fit;
mod options;
mod picture;
mod progress;

pub use data::digits;
pub use fit::{Metric, accuracy, fit, mean};
pub use options::{Training, run};
pub use picture::write_png;
