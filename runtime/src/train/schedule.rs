//! Learning-rate schedules: pure functions of the number of steps (or epochs) made so far.

use std::f64::consts::PI;

/// A learning rate by the number of steps made before; in epochs where it is used per epoch.
///
/// Formulas are Keras's (`keras.optimizers.schedules`) or PyTorch's (`torch.optim.lr_scheduler`) as each says.
///
/// ```
/// # use kiln::train::Schedule;
/// let schedule = Schedule::cosine(1e-3, 900, 0.0).after_warm_up(100);
/// assert_eq!(schedule.at(0), 0.0);
/// assert_eq!(schedule.at(50), 5e-4);
/// assert_eq!(schedule.at(100), 1e-3);
/// assert!(schedule.at(1000) < 1e-12);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule(Form);

#[derive(Clone, Debug, PartialEq)]
enum Form {
    Constant(f64),
    Step { rate: f64, every: u64, factor: f64 },
    Piecewise { first: f64, then: Vec<(u64, f64)> },
    Exponential { rate: f64, steps: u64, factor: f64, staircase: bool },
    InverseTime { rate: f64, steps: u64, factor: f64 },
    Polynomial { rate: f64, end: f64, steps: u64, power: f64, cycle: bool },
    Cosine { rate: f64, steps: u64, alpha: f64 },
    Restarts { rate: f64, first: u64, longer: f64, lower: f64, alpha: f64 },
    OneCycle { peak: f64, steps: u64, rise: f64, start: f64, end: f64 },
    WarmUp { steps: u64, from: f64, then: Box<Schedule> },
}

impl Schedule {
    /// Always the same.
    pub fn constant(rate: f64) -> Self {
        Self(Form::Constant(rate))
    }

    /// `rate * factor^floor(step / every)`: PyTorch's `StepLR`.
    pub fn step(rate: f64, every: u64, factor: f64) -> Self {
        Self(Form::Step { rate, every: every.max(1), factor })
    }

    /// `first`, and from each boundary's following step on the rate beside it: Keras's `PiecewiseConstantDecay`, which
    /// still gives the old rate at the boundary itself. Boundaries ascend.
    pub fn piecewise(first: f64, then: impl IntoIterator<Item = (u64, f64)>) -> Self {
        Self(Form::Piecewise { first, then: then.into_iter().collect() })
    }

    /// `rate * factor^(step / steps)`, the exponent rounded down with `staircase`: Keras's `ExponentialDecay`.
    pub fn exponential(rate: f64, steps: u64, factor: f64, staircase: bool) -> Self {
        Self(Form::Exponential { rate, steps: steps.max(1), factor, staircase })
    }

    /// `rate / (1 + factor * step / steps)`: Keras's `InverseTimeDecay`.
    pub fn inverse_time(rate: f64, steps: u64, factor: f64) -> Self {
        Self(Form::InverseTime { rate, steps: steps.max(1), factor })
    }

    /// `(rate - end) * (1 - step / steps)^power + end`, then `end`: Keras's `PolynomialDecay`. With `cycle`, `steps`
    /// grows to its next multiple whenever it is passed.
    pub fn polynomial(rate: f64, end: f64, steps: u64, power: f64, cycle: bool) -> Self {
        Self(Form::Polynomial { rate, end, steps: steps.max(1), power, cycle })
    }

    /// `rate * ((1 - alpha) * (1 + cos(pi * step / steps)) / 2 + alpha)`, then `rate * alpha`: Keras's `CosineDecay`
    /// (I. Loshchilov, F. Hutter, "SGDR", 2017).
    pub fn cosine(rate: f64, steps: u64, alpha: f64) -> Self {
        Self(Form::Cosine { rate, steps: steps.max(1), alpha })
    }

    /// Cosines one after another, the first of `first` steps, each `longer` times as long as the one before and `lower`
    /// times as high: Keras's `CosineDecayRestarts` (`t_mul` 2, `m_mul` 1 and `alpha` 0 are its defaults).
    pub fn cosine_restarts(rate: f64, first: u64, longer: f64, lower: f64, alpha: f64) -> Self {
        Self(Form::Restarts { rate, first: first.max(1), longer: longer.max(1.0), lower, alpha })
    }

