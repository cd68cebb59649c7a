//! Readers of data files, and mini-batches of what they hold.

mod csv;
mod dataset;
mod idx;
mod mnist;

pub use csv::Csv;
pub use dataset::{Batch, Batches, Dataset, Epoch};
pub use idx::{Images, read_images, read_labels};
pub use mnist::{Mnist, mnist};
