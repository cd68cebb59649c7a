//! `time_distributed(x, dense(10))` and `bidirectional(x, lstm(64))`: calls that apply another call.

use proc_macro2::{Ident, Span};

use super::Resolver;
use super::call::{Call, Source};
use super::cell::Closure;
use super::loops::Step;
use super::params::Owner;
use super::scope::Found;
use super::value::{Eval, Poisoned, Value};
use crate::diag::{Diagnostic, did_you_mean};
use crate::ir::{NodeId, shape};
use crate::layers;
use crate::ops::Concat;
use crate::syntax::ast::{Expr, ExprKind};

/// How two directions become one result.
const MERGES: [&str; 5] = ["concat", "sum", "mul", "ave", "none"];

/// The setting of recurrent layers that two directions need.
const ZERO_MASKED: &str = "zero_output_for_mask";

/// A call that lacks its first argument.
type Wrapped<'c> = (Eval<Value>, Span, &'c Expr);

impl Resolver<'_> {
    /// `x.time_distributed(block)`: a loop without states, over a layer's or block's call or a closure.
    pub(super) fn time_distributed(&mut self, call: Call<'_>) -> Eval<Value> {
        const USE: &str = "it is used as `x.time_distributed(dense(10))`, with a block or with `|frame| …`";
        let span = call.callee.span();
        if let Some((key, _)) = call.named.first() {
            let error = Diagnostic::new(key.span(), format!("`time_distributed` has no parameter `{key}`"));
            return Err(self.error(error.help(USE)));
        }
        let (sequence, at, inner) = self.wrapped(call, "time_distributed", USE)?;
        let sequences = sequence.and_then(|value| self.sequences(value, at))?;
        let open = self.open_loop(span, &sequences, &[], false)?;
        let frame = match open.inputs.as_slice() {
            [only] => Value::Tensor(*only),
            several => Value::Tuple(several.iter().map(|&x| Value::Tensor(x)).collect()),
        };
        let step = self.frame(inner, frame, at).and_then(|value| {
            let parts = match value {
                Value::Tuple(parts) => parts,
                one => vec![one],
            };
            let emitted = parts.into_iter().map(|part| self.emission(part, inner.span)).collect::<Eval<Vec<NodeId>>>();
            Ok(Step { next: Vec::new(), emitted: emitted? })
        });
        let results = self.close_loop(open, step)?;
        if let Some(&first) = results.emitted.first() {
            let owner = Owner::of("time_distributed");
            self.row(owner, "time_distributed".to_string(), first, self.origin);
        }
        match results.emitted.as_slice() {
            [only] => Ok(Value::Tensor(*only)),
            several => Ok(Value::Tuple(several.iter().map(|&x| Value::Tensor(x)).collect())),
        }
    }

    fn frame(&mut self, inner: &Expr, frame: Value, at: Span) -> Eval<Value> {
        let Some(closure) = Closure::of(inner) else { return self.partial(inner, (Ok(frame), at), &[]) };
        if closure.params.len() != 1 {
            let message = format!("this closure takes {} values, and there is one: a step", closure.params.len());
            return self.fail(closure.span, message);
        }
        self.enter(closure, "time_distributed", vec![frame])
    }

    /// The sequence, and the call that is applied to it.
    fn wrapped<'c>(&mut self, call: Call<'c>, name: &str, usage: &str) -> Eval<Wrapped<'c>> {
        let span = call.callee.span();
        let receiver = call.receiver.map(|(value, at)| Source::Value(value, at));
        let mut sources = receiver.into_iter().chain(call.args.iter().map(Source::Expr));
        match (sources.next(), sources.next(), sources.next()) {
            (Some(first), Some(Source::Expr(inner)), None) => {
                let at = first.span();
                Ok((self.source_value(first), at, inner))
            }
            _ => {
                let error = Diagnostic::new(span, format!("`{name}` takes a sequence, and what is applied to it"));
                Err(self.error(error.help(usage)))
            }
        }
    }

    /// Completes a call by its first argument, and by more keywords.
    fn partial(&mut self, inner: &Expr, first: (Eval<Value>, Span), more: &[(Ident, Expr)]) -> Eval<Value> {
        let (callee, args, named): (&Ident, &[Expr], &[(Ident, Expr)]) = match &inner.kind {
            ExprKind::Call { callee, args, named } => (callee, args, named),
            ExprKind::Name(callee) => (callee, &[], &[]),
            ExprKind::Invalid => return Err(Poisoned::reported()),
            _ => {
                let error = Diagnostic::new(inner.span, "this should be a layer or a block");
                return Err(self.error(error.help("write its call without the first argument: `dense(10)`")));
            }
        };
        let named: Vec<(Ident, Expr)> = named.iter().chain(more).cloned().collect();
        self.call(Call { callee, receiver: Some(first), args, named: &named })
    }

    /// `x.bidirectional(lstm(64), merge = concat)`: forward, and with `reverse = true`.
    pub(super) fn bidirectional(&mut self, call: Call<'_>) -> Eval<Value> {
        const USE: &str = "it is used as `x.bidirectional(lstm(64), merge = concat)`";
        let span = call.callee.span();
        let (mut merge, mut failed) = ("concat", None);
        for (key, value) in call.named {
            match (key == "merge", self.merge(value)) {
                (true, Ok(word)) => merge = word,
                (true, Err(poisoned)) => failed = Some(poisoned),
                (false, _) => {
                    let mut error = Diagnostic::new(key.span(), format!("`bidirectional` has no parameter `{key}`"));
                    error = error.help(if key == "merge_mode" { "here it is called `merge`" } else { USE });
                    failed = Some(self.error(error));
                }
            }
        }
        let (sequence, at, inner) = self.wrapped(call, "bidirectional", USE)?;
        let sequence = sequence?;
        if let Some(poisoned) = failed {
            return Err(poisoned);
        }
        self.check_reversible(inner)?;

        let flag = |name: &str| (Ident::new(name, span), Expr { kind: ExprKind::Bool(true), span });
        // As in Keras: what a masked step gives in the one direction is no state of the other.
        let masks = self.takes(inner, ZERO_MASKED).then(|| flag(ZERO_MASKED));
        let masks: Vec<(Ident, Expr)> = masks.into_iter().collect();
        let backwards: Vec<(Ident, Expr)> = masks.iter().cloned().chain([flag("reverse")]).collect();
        let name = self.group.as_deref().unwrap_or("bidirectional").to_string();
        let frame = self.naming.enter(self.frame, &name, self.loops > 0);
        let outer = (std::mem::replace(&mut self.frame, frame), self.group.take(), std::mem::take(&mut self.loops));
        self.group = Some("forward".into());
        let forward = self.partial(inner, (Ok(sequence.clone()), at), &masks);
        self.group = Some("backward".into());
        let backward = match &forward {
            Ok(_) => self.partial(inner, (Ok(sequence), at), &backwards),
            Err(_) => Err(Poisoned::reported()),
        };
        (self.frame, self.group, self.loops) = outer;
        let parts = |value: Value| match value {
            Value::Tuple(parts) => parts,
            one => vec![one],
        };
        let (mut forward, mut backward) = (parts(forward?).into_iter(), parts(backward?).into_iter());
        let (Some(Value::Tensor(first)), Some(Value::Tensor(second))) = (forward.next(), backward.next()) else {
            return self.fail(inner.span, "`bidirectional` is applied to what gives tensors");
        };
        let mut values = self.merged(merge, first, second, span)?;
        if let Some(&Value::Tensor(node)) = values.first() {
            let owner = Owner::of("bidirectional");
            self.row(owner, format!("bidirectional(merge = {merge})"), node, self.origin);
        }
        values.extend(forward.chain(backward));
        match values.as_slice() {
            [only] => Ok(only.clone()),
            _ => Ok(Value::Tuple(values)),
        }
    }

    fn merge(&mut self, value: &Expr) -> Eval<&'static str> {
        let word = match &value.kind {
            ExprKind::Name(word) => word.to_string(),
            ExprKind::Invalid => return Err(Poisoned::reported()),
            _ => String::new(),
        };
        if let Some(known) = MERGES.into_iter().find(|known| *known == word) {
            return Ok(known);
        }
        let error = Diagnostic::new(value.span, "`merge` is concat, sum, mul, ave or none");
        let near = did_you_mean(&word, MERGES);
        Err(self.error(match near {
            Some(near) => error.help(format!("did you mean `{near}`?")),
            None => error,
        }))
    }

    /// Whether a layer with a mask has a setting that its call leaves out.
    fn takes(&self, inner: &Expr, setting: &str) -> bool {
        let (callee, named): (&Ident, &[(Ident, Expr)]) = match &inner.kind {
            ExprKind::Call { callee, named, .. } => (callee, named),
            ExprKind::Name(callee) => (callee, &[]),
            _ => return false,
        };
        let template = layers::find(&callee.to_string()).filter(|_| !self.is_callable(callee));
        template.is_some_and(|template| template.params.iter().any(|param| param.name == setting))
            && named.iter().all(|(key, _)| key != setting)
            && named.iter().any(|(key, _)| key == "mask")
    }

    /// Whether a name stands for a block.
    fn is_callable(&self, name: &Ident) -> bool {
        matches!(self.scopes.find(&name.to_string()), Found::Binding(binding)
            if matches!(binding.value, Value::Block(_) | Value::Shared(_)))
    }

    /// Only what takes `reverse` can go both ways.
    fn check_reversible(&mut self, inner: &Expr) -> Eval<()> {
        let (callee, named): (&Ident, &[(Ident, Expr)]) = match &inner.kind {
            ExprKind::Call { callee, named, .. } => (callee, named),
            ExprKind::Name(callee) => (callee, &[]),
            _ => return Ok(()),
        };
        if let Some((key, _)) = named.iter().find(|(key, _)| key == "reverse") {
            return self.fail(key.span(), "`bidirectional` gives `reverse` itself");
        }
        let text = callee.to_string();
        let block = match self.scopes.find(&text) {
            Found::Binding(binding) => match &binding.value {
                Value::Block(block) => Some(block.clone()),
                Value::Shared(_) => {
                    let message = "a shared block has one set of parameters, and each direction needs its own";
                    return self.fail(callee.span(), message);
                }
                _ => None,
            },
            _ => None,
        };
        let takes = match (&block, layers::find(&text)) {
            (Some(block), _) => block.decl.params.iter().any(|(name, _)| name == "reverse"),
            (None, Some(template)) => template.params.iter().any(|param| param.name == "reverse"),
            (None, None) => true,
        };
        if takes {
            return Ok(());
        }
        let error = Diagnostic::new(callee.span(), format!("`{text}` can't go backwards: it takes no `reverse`"));
        Err(self.error(error.help("`lstm`, `gru`, `rnn` and blocks with `reverse: bool` do")))
    }

    fn merged(&mut self, merge: &str, a: NodeId, b: NodeId, span: Span) -> Eval<Vec<Value>> {
        let value = match merge {
            "none" => return Ok(vec![Value::Tensor(a), Value::Tensor(b)]),
            "sum" => self.binary(crate::ops::Add, a, b, "add", span)?,
            "mul" => self.binary(crate::ops::Mul, a, b, "multiply", span)?,
            "ave" => {
                let sum = self.binary(crate::ops::Add, a, b, "add", span)?;
                let half = self.scalar(0.5, span)?;
                self.binary(crate::ops::Mul, sum, half, "multiply", span)?
            }
            _ => {
                let dims = self.dims(a);
                let Some(axis) = dims.len().checked_sub(1) else {
                    let message = format!("can't join {}: it has no axis", shape(&dims));
                    return self.shape_error(span, message, &[a], None);
                };
                self.node(Concat { axis }, &[a, b], span)?
            }
        };
        Ok(vec![Value::Tensor(value)])
    }
}
