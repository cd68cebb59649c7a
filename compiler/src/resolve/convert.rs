//! Arguments to the form that a parameter takes.

use std::fmt;

use proc_macro2::{Ident, Span};

use super::Resolver;
use super::arguments::{Arg, Padding};
use super::call::Source;
use super::scope::Found;
use super::value::{Eval, Value};
use crate::diag::{Diagnostic, did_you_mean};
use crate::infer::MAX_ELEMENTS;
use crate::ir::{DType, Init};
use crate::layers::{self, Kind};
use crate::syntax::ast::{Expr, ExprKind};

/// Initialisers that are a word.
const INITS: [(&str, Init); 13] = [
    ("glorot_uniform", Init::GlorotUniform),
    ("glorot_normal", Init::GlorotNormal),
    ("he_uniform", Init::HeUniform),
    ("he_normal", Init::HeNormal),
    ("lecun_uniform", Init::LecunUniform),
    ("lecun_normal", Init::LecunNormal),
    ("uniform", Init::Uniform(-0.05, 0.05)),
    ("normal", Init::Normal(0.0, 0.05)),
    ("truncated_normal", Init::TruncatedNormal(0.0, 0.05)),
    ("orthogonal", Init::Orthogonal(1.0)),
    ("identity", Init::Identity(1.0)),
    ("zeros", Init::Zeros),
    ("ones", Init::Ones),
];

/// The most cells of padding on one side, and the largest setting per axis.
const MAX_SETTING: i64 = 1 << 30;

/// The initialiser of a word.
pub(super) fn init_word(word: &str) -> Option<Init> {
    INITS.iter().find(|(known, _)| *known == word).map(|(_, init)| *init)
}

/// An initialiser as the user writes it.
pub(super) fn init_text(init: Init) -> String {
    match init {
        Init::Constant(value) => format!("constant({value:?})"),
        Init::Uniform(low, high) => format!("uniform({low:?}, {high:?})"),
        Init::Normal(mean, deviation) => format!("normal({mean:?}, {deviation:?})"),
        Init::TruncatedNormal(mean, deviation) => format!("truncated_normal({mean:?}, {deviation:?})"),
        Init::Orthogonal(gain) => format!("orthogonal({gain:?})"),
        Init::ForgetGate(others) => format!("constant({others:?})"),
        Init::Identity(gain) => format!("identity({gain:?})"),
        Init::Sinusoidal(wavelength) => format!("sinusoidal({wavelength:?})"),
        word => INITS.iter().find(|(_, init)| *init == word).map_or("", |(word, _)| *word).to_string(),
    }
}

