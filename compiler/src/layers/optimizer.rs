//! Optimizers: their settings. The update itself is made where a training step is.

use super::template::{Fallback, Kind, Parameter, Template};
use super::{Arg, Bound, Builder};
use crate::ir::{Clip, Optimizer, Rule};
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
const EPSILON: Parameter =
    Parameter::optional("epsilon", Kind::Positive, Fallback::Float(1e-7), "Added to what divides.").known_as(&["eps"]);

const DECAY: Parameter = Parameter::optional(
    "weight_decay",
    Kind::Rate,
    Fallback::Float(0.0),
    "The share that is taken off a parameter before its update, times the learning rate.",
);
/// What every optimiser takes, behind its own settings.
const fn common<const OWN: usize, const ALL: usize>(own: [Parameter; OWN]) -> [Parameter; ALL] {
    let mut all = [COMMON[0]; ALL];
    let mut place = 0;
    while place < ALL {
        all[place] = if place < OWN { own[place] } else { COMMON[place - OWN] };
        place += 1;
    }
    all
}

const COMMON: [Parameter; 7] = [
    DECAY,
    Parameter::optional(
        "decay_vectors",
        Kind::Flag,
        Fallback::Flag(true),
        "Whether parameters of fewer than two axes (biases, the factors of normalisations) decay, too.",
    ),
    Parameter::optional(
        "clip_value",
        Kind::Positive,
        Fallback::Absent,
        "The largest magnitude of a gradient's elements; not bounded if left out.",
    )
    .known_as(&["clipvalue"]),
    Parameter::optional(
        "clip_norm",
        Kind::Positive,
        Fallback::Absent,
        "The largest norm of each parameter's gradient; not bounded if left out.",
    )
    .known_as(&["clipnorm"]),
    Parameter::optional(
        "global_clip_norm",
        Kind::Positive,
        Fallback::Absent,
        "The largest norm of all gradients together (Pascanu et al., 2013); not bounded if left out.",
    )
    .known_as(&["global_clipnorm"]),
    Parameter::optional(
        "ema",
        Kind::Rate,
        Fallback::Absent,
        "What a moving average of the parameters keeps of itself; without it there is none.",
    )
    .known_as(&["ema_momentum", "use_ema"]),
    Parameter::optional(
        "accumulate",
        Kind::Size,
        Fallback::Int(1),
        "So many steps make one update, with the mean of their gradients.",
    )
    .known_as(&["gradient_accumulation_steps"]),
];
const AMSGRAD: Parameter = Parameter::optional(
    "amsgrad",
    Kind::Flag,
    Fallback::Flag(false),
    "Whether the largest mean of squares so far divides (Reddi et al., 2018).",
);
const RHO: Parameter =
    Parameter::optional("rho", Kind::Rate, Fallback::Float(0.9), "What the mean of squared gradients keeps of itself.");
const MOMENTUM: Parameter =
    Parameter::optional("momentum", Kind::Rate, Fallback::Float(0.0), "What the velocity keeps of itself.");

const fn optimizer(
    name: &'static str,
    docs: &'static str,
    params: &'static [Parameter],
    build: fn(&mut Builder<'_, '_>, &Bound) -> Eval<Value>,
) -> Template {
    Template { name, aliases: &[], docs, params, layer: false, build }
}

const ADAMW: &[Parameter] = &{
    let mut all = common::<5, 12>([rate(0.001), BETA1, BETA2, EPSILON, AMSGRAD]);
    all[5] = Parameter { default: Fallback::Float(0.004), ..DECAY };
    all
};

