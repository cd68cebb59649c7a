//! What the network gives: outputs and methods, and whether all of it is there.

use std::collections::BTreeSet;

use proc_macro2::{Ident, Span};

use super::Resolver;
use super::call::Call;
use super::value::{Eval, Value};
use crate::codegen::snake;
use crate::diag::{Diagnostic, did_you_mean};
use crate::ir::{DType, Method, NodeId};
use crate::layers::Kind;
use crate::ops::Op;
use crate::syntax::ast::{Expr, ExprKind};

/// Methods that every generated type, trainer or predictor has.
pub(super) const RESERVED: [&str; 23] = [
    "new",
    "load",
    "save",
    "trainer",
    "predictor",
    "parameters",
    "summary",
    "step",
    "run",
    "run_into",
    "loss",
    "model",
    "set_learning_rate",
    "of",
    "threads",
    "set_threads",
    "set_isa",
    "set_paranoid",
    "profile",
    "gradients",
    "averaged_model",
    "freeze",
    "unfreeze",
];

/// The generated methods of a `method`.
pub(super) fn generated(name: &Ident) -> [String; 2] {
    let name = snake(&name.to_string());
    [format!("{name}_into"), name]
}

impl Resolver<'_> {
    /// Refuses a statement inside a block or loop.
    pub(crate) fn top_level(&mut self, what: &str, span: Span) -> Eval<()> {
        if self.active.is_empty() && self.loops == 0 && self.tracing == 0 {
            return Ok(());
        }
        self.fail(span, format!("`{what}` stands in the network's body, not in a block or a loop"))
    }

    /// `output(a, b)`; a keyword names a value that has no `let`.
    pub(super) fn output(&mut self, call: Call<'_>) -> Eval<Value> {
        let span = call.callee.span();
        self.declared.output = true;
        self.top_level("output", span)?;
        let mut values: Vec<(Option<String>, Eval<Value>, Span)> = Vec::new();
        if let Some((value, at)) = call.receiver {
            values.push((None, value, at));
        }
        for argument in call.args {
            let name = match &argument.kind {
                ExprKind::Name(name) => Some(name.to_string()),
                _ => None,
            };
            values.push((name, self.eval(argument), argument.span));
        }
        for (name, argument) in call.named {
            values.push((Some(name.to_string()), self.eval(argument), argument.span));
        }
        if values.is_empty() {
            return self.fail(span, "`output` needs a value: `output(softmax(logits));`");
        }
        for (name, value, at) in values {
            let Ok(value) = value else { continue };
            let Ok(node) = self.output_node(value, at) else { continue };
            let name = name.unwrap_or_else(|| match self.net.outputs.len() {
                0 => "output".to_string(),
                number => format!("output_{number}"),
            });
            if self.net.outputs.iter().any(|(other, _)| *other == name) {
                self.error(Diagnostic::new(at, format!("a second output is called `{name}`")));
                continue;
            }
            self.net.outputs.push((name, node));
        }
        Ok(Value::Unit)
    }

    /// A value as a result has it: indices stay indices.
    fn stored(&mut self, node: NodeId, at: Span) -> Eval<NodeId> {
        match self.ty(node).dtype {
            DType::U32 => Ok(node),
            _ => self.float(node, at),
        }
    }

    fn output_node(&mut self, value: Value, at: Span) -> Eval<NodeId> {
        let Value::Tensor(node) = value else {
            let found = value.describe(&self.net.graph);
            return self.fail(at, format!("an output must be a tensor, not {found}"));
        };
        let node = self.stored(node, at)?;
        let ty = self.ty(node);
        if !ty.batched {
            let message = format!("this output {} is no row of a batch: it depends on no input", ty.shape());
            return self.shape_error(at, message, &[node], None);
        }
        Ok(node)
    }

    /// `method(encode, from = image, to = z)`
    pub(super) fn method(&mut self, call: Call<'_>) -> Eval<Value> {
        const USE: &str = "it is used as `method(encode, from = image, to = z);`";
        let span = call.callee.span();
        self.top_level("method", span)?;
        let [Expr { kind: ExprKind::Name(name), .. }] = call.args else {
            return Err(self.error(Diagnostic::new(span, "`method` needs one name").help(USE)));
        };
        let (mut from, mut to, mut failed) = (None, None, None);
        for (key, value) in call.named {
            let slot = match key.to_string().as_str() {
                "from" => &mut from,
                "to" => &mut to,
                other => {
                    let near = did_you_mean(other, ["from", "to"]).map(|near| format!("did you mean `{near}`?"));
                    let error = Diagnostic::new(key.span(), format!("`method` has no parameter `{other}`"));
                    failed = Some(self.error(error.help(near.unwrap_or_else(|| USE.into()))));
                    continue;
                }
            };
            *slot = Some(value);
        }
        if let Some(poisoned) = failed {
            return Err(poisoned);
        }
        let (Some(from), Some(to)) = (from, to) else {
            return Err(self.error(Diagnostic::new(span, "`method` needs `from` and `to`").help(USE)));
        };
        self.check_method_name(name)?;
        let (sources, target) = (self.eval(from), self.eval(to));
        let (sources, target) = (sources?, target?);
        let target = match target {
            Value::Tensor(node) => self.stored(node, to.span)?,
            other => {
                let found = other.describe(&self.net.graph);
                return self.fail(to.span, format!("`to` must be {}, not {found}", Kind::Tensor.expected()));
            }
        };
        let sources = match sources {
            Value::Tuple(items) | Value::Array(items) => items,
            one => vec![one],
        };
        let mut nodes = Vec::new();
        for source in sources {
            match source {
                Value::Tensor(node) if self.ty(node).batched && self.ty(node).dtype != DType::Bool => {
                    nodes.push(node);
                }
                other => {
                    let found = other.describe(&self.net.graph);
                    return self.fail(from.span, format!("`from` must be values of the batch, not {found}"));
                }
            }
        }
        self.check_cut(name, &nodes, target, from.span, to.span)?;
        self.net.methods.push(Method { name: name.clone(), from: nodes, to: target });
        Ok(Value::Unit)
    }

    /// The target must follow from the sources, and from nothing else that the user hands over.
    fn check_cut(&mut self, name: &Ident, from: &[NodeId], to: NodeId, at: Span, to_span: Span) -> Eval<()> {
        let mut seen = BTreeSet::new();
        let mut used = BTreeSet::new();
        let mut stack = vec![to];
        while let Some(node) = stack.pop() {
            if from.contains(&node) {
                used.insert(node);
                continue;
            }
            if !seen.insert(node) {
                continue;
            }
            if let Op::Input(input) = self.net.graph.op(node) {
                let input = self.net.inputs.get(input.index).map(|input| input.name.to_string()).unwrap_or_default();
                let message = format!("`to` of `{name}` needs `{input}` too, which does not stand in `from`");
                return self.shape_error(to_span, message, &[to], None);
            }
            stack.extend(self.net.graph.inputs(node));
        }
        if from.iter().any(|node| !used.contains(node)) {
            return self.fail(at, format!("`to` of `{name}` does not depend on all of `from`"));
        }
        Ok(())
    }

    /// Checks the whole and names the parameters.
    pub(super) fn finish(&mut self) {
        self.name_params();
        self.sweep();
        if !self.read || self.exhausted {
            return;
        }
        let name = self.net.name.clone();
        match (self.declared.loss, self.declared.optimizer) {
            (Some(span), None) => {
                self.error(
                    Diagnostic::new(span, "a loss needs an optimizer to lower it")
                        .help("write `optimizer(adam(lr = 1e-3));`"),
                );
            }
            (None, Some(span)) => {
                self.error(
                    Diagnostic::new(span, "an optimizer needs a loss to lower")
                        .help("write `loss(cross_entropy(logits, class));`"),
                );
            }
            (None, None)
                if !self.declared.output && self.net.methods.is_empty() && self.net.explanations.is_empty() =>
            {
                self.error(
                    Diagnostic::new(name.span(), format!("`{name}` gives nothing: it has no output and no loss"))
                        .help("write `output(…);` at the end of its body"),
                );
            }
            _ => {}
        }
        if let (None, Some(span)) = (self.declared.loss, self.net.gradients) {
            self.error(Diagnostic::new(span, "gradients are those of a loss, and there is none"));
        }
        self.penalties();
        if let (Some(loss), Some(span)) = (self.net.loss, self.declared.loss)
            && !self.depends_on_parameter(loss)
        {
            self.error(Diagnostic::new(span, "the loss depends on no parameter: there is nothing to train"));
        }
    }

    fn depends_on_parameter(&self, loss: NodeId) -> bool {
        let mut seen = BTreeSet::new();
        let mut stack = vec![loss];
        while let Some(node) = stack.pop() {
            match self.net.graph.op(node) {
                Op::Param(param) if self.net.params.get(param.index.0).is_some_and(|param| param.trainable) => {
                    return true;
                }
                // Nothing flows back through it.
                Op::StopGradient(_) => {}
                _ if seen.insert(node) => stack.extend(self.net.graph.inputs(node)),
                _ => {}
            }
        }
        false
    }
}
