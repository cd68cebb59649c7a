//! `scan(x, h = zeros([H]), |x_t, h| { … })`: a loop whose step the user writes.

use std::rc::Rc;

use proc_macro2::{Ident, Span};

use super::Resolver;
use super::call::{Call, Source};
use super::loops::{Loop, Step};
use super::params::Owner;
use super::scope::Binding;
use super::value::{Eval, Value};
use crate::diag::Diagnostic;
use crate::ir::{DType, NodeId, shape};
use crate::syntax::ast::{Expr, ExprKind, Stmt};

const USE: &str = "it is used as `scan(x, h = zeros([H]), |x_t, h| …)`";

/// A closure's tokens.
#[derive(Clone, Copy)]
pub(super) struct Closure<'c> {
    pub(super) params: &'c [Vec<Ident>],
    pub(super) body: &'c [Stmt],
    pub(super) result: &'c Expr,
    pub(super) span: Span,
}

impl<'c> Closure<'c> {
    /// The closure that an expression is.
    pub(super) fn of(expr: &'c Expr) -> Option<Self> {
        match &expr.kind {
            ExprKind::Closure { params, body, result } => Some(Self { params, body, result, span: expr.span }),
            _ => None,
        }
    }
}

/// `one value`, `2 values`
fn values(count: usize) -> String {
    match count {
        1 => "one value".into(),
        count => format!("{count} values"),
    }
}

