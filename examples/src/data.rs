//! Data that travels in the binaries.

use kiln::Result;
use kiln::data::{Csv, Dataset};

/// Rows that train; the others, by other writers, test.
const TRAIN: usize = 1437;

/// The UCI digits, pixels between 0 and 1: 1,437 rows to train on and 360 to test on. See `examples/data/README.md`.
///
/// # Errors
/// None with the file as it is shipped.
pub fn digits() -> Result<(Dataset, Dataset)> {
    let csv = Csv { features: 64, classes: 10, header: false };
    csv.parse(include_str!("../data/digits.csv"))?.scaled(1.0 / 16.0).split(TRAIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_shipped() {
        let (train, test) = digits().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((train.rows(), test.rows()), (1437, 360));
        for data in [&train, &test] {
            assert!(data.x().iter().all(|x| (0.0..=1.0).contains(x)));
            assert!((0..10).all(|digit| data.labels().contains(&digit)));
        }
        assert_eq!(train.x()[2..4], [5.0 / 16.0, 13.0 / 16.0]);
        assert_eq!(train.labels()[..3], [0, 1, 2]);
    }
}
