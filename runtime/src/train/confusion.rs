//! The confusion matrix and what follows from it.

use std::fmt;

use super::metric::{Metric, Targets, decide};

/// How classes are averaged, as in sklearn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Average {
    /// All rows counted together.
    Micro,
    /// Every class the same.
    Macro,
    /// Every class by how often it is the target.
    Weighted,
    /// One class alone.
    Class(usize),
}

/// How often each class was predicted for each: rows are targets, columns predictions, as in sklearn.
///
/// ```
/// # use kiln::train::{Average, Confusion};
/// let matrix = Confusion::of(3, &[0, 1, 2, 2, 1], &[0, 2, 2, 2, 1]);
/// assert_eq!(matrix.count(1, 2), 1);
/// assert_eq!(matrix.recall(Average::Class(1)), 0.5);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confusion {
    classes: usize,
    counts: Vec<u64>,
}

impl Confusion {
    /// All 0.
    pub fn new(classes: usize) -> Self {
        Self { classes, counts: vec![0; classes * classes] }
    }

    /// Of targets and predictions.
    pub fn of(classes: usize, targets: &[u32], predictions: &[u32]) -> Self {
        let mut matrix = Self::new(classes);
        for (&target, &prediction) in targets.iter().zip(predictions) {
            matrix.add(target, prediction);
        }
        matrix
    }

    /// One more row; a class that there is not counts nowhere.
    pub fn add(&mut self, target: u32, prediction: u32) {
        let (target, prediction) = (target as usize, prediction as usize);
        if target < self.classes && prediction < self.classes {
            self.counts[target * self.classes + prediction] += 1;
        }
    }

    /// How many classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// How often a class was predicted for another.
    pub fn count(&self, target: usize, prediction: usize) -> u64 {
        if prediction < self.classes {
            self.counts.get(target * self.classes + prediction).copied().unwrap_or(0)
        } else {
            0
        }
    }

    /// How often a class is the target.
    pub fn support(&self, class: usize) -> u64 {
        (0..self.classes).map(|prediction| self.count(class, prediction)).sum()
    }

    fn predicted(&self, class: usize) -> u64 {
        (0..self.classes).map(|target| self.count(target, class)).sum()
    }

    /// The share of rows on the diagonal.
    pub fn accuracy(&self) -> f64 {
        let right = (0..self.classes).map(|class| self.count(class, class)).sum();
        ratio(right, self.counts.iter().sum())
    }

    /// Of what was predicted as a class, how much is; 0 where nothing was.
    pub fn precision(&self, average: Average) -> f64 {
        self.average(average, |class| ratio(self.count(class, class), self.predicted(class)))
    }

    /// Of what is a class, how much was predicted as it; 0 where nothing is.
    pub fn recall(&self, average: Average) -> f64 {
        self.average(average, |class| ratio(self.count(class, class), self.support(class)))
    }

    /// The harmonic mean of precision and recall.
    pub fn f1(&self, average: Average) -> f64 {
        let f1 = |class| ratio(2 * self.count(class, class), self.predicted(class) + self.support(class));
        self.average(average, f1)
    }

