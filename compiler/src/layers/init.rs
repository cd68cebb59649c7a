//! Initialisers that take numbers. The resolver reads their arguments; nothing is built.

use super::template::{Kind, Parameter, Template};

pub(super) const TEMPLATES: &[Template] = &[
    Template {
        name: "constant",
        aliases: &[],
        docs: "All the same number.",
        params: &[Parameter::required("value", Kind::Number, "The number.")],
        layer: false,
        build: |b, _| b.fail("`constant` stands behind `init =`"),
    },
    Template {
        name: "uniform",
        aliases: &[],
        docs: "Uniform from `low` to below `high`.",
        params: &[
            Parameter::required("low", Kind::Number, "The least value."),
            Parameter::required("high", Kind::Number, "The bound above."),
        ],
        layer: false,
        build: |b, _| b.fail("`uniform` stands behind `init =`"),
    },
    Template {
        name: "normal",
        aliases: &[],
        docs: "Normal, by mean and standard deviation.",
        params: &[
            Parameter::required("mean", Kind::Number, "The mean."),
            Parameter::required("deviation", Kind::Positive, "The standard deviation.").known_as(&["stddev", "std"]),
        ],
        layer: false,
        build: |b, _| b.fail("`normal` stands behind `init =`"),
    },
];