impl Resolver<'_> {
    /// `scan(…)`: the states after each step, and what else the closure gives.
    pub(super) fn scan(&mut self, call: Call<'_>) -> Eval<Value> {
        let span = call.callee.span();
        let receiver = call.receiver.map(|(value, at)| Source::Value(value, at));
        let mut sources = receiver.into_iter().chain(call.args.iter().map(Source::Expr));
        let (Some(first), Some(Source::Expr(last)), None) = (sources.next(), sources.next(), sources.next()) else {
            return Err(
                self.error(Diagnostic::new(span, "`scan` takes a sequence, initial states and a closure").help(USE))
            );
        };
        let Some(closure) = Closure::of(last) else {
            if matches!(last.kind, ExprKind::Invalid) {
                return self.eval(last);
            }
            return Err(self
                .error(Diagnostic::new(last.span, "this should be a closure, with what one step computes").help(USE)));
        };
        let at = first.span();
        let sequences = self.source_value(first).and_then(|value| self.sequences(value, at));
        let (mut reverse, mut names, mut states) = (Ok(false), Vec::new(), Vec::new());
        for (key, value) in call.named {
            if key == "reverse" {
                reverse = self.eval(value).and_then(|given| match given {
                    Value::Bool(flag) => Ok(flag),
                    other => {
                        let found = other.describe(&self.net.graph);
                        self.fail(value.span, format!("`reverse` of `scan` must be true or false, not {found}"))
                    }
                });
            } else {
                names.push(key);
                states.push(self.initial(key, value));
            }
        }
        let states: Eval<Vec<NodeId>> = states.into_iter().collect();
        let (sequences, states, reverse) = (sequences?, states?, reverse?);
        self.check_parameters(closure, &names)?;

        let open = self.open_loop(span, &sequences, &states, reverse)?;
        let step = self.step(&open, closure, &names);
        let results = self.close_loop(open, step)?;
        let mut values: Vec<Value> = results.states.iter().chain(&results.emitted).map(|&x| Value::Tensor(x)).collect();
        if let Some(&first) = results.states.first().or(results.emitted.first()) {
            let owner = Owner::of("scan");
            self.row(owner, "scan".to_string(), first, self.origin);
        }
        match (values.pop(), values.is_empty()) {
            (Some(only), true) => Ok(only),
            (Some(last), false) => Ok(Value::Tuple(values.into_iter().chain([last]).collect())),
            (None, _) => self.bug(span, "a loop has no result"),
        }
    }

    /// One sequence or a tuple of them.
    pub(super) fn sequences(&mut self, value: Value, span: Span) -> Eval<Vec<(NodeId, Span)>> {
        let parts = match value {
            Value::Tuple(parts) | Value::Array(parts) if !parts.is_empty() => parts,
            one => vec![one],
        };
        let mut nodes = Vec::new();
        for part in parts {
            match part {
                // Indices stay indices: an embedding takes them.
                Value::Tensor(node) if self.ty(node).dtype == DType::U32 => nodes.push((node, span)),
                Value::Tensor(node) => nodes.push((self.float(node, span)?, span)),
                other => {
                    let found = other.describe(&self.net.graph);
                    return self.fail(span, format!("a loop goes over tensors, not over {found}"));
                }
            }
        }
        Ok(nodes)
    }

    /// The value that a state starts with.
    fn initial(&mut self, name: &Ident, value: &Expr) -> Eval<NodeId> {
        match self.eval(value)? {
            Value::Tensor(node) => self.float(node, value.span),
            Value::Int(number) => self.scalar(number as f64, value.span),
            Value::Float(number) => self.scalar(number, value.span),
            Value::Poison => Err(super::value::Poisoned::reported()),
            other => {
                let found = other.describe(&self.net.graph);
                let error =
                    Diagnostic::new(value.span, format!("the state `{name}` starts as a tensor, not as {found}"));
                let near = crate::diag::did_you_mean(&name.to_string(), ["reverse"]);
                Err(self.error(match (near, other) {
                    (Some(near), _) => error.help(format!("did you mean `{near}`?")),
                    (None, Value::Tuple(_)) => error.help("several states have a keyword each: `h = …, c = …`"),
                    _ => error,
                }))
            }
        }
    }

    /// The closure takes the steps first, then the states in their order.
    fn check_parameters(&mut self, closure: Closure<'_>, names: &[&Ident]) -> Eval<()> {
        let Some((_, states)) = closure.params.split_first().filter(|(_, states)| states.len() == names.len()) else {
            let wanted: Vec<String> = names.iter().map(|name| format!(", {name}")).collect();
            let error = Diagnostic::new(
                closure.span,
                format!("this closure takes {}, and there are {}", values(closure.params.len()), names.len() + 1),
            );
            return Err(self.error(error.help(format!("a step and each state: `|x_t{}| …`", wanted.concat()))));
        };
        for (names_here, name) in states.iter().zip(names) {
            let [here] = names_here.as_slice() else {
                let at = names_here.first().map_or(closure.span, |name| name.span());
                return self.fail(at, format!("the state `{name}` is one tensor"));
            };
            if names.contains(&here) && here != *name {
                let error = Diagnostic::new(here.span(), format!("this is the state `{name}`"));
                return Err(self.error(error.help("a closure takes the states in their order")));
            }
        }
        Ok(())
    }

    /// Traces one step.
    fn step(&mut self, open: &Loop, closure: Closure<'_>, names: &[&Ident]) -> Eval<Step> {
        let first = match open.inputs.as_slice() {
            [only] => Value::Tensor(*only),
            several => Value::Tuple(several.iter().map(|&x| Value::Tensor(x)).collect()),
        };
        let arguments = [first].into_iter().chain(open.carried.iter().map(|&x| Value::Tensor(x))).collect();
        let value = self.enter(closure, "scan", arguments)?;
        let parts = match value {
            Value::Tuple(parts) => parts,
            one => vec![one],
        };
        if parts.len() < names.len().max(1) {
            let message = format!("the closure gives {} for {} states", values(parts.len()), names.len());
            let error = Diagnostic::new(closure.result.span, message);
            return Err(self.error(error.help("its result is the tuple of the next states, then what else is wanted")));
        }
        // Parts that are written out have tokens of their own.
        let spans: Vec<Span> = match &closure.result.kind {
            ExprKind::Tuple(items) => items.iter().map(|item| item.span).collect(),
            _ => Vec::new(),
        };
        let mut step = Step { next: Vec::new(), emitted: Vec::new() };
        for (place, part) in parts.into_iter().enumerate() {
            let at = spans.get(place).copied().unwrap_or(closure.result.span);
            match (names.get(place), open.carried.get(place)) {
                (Some(name), Some(&state)) => step.next.push(self.next_state(part, state, &name.to_string(), at)?),
                _ => step.emitted.push(self.emission(part, at)?),
            }
        }
        Ok(step)
    }

    /// A closure's result for these arguments. What its layers are called counts in a frame of its own, as in a
    /// block's call.
    pub(super) fn enter(&mut self, closure: Closure<'_>, own: &str, arguments: Vec<Value>) -> Eval<Value> {
        let name = self.group.as_deref().unwrap_or(own).to_string();
        let frame = self.naming.enter(self.frame, &name, self.loops > 0);
        self.scopes.push_sealed();
        for (names, value) in closure.params.iter().zip(arguments) {
            self.bind_parameter(names, value);
        }
        let outer: (_, Option<Rc<str>>, _) =
            (std::mem::replace(&mut self.frame, frame), self.group.take(), std::mem::take(&mut self.loops));
        let label = self.label.clone();
        self.run(closure.body);
        let value = self.eval(closure.result);
        (self.frame, self.group, self.loops) = outer;
        self.label = label;
        self.scopes.pop();
        value
    }

    fn bind_parameter(&mut self, names: &[Ident], value: Value) {
        let values = match (names, value) {
            ([_], value) => vec![value],
            (names, Value::Tuple(parts)) if parts.len() == names.len() => parts,
            (names, value) => {
                let count = match &value {
                    Value::Tuple(parts) => parts.len(),
                    _ => 1,
                };
                let span = names.first().map_or_else(Span::call_site, Ident::span);
                self.error(Diagnostic::new(span, format!("{} names for {count} sequences", names.len())));
                names.iter().map(|_| Value::Poison).collect()
            }
        };
        for (name, value) in names.iter().zip(values) {
            if name != "_" {
                self.scopes.bind(&name.to_string(), Binding { value, mutable: false, item: false });
            }
        }
    }

    /// What a step gives, as a tensor.
    pub(super) fn emission(&mut self, value: Value, at: Span) -> Eval<NodeId> {
        match value {
            Value::Tensor(node) => self.float(node, at),
            Value::Int(number) => self.scalar(number as f64, at),
            Value::Float(number) => self.scalar(number, at),
            Value::Poison => Err(super::value::Poisoned::reported()),
            other => {
                let found = other.describe(&self.net.graph);
                self.fail(at, format!("a step gives tensors, not {found}"))
            }
        }
    }

    /// The next state, of the same type as the state. A number stands for a state full of it.
    fn next_state(&mut self, value: Value, state: NodeId, name: &str, at: Span) -> Eval<NodeId> {
        let wanted = self.ty(state);
        if let Value::Int(_) | Value::Float(_) = value {
            let number = self.emission(value, at)?;
            return self.broadcast(number, wanted.batched, &wanted.dims, at);
        }
        let next = self.emission(value, at)?;
        let found = self.ty(next);
        if found.dims != wanted.dims {
            let message =
                format!("the state `{name}` is {}, but after a step {}", shape(&wanted.dims), shape(&found.dims));
            let help = format!("a state keeps its shape: start with `{name} = zeros({})`", shape(&found.dims));
            return self.shape_error(at, message, &[state, next], Some(help));
        }
        if found.batched && !wanted.batched {
            let message = format!("the state `{name}` is one for all rows, but after a step each row has its own");
            return Err(self.error(
                Diagnostic::new(at, message)
                    .help("start it from a value of the batch, or go over a sequence of the batch"),
            ));
        }
        self.broadcast(next, wanted.batched, &wanted.dims, at)
    }
}