    /// As sklearn: classes that are neither targets nor predictions are not averaged.
    fn average(&self, average: Average, of: impl Fn(usize) -> f64) -> f64 {
        let occurs = |class: &usize| self.support(*class) + self.predicted(*class) > 0;
        let (mut sum, mut weight) = (0.0, 0.0);
        match average {
            // With one class per row, what one class misses another takes: all three are the accuracy.
            Average::Micro => return self.accuracy(),
            Average::Class(class) => return of(class),
            Average::Macro => {
                for class in (0..self.classes).filter(occurs) {
                    sum += of(class);
                    weight += 1.0;
                }
            }
            Average::Weighted => {
                for class in 0..self.classes {
                    sum += of(class) * self.support(class) as f64;
                    weight += self.support(class) as f64;
                }
            }
        }
        if weight == 0.0 { 0.0 } else { sum / weight }
    }
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

impl fmt::Display for Confusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let largest = self.counts.iter().copied().max().unwrap_or(0).max(self.classes as u64);
        let width = largest.to_string().len() + 1;
        write!(f, "{:>7}", "")?;
        for class in 0..self.classes {
            write!(f, "{class:>width$}")?;
        }
        writeln!(f, "  predicted")?;
        for target in 0..self.classes {
            write!(f, "{:>7}", if target == 0 { format!("is {target}") } else { target.to_string() })?;
            for prediction in 0..self.classes {
                write!(f, "{:>width$}", self.count(target, prediction))?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

/// What a [`FromConfusion`] takes from the matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    Precision,
    Recall,
    F1,
}

/// Precision, recall or F1 over all batches.
#[derive(Clone, Debug)]
pub struct FromConfusion {
    which: Which,
    average: Average,
    threshold: f64,
    matrix: Confusion,
}

impl FromConfusion {
    fn new(which: Which, average: Average) -> Self {
        Self { which, average, threshold: 0.5, matrix: Confusion::new(0) }
    }

    /// Precision. Of one number per row, classes are 0 and 1, told apart at a half.
    pub fn precision(average: Average) -> Self {
        Self::new(Which::Precision, average)
    }

    /// Recall.
    pub fn recall(average: Average) -> Self {
        Self::new(Which::Recall, average)
    }

    /// F1.
    pub fn f1(average: Average) -> Self {
        Self::new(Which::F1, average)
    }

    /// Tells 0 and 1 apart elsewhere than at a half; at 0 for logits.
    #[must_use]
    pub fn above(mut self, threshold: f64) -> Self {
        self.threshold = threshold;
        self
    }
}

impl Metric for FromConfusion {
    fn name(&self) -> String {
        let name = match self.which {
            Which::Precision => "precision",
            Which::Recall => "recall",
            Which::F1 => "f1",
        };
        match self.average {
            Average::Micro => format!("{name}_micro"),
            Average::Macro => format!("{name}_macro"),
            Average::Weighted => format!("{name}_weighted"),
            Average::Class(class) => format!("{name}_{class}"),
        }
    }

    fn reset(&mut self) {
        self.matrix = Confusion::new(0);
    }

    fn update(&mut self, predictions: &[f64], width: usize, targets: Targets<'_>) {
        if self.matrix.classes == 0 {
            self.matrix = Confusion::new(width.max(2));
        }
        for (found, target) in decide(predictions, width, self.threshold).into_iter().zip(targets.classes(width)) {
            self.matrix.add(target, found);
        }
    }

    fn value(&self) -> f64 {
        match self.which {
            Which::Precision => self.matrix.precision(self.average),
            Which::Recall => self.matrix.recall(self.average),
            Which::F1 => self.matrix.f1(self.average),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TARGETS: [u32; 10] = [0, 0, 0, 1, 1, 2, 2, 2, 2, 3];
    const FOUND: [u32; 10] = [0, 1, 0, 1, 2, 2, 2, 0, 2, 2];

    /// `sklearn.metrics.precision_recall_fscore_support(…, zero_division=0)`; the fractions are exact.
    #[test]
    fn averages_as_sklearn() {
        let matrix = Confusion::of(4, &TARGETS, &FOUND);
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} {b}");
        let (p, r) = ([2.0 / 3.0, 0.5, 0.6, 0.0], [2.0 / 3.0, 0.5, 0.75, 0.0]);
        let f = [2.0 / 3.0, 0.5, 2.0 / 3.0, 0.0];
        for class in 0..4 {
            close(matrix.precision(Average::Class(class)), p[class]);
            close(matrix.recall(Average::Class(class)), r[class]);
            close(matrix.f1(Average::Class(class)), f[class]);
        }
        close(matrix.precision(Average::Macro), 0.441_666_666_666_666_7);
        close(matrix.recall(Average::Macro), 0.479_166_666_666_666_7);
        close(matrix.f1(Average::Macro), 0.458_333_333_333_333_3);
        close(matrix.precision(Average::Weighted), 0.54);
        close(matrix.f1(Average::Weighted), 0.566_666_666_666_666_7);
        close(matrix.f1(Average::Micro), 0.6);
    }

    #[test]
    fn a_table() {
        let text = Confusion::of(2, &[0, 1, 1], &[0, 0, 1]).to_string();
        assert_eq!(text, "        0 1  predicted\n   is 0 1 0\n      1 1 1\n");
    }

    #[test]
    fn batches_add_up() {
        let mut metric = FromConfusion::recall(Average::Class(1));
        metric.update(&[0.9, 0.2], 1, Targets::Classes(&[1, 1]));
        metric.update(&[0.7], 1, Targets::Numbers(&[1.0]));
        assert_eq!((metric.name(), metric.value()), ("recall_1".to_owned(), 2.0 / 3.0));
    }
}
