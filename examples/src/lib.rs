//! What the training binaries share: arguments, training, data and pictures.

mod curves;
mod data;
mod fit;
mod language;
mod mnist;
mod moving;
mod options;
mod picture;
mod random;
mod sheet;
mod text;

pub use curves::{Chart, write_curves};
pub use data::{cut, digits};
pub use fit::{fit, labelled};
pub use language::{Language, learn};
pub use mnist::MnistOptions;
pub use moving::{DIRECTIONS, halved, moving_digits};
pub use options::{Setup, Training, run};
pub use picture::write_png;
pub use random::Random;
pub use sheet::sheet;
pub use text::{Text, Vocabulary, Windows};
