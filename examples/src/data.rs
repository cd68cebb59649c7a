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

/// The data with only the first rows of one class, so many that they are this share of all.
///
/// # Errors
/// None with a share below 1.
pub fn cut(data: &Dataset, class: u32, share: f64) -> Result<Dataset> {
    let others = data.labels().iter().filter(|&&label| label != class).count();
    let keep = (others as f64 * share / (1.0 - share)).round() as usize;
    let (mut x, mut labels, mut kept) = (Vec::new(), Vec::new(), 0);
    for row in data.batches(1) {
        if row.labels == [class] {
            kept += 1;
            if kept > keep {
                continue;
            }
        }
        x.extend(row.x);
        labels.extend(row.labels);
    }
    Dataset::new(data.features(), x, labels)
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

    #[test]
    fn a_class_is_made_rare() {
        let labels = vec![1, 0, 1, 0, 1, 2, 0, 1];
        let data = Dataset::new(1, (0_u8..8).map(f32::from).collect(), labels);
        let rare = data.and_then(|data| cut(&data, 1, 0.2)).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(rare.labels(), [1, 0, 0, 2, 0]);
        assert_eq!(rare.x(), [0.0, 1.0, 3.0, 5.0, 6.0]);
    }
}
