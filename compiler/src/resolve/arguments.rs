//! The arguments of a template's call, matched with its parameters.

use proc_macro2::Span;

use super::Resolver;
use super::call::{Call, Source};
use super::convert::Wanted;
use super::settings::LayerSettings;
use super::value::{Eval, Poisoned};
use crate::diag::{Diagnostic, did_you_mean};
use crate::ir::{Init, NodeId, Optimizer, shape};
use crate::layers::{Fallback, Kind, Parameter, Template};

/// Padding of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Padding {
    /// None: the window stays inside.
    Valid,
    /// The result has ⌈extent / stride⌉ cells per axis.
    Same,
    /// Zeros before and after, per axis.
    Explicit([[usize; 2]; 2]),
}

/// An argument in the form that its kind has.
#[derive(Clone, Debug)]
pub(crate) enum Arg {
    /// Left out, and without a default.
    Absent,
    Node(NodeId),
    Nodes(Vec<(NodeId, Span)>),
    Int(i64),
    Float(f64),
    Flag(bool),
    Pair([usize; 2]),
    Padding(Padding),
    /// A shape.
    Dims(Vec<usize>),
    /// Integers with their tokens: axes, settings per axis, a new shape.
    Ints(Vec<(i64, Span)>),
    Init(Init),
    Text(String),
    /// A function by its name in the tokens.
    Function(proc_macro2::Ident),
    /// A function of the language.
    Known(&'static str),
    Optimizer(Optimizer),
    Bytes(u64),
}

#[derive(Clone, Debug)]
struct Slot {
    arg: Arg,
    span: Span,
    /// Whether the user gave it.
    given: bool,
}

/// The arguments of one call, complete.
pub(crate) struct Bound {
    template: &'static Template,
    slots: Vec<Slot>,
    /// `name = "…"`
    pub(super) name: Option<String>,
    /// `trainable = false` and the like.
    pub(super) settings: LayerSettings,
}

impl Resolver<'_> {
    /// Matches arguments with parameters; reports every one that does not fit.
    pub(super) fn bind(&mut self, template: &'static Template, call: Call<'_>) -> Eval<Bound> {
        let span = call.callee.span();
        let mut slots: Vec<Option<Slot>> = template.params.iter().map(|_| None).collect();
        let mut failed = None;
        let mut name = None;
        let mut settings = LayerSettings::default();
        let sources = call.receiver.into_iter().map(|(value, span)| Source::Value(value, span));
        let mut position = 0;
        let mut surplus = false;
        for source in sources.chain(call.args.iter().map(Source::Expr)) {
            let at = source.span();
            let (Some(param), Some(slot)) = (template.params.get(position), slots.get_mut(position)) else {
                if !surplus {
                    surplus = true;
                    failed = Some(self.surplus(template, at));
                }
                continue;
            };
            match self.convert(&wanted(template, param), param.kind, source) {
                Ok(Arg::Nodes(more)) => match slot {
                    Some(Slot { arg: Arg::Nodes(nodes), .. }) => nodes.extend(more),
                    _ => *slot = Some(Slot { arg: Arg::Nodes(more), span: at, given: true }),
                },
                Ok(arg) => *slot = Some(Slot { arg, span: at, given: true }),
                Err(poisoned) => failed = Some(poisoned),
            }
            if param.kind != Kind::Tensors {
                position += 1;
            }
        }
        for (key, value) in call.named {
            let word = key.to_string();
            if word == "name" && template.layer {
                match self.layer_name(value) {
                    Ok(text) => name = Some(text),
                    Err(poisoned) => failed = Some(poisoned),
                }
                continue;
            }
            let Some(index) = template.params.iter().position(|param| param.name == word) else {
                if template.layer
                    && let Some(taken) = self.layer_setting(template.name, &mut settings, key, value)
                {
                    failed = taken.err().or(failed);
                    continue;
                }
                failed = Some(self.unknown_keyword(template, &word, key.span()));
                continue;
            };
            let (Some(param), Some(slot)) = (template.params.get(index), slots.get_mut(index)) else { continue };
            if slot.is_some() || (index < position && failed.is_none()) {
                let message = format!("`{word}` of `{}` is given twice", template.name);
                failed = Some(self.error(Diagnostic::new(key.span(), message)));
                continue;
            }
            match self.convert(&wanted(template, param), param.kind, Source::Expr(value)) {
                Ok(arg) => *slot = Some(Slot { arg, span: value.span, given: true }),
                Err(poisoned) => failed = Some(poisoned),
            }
        }
        match failed {
            Some(poisoned) => Err(poisoned),
            None => {
                let slots = self.complete(template, slots, span)?;
                Ok(Bound { template, slots, name, settings })
            }
        }
    }

