//! What the training binaries share: arguments, training, data and pictures.

mod data;
mod fit;
mod language;
mod options;
mod picture;
mod text;

pub use data::digits;
pub use fit::{fit, labelled};
pub use language::{Language, learn};
pub use options::{Setup, Training, run};
pub use picture::write_png;
pub use text::{Random, Text, Vocabulary, Windows};
