//! What a template says of itself: enough to check every argument, and to write its reference.

use std::fmt;

use super::{Bound, Builder};
use crate::resolve::{Eval, Value};

/// A function of the language: a layer, an operation, a loss, a statement.
pub struct Template {
    /// The name that users write.
    pub name: &'static str,
    /// Other names of the same thing.
    pub aliases: &'static [&'static str],
    /// What it does, and where that is defined.
    pub docs: &'static str,
    /// The arguments in order.
    pub params: &'static [Parameter],
    /// Whether it is a line of the summary table. Such templates take `name = "…"`.
    pub layer: bool,
    /// Makes its primitives.
    pub(crate) build: fn(&mut Builder<'_, '_>, &Bound) -> Eval<Value>,
}

/// An argument of a template.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// The keyword.
    pub name: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// What it is when it is left out.
    pub default: Fallback,
    /// Names that other libraries give it: only to help those who use them here.
    pub known_as: &'static [&'static str],
    /// What it means.
    pub docs: &'static str,
}

/// What stands for an argument that is left out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fallback {
    /// It can't be left out.
    Required,
    /// The template decides; the documentation says how.
    Absent,
    /// This integer.
    Int(i64),
    /// This number.
    Float(f64),
    /// This flag.
    Flag(bool),
    /// This word, such as `valid`.
    Word(&'static str),
}

/// What an argument takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A tensor of floats.
    Tensor,
    /// A tensor of floats or of indices.
    AnyTensor,
    /// Class indices or tokens.
    Indices,
    /// A comparison.
    Condition,
    /// A tensor or a number.
    Operand,
    /// Tensors, as many as there are.
    Tensors,
    /// A positive integer.
    Size,
    /// An integer.
    Integer,
    /// A number.
    Number,
    /// A number above 0.
    Positive,
    /// A number from 0, below 1.
    Rate,
    /// `true` or `false`.
    Flag,
    /// A positive integer, or a pair of them for height and width.
    Pair,
    /// `valid`, `same`, or the zeros around the image: `1`, `(1, 2)` or `((0, 1), (0, 1))`.
    Padding,
    /// A shape without the batch: `[28, 28, 1]`.
    Shape,
    /// As `Shape`, and one axis may be -1: whatever is left.
    NewShape,
    /// An array with an integer for each axis.
    PerAxis,
    /// An axis, negative from the end.
    Axis,
    /// An axis or several.
    Axes,
    /// How a parameter starts.
    Init,
    /// A function of one tensor, by name.
    Function,
    /// Text.
    Text,
    /// `sgd(…)`, `adam(…)` and the like.
    Optimizer,
    /// Bytes: `"64 MiB"`.
    Bytes,
}

impl Kind {
    /// The kind in the user's terms, after "must be".
    pub fn expected(self) -> &'static str {
        match self {
            Self::Tensor => "a tensor",
            Self::AnyTensor => "a tensor",
            Self::Indices => "indices: a class, classes or tokens",
            Self::Condition => "a comparison of tensors",
            Self::Operand => "a tensor or a number",
            Self::Tensors => "tensors",
            Self::Size => "a positive integer",
            Self::Integer => "an integer",
            Self::Number => "a number",
            Self::Positive => "a number above 0",
            Self::Rate => "a number from 0, below 1",
            Self::Flag => "true or false",
            Self::Pair => "a positive integer or a pair of them",
            Self::Padding => "valid, same, or a number of zeros such as 1, (1, 2) or ((0, 1), (0, 1))",
            Self::Shape => "a shape such as [28, 28, 1]",
            Self::NewShape => "a shape such as [7, -1]",
            Self::PerAxis => "an array with an integer for each axis",
            Self::Axis => "an axis: an integer, negative from the end",
            Self::Axes => "an axis or a tuple of them",
            Self::Init => "an initialiser such as glorot_uniform, zeros or normal(0.0, 0.05)",
            Self::Function => "an activation such as tanh, or a block",
            Self::Text => "text in quotes",
            Self::Optimizer => "an optimizer such as sgd(…) or adam(…)",
            Self::Bytes => "a size such as \"64 MiB\"",
        }
    }

    /// Whether the argument is a value of the graph.
    pub fn is_tensor(self) -> bool {
        matches!(self, Self::Tensor | Self::AnyTensor | Self::Indices | Self::Condition | Self::Operand | Self::Tensors)
    }
}

impl Parameter {
    /// One that must be given.
    pub(super) const fn required(name: &'static str, kind: Kind, docs: &'static str) -> Self {
        Self { name, kind, default: Fallback::Required, known_as: &[], docs }
    }

    /// One that may be left out.
    pub(super) const fn optional(name: &'static str, kind: Kind, default: Fallback, docs: &'static str) -> Self {
        Self { name, kind, default, known_as: &[], docs }
    }

    /// With other libraries' names for it.
    pub(super) const fn known_as(mut self, names: &'static [&'static str]) -> Self {
        self.known_as = names;
        self
    }
}

/// The tensor that almost every template starts with.
pub(super) const X: Parameter = Parameter::required("x", Kind::Tensor, "The tensor.");

impl fmt::Display for Fallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Required => Ok(()),
            Self::Absent => write!(f, "…"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Float(value) => write!(f, "{value:?}"),
            Self::Flag(value) => write!(f, "{value}"),
            Self::Word(word) => write!(f, "{word}"),
        }
    }
}

impl Template {
    /// `dense(x, units, bias = true, …)`
    pub fn signature(&self) -> String {
        let params: Vec<String> = self
            .params
            .iter()
            .map(|param| match (param.kind, param.default) {
                (Kind::Tensors, Fallback::Required) => format!("{}, …", param.name),
                (_, Fallback::Required) => param.name.to_string(),
                (_, default) => format!("{} = {default}", param.name),
            })
            .collect();
        format!("{}({})", self.name, params.join(", "))
    }
}
