//! How parameters start.

use std::f64::consts::TAU;

use super::Element;
use crate::random::Random;

/// How a parameter starts. Glorot, He and LeCun take their fans from the shape, as Keras does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// All 0.
    Zeros,
    /// All 1.
    Ones,
    /// All the same.
    Constant(f64),
    /// Uniform on [low, high).
    Uniform(f64, f64),
    /// Normal: mean, standard deviation.
    Normal(f64, f64),
    /// Uniform, variance 2 / (fan_in + fan_out) (X. Glorot, Y. Bengio, "Understanding the difficulty of training
    /// deep feedforward neural networks", 2010).
    GlorotUniform,
    /// Normal, cut off at two standard deviations, variance 2 / (fan_in + fan_out).
    GlorotNormal,
    /// Uniform, variance 2 / fan_in (K. He et al., "Delving deep into rectifiers", 2015).
    HeUniform,
    /// Normal, cut off at two standard deviations, variance 2 / fan_in.
    HeNormal,
    /// Uniform, variance 1 / fan_in (Y. LeCun et al., "Efficient backprop", 1998).
    LecunUniform,
    /// Normal, cut off at two standard deviations, variance 1 / fan_in.
    LecunNormal,
    /// Normal, cut off at two standard deviations: mean, standard deviation before the cut.
    TruncatedNormal(f64, f64),
    /// Orthogonal columns, or rows if they are fewer, of the matrix with the last axis behind all others, times a
    /// factor (A. Saxe, J. McClelland, S. Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep
    /// linear neural networks", 2014).
    Orthogonal(f64),
    /// The identity matrix times a factor.
    Identity(f64),
    /// The second quarter 1, everything else this number: an LSTM's bias, of which that is the forget gate's (R.
    /// Jozefowicz, W. Zaremba, I. Sutskever, "An empirical exploration of recurrent network architectures", 2015).
    ForgetGate(f64),
    /// In row t and column i the sine of t / w^(2·⌊i/2⌋/columns), or its cosine where i is odd, for the longest wave w
    /// over 2π (A. Vaswani et al., "Attention is all you need", 2017).
    Sinusoidal(f64),
}

/// The standard deviation of a standard normal that is cut off at ±2: scipy's `truncnorm.std(-2, 2)`, as in Keras.
const TRUNCATED_STD: f64 = 0.879_625_661_034_239_8;

impl Init {
    /// Gives `values`, a parameter of this shape, what it starts with.
    pub(crate) fn fill<E: Element>(self, shape: &[usize], random: &mut Random, values: &mut [E]) {
        let (fan_in, fan_out) = fans(shape);
        let glorot = 2.0 / (fan_in + fan_out).max(1.0);
        let he = 2.0 / fan_in.max(1.0);
        let uniform = |random: &mut Random, low: f64, high: f64| low + (high - low) * random.unit();
        let by_variance = |random: &mut Random, variance: f64| {
            let limit = (3.0 * variance).sqrt();
            uniform(random, -limit, limit)
        };
        let lecun = 1.0 / fan_in.max(1.0);
        let by_deviation = |random: &mut Random, std: f64| loop {
            let x = normal(random);
            if x.abs() <= 2.0 {
                return x * std;
            }
        };
        let truncated = |random: &mut Random, variance: f64| by_deviation(random, variance.sqrt() / TRUNCATED_STD);
        let columns = shape.last().map_or(1, |&columns| columns.max(1));
        if let Self::Orthogonal(gain) = self {
            let matrix = orthogonal(values.len() / columns, columns, random);
            for (value, x) in values.iter_mut().zip(matrix) {
                *value = E::from_f64(gain * x);
            }
            return;
        }
        let quarter = (values.len() / 4).max(1);
        for (index, value) in values.iter_mut().enumerate() {
            *value = E::from_f64(match self {
                Self::Zeros => 0.0,
                Self::Ones => 1.0,
                Self::Constant(x) => x,
                Self::Uniform(low, high) => uniform(random, low, high),
                Self::Normal(mean, std) => mean + std * normal(random),
                Self::GlorotUniform => by_variance(random, glorot),
                Self::GlorotNormal => truncated(random, glorot),
                Self::HeUniform => by_variance(random, he),
                Self::HeNormal => truncated(random, he),
                Self::LecunUniform => by_variance(random, lecun),
                Self::LecunNormal => truncated(random, lecun),
                Self::TruncatedNormal(mean, std) => mean + by_deviation(random, std),
                Self::Identity(gain) if index / columns == index % columns => gain,
                Self::Sinusoidal(wavelength) => {
                    let (row, column) = (index / columns, index % columns);
                    let share = (column - column % 2) as f64 / columns as f64;
                    let angle = row as f64 / wavelength.powf(share);
                    if column % 2 == 0 { angle.sin() } else { angle.cos() }
                }
                Self::Orthogonal(_) | Self::Identity(_) => 0.0,
                Self::ForgetGate(_) if index / quarter == 1 => 1.0,
                Self::ForgetGate(others) => others,
            });
        }
    }
}

