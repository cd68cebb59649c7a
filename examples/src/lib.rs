//! What the training binaries share: arguments, training, data and pictures.

mod data;
mod fit;
mod language;
mod moving;
mod options;
mod picture;
mod random;
mod text;

pub use data::digits;
pub use fit::{fit, labelled};
pub use language::{Language, learn};
pub use moving::{DIRECTIONS, halved, moving_digits};
pub use options::{Setup, Training, run};
pub use picture::write_png;
pub use random::Random;
pub use text::{Text, Vocabulary, Windows};
