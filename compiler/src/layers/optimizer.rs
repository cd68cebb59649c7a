//! Optimizers: their settings. The update itself is made where a training step is.

use super::template::{Fallback, Kind, Parameter, Template};
use super::{Bound, Builder};
use crate::ir::Optimizer;
use crate::resolve::{Eval, Value};

const fn rate(default: f64) -> Parameter {
    Parameter::optional("lr", Kind::Positive, Fallback::Float(default), "The learning rate to start with.")
        .known_as(&["learning_rate"])
}

const BETA1: Parameter =
    Parameter::optional("beta1", Kind::Rate, Fallback::Float(0.9), "What the mean of gradients keeps of itself.")
        .known_as(&["beta_1"]);
const BETA2: Parameter = Parameter::optional(
    "beta2",
    Kind::Rate,
    Fallback::Float(0.999),
    "What the mean of squared gradients keeps of itself.",
)
.known_as(&["beta_2"]);
const EPSILON: Parameter = Parameter::optional(
    "epsilon",
    Kind::Positive,
    Fallback::Float(1e-7),
    "Added to the root, outside the bias correction.",
)
.known_as(&["eps"]);

pub(super) const TEMPLATES: &[Template] = &[
    Template {
        name: "sgd",
        aliases: &[],
        docs: "Stochastic gradient descent, with momentum if that is not 0, as Keras's SGD.",
        params: &[
            rate(0.01),
            Parameter::optional("momentum", Kind::Rate, Fallback::Float(0.0), "What the velocity keeps of itself."),
            Parameter::optional(
                "nesterov",
                Kind::Flag,
                Fallback::Flag(false),
                "Whether it looks ahead (Nesterov, 1983).",
            ),
        ],
        layer: false,
        build: |b, args| {
            let (lr, momentum) = (b.number(args, "lr")?, b.number(args, "momentum")?);
            let nesterov = b.flag(args, "nesterov")?;
            if nesterov && momentum == 0.0 {
                return b.fail_at(args, "nesterov", "`nesterov` needs a `momentum` above 0");
            }
            Ok(Value::Optimizer(Optimizer::Sgd { lr, momentum, nesterov }))
        },
    },
    Template {
        name: "adam",
        aliases: &[],
        docs: "Adam (Kingma and Ba, 2015), as Keras's.",
        params: &[rate(0.001), BETA1, BETA2, EPSILON],
        layer: false,
        build: |b, args| {
            let (lr, beta1, beta2, epsilon) = adam(b, args)?;
            Ok(Value::Optimizer(Optimizer::Adam { lr, beta1, beta2, epsilon }))
        },
    },
    Template {
        name: "adamw",
        aliases: &[],
        docs: "Adam with decoupled weight decay (Loshchilov and Hutter, 2019), as Keras's AdamW.",
        params: &[
            rate(0.001),
            Parameter::optional(
                "weight_decay",
                Kind::Rate,
                Fallback::Float(0.004),
                "The decay, times the learning rate.",
            ),
            BETA1,
            BETA2,
            EPSILON,
        ],
        layer: false,
        build: |b, args| {
            let (lr, beta1, beta2, epsilon) = adam(b, args)?;
            let weight_decay = b.number(args, "weight_decay")?;
            Ok(Value::Optimizer(Optimizer::AdamW { lr, beta1, beta2, epsilon, weight_decay }))
        },
    },
];

fn adam(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<(f64, f64, f64, f64)> {
    Ok((b.number(args, "lr")?, b.number(args, "beta1")?, b.number(args, "beta2")?, b.number(args, "epsilon")?))
}