/// Inputs and outputs of one unit, by Keras's `compute_fans`: the last two axes, times the cells of a kernel.
fn fans(shape: &[usize]) -> (f64, f64) {
    match *shape {
        [] => (1.0, 1.0),
        [n] => (n as f64, n as f64),
        [ref kernel @ .., fan_in, fan_out] => {
            let cells = kernel.iter().product::<usize>() as f64;
            (cells * fan_in as f64, cells * fan_out as f64)
        }
    }
}

/// A matrix, row by row, whose shorter side's vectors are orthonormal and have a uniform direction: normal numbers,
/// made orthogonal by Gram and Schmidt, twice, as once does not do to the last bits. Their triangle has a positive
/// diagonal, which is what Keras corrects its signs to.
fn orthogonal(rows: usize, columns: usize, random: &mut Random) -> Vec<f64> {
    let (count, length) = (rows.min(columns), rows.max(columns));
    let mut vectors: Vec<Vec<f64>> = Vec::with_capacity(count);
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    while vectors.len() < count {
        let mut new: Vec<f64> = (0..length).map(|_| normal(random)).collect();
        for _ in 0..2 {
            for old in &vectors {
                let share = dot(&new, old);
                new.iter_mut().zip(old).for_each(|(new, old)| *new -= share * old);
            }
        }
        let norm = dot(&new, &new).sqrt();
        // What is left of a vector that the others nearly spanned has no direction of its own.
        if norm > 1e-8 {
            new.iter_mut().for_each(|x| *x /= norm);
            vectors.push(new);
        }
    }
    let at = |row: usize, column: usize| if rows < columns { vectors[row][column] } else { vectors[column][row] };
    (0..rows * columns).map(|index| at(index / columns, index % columns)).collect()
}