/// A parameter of something, for messages: `units` of `dense`.
pub(super) struct Wanted {
    pub(super) param: String,
    pub(super) of: String,
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` of `{}`", self.param, self.of)
    }
}

impl Resolver<'_> {
    /// Whether the name stands for a value here.
    pub(super) fn is_bound(&self, name: &Ident) -> bool {
        matches!(self.scopes.find(&name.to_string()), Found::Binding(_))
    }

    /// Reports a value of a wrong kind.
    pub(super) fn mismatch<T>(&mut self, wanted: &Wanted, expected: &str, value: &Value, span: Span) -> Eval<T> {
        if let Value::Poison = value {
            return Err(super::value::Poisoned::reported());
        }
        let found = value.describe(&self.net.graph);
        let error = Diagnostic::new(span, format!("{wanted} must be {expected}, not {found}"));
        Err(self.error(match value {
            Value::Str(text) if syn::parse_str::<Ident>(text).is_ok() => {
                error.help(format!("words stand without quotes: `{text}`"))
            }
            _ => error,
        }))
    }

    /// An integer, for what `what` names.
    pub(super) fn integer(&mut self, expr: &Expr, what: &str) -> Eval<i64> {
        match self.eval(expr)? {
            Value::Int(value) => Ok(value),
            other => {
                let found = other.describe(&self.net.graph);
                self.fail(expr.span, format!("{what} must be an integer, not {found}"))
            }
        }
    }

    /// `name = "…"`
    pub(super) fn layer_name(&mut self, expr: &Expr) -> Eval<String> {
        match self.eval(expr)? {
            Value::Str(text) => {
                let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '/');
                let ends = |text: &str| text.starts_with('.') || text.ends_with('.');
                if text.is_empty() || !text.chars().all(plain) || ends(&text) {
                    return Err(self.error(
                        Diagnostic::new(expr.span, format!("{text:?} can't be a layer's name"))
                            .help("a name is made of letters, digits, `_`, `-`, `/` and `.` between them"),
                    ));
                }
                Ok(text.to_string())
            }
            other => {
                let found = other.describe(&self.net.graph);
                self.fail(expr.span, format!("a layer's name must be text in quotes, not {found}"))
            }
        }
    }

    /// Converts an argument.
    pub(super) fn convert(&mut self, wanted: &Wanted, kind: Kind, source: Source<'_>) -> Eval<Arg> {
        let span = source.span();
        if let Source::Expr(expr) = &source {
            match (kind, &expr.kind) {
                (Kind::Padding, ExprKind::Name(name)) if name == "valid" => return Ok(Arg::Padding(Padding::Valid)),
                (Kind::Padding, ExprKind::Name(name)) if name == "same" => return Ok(Arg::Padding(Padding::Same)),
                (Kind::Padding, ExprKind::Name(name)) if !self.is_bound(name) => {
                    return self.unknown_word(wanted, kind, name, &["valid", "same"]);
                }
                (Kind::Init, _) => {
                    let init = self.init(wanted, expr)?;
                    return Ok(Arg::Init(init));
                }
                (Kind::Function, ExprKind::Name(name)) => return self.function(wanted, name),
                (Kind::Optimizer, ExprKind::Name(name)) if !self.is_bound(name) => {
                    if layers::optimizers().any(|known| name == known) {
                        let call = super::call::Call { callee: name, receiver: None, args: &[], named: &[] };
                        let value = self.call(call)?;
                        return self.convert_value(wanted, kind, value, span);
                    }
                    let words: Vec<&str> = layers::optimizers().collect();
                    return self.unknown_word(wanted, kind, name, &words);
                }
                (Kind::Shape | Kind::NewShape | Kind::PerAxis | Kind::Axes, _) => {
                    let values = self.integers(wanted, kind, expr)?;
                    return self.convert_integers(wanted, kind, values);
                }
                _ => {}
            }
        }
        let value = self.source_value(source)?;
        self.convert_value(wanted, kind, value, span)
    }

    pub(super) fn unknown_word<T>(&mut self, wanted: &Wanted, kind: Kind, name: &Ident, words: &[&str]) -> Eval<T> {
        let message = format!("{wanted} must be {}, not `{name}`", kind.expected());
        let mut error = Diagnostic::new(name.span(), message);
        if let Some(near) = did_you_mean(&name.to_string(), words.iter().copied()) {
            error = error.help(format!("did you mean `{near}`?"));
        }
        Err(self.error(error))
    }

    fn convert_value(&mut self, wanted: &Wanted, kind: Kind, value: Value, span: Span) -> Eval<Arg> {
        let number = match value {
            Value::Int(value) => Some(value as f64),
            Value::Float(value) => Some(value),
            _ => None,
        };
        match (kind, &value) {
            (Kind::Tensor, Value::Tensor(node)) if self.ty(*node).dtype != DType::U32 => {
                Ok(Arg::Node(self.float(*node, span)?))
            }
            (Kind::AnyTensor, Value::Tensor(node)) if self.ty(*node).dtype == DType::U32 => Ok(Arg::Node(*node)),
            (Kind::AnyTensor | Kind::Operand, Value::Tensor(node)) => Ok(Arg::Node(self.float(*node, span)?)),
            (Kind::Operand, _) if number.is_some() => Ok(Arg::Float(number.unwrap_or_default())),
            (Kind::Indices, Value::Tensor(node)) if self.ty(*node).dtype == DType::U32 => Ok(Arg::Node(*node)),
            (Kind::Condition, Value::Tensor(node)) if self.ty(*node).dtype == DType::Bool => Ok(Arg::Node(*node)),
            (Kind::Tensors, Value::Tensor(node)) => Ok(Arg::Nodes(vec![(self.float(*node, span)?, span)])),
            (Kind::Tensors, Value::Tuple(items) | Value::Array(items)) => {
                let mut nodes = Vec::new();
                for item in items {
                    match item {
                        Value::Tensor(node) => nodes.push((self.float(*node, span)?, span)),
                        other => return self.mismatch(wanted, kind.expected(), other, span),
                    }
                }
                Ok(Arg::Nodes(nodes))
            }
            (Kind::Size, Value::Int(1..=MAX_SETTING)) | (Kind::Integer | Kind::Axis, Value::Int(_)) => match value {
                Value::Int(value) => Ok(Arg::Int(value)),
                _ => self.mismatch(wanted, kind.expected(), &value, span),
            },
            (Kind::Number | Kind::Positive | Kind::Rate, _) => match (kind, number) {
                (Kind::Number, Some(number)) => Ok(Arg::Float(number)),
                (Kind::Positive, Some(number)) if number > 0.0 => Ok(Arg::Float(number)),
                (Kind::Rate, Some(number)) if (0.0..1.0).contains(&number) => Ok(Arg::Float(number)),
                _ => self.mismatch(wanted, kind.expected(), &value, span),
            },
            (Kind::Flag, Value::Bool(flag)) => Ok(Arg::Flag(*flag)),
            (Kind::Text, Value::Str(text)) => Ok(Arg::Text(text.to_string())),
            (Kind::Pair, _) => match pair(&value, 1) {
                Some(pair) => Ok(Arg::Pair(pair)),
                None => self.mismatch(wanted, kind.expected(), &value, span),
            },
            (Kind::Padding, _) => match padding(&value) {
                Some(padding) => Ok(Arg::Padding(Padding::Explicit(padding))),
                None => self.mismatch(wanted, kind.expected(), &value, span),
            },
            (Kind::Optimizer, Value::Optimizer(optimizer)) => Ok(Arg::Optimizer(*optimizer)),
            (Kind::Bytes, Value::Int(1..)) => match value {
                Value::Int(value) => Ok(Arg::Bytes(value.unsigned_abs())),
                _ => self.mismatch(wanted, kind.expected(), &value, span),
            },
            (Kind::Bytes, Value::Str(text)) => match bytes(text) {
                Some(bytes) => Ok(Arg::Bytes(bytes)),
                None => self.fail(span, format!("{wanted} must be {}, not {text:?}", kind.expected())),
            },
            (Kind::Shape | Kind::NewShape | Kind::PerAxis | Kind::Axes, Value::Int(value)) => {
                self.convert_integers(wanted, kind, vec![(*value, span)])
            }
            _ => {
                let expected = match (kind, &value) {
                    (Kind::Condition, Value::Tensor(_)) => "a comparison such as x > 0.0",
                    (Kind::Tensor, Value::Tensor(_)) => "a tensor of floats",
                    _ => kind.expected(),
                };
                self.mismatch(wanted, expected, &value, span)
            }
        }
    }

    /// One integer or an array of them, each with its own tokens where they are written out.
    fn integers(&mut self, wanted: &Wanted, kind: Kind, expr: &Expr) -> Eval<Vec<(i64, Span)>> {
        if let ExprKind::Array(items) | ExprKind::Tuple(items) = &expr.kind {
            let values: Vec<Eval<(i64, Span)>> = items
                .iter()
                .map(|item| Ok((self.integer(item, &format!("an axis in {wanted}"))?, item.span)))
                .collect();
            return values.into_iter().collect();
        }
        let value = self.eval(expr)?;
        let items = match &value {
            Value::Int(only) => return Ok(vec![(*only, expr.span)]),
            Value::Array(items) | Value::Tuple(items) => items,
            _ => return self.mismatch(wanted, kind.expected(), &value, expr.span),
        };
        let integers = items.iter().map(|item| match item {
            Value::Int(item) => Some((*item, expr.span)),
            _ => None,
        });
        match integers.collect() {
            Some(integers) => Ok(integers),
            None => self.mismatch(wanted, kind.expected(), &value, expr.span),
        }
    }

    fn convert_integers(&mut self, wanted: &Wanted, kind: Kind, values: Vec<(i64, Span)>) -> Eval<Arg> {
        if kind != Kind::Shape {
            for &(value, span) in &values {
                if !(-MAX_SETTING..=MAX_SETTING).contains(&value) {
                    return self.fail(span, format!("{value} in {wanted} is past any axis"));
                }
            }
            return Ok(Arg::Ints(values));
        }
        let mut dims = Vec::new();
        let mut elements = 1usize;
        for (value, span) in values {
            let dim = match usize::try_from(value) {
                Ok(dim @ 1..) => dim,
                _ => return self.fail(span, format!("an axis in {wanted} is {value}: it must be at least 1")),
            };
            dims.push(dim);
            elements = match elements.checked_mul(dim) {
                Some(elements) if elements <= MAX_ELEMENTS => elements,
                _ => return self.fail(span, format!("{} has more than 2^40 elements", crate::ir::shape(&dims))),
            };
        }
        Ok(Arg::Dims(dims))
    }

    /// `glorot_uniform`, `normal(0.0, 0.05)` or a number.
    fn init(&mut self, wanted: &Wanted, expr: &Expr) -> Eval<Init> {
        match &expr.kind {
            ExprKind::Name(name) => {
                if let Some(init) = init_word(&name.to_string()) {
                    return Ok(init);
                }
                if !self.is_bound(name) {
                    let words = INITS.map(|(word, _)| word);
                    return self.unknown_word(wanted, Kind::Init, name, &words);
                }
            }
            ExprKind::Call { callee, args, named } if layers::init(&callee.to_string()).is_some() => {
                let template = layers::init(&callee.to_string());
                let Some(template) = template else { return self.bug(callee.span(), "an initialiser is missing") };
                let call = super::call::Call { callee, receiver: None, args, named };
                let bound = self.bind(template, call)?;
                let number = |name| if let Arg::Float(value) = bound.get(name) { *value } else { 0.0 };
                return Ok(match template.name {
                    "constant" => Init::Constant(number("value")),
                    "uniform" => Init::Uniform(number("low"), number("high")),
                    "truncated_normal" => Init::TruncatedNormal(number("mean"), number("deviation")),
                    "orthogonal" => Init::Orthogonal(number("gain")),
                    "identity" => Init::Identity(number("gain")),
                    _ => Init::Normal(number("mean"), number("deviation")),
                });
            }
            _ => {}
        }
        match self.eval(expr)? {
            Value::Int(value) => Ok(Init::Constant(value as f64)),
            Value::Float(value) => Ok(Init::Constant(value)),
            other => self.mismatch(wanted, Kind::Init.expected(), &other, expr.span),
        }
    }
}

/// `n` or `(n, m)`, each at least `least`.
fn pair(value: &Value, least: i64) -> Option<[usize; 2]> {
    let one = |value: &Value| match value {
        Value::Int(value) if (least..=MAX_SETTING).contains(value) => usize::try_from(*value).ok(),
        _ => None,
    };
    match value {
        Value::Tuple(items) | Value::Array(items) => match items.as_slice() {
            [a, b] => Some([one(a)?, one(b)?]),
            _ => None,
        },
        other => one(other).map(|value| [value, value]),
    }
}

/// `1`, `(1, 2)` or `((0, 1), (0, 1))`
fn padding(value: &Value) -> Option<[[usize; 2]; 2]> {
    if let Some([height, width]) = pair(value, 0) {
        return Some([[height; 2], [width; 2]]);
    }
    match value {
        Value::Tuple(items) | Value::Array(items) => match items.as_slice() {
            [height, width] => Some([pair(height, 0)?, pair(width, 0)?]),
            _ => None,
        },
        _ => None,
    }
}

/// `64 MiB`
fn bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor: u64 = match unit.trim() {
        "" | "B" => 1,
        "kB" | "KB" => 1000,
        "MB" => 1000 * 1000,
        "GB" => 1000 * 1000 * 1000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor).filter(|&bytes| bytes > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_in_bytes() {
        assert_eq!(bytes("64 MiB"), Some(64 << 20));
        assert_eq!(bytes("1500kB"), Some(1_500_000));
        assert_eq!(bytes("7"), Some(7));
        for wrong in ["", "MiB", "-1 MiB", "1.5 GiB", "0 B", "99999999999 GiB", "3 bytes"] {
            assert_eq!(bytes(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn paddings() {
        let int = Value::Int;
        let two = |a, b| Value::Tuple(vec![a, b]);
        assert_eq!(padding(&int(1)), Some([[1, 1], [1, 1]]));
        assert_eq!(padding(&two(int(1), int(2))), Some([[1, 1], [2, 2]]));
        assert_eq!(padding(&two(two(int(0), int(1)), two(int(2), int(3)))), Some([[0, 1], [2, 3]]));
        assert_eq!(padding(&int(-1)), None);
    }
}
