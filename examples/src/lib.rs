//! What the training binaries share: arguments, training, data and pictures.

mod data;
mod fit;
mod options;
mod picture;

pub use data::digits;
pub use fit::{fit, labelled};
pub use options::{Training, run};
pub use picture::write_png;
