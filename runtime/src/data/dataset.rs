//! Examples with labels, and their order of presentation.

use crate::random::Random;
use crate::{Error, Result};

/// Examples, each a row of numbers with a class.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    features: usize,
    x: Vec<f32>,
    labels: Vec<u32>,
}

/// Some rows of a [`Dataset`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Batch<'a> {
    /// The examples, one after another.
    pub x: &'a [f32],
    /// Their classes.
    pub labels: &'a [u32],
}

impl Batch<'_> {
    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.labels.len()
    }
}

impl Dataset {
    /// Rows of `features` numbers and a label for each.
    ///
    /// # Errors
    /// If the numbers are no whole rows, or as many rows as labels.
    pub fn new(features: usize, x: Vec<f32>, labels: Vec<u32>) -> Result<Self> {
        if features == 0 || !x.len().is_multiple_of(features) {
            return Err(Error::Length { name: "x".to_owned(), expected: features, found: x.len() });
        }
        if x.len() / features != labels.len() {
            return Err(Error::CountsDisagree { examples: x.len() / features, labels: labels.len() });
        }
        Ok(Self { features, x, labels })
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.labels.len()
    }

    /// Numbers of a row.
    pub fn features(&self) -> usize {
        self.features
    }

    /// All examples, one after another.
    pub fn x(&self) -> &[f32] {
        &self.x
    }

    /// All classes.
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// Every number times `factor`.
    #[must_use]
    pub fn scaled(mut self, factor: f32) -> Self {
        self.x.iter_mut().for_each(|x| *x *= factor);
        self
    }

    /// The first `rows` rows, and those after.
    ///
    /// # Errors
    /// If there are fewer.
    pub fn split(mut self, rows: usize) -> Result<(Self, Self)> {
        if rows > self.rows() {
            return Err(Error::argument("rows", format!("at most {}", self.rows()), rows));
        }
        let x = self.x.split_off(rows * self.features);
        let labels = self.labels.split_off(rows);
        let rest = Self { features: self.features, x, labels };
        Ok((self, rest))
    }

    /// The rows in order, at most `batch` at a time; the last batch has the rest. (A batch of 0 counts as 1.)
    pub fn batches(&self, batch: usize) -> impl ExactSizeIterator<Item = Batch<'_>> {
        let batch = batch.max(1);
        let x = self.x.chunks(batch * self.features);
        x.zip(self.labels.chunks(batch)).map(|(x, labels)| Batch { x, labels })
    }
}

/// Shuffled mini-batches, gathered into a buffer that all epochs share.
///
/// The order of an epoch depends on the seed and the epoch's number alone.
#[derive(Clone, Debug)]
pub struct Batches {
    batch: usize,
    seed: u64,
    epoch: u64,
    order: Vec<usize>,
    x: Vec<f32>,
    labels: Vec<u32>,
}

impl Batches {
    /// Batches of `batch` rows.
    ///
    /// # Errors
    /// If `batch` is 0.
    pub fn new(batch: usize, seed: u64) -> Result<Self> {
        if batch == 0 {
            return Err(Error::argument("batch", "at least 1", batch));
        }
        Ok(Self { batch, seed, epoch: 0, order: Vec::new(), x: Vec::new(), labels: Vec::new() })
    }

    /// The next epoch over the data, in an order of its own.
    pub fn epoch<'a>(&'a mut self, data: &'a Dataset) -> Epoch<'a> {
        self.order.clear();
        self.order.extend(0..data.rows());
        shuffle(&mut self.order, &mut Random::new(self.seed, self.epoch));
        self.epoch += 1;
        Epoch { batches: self, data, position: 0 }
    }
}

/// One pass over a [`Dataset`].
#[derive(Debug)]
pub struct Epoch<'a> {
    batches: &'a mut Batches,
    data: &'a Dataset,
    position: usize,
}

