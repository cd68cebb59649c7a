//! What every layer with parameters takes besides its own arguments: how these train.

use super::template::{Fallback, Kind, Parameter};

/// The keywords, as every layer has them. `l1`, `l2` and the constraints are about weights alone, as Keras's
/// `kernel_regularizer` and `kernel_constraint`; the others about all parameters of the layer.
pub const SETTINGS: &[Parameter] = &[
    Parameter::optional(
        "trainable",
        Kind::Flag,
        Fallback::Flag(true),
        "Whether the optimizer changes the layer. A frozen `batch_norm` uses its moving averages in training, too.",
    ),
    Parameter::optional("lr_scale", Kind::Number, Fallback::Float(1.0), "A factor of the learning rate."),
    Parameter::optional("weight_decay", Kind::Number, Fallback::Absent, "In place of the optimizer's."),
    Parameter::optional(
        "l1",
        Kind::Number,
        Fallback::Float(0.0),
        "The loss contains this times the sum of magnitudes.",
    ),
    Parameter::optional(
        "l2",
        Kind::Number,
        Fallback::Float(0.0),
        "The loss contains this times the sum of squares, in `step` and in `loss`.",
    ),
    Parameter::optional(
        "max_norm",
        Kind::Positive,
        Fallback::Absent,
        "After each update, norms along the first axis are cut down to this (Srivastava et al., 2014).",
    ),
    Parameter::optional(
        "unit_norm",
        Kind::Flag,
        Fallback::Flag(false),
        "Whether norms along the first axis are made 1 after each update.",
    ),
    Parameter::optional(
        "non_negative",
        Kind::Flag,
        Fallback::Flag(false),
        "Whether what is below 0 is made 0 after each update.",
    ),
];
