//! Calls: who is meant, and what comes of it.

use proc_macro2::{Ident, Span};

use super::params::Owner;
use super::scope::Found;
use super::value::{Eval, Poisoned, Value};
use super::{Effect, Resolver, Trace};
use crate::diag::{Diagnostic, did_you_mean};
use crate::ir::shape;
use crate::layers::{self, Builder, Template};
use crate::syntax::ast::{Expr, ExprKind};

/// Statements whose arguments are more than values.
const SPECIAL: [&str; 7] = ["output", "method", "explain", "shared", "scan", "bidirectional", "time_distributed"];

/// `f(x, a)` and `x.f(a)` alike.
pub(crate) struct Call<'c> {
    pub(crate) callee: &'c Ident,
    pub(crate) receiver: Option<(Eval<Value>, Span)>,
    pub(crate) args: &'c [Expr],
    pub(crate) named: &'c [(Ident, Expr)],
}

/// An argument: a receiver is evaluated already.
pub(super) enum Source<'c> {
    Value(Eval<Value>, Span),
    Expr(&'c Expr),
}

impl Source<'_> {
    pub(super) fn span(&self) -> Span {
        match self {
            Self::Value(_, span) => *span,
            Self::Expr(expr) => expr.span,
        }
    }
}

/// What Keras calls otherwise, by a name that is too far from ours for a guess.
fn foreign(name: &str) -> Option<&'static str> {
    let name: String = name.chars().filter(|&letter| letter != '_').collect::<String>().to_lowercase();
    Some(match name.as_str() {
        "sparsecategoricalcrossentropy" | "categoricalcrossentropy" => "cross_entropy",
        "kld" | "kldiv" => "kl_divergence",
        "meansquaredlogarithmicerror" => "msle",
        "meanabsolutepercentageerror" => "mape",
        "globalaveragepooling1d" => "global_avg_pool1d",
        "globalaveragepooling2d" => "global_avg_pool2d",
        "globalmaxpooling1d" => "global_max_pool1d",
        "globalmaxpooling2d" => "global_max_pool2d",
        "averagepooling1d" => "avg_pool1d",
        "averagepooling2d" => "avg_pool2d",
        "reducesum" => "sum",
        "reducemean" => "mean",
        "reducemax" => "max",
        _ => return None,
    })
}

impl Resolver<'_> {
    /// The value of an argument.
    pub(super) fn source_value(&mut self, source: Source<'_>) -> Eval<Value> {
        match source {
            Source::Value(value, _) => value,
            Source::Expr(expr) => self.eval(expr),
        }
    }

    /// Evaluates a call.
    pub(super) fn call(&mut self, call: Call<'_>) -> Eval<Value> {
        let name = call.callee.to_string();
        let span = call.callee.span();
        let template = layers::find(&name);
        if let Found::Binding(binding) = self.scopes.find(&name) {
            match binding.value.clone() {
                Value::Block(block) => return self.call_block(block, call),
                Value::Shared(number) => return self.call_shared(number, call),
                Value::Poison => {
                    self.discard(call);
                    return Err(Poisoned::reported());
                }
                other if template.is_none() && !SPECIAL.contains(&name.as_str()) => {
                    self.discard(call);
                    let message = format!("`{name}` is {}: it can't be called", other.describe(&self.net.graph));
                    return self.fail(span, message);
                }
                // A variable may be called as a layer is: both can be meant.
                _ => {}
            }
        }
        // Even a broken statement is there: nobody need ask for it.
        match name.as_str() {
            "loss" => drop(self.declared.loss.get_or_insert(span)),
            "optimizer" => drop(self.declared.optimizer.get_or_insert(span)),
            _ => {}
        }
        match (name.as_str(), template) {
            ("output", _) => self.output(call),
            ("method", _) => self.method(call),
            ("explain", _) => self.explain(call),
            ("shared", _) => self.share(call),
            ("scan", _) => self.scan(call),
            ("bidirectional", _) => self.bidirectional(call),
            ("time_distributed", _) => self.time_distributed(call),
            (_, Some(template)) => self.apply(template, call),
            _ => {
                let method = call.receiver.is_some();
                self.discard(call);
                Err(self.unknown_callee(&name, span, method))
            }
        }
    }

    fn unknown_callee(&mut self, name: &str, span: Span, method: bool) -> Poisoned {
        let error = Diagnostic::new(span, format!("there is no layer or block `{name}`"));
        let blocks = self.scopes.names();
        let blocks = blocks.iter().filter(|name| {
            matches!(self.scopes.find(name), Found::Binding(b) if matches!(b.value, Value::Block(_) | Value::Shared(_)))
        });
        if let Some(here) = foreign(name) {
            return self.error(error.help(format!("here it is called `{here}`")));
        }
        let names = layers::all().flat_map(|template| template.aliases.iter().chain([&template.name])).copied();
        let special = SPECIAL.into_iter().filter(|_| !method);
        if let Some(near) = did_you_mean(name, blocks.copied().chain(names).chain(special)) {
            let help = format!("did you mean `{near}`?");
            return self.error(error.help(help));
        }
        self.missing(error)
    }

    /// Looks for mistakes in the arguments of a call that comes to nothing. Bare names are left alone: they
    /// may be words that only the callee knows.
    pub(super) fn discard(&mut self, call: Call<'_>) {
        for argument in call.args.iter().chain(call.named.iter().map(|(_, value)| value)) {
            if !matches!(argument.kind, ExprKind::Name(_) | ExprKind::Closure { .. } | ExprKind::Range { .. }) {
                let _ = self.eval(argument);
            }
        }
    }

    /// Applies a template.
    pub(super) fn apply(&mut self, template: &'static Template, call: Call<'_>) -> Eval<Value> {
        let span = call.callee.span();
        let declaring = self.declaring.take();
        let bound = self.bind(template, call)?;
        let owner = Owner {
            own: template.name,
            given: bound.name.clone(),
            settings: bound.settings.clone(),
            member: None,
            params: Vec::new(),
        };
        // Without a `let`, what is made is called after the layer.
        let label = self.label.clone();
        self.label.get_or_insert_with(|| template.name.into());
        let summary = bound.summary();
        let entered = self.enter_origin(summary.clone(), span);
        let origin = self.origin;
        let mut builder = Builder { resolver: self, span, declaring, owner, story: None };
        let value = (template.build)(&mut builder, &bound);
        let (owner, story) = (builder.owner, builder.story);
        self.label = label;
        self.leave_origin(entered);
        let value = value?;
        if owner.params.is_empty() {
            self.refuse_settings(template.name, &owner.settings)?;
        }
        // Of several results, the first one tells the story.
        let first = match &value {
            Value::Tensor(node) => Some(*node),
            Value::Tuple(parts) if template.layer => parts.iter().find_map(|part| match part {
                Value::Tensor(node) => Some(*node),
                _ => None,
            }),
            _ => None,
        };
        if let Some(node) = first {
            let from = bound.first_tensor();
            let dims = self.dims(node);
            let (trace, effect) = story.unwrap_or_else(|| match from {
                Some(from) if self.dims(from) == dims => (Trace::Silent, Effect::Keep),
                Some(_) => (Trace::Gives(format!("{summary} gives {}", shape(&dims))), Effect::Other),
                None => (Trace::Source(format!("{summary}  {}", shape(&dims))), Effect::Other),
            });
            self.history.record(node, from, span, trace, effect);
            if template.layer {
                self.row(owner, summary, node, origin);
            }
        }
        Ok(value)
    }
}
