//! The rules: from a parameter and its gradient, both ready, to the parameter's and the slots' new values.

use super::Update;
use crate::ir::{NodeId, Rule};
use crate::ops::{Abs, Add, Compare, CompareKind, Div, Maximum, Mul, Pow, Select, Sqrt, Sub};

impl Update<'_> {
    /// The rule's new values, from the parameter as it is now.
    pub(super) fn rule(&mut self, gradient: NodeId) {
        let param = self.param;
        match self.optimizer.rule {
            Rule::Sgd { momentum, nesterov } => self.sgd(param, gradient, momentum, nesterov),
            Rule::Adam { beta1, beta2, epsilon, amsgrad } => {
                self.adam(param, gradient, [beta1, beta2, epsilon], amsgrad);
            }
            Rule::Adamax { beta1, beta2, epsilon } => self.adamax(param, gradient, [beta1, beta2, epsilon]),
            Rule::Nadam { beta1, beta2, epsilon } => self.nadam(param, gradient, [beta1, beta2, epsilon]),
            Rule::RmsProp { rho, momentum, epsilon, centered } => {
                self.rmsprop(param, gradient, [rho, momentum, epsilon], centered);
            }
            Rule::Adagrad { initial, epsilon } => self.adagrad(param, gradient, initial + epsilon),
            Rule::Adadelta { rho, epsilon } => self.adadelta(param, gradient, rho, epsilon),
            Rule::Lion { beta1, beta2 } => self.lion(param, gradient, beta1, beta2),
        }
    }

    /// v' = momentum * v - lr * g; p' = p + v' (Keras's `SGD`; Nesterov: p + momentum * v' - lr * g).
    fn sgd(&mut self, param: NodeId, gradient: NodeId, momentum: f64, nesterov: bool) {
        let rate = self.learning_rate();
        let rate = self.spread(rate);
        let step = self.push(Mul {}, &[gradient, rate]);
        if momentum == 0.0 {
            let new = self.push(Sub {}, &[param, step]);
            self.param = new;
            return;
        }
        let velocity = self.slot(0);
        let factor = self.number(momentum);
        let kept = self.push(Mul {}, &[velocity, factor]);
        let velocity = self.push(Sub {}, &[kept, step]);
        self.keep(0, velocity);
        let change = if nesterov {
            let ahead = self.push(Mul {}, &[velocity, factor]);
            self.push(Sub {}, &[ahead, step])
        } else {
            velocity
        };
        self.param = self.push(Add {}, &[param, change]);
    }

    /// Kingma and Ba, "Adam" (2015), in Keras's order: p' = p - lr * sqrt(1 - b2^t) / (1 - b1^t) * m' / (sqrt(v') + e).
    fn adam(&mut self, param: NodeId, gradient: NodeId, [beta1, beta2, epsilon]: [f64; 3], amsgrad: bool) {
        let rate = self.learning_rate();
        let unbias1 = self.unbias(beta1);
        let unbias2 = self.unbias(beta2);
        let root = self.push(Sqrt {}, &[unbias2]);
        let alpha = self.push(Mul {}, &[rate, root]);
        let alpha = self.push(Div {}, &[alpha, unbias1]);
        let alpha = self.spread(alpha);
        let mean = self.slot(0);
        let mean = self.approach(mean, gradient, 1.0 - beta1);
        let square = self.push(Mul {}, &[gradient, gradient]);
        let variance = self.slot(1);
        let variance = self.approach(variance, square, 1.0 - beta2);
        let mut divisor = variance;
        if amsgrad {
            let largest = self.slot(2);
            divisor = self.push(Maximum {}, &[largest, variance]);
            self.keep(2, divisor);
        }
        let deviation = self.push(Sqrt {}, &[divisor]);
        let deviation = self.shift(deviation, epsilon);
        let step = self.push(Mul {}, &[mean, alpha]);
        let step = self.push(Div {}, &[step, deviation]);
        self.keep(0, mean);
        self.keep(1, variance);
        self.finish(param, step);
    }

    /// m' as Adam's, u' = max(b2 * u, |g|); p' = p - lr / (1 - b1^t) * m' / (u' + e).
    fn adamax(&mut self, param: NodeId, gradient: NodeId, [beta1, beta2, epsilon]: [f64; 3]) {
        let rate = self.learning_rate();
        let unbias = self.unbias(beta1);
        let alpha = self.push(Div {}, &[rate, unbias]);
        let alpha = self.spread(alpha);
        let mean = self.slot(0);
        let mean = self.approach(mean, gradient, 1.0 - beta1);
        let largest = self.slot(1);
        let faded = self.scale(largest, beta2);
        let size = self.push(Abs {}, &[gradient]);
        let largest = self.push(Maximum {}, &[faded, size]);
        let divisor = self.shift(largest, epsilon);
        let step = self.push(Mul {}, &[mean, alpha]);
        let step = self.push(Div {}, &[step, divisor]);
        self.keep(0, mean);
        self.keep(1, largest);
        self.finish(param, step);
    }

    /// u_t = b1 * (1 - 0.96^t / 2), U_t = u_1 * … * u_t; m' and v' as Adam's;
    /// p' = p - lr * (u_{t+1} * m' / (1 - U_{t+1}) + (1 - u_t) * g / (1 - U_t)) / (sqrt(v' / (1 - b2^t)) + e).
    ///
    /// The third slot keeps 1 - U_t, as slots start with 0.
    fn nadam(&mut self, param: NodeId, gradient: NodeId, [beta1, beta2, epsilon]: [f64; 3]) {
        let now = self.schedule(beta1, 0.0);
        let next = self.schedule(beta1, 1.0);
        let one = self.number(1.0);
        let past = self.slot(2);
        let past = self.push(Sub {}, &[one, past]);
        let product = self.push(Mul {}, &[past, now]);
        let rest = self.push(Sub {}, &[one, product]);
        let ahead = self.push(Mul {}, &[product, next]);
        let rest_ahead = self.push(Sub {}, &[one, ahead]);
        let mean = self.slot(0);
        let mean = self.approach(mean, gradient, 1.0 - beta1);
        let square = self.push(Mul {}, &[gradient, gradient]);
        let variance = self.slot(1);
        let variance = self.approach(variance, square, 1.0 - beta2);
        let old = self.push(Mul {}, &[mean, next]);
        let old = self.push(Div {}, &[old, rest_ahead]);
        let share = self.push(Sub {}, &[one, now]);
        let new = self.push(Mul {}, &[gradient, share]);
        let new = self.push(Div {}, &[new, rest]);
        let direction = self.push(Add {}, &[old, new]);
        let unbias = self.unbias(beta2);
        let unbias = self.spread(unbias);
        let corrected = self.push(Div {}, &[variance, unbias]);
        let deviation = self.push(Sqrt {}, &[corrected]);
        let deviation = self.shift(deviation, epsilon);
        let step = self.times_rate(direction);
        let step = self.push(Div {}, &[step, deviation]);
        self.keep(0, mean);
        self.keep(1, variance);
        self.keep(2, rest);
        self.finish(param, step);
    }

    /// b1 * (1 - 0.96^(t + ahead) / 2), Keras's schedule of Nadam's momentum.
    fn schedule(&mut self, beta1: f64, ahead: f64) -> NodeId {
        let step = self.step();
        let ahead = self.scalar(ahead);
        let step = self.push(Add {}, &[step, ahead]);
        let base = self.scalar(0.96);
        let power = self.push(Pow {}, &[base, step]);
        let half = self.scalar(0.5 * beta1);
        let less = self.push(Mul {}, &[power, half]);
        let beta1 = self.scalar(beta1);
        let momentum = self.push(Sub {}, &[beta1, less]);
        self.spread(momentum)
    }

    /// v' = rho * v + (1 - rho) * g^2, a' alike of g; s = lr * g / sqrt(v' + e), centered: sqrt(v' - a'^2 + e);
    /// with momentum s is added to momentum times the last one.
    fn rmsprop(&mut self, param: NodeId, gradient: NodeId, [rho, momentum, epsilon]: [f64; 3], centered: bool) {
        let square = self.push(Mul {}, &[gradient, gradient]);
        let variance = self.slot(0);
        let variance = self.approach(variance, square, 1.0 - rho);
        self.keep(0, variance);
        let mut slot = 1;
        let mut divisor = variance;
        if centered {
            let mean = self.slot(slot);
            let mean = self.approach(mean, gradient, 1.0 - rho);
            let square = self.push(Mul {}, &[mean, mean]);
            divisor = self.push(Sub {}, &[variance, square]);
            self.keep(slot, mean);
            slot += 1;
        }
        let divisor = self.shift(divisor, epsilon);
        let deviation = self.push(Sqrt {}, &[divisor]);
        let step = self.times_rate(gradient);
        let mut step = self.push(Div {}, &[step, deviation]);
        if momentum != 0.0 {
            let last = self.slot(slot);
            let kept = self.scale(last, momentum);
            step = self.push(Add {}, &[kept, step]);
            self.keep(slot, step);
        }
        self.finish(param, step);
    }

    /// a' = a + g^2; p' = p - lr * g / sqrt(a' + e). Slots start with 0, so what the sum starts with is added here.
    fn adagrad(&mut self, param: NodeId, gradient: NodeId, constant: f64) {
        let square = self.push(Mul {}, &[gradient, gradient]);
        let sum = self.slot(0);
        let sum = self.push(Add {}, &[sum, square]);
        let divisor = self.shift(sum, constant);
        let deviation = self.push(Sqrt {}, &[divisor]);
        let step = self.times_rate(gradient);
        let step = self.push(Div {}, &[step, deviation]);
        self.keep(0, sum);
        self.finish(param, step);
    }

    /// a' = rho * a + (1 - rho) * g^2; d = g * sqrt(x + e) / sqrt(a' + e); x' = rho * x + (1 - rho) * d^2; p' = p - lr * d.
    fn adadelta(&mut self, param: NodeId, gradient: NodeId, rho: f64, epsilon: f64) {
        let square = self.push(Mul {}, &[gradient, gradient]);
        let squares = self.slot(0);
        let squares = self.approach(squares, square, 1.0 - rho);
        let changes = self.slot(1);
        let above = self.shift(changes, epsilon);
        let above = self.push(Sqrt {}, &[above]);
        let below = self.shift(squares, epsilon);
        let below = self.push(Sqrt {}, &[below]);
        let change = self.push(Mul {}, &[above, gradient]);
        let change = self.push(Div {}, &[change, below]);
        let square = self.push(Mul {}, &[change, change]);
        let changes = self.approach(changes, square, 1.0 - rho);
        let step = self.times_rate(change);
        self.keep(0, squares);
        self.keep(1, changes);
        self.finish(param, step);
    }

    /// p' = p - lr * sign(b1 * m + (1 - b1) * g); m' = b2 * m + (1 - b2) * g.
    fn lion(&mut self, param: NodeId, gradient: NodeId, beta1: f64, beta2: f64) {
        let mean = self.slot(0);
        let direction = self.approach(mean, gradient, 1.0 - beta1);
        let (zero, one) = (self.number(0.0), self.number(1.0));
        let above = self.push(Compare { kind: CompareKind::Gt }, &[direction, zero]);
        let below = self.push(Compare { kind: CompareKind::Lt }, &[direction, zero]);
        let minus = self.number(-1.0);
        let sign = self.push(Select {}, &[below, minus, zero]);
        let sign = self.push(Select {}, &[above, one, sign]);
        let step = self.times_rate(sign);
        let mean = self.approach(mean, gradient, 1.0 - beta2);
        self.keep(0, mean);
        self.finish(param, step);
    }

    /// p' = p - step.
    fn finish(&mut self, param: NodeId, step: NodeId) {
        self.param = self.push(Sub {}, &[param, step]);
    }

    fn times_rate(&mut self, x: NodeId) -> NodeId {
        let rate = self.learning_rate();
        let rate = self.spread(rate);
        self.push(Mul {}, &[x, rate])
    }

    /// 1 - beta^t.
    fn unbias(&mut self, beta: f64) -> NodeId {
        let beta = self.scalar(beta);
        let step = self.step();
        let power = self.push(Pow {}, &[beta, step]);
        let one = self.scalar(1.0);
        self.push(Sub {}, &[one, power])
    }

    /// old + (new - old) * rate.
    fn approach(&mut self, old: NodeId, new: NodeId, rate: f64) -> NodeId {
        let distance = self.push(Sub {}, &[new, old]);
        let rate = self.number(rate);
        let step = self.push(Mul {}, &[distance, rate]);
        self.push(Add {}, &[old, step])
    }
}
