//! What `explain(…)` takes. The resolver reads the arguments; nothing is built.

use super::template::{Fallback, Kind, Parameter, Template};

const OF: Parameter =
    Parameter::required("of", Kind::Tensor, "What is explained: a number for each row, or a score for each class.");
const WRT: Parameter =
    Parameter::required("wrt", Kind::Tensor, "The input, or another value, that it is explained by.");
const CLASS: Parameter = Parameter::optional(
    "class",
    Kind::Indices,
    Fallback::Absent,
    "Which score: a `class` input, which becomes an argument, or a number; each row's largest if left out.",
);
const NAME: Parameter =
    Parameter::optional("name", Kind::Text, Fallback::Absent, "The method's name; the kind's if left out.");

const fn kind(name: &'static str, docs: &'static str, params: &'static [Parameter]) -> Template {
    let build = |b: &mut super::Builder<'_, '_>, args: &super::Bound| {
        b.fail(format!("`{}` stands in `explain(…)`", args.template()))
    };
    Template { name, aliases: &[], docs, params, layer: false, build }
}

/// The kinds of explanations.
pub(super) const TEMPLATES: &[Template] = &[
    kind("saliency", "The gradient's magnitude (Simonyan et al., 2013).", &[OF, WRT, CLASS, NAME]),
    kind("input_x_gradient", "The gradient times the value (Shrikumar et al., 2016).", &[OF, WRT, CLASS, NAME]),
    kind(
        "smooth_grad",
        "The mean gradient at the value with normal noise added (Smilkov et al., 2017).",
        &[
            OF,
            WRT,
            Parameter::optional("samples", Kind::Size, Fallback::Int(16), "How many points."),
            Parameter::optional(
                "noise",
                Kind::Positive,
                Fallback::Float(0.1),
                "The noise's deviation, as a share of the row's range from its least to its largest element.",
            ),
            CLASS,
            NAME,
        ],
    ),
    kind(
        "integrated_gradients",
        "The mean gradient on the way from a baseline, times the way (Sundararajan et al., 2017). Its sum over a row is \
         the difference of the scores at both ends, but for the steps' coarseness.",
        &[
            OF,
            WRT,
            Parameter::optional(
                "steps",
                Kind::Size,
                Fallback::Int(32),
                "Points on the way, each in the middle of its part.",
            ),
            Parameter::optional(
                "baseline",
                Kind::Operand,
                Fallback::Float(0.0),
                "Where it starts: a number or a tensor.",
            ),
            CLASS,
            NAME,
        ],
    ),
    kind(
        "grad_cam",
        "A map of places: relu of the channels' sum, each times its mean gradient (Selvaraju et al., 2017).",
        &[OF, Parameter::required("layer", Kind::Tensor, "A feature map, channels last."), CLASS, NAME],
    ),
];