impl Epoch<'_> {
    /// The next rows, `None` at the end. The last batch may have fewer rows than the others.
    pub fn next_batch(&mut self) -> Option<Batch<'_>> {
        let Batches { batch, order, x, labels, .. } = &mut *self.batches;
        let rows = &order[self.position..order.len().min(self.position + *batch)];
        self.position += rows.len();
        x.clear();
        labels.clear();
        let features = self.data.features;
        for &row in rows {
            x.extend_from_slice(&self.data.x[row * features..][..features]);
            labels.push(self.data.labels[row]);
        }
        (!rows.is_empty()).then_some(Batch { x, labels })
    }
}

/// Every order equally likely (R. Fisher, F. Yates, 1938; R. Durstenfeld, "Algorithm 235: Random permutation", 1964).
fn shuffle(order: &mut [usize], random: &mut Random) {
    for last in (1..order.len()).rev() {
        // The high half of a product maps 64 bits to 0..=last; the bias is below 2^-32 for any data that exists.
        let other = (u128::from(random.bits()) * (last as u128 + 1)) >> 64;
        order.swap(last, other as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Row `i` is `[2i, 2i + 1]`, its label `i`.
    fn data(rows: usize) -> Dataset {
        let x = (0..2 * rows).map(|x| x as f32).collect();
        Dataset::new(2, x, (0..rows as u32).collect()).unwrap_or_else(|error| panic!("{error}"))
    }

    fn labels_of_epoch(batches: &mut Batches, data: &Dataset) -> Vec<Vec<u32>> {
        let mut epoch = batches.epoch(data);
        let mut labels = Vec::new();
        while let Some(batch) = epoch.next_batch() {
            for (x, &label) in batch.x.chunks(2).zip(batch.labels) {
                assert_eq!(x, [2.0 * label as f32, 2.0 * label as f32 + 1.0]);
            }
            labels.push(batch.labels.to_vec());
        }
        labels
    }

    #[test]
    fn an_epoch_has_every_row_once_and_keeps_the_last_batch() {
        let data = data(103);
        let mut batches = Batches::new(25, 7).unwrap_or_else(|error| panic!("{error}"));
        let first = labels_of_epoch(&mut batches, &data);
        assert_eq!(first.iter().map(Vec::len).collect::<Vec<_>>(), [25, 25, 25, 25, 3]);
        let mut all = first.concat();
        let shuffled = all.clone();
        all.sort_unstable();
        assert_eq!(all, data.labels());
        assert_ne!(shuffled, all);
        let second = labels_of_epoch(&mut batches, &data).concat();
        assert_ne!(second, shuffled, "every epoch has its own order");
        let mut again = batches.clone();
        again.epoch = 0;
        assert_eq!(labels_of_epoch(&mut again, &data), first, "the seed decides");
    }

    #[test]
    fn all_orders_are_equally_likely() {
        let mut counts = std::collections::BTreeMap::new();
        for stream in 0..24_000 {
            let mut order = [0, 1, 2, 3];
            shuffle(&mut order, &mut Random::new(1, stream));
            *counts.entry(order).or_insert(0) += 1;
        }
        assert_eq!(counts.len(), 24);
        // Six standard deviations.
        assert!(counts.values().all(|count| (810..=1190).contains(count)), "{counts:?}");
    }

    #[test]
    fn rows_in_order() {
        let data = data(5);
        let batches: Vec<_> = data.batches(2).map(|batch| batch.labels).collect();
        assert_eq!(batches, [&[0, 1][..], &[2, 3], &[4]]);
        let (first, rest) = data.clone().split(3).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((first.rows(), rest.rows()), (3, 2));
        assert_eq!(rest.x(), [6.0, 7.0, 8.0, 9.0]);
        assert_eq!(rest.scaled(0.5).x(), [3.0, 3.5, 4.0, 4.5]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let message = |error: Option<Error>| error.map(|error| error.to_string()).unwrap_or_default();
        assert_eq!(message(Batches::new(0, 1).err()), "`batch` must be at least 1, not 0");
        assert_eq!(message(data(2).split(3).err()), "`rows` must be at most 2, not 3");
        let mismatch = Dataset::new(2, vec![0.0; 4], vec![0; 3]).err();
        assert_eq!(message(mismatch), "2 examples, but 3 labels");
        assert!(Dataset::new(0, Vec::new(), Vec::new()).is_err());
        assert!(Dataset::new(2, vec![0.0; 3], vec![0]).is_err());
    }
}