pub(super) const TEMPLATES: &[Template] = &[
    optimizer(
        "sgd",
        "Stochastic gradient descent, with momentum if that is not 0, as Keras's SGD.",
        &common::<3, 10>([
            rate(0.01),
            MOMENTUM,
            Parameter::optional(
                "nesterov",
                Kind::Flag,
                Fallback::Flag(false),
                "Whether it looks ahead (Nesterov, 1983).",
            ),
        ]),
        |b, args| {
            let (momentum, nesterov) = (b.number(args, "momentum")?, b.flag(args, "nesterov")?);
            if nesterov && momentum == 0.0 {
                return b.fail_at(args, "nesterov", "`nesterov` needs a `momentum` above 0");
            }
            finish(b, args, Rule::Sgd { momentum, nesterov })
        },
    ),
    optimizer(
        "adam",
        "Adam (Kingma and Ba, 2015), as Keras's: epsilon is added outside the bias correction.",
        &common::<5, 12>([rate(0.001), BETA1, BETA2, EPSILON, AMSGRAD]),
        adam,
    ),
    optimizer(
        "adamw",
        "Adam with decoupled weight decay (Loshchilov and Hutter, 2019), as Keras's AdamW.",
        ADAMW,
        adam,
    ),
    optimizer(
        "adamax",
        "Adam by the largest gradient (Kingma and Ba, 2015), as Keras's Adamax.",
        &common::<4, 11>([rate(0.001), BETA1, BETA2, EPSILON]),
        |b, args| {
            let [beta1, beta2, epsilon] = betas(b, args)?;
            finish(b, args, Rule::Adamax { beta1, beta2, epsilon })
        },
    ),
    optimizer(
        "nadam",
        "Adam with Nesterov's momentum (Dozat, 2016), as Keras's Nadam, whose schedule of the momentum it has.",
        &common::<4, 11>([rate(0.001), BETA1, BETA2, EPSILON]),
        |b, args| {
            let [beta1, beta2, epsilon] = betas(b, args)?;
            finish(b, args, Rule::Nadam { beta1, beta2, epsilon })
        },
    ),
    optimizer(
        "rmsprop",
        "Divides by the root of the mean of squared gradients (Tieleman and Hinton, 2012), as Keras's RMSprop.",
        &common::<5, 12>([
            rate(0.001),
            RHO,
            MOMENTUM,
            EPSILON,
            Parameter::optional(
                "centered",
                Kind::Flag,
                Fallback::Flag(false),
                "Whether the gradients' variance divides, not the mean of their squares.",
            ),
        ]),
        |b, args| {
            let (rho, momentum) = (b.number(args, "rho")?, b.number(args, "momentum")?);
            let (epsilon, centered) = (b.number(args, "epsilon")?, b.flag(args, "centered")?);
            finish(b, args, Rule::RmsProp { rho, momentum, epsilon, centered })
        },
    ),
    optimizer(
        "adagrad",
        "Divides by the root of the sum of all squared gradients (Duchi et al., 2011), as Keras's Adagrad.",
        &common::<3, 10>([
            rate(0.001),
            Parameter::optional(
                "initial_accumulator_value",
                Kind::Number,
                Fallback::Float(0.1),
                "What the sum starts with.",
            ),
            EPSILON,
        ]),
        |b, args| {
            let (initial, epsilon) = (b.number(args, "initial_accumulator_value")?, b.number(args, "epsilon")?);
            if initial < 0.0 {
                let message = format!("`initial_accumulator_value` can't be negative, but is {initial:?}");
                return b.fail_at(args, "initial_accumulator_value", message);
            }
            finish(b, args, Rule::Adagrad { initial, epsilon })
        },
    ),
    optimizer(
        "adadelta",
        "Steps in proportion to the mean size of earlier ones (Zeiler, 2012), as Keras's Adadelta.",
        &common::<3, 10>([rate(0.001), Parameter { default: Fallback::Float(0.95), ..RHO }, EPSILON]),
        |b, args| {
            let (rho, epsilon) = (b.number(args, "rho")?, b.number(args, "epsilon")?);
            finish(b, args, Rule::Adadelta { rho, epsilon })
        },
    ),
    optimizer(
        "lion",
        "Steps by the sign of a mean of gradients (Chen et al., 2023), as Keras's Lion.",
        &common::<3, 10>([
            rate(0.001),
            BETA1,
            Parameter { default: Fallback::Float(0.99), docs: "What the mean of gradients keeps of itself.", ..BETA2 },
        ]),
        |b, args| {
            let (beta1, beta2) = (b.number(args, "beta1")?, b.number(args, "beta2")?);
            finish(b, args, Rule::Lion { beta1, beta2 })
        },
    ),
];

fn betas(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<[f64; 3]> {
    Ok([b.number(args, "beta1")?, b.number(args, "beta2")?, b.number(args, "epsilon")?])
}

fn adam(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<Value> {
    let [beta1, beta2, epsilon] = betas(b, args)?;
    let amsgrad = b.flag(args, "amsgrad")?;
    finish(b, args, Rule::Adam { beta1, beta2, epsilon, amsgrad })
}

/// With what all of them take.
fn finish(b: &mut Builder<'_, '_>, args: &Bound, rule: Rule) -> Eval<Value> {
    let (lr, weight_decay) = (b.number(args, "lr")?, b.number(args, "weight_decay")?);
    let bound = |name| if let Arg::Float(bound) = args.get(name) { Some(*bound) } else { None };
    let clips = [
        ("clip_value", bound("clip_value").map(Clip::Value)),
        ("clip_norm", bound("clip_norm").map(Clip::Norm)),
        ("global_clip_norm", bound("global_clip_norm").map(Clip::GlobalNorm)),
    ];
    let mut given = clips.into_iter().filter_map(|(name, clip)| Some((name, clip?)));
    let clip = given.next();
    if let (Some((first, _)), Some((second, _))) = (clip, given.next()) {
        return b.fail_at(args, second, format!("gradients are bounded once: `{first}` or `{second}`"));
    }
    let ema = match args.get("ema") {
        Arg::Float(momentum) => Some(*momentum),
        _ => None,
    };
    Ok(Value::Optimizer(Optimizer {
        rule,
        lr,
        weight_decay,
        decay_vectors: b.flag(args, "decay_vectors")?,
        clip: clip.map(|(_, clip)| clip),
        ema,
        accumulate: b.size(args, "accumulate")?,
    }))
}