    /// Fills in defaults.
    fn complete(&mut self, template: &'static Template, slots: Vec<Option<Slot>>, span: Span) -> Eval<Vec<Slot>> {
        let mut missing = Vec::new();
        let mut complete = Vec::new();
        for (param, slot) in template.params.iter().zip(slots) {
            let arg = match (slot, param.default) {
                (Some(slot), _) => {
                    complete.push(slot);
                    continue;
                }
                (None, Fallback::Required) => {
                    missing.push(format!("`{}`", param.name));
                    Arg::Absent
                }
                (None, Fallback::Absent) => Arg::Absent,
                (None, Fallback::Int(value)) => match (param.kind, usize::try_from(value)) {
                    (Kind::Pair, Ok(value)) => Arg::Pair([value, value]),
                    (Kind::Padding, Ok(value)) => Arg::Padding(Padding::Explicit([[value; 2]; 2])),
                    (Kind::Axes, _) => Arg::Ints(vec![(value, span)]),
                    _ => Arg::Int(value),
                },
                (None, Fallback::Float(value)) => Arg::Float(value),
                (None, Fallback::Flag(value)) => Arg::Flag(value),
                (None, Fallback::Word(word)) => match (param.kind, super::convert::init_word(word)) {
                    (Kind::Init, Some(init)) => Arg::Init(init),
                    (Kind::Function, _) => Arg::Known(word),
                    _ if word == "same" => Arg::Padding(Padding::Same),
                    _ => Arg::Padding(Padding::Valid),
                },
            };
            complete.push(Slot { arg, span, given: false });
        }
        if missing.is_empty() {
            return Ok(complete);
        }
        let message = format!("`{}` needs {}", template.name, missing.join(" and "));
        Err(self.missing(Diagnostic::new(span, message).help(format!("it is used as {}", template.signature()))))
    }

    fn surplus(&mut self, template: &Template, at: Span) -> Poisoned {
        let count = template.params.len();
        let noun = if count == 1 { "argument" } else { "arguments" };
        let message = match count {
            0 => format!("`{}` takes no arguments", template.name),
            _ => format!("`{}` takes {count} {noun}; this is one more", template.name),
        };
        self.error(Diagnostic::new(at, message).help(format!("it is used as {}", template.signature())))
    }

    fn unknown_keyword(&mut self, template: &Template, word: &str, at: Span) -> Poisoned {
        let error = Diagnostic::new(at, format!("`{}` has no parameter `{word}`", template.name));
        let names = template.params.iter().map(|param| param.name).chain(template.layer.then_some("name"));
        let help = if let Some(param) = template.params.iter().find(|param| param.known_as.contains(&word)) {
            format!("here it is called `{}`", param.name)
        } else if word == "activation" {
            "write the activation behind the layer: `.relu()`".into()
        } else if let Some(near) = did_you_mean(word, names) {
            format!("did you mean `{near}`?")
        } else {
            format!("it is used as {}", template.signature())
        };
        self.error(error.help(help))
    }
}

fn wanted(template: &Template, param: &Parameter) -> Wanted {
    Wanted { param: param.name.to_string(), of: template.name.to_string() }
}

impl Bound {
    fn slot(&self, name: &str) -> Option<&Slot> {
        let index = self.template.params.iter().position(|param| param.name == name)?;
        self.slots.get(index)
    }

    /// The argument of that name; `Absent` if there is no such parameter.
    pub(crate) fn get(&self, name: &str) -> &Arg {
        self.slot(name).map_or(&Arg::Absent, |slot| &slot.arg)
    }

    /// Its tokens: the layer's own where the argument is left out.
    pub(crate) fn span(&self, name: &str) -> Span {
        self.slot(name).map_or_else(Span::call_site, |slot| slot.span)
    }

    /// The name that the template is known by.
    pub(crate) fn template(&self) -> &'static str {
        self.template.name
    }

    /// The tensor that the call is about.
    pub(super) fn first_tensor(&self) -> Option<NodeId> {
        self.slots.iter().find_map(|slot| match &slot.arg {
            Arg::Node(node) => Some(*node),
            Arg::Nodes(nodes) => nodes.first().map(|(node, _)| *node),
            _ => None,
        })
    }

    /// The layer with the settings that the user gave: `conv2d(32, kernel = 3)`.
    pub(super) fn summary(&self) -> String {
        let mut settings = Vec::new();
        for (param, slot) in self.template.params.iter().zip(&self.slots) {
            let (true, Some(text)) = (slot.given, slot.arg.text(param.kind)) else { continue };
            let bare = param.default == Fallback::Required && settings.is_empty();
            settings.push(if bare { text } else { format!("{} = {text}", param.name) });
        }
        match settings.is_empty() {
            true => self.template.name.to_string(),
            false => format!("{}({})", self.template.name, settings.join(", ")),
        }
    }
}

impl Arg {
    /// The setting as the user writes it; `None` for tensors.
    fn text(&self, kind: Kind) -> Option<String> {
        Some(match self {
            Self::Int(value) => value.to_string(),
            Self::Float(value) => format!("{value:?}"),
            Self::Flag(value) => value.to_string(),
            Self::Pair([a, b]) if a == b => a.to_string(),
            Self::Pair([a, b]) => format!("({a}, {b})"),
            Self::Padding(Padding::Valid) => "valid".into(),
            Self::Padding(Padding::Same) => "same".into(),
            Self::Padding(Padding::Explicit([h, w])) => format!("(({}, {}), ({}, {}))", h[0], h[1], w[0], w[1]),
            Self::Dims(dims) => shape(dims),
            Self::Ints(values) => match values.as_slice() {
                [(only, _)] if kind == Kind::Axes => only.to_string(),
                values => {
                    let values: Vec<String> = values.iter().map(|(value, _)| value.to_string()).collect();
                    let (open, close) = if kind == Kind::Axes { ('(', ')') } else { ('[', ']') };
                    format!("{open}{}{close}", values.join(", "))
                }
            },
            Self::Init(init) => super::convert::init_text(*init),
            Self::Text(text) => format!("{text:?}"),
            Self::Function(name) => name.to_string(),
            Self::Known(name) => name.to_string(),
            Self::Bytes(bytes) => bytes.to_string(),
            Self::Absent | Self::Node(_) | Self::Nodes(_) | Self::Optimizer(_) => return None,
        })
    }
}