/// Standard normal (G. Box, M. Muller, "A note on the generation of random normal deviates", 1958).
fn normal(random: &mut Random) -> f64 {
    let radius = (-2.0 * (1.0 - random.unit()).ln()).sqrt();
    radius * (TAU * random.unit()).cos()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mean, variance, skewness, excess kurtosis, largest magnitude of 200,000 draws.
    fn moments(init: Init, shape: &[usize]) -> [f64; 5] {
        let mut values = vec![0.0_f64; 200_000];
        init.fill(shape, &mut Random::new(3, 4), &mut values);
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let moment = |k: i32| values.iter().map(|x| (x - mean).powi(k)).sum::<f64>() / n;
        let variance = moment(2);
        let largest = values.iter().fold(0.0, |largest: f64, x| largest.max(x.abs()));
        [mean, variance, moment(3) / variance.powf(1.5), moment(4) / variance.powi(2) - 3.0, largest]
    }

    fn near(found: f64, expected: f64, tolerance: f64) {
        assert!((found - expected).abs() <= tolerance, "{found}, expected {expected} ± {tolerance}");
    }

    /// Symmetric around the mean, with this variance and excess kurtosis.
    fn check(init: Init, shape: &[usize], mean: f64, variance: f64, kurtosis: f64) -> f64 {
        let [found_mean, found_variance, skewness, found_kurtosis, largest] = moments(init, shape);
        // Five standard errors of 200,000 draws.
        near(found_mean, mean, 0.012 * variance.sqrt());
        near(found_variance, variance, 0.016 * variance);
        near(skewness, 0.0, 0.03);
        near(found_kurtosis, kurtosis, 0.06);
        largest
    }

    #[test]
    fn uniform_ones() {
        let largest = check(Init::Uniform(-1.0, 3.0), &[7], 1.0, 16.0 / 12.0, -1.2);
        assert!((2.999..3.0).contains(&largest));
        let largest = check(Init::GlorotUniform, &[784, 512], 0.0, 2.0 / 1296.0, -1.2);
        near(largest, (6.0_f64 / 1296.0).sqrt(), 1e-4);
        check(Init::GlorotUniform, &[3, 3, 32, 64], 0.0, 2.0 / (9.0 * 96.0), -1.2);
        check(Init::HeUniform, &[3, 3, 32, 64], 0.0, 2.0 / (9.0 * 32.0), -1.2);
        check(Init::GlorotUniform, &[10], 0.0, 2.0 / 20.0, -1.2);
        check(Init::HeUniform, &[], 0.0, 2.0, -1.2);
    }

    #[test]
    fn normal_ones() {
        let largest = check(Init::Normal(2.0, 3.0), &[7], 2.0, 9.0, 0.0);
        assert!(largest > 2.0 + 3.0 * 3.5, "no tail");
        // A normal cut off at two standard deviations has an excess kurtosis of -0.634.
        let largest = check(Init::GlorotNormal, &[100, 50], 0.0, 2.0 / 150.0, -0.634);
        near(largest, 2.0 * (2.0_f64 / 150.0).sqrt() / TRUNCATED_STD, 1e-3);
        check(Init::HeNormal, &[5, 5, 4, 8], 0.0, 2.0 / 100.0, -0.634);
    }

    #[test]
    fn lecun_and_truncated() {
        check(Init::LecunUniform, &[3, 3, 32, 64], 0.0, 1.0 / (9.0 * 32.0), -1.2);
        check(Init::LecunNormal, &[100, 50], 0.0, 1.0 / 100.0, -0.634);
        let largest = check(Init::TruncatedNormal(0.0, 3.0), &[7], 0.0, (3.0 * TRUNCATED_STD).powi(2), -0.634);
        near(largest, 6.0, 1e-3);
    }

    /// Variance and largest magnitude by Keras's `VarianceScaling` and `compute_fans`: of a kernel of a sequence, and of
    /// a vector.
    #[test]
    fn scaled_by_fans_as_in_keras() {
        for (init, [of_kernel, of_vector], normal) in [
            (Init::GlorotUniform, [2.0 / (5.0 * 24.0), 2.0 / 40.0], false),
            (Init::GlorotNormal, [2.0 / (5.0 * 24.0), 2.0 / 40.0], true),
            (Init::HeUniform, [2.0 / 40.0, 2.0 / 20.0], false),
            (Init::HeNormal, [2.0 / 40.0, 2.0 / 20.0], true),
            (Init::LecunUniform, [1.0 / 40.0, 1.0 / 20.0], false),
            (Init::LecunNormal, [1.0 / 40.0, 1.0 / 20.0], true),
        ] {
            for (shape, variance) in [(&[5, 8, 16][..], of_kernel), (&[20], of_vector)] {
                let largest = check(init, shape, 0.0, variance, if normal { -0.634 } else { -1.2 });
                let limit = if normal { 2.0 * variance.sqrt() / TRUNCATED_STD } else { (3.0 * variance).sqrt() };
                assert!(largest <= limit && largest > 0.999 * limit, "{init:?}: {largest} of {limit}");
            }
        }
    }

    #[test]
    fn truncated_around_its_mean() {
        let largest = check(Init::TruncatedNormal(1.0, 3.0), &[7], 1.0, (3.0 * TRUNCATED_STD).powi(2), -0.634);
        near(largest, 7.0, 2e-3);
    }

    /// As normal numbers have no direction of their own, each element's variance is one over the vectors' length.
    #[test]
    fn orthogonal_in_any_direction() {
        let mut squares = [0.0_f64; 12];
        let mut sums = [0.0_f64; 12];
        for seed in 0..4000 {
            let mut values = [0.0_f64; 12];
            Init::Orthogonal(1.0).fill(&[4, 3], &mut Random::new(seed, 1), &mut values);
            for ((sum, square), value) in sums.iter_mut().zip(&mut squares).zip(values) {
                *sum += value / 4000.0;
                *square += value * value / 4000.0;
            }
        }
        sums.iter().for_each(|&mean| near(mean, 0.0, 0.04));
        squares.iter().for_each(|&square| near(square, 0.25, 0.02));
    }

    #[test]
    fn orthogonal_on_the_shorter_side() {
        for shape in [&[7, 5][..], &[5, 7], &[4, 4], &[3, 2, 4], &[1, 3]] {
            let columns = shape[shape.len() - 1];
            let rows = shape[..shape.len() - 1].iter().product::<usize>();
            let mut values = vec![0.0_f64; rows * columns];
            Init::Orthogonal(1.5).fill(shape, &mut Random::new(5, 6), &mut values);
            let count = rows.min(columns);
            let at = |vector: usize, i: usize| {
                if rows < columns { values[vector * columns + i] } else { values[i * columns + vector] }
            };
            for (a, b) in (0..count).flat_map(|a| (0..count).map(move |b| (a, b))) {
                let dot: f64 = (0..rows.max(columns)).map(|i| at(a, i) * at(b, i)).sum();
                near(dot, if a == b { 2.25 } else { 0.0 }, 1e-14);
            }
        }
    }

    #[test]
    fn sinusoidal() {
        let mut values = [9.0_f64; 10];
        Init::Sinusoidal(10000.0).fill(&[2, 5], &mut Random::new(0, 0), &mut values);
        let slow = [1.0, 10000.0_f64.powf(-0.4), 10000.0_f64.powf(-0.8)];
        let second = [slow[0].sin(), slow[0].cos(), slow[1].sin(), slow[1].cos(), slow[2].sin()];
        let expected = [[0.0, 1.0, 0.0, 1.0, 0.0], second].concat();
        values.iter().zip(expected).for_each(|(&value, expected)| near(value, expected, 1e-14));
    }

    #[test]
    fn identity() {
        let mut values = [9.0_f32; 6];
        Init::Identity(2.0).fill(&[2, 3], &mut Random::new(0, 0), &mut values);
        assert_eq!(values, [2.0, 0.0, 0.0, 0.0, 2.0, 0.0]);
    }

    #[test]
    fn forget_gates() {
        let mut values = [9.0_f32; 8];
        Init::ForgetGate(0.5).fill(&[8], &mut Random::new(0, 0), &mut values);
        assert_eq!(values, [0.5, 0.5, 1.0, 1.0, 0.5, 0.5, 0.5, 0.5]);
    }

    #[test]
    fn constants() {
        let fill = |init: Init| {
            let mut values = [9.0_f32; 3];
            init.fill(&[3], &mut Random::new(0, 0), &mut values);
            values
        };
        assert_eq!(fill(Init::Zeros), [0.0; 3]);
        assert_eq!(fill(Init::Ones), [1.0; 3]);
        assert_eq!(fill(Init::Constant(0.25)), [0.25; 3]);
    }

    #[test]
    fn draws_are_uncorrelated() {
        let mut values = vec![0.0_f64; 100_001];
        Init::Normal(0.0, 1.0).fill(&[7], &mut Random::new(11, 12), &mut values);
        for lag in [1, 2, 64] {
            let n = values.len() - lag;
            let sum: f64 = values.iter().zip(&values[lag..]).map(|(a, b)| a * b).sum();
            near(sum / n as f64, 0.0, 0.016);
        }
    }
}