    /// Up to `peak` by a cosine in the first 30 % of the steps, from `peak / 25`, and down to `peak / 250,000`: PyTorch's
    /// `OneCycleLR` with its defaults, without its momentum (L. Smith, N. Topin, "Super-convergence", 2018).
    pub fn one_cycle(peak: f64, steps: u64) -> Self {
        Self::one_cycle_with(peak, steps, 0.3, 25.0, 1e4)
    }

    /// PyTorch's `OneCycleLR(max_lr, total_steps, pct_start, div_factor, final_div_factor)`.
    pub fn one_cycle_with(peak: f64, steps: u64, rise: f64, divide: f64, divide_end: f64) -> Self {
        let start = peak / divide;
        Self(Form::OneCycle { peak, steps: steps.max(2), rise, start, end: start / divide_end })
    }

    /// This schedule, which starts after `steps` steps in which the rate grows evenly from 0 to its first: Keras's
    /// `warmup_target` of `CosineDecay`, for any schedule.
    #[must_use]
    pub fn after_warm_up(self, steps: u64) -> Self {
        self.after_warm_up_from(steps, 0.0)
    }

    /// As [`after_warm_up`](Self::after_warm_up), growing from another rate.
    #[must_use]
    pub fn after_warm_up_from(self, steps: u64, from: f64) -> Self {
        Self(Form::WarmUp { steps, from, then: Box::new(self) })
    }

    /// The rate of the step before which `step` steps were made.
    pub fn at(&self, step: u64) -> f64 {
        let count = step as f64;
        match &self.0 {
            &Form::Constant(rate) => rate,
            &Form::Step { rate, every, factor } => rate * factor.powf((step / every) as f64),
            Form::Piecewise { first, then } => {
                then.iter().rev().find(|&&(boundary, _)| step > boundary).map_or(*first, |&(_, rate)| rate)
            }
            &Form::Exponential { rate, steps, factor, staircase } => {
                let exponent = count / steps as f64;
                rate * factor.powf(if staircase { exponent.floor() } else { exponent })
            }
            &Form::InverseTime { rate, steps, factor } => rate / (1.0 + factor * count / steps as f64),
            &Form::Polynomial { rate, end, steps, power, cycle } => {
                let mut length = steps as f64;
                if cycle && step > 0 {
                    length *= (count / length).ceil();
                }
                (rate - end) * (1.0 - count.min(length) / length).powf(power) + end
            }
            &Form::Cosine { rate, steps, alpha } => rate * decayed(count.min(steps as f64) / steps as f64, alpha),
            &Form::Restarts { rate, first, longer, lower, alpha } => {
                let (mut start, mut length, mut height) = (0.0, first as f64, 1.0);
                // A cycle's length doubles by default; cycles of one length are counted at once.
                if longer > 1.0 {
                    while count >= start + length {
                        start += length;
                        length *= longer;
                        height *= lower;
                    }
                } else {
                    let cycles = (count / length).floor();
                    start = cycles * length;
                    height = lower.powf(cycles);
                }
                let done = (count - start) / length;
                rate * ((1.0 - alpha) * 0.5 * height * (1.0 + (PI * done).cos()) + alpha)
            }
            &Form::OneCycle { peak, steps, rise, start, end } => {
                let turn = (rise * steps as f64 - 1.0).max(0.0);
                let last = steps as f64 - 1.0;
                if count <= turn && turn > 0.0 {
                    between(start, peak, count / turn)
                } else {
                    between(peak, end, ((count - turn) / (last - turn)).min(1.0))
                }
            }
            Form::WarmUp { steps, from, then } => {
                if step < *steps {
                    from + (then.at(0) - from) * (count / *steps as f64)
                } else {
                    then.at(step - steps)
                }
            }
        }
    }
}

