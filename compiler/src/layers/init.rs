//! Initialisers that take numbers. The resolver reads their arguments; nothing is built.

use super::template::{Fallback, Kind, Parameter, Template};

const MEAN: Parameter = Parameter::optional("mean", Kind::Number, Fallback::Float(0.0), "The mean.");
const DEVIATION: Parameter =
    Parameter::optional("deviation", Kind::Positive, Fallback::Float(0.05), "The standard deviation.")
        .known_as(&["stddev", "std"]);
const GAIN: Parameter = Parameter::optional("gain", Kind::Number, Fallback::Float(1.0), "A factor.");

const fn init(name: &'static str, docs: &'static str, params: &'static [Parameter]) -> Template {
    let build = |b: &mut super::Builder<'_, '_>, args: &super::Bound| {
        b.fail(format!("`{}` stands behind `init =`", args.template()))
    };
    Template { name, aliases: &[], docs, params, layer: false, build }
}

pub(super) const TEMPLATES: &[Template] = &[
    init("constant", "All the same number.", &[Parameter::required("value", Kind::Number, "The number.")]),
    init(
        "uniform",
        "Uniform from `low` to below `high`.",
        &[
            Parameter::optional("low", Kind::Number, Fallback::Float(-0.05), "The least value.").known_as(&["minval"]),
            Parameter::optional("high", Kind::Number, Fallback::Float(0.05), "The bound above.").known_as(&["maxval"]),
        ],
    ),
    init("normal", "Normal, by mean and standard deviation.", &[MEAN, DEVIATION]),
    init(
        "truncated_normal",
        "Normal, by mean and standard deviation, drawn again where it is more than two of them off, as Keras's \
         TruncatedNormal.",
        &[MEAN, DEVIATION],
    ),
    init(
        "orthogonal",
        "Orthogonal columns, or rows if they are fewer, of the matrix with the last axis behind all others (Saxe et \
         al., 2014), times `gain`; of two axes at least.",
        &[GAIN],
    ),
    init("identity", "1 where both indices are equal, else 0, times `gain`; of two axes.", &[GAIN]),
];