fn decayed(done: f64, alpha: f64) -> f64 {
    (1.0 - alpha) * 0.5 * (1.0 + (PI * done).cos()) + alpha
}

/// From `start` to `end` by half a cosine.
fn between(start: f64, end: f64, done: f64) -> f64 {
    end + (start - end) / 2.0 * (1.0 + (PI * done).cos())
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEPS: [u64; 7] = [0, 1, 3, 7, 10, 15, 25];

    #[track_caller]
    fn same(schedule: &Schedule, expected: [f64; 7]) {
        for (step, expected) in STEPS.into_iter().zip(expected) {
            let found = schedule.at(step);
            // The references are in single precision.
            assert!((found - expected).abs() < 2e-8, "step {step}: {found}, not {expected}");
        }
    }

    /// The values are those of Keras 3.15's `keras.optimizers.schedules`.
    #[test]
    fn as_keras() {
        same(&Schedule::piecewise(0.1, [(3, 0.05), (10, 0.01)]), [0.1, 0.1, 0.1, 0.05, 0.05, 0.01, 0.01]);
        same(
            &Schedule::exponential(0.1, 10, 0.5, false),
            [0.1, 0.0933033004, 0.0812252387, 0.0615572222, 0.05, 0.0353553407, 0.0176776697],
        );
        same(&Schedule::exponential(0.1, 10, 0.5, true), [0.1, 0.1, 0.1, 0.1, 0.05, 0.05, 0.025]);
        same(
            &Schedule::inverse_time(0.1, 10, 0.5),
            [0.1, 0.0952381045, 0.0869565234, 0.0740740746, 0.0666666701, 0.0571428575, 0.0444444455],
        );
        same(&Schedule::polynomial(0.1, 0.01, 10, 2.0, false), [0.1, 0.0829, 0.0541, 0.0181, 0.01, 0.01, 0.01]);
        same(&Schedule::polynomial(0.1, 0.01, 10, 2.0, true), [0.1, 0.0829, 0.0541, 0.0181, 0.01, 0.015625, 0.0125]);
        same(&Schedule::cosine(0.1, 10, 0.1), [0.1, 0.0977975428, 0.0814503357, 0.0285496656, 0.01, 0.01, 0.01]);
        same(
            &Schedule::cosine_restarts(0.1, 5, 2.0, 0.5, 0.1),
            [0.1, 0.0914057642, 0.0410942249, 0.0507028811, 0.0325, 0.0325, 0.02125],
        );
        same(
            &Schedule::cosine_restarts(0.1, 4, 1.0, 0.5, 0.0),
            [0.1, 0.0853553414, 0.0146446619, 0.0073223310, 0.0125, 0.0018305827, 0.0013336772],
        );
        same(&Schedule::cosine(0.1, 10, 0.1).after_warm_up(5), [0.0, 0.02, 0.06, 0.0914057642, 0.055, 0.01, 0.01]);
    }

    /// The values of PyTorch's `OneCycleLR(max_lr=0.1, total_steps=20)`.
    #[test]
    fn as_pytorch() {
        let schedule = Schedule::one_cycle(0.1, 20);
        for (step, expected) in [
            (0, 0.0040000000000000036),
            (1, 0.013167184270002533),
            (3, 0.06683281572999747),
            (5, 0.1),
            (7, 0.09504846320134738),
            (10, 0.07169430017913009),
            (15, 0.0188258346050237),
            (19, 4e-07),
        ] {
            assert!((schedule.at(step) - expected).abs() < 1e-12, "step {step}");
        }
        // PyTorch's StepLR(step_size=3, gamma=0.1).
        let rates = [0, 2, 3, 6].map(|epoch| Schedule::step(1.0, 3, 0.1).at(epoch));
        assert!(rates.iter().zip([1.0, 1.0, 0.1, 0.01]).all(|(a, b)| (a - b).abs() < 1e-15));
        assert!((Schedule::constant(0.5).after_warm_up_from(4, 0.1).at(2) - 0.3).abs() < 1e-15);
    }
}
