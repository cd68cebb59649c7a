//! `fn` blocks and `shared(…)`.

use std::rc::Rc;

use proc_macro2::{Ident, Span};

use super::Resolver;
use super::call::{Call, Source};
use super::convert::Wanted;
use super::naming::FrameId;
use super::params::Replay;
use super::scope::Binding;
use super::settings::{LayerSettings, is_frozen_keyword};
use super::value::{Block, Eval, Poisoned, Value};
use crate::diag::{Diagnostic, did_you_mean};
use crate::ir::ParamId;
use crate::layers::{self, Kind};
use crate::syntax::ast::{Expr, ExprKind, FnDecl, FnParam};

/// A block's call under way.
#[derive(Debug)]
pub(super) struct Activation {
    pub(super) block: Rc<Block>,
    pub(super) span: Span,
}

/// An instance that several calls use.
#[derive(Debug)]
pub(super) struct Shared {
    block: Rc<Block>,
    frame: FrameId,
    /// `shared(f, trainable = false)`
    frozen: bool,
    /// In the order in which the first call made them.
    pub(super) params: Vec<ParamId>,
    /// Whether the first call is over.
    pub(super) complete: bool,
}

/// A block of one layer: `lstm(8)` as `fn lstm(x: Tensor) -> Tensor { lstm(x, 8) }`.
fn alone(callee: &Ident, args: &[Expr], named: &[(Ident, Expr)]) -> FnDecl {
    // A name that constants of the network don't have.
    let given = Ident::new("__given", callee.span());
    let first = Expr { kind: ExprKind::Name(given.clone()), span: callee.span() };
    let args = std::iter::once(first).chain(args.iter().cloned()).collect();
    let call = ExprKind::Call { callee: callee.clone(), args, named: named.to_vec() };
    FnDecl {
        name: callee.clone(),
        params: vec![(given, FnParam::Tensor(None))],
        body: Vec::new(),
        result: Box::new(Expr { kind: call, span: callee.span() }),
    }
}

impl Resolver<'_> {
    /// `shared(f)`, `shared(lstm(8))`
    pub(super) fn share(&mut self, call: Call<'_>) -> Eval<Value> {
        let span = call.callee.span();
        let ([block], [] | [_], None) = (call.args, call.named, &call.receiver) else {
            self.discard(call);
            return self.fail(span, "`shared` takes one block or layer: `let f = shared(block);`");
        };
        let mut settings = LayerSettings::default();
        for (key, value) in call.named {
            let taken = if key == "trainable" { self.layer_setting("shared", &mut settings, key, value) } else { None };
            match taken {
                Some(taken) => taken?,
                None => {
                    return Err(self.error(
                        Diagnostic::new(key.span(), format!("`shared` has no parameter `{key}`"))
                            .help("besides its block it takes `trainable`"),
                    ));
                }
            }
        }
        let block = match &block.kind {
            ExprKind::Name(name) if self.is_layer(name) => {
                let help = format!("write its call without the first argument, `shared({name}(…))`, or a block");
                let message = format!("`{name}` is a layer: it is shared with its arguments");
                return Err(self.error(Diagnostic::new(name.span(), message).help(help)));
            }
            ExprKind::Call { callee, args, named } if self.is_layer(callee) => {
                Rc::new(Block { decl: alone(callee, args, named), depth: self.scopes.depth() })
            }
            _ => match self.eval(block)? {
                Value::Block(block) => block,
                other => {
                    let message = format!("`shared` takes a block or a layer, not {}", other.describe(&self.net.graph));
                    return self.fail(block.span, message);
                }
            },
        };
        let name = self.group.as_deref().map_or_else(|| block.decl.name.to_string(), str::to_string);
        let frame = self.naming.enter(self.frame, &name, self.loops > 0);
        self.shared.push(Shared { block, frame, frozen: settings.frozen, params: Vec::new(), complete: false });
        Ok(Value::Shared(self.shared.len() - 1))
    }

    /// Whether a name is a layer's, or one that is applied to a layer, and nothing of the user's.
    fn is_layer(&self, name: &Ident) -> bool {
        let text = name.to_string();
        let known = layers::find(&text).is_some() || matches!(text.as_str(), "bidirectional" | "time_distributed");
        known && !self.is_bound(name)
    }

    /// A call of a shared instance.
    pub(super) fn call_shared(&mut self, number: usize, call: Call<'_>) -> Eval<Value> {
        let Some(shared) = self.shared.get(number) else { return Err(Poisoned::reported()) };
        let (block, frame, frozen) = (shared.block.clone(), shared.frame, shared.frozen);
        if let Some((key, _)) = call.named.iter().find(|(key, _)| is_frozen_keyword(&block, key)) {
            let error = Diagnostic::new(key.span(), "calls of a shared block train the same parameters");
            return Err(self.error(error.help("write it where the block is shared: `shared(f, trainable = false)`")));
        }
        let result = self.enter_block(block, frame, Some((number, frozen)), call);
        if let (Ok(_), Some(shared)) = (&result, self.shared.get_mut(number)) {
            shared.complete = true;
        }
        result
    }

    /// A call of a block, with fresh parameters.
    pub(super) fn call_block(&mut self, block: Rc<Block>, call: Call<'_>) -> Eval<Value> {
        let name = self.group.as_deref().map_or_else(|| block.decl.name.to_string(), str::to_string);
        let frame = self.naming.enter(self.frame, &name, self.loops > 0);
        self.enter_block(block, frame, None, call)
    }

    /// Runs a block's body. For a shared one, its number and whether it is frozen: both are about the body alone,
    /// not about the arguments, in which the same block may be called.
    fn enter_block(
        &mut self,
        block: Rc<Block>,
        frame: FrameId,
        shared: Option<(usize, bool)>,
        call: Call<'_>,
    ) -> Eval<Value> {
        let span = call.callee.span();
        if self.active.iter().any(|active| Rc::ptr_eq(&active.block, &block)) {
            self.discard(call);
            return Err(self.error(
                Diagnostic::new(span, format!("`{}` calls itself", block.decl.name))
                    .help("a network is finite: repeat with `for i in 0..LAYERS { … }`"),
            ));
        }
        let frozen = self.block_frozen(&block, &call)?;
        let values = self.block_arguments(&block, call)?;
        self.scopes.push(Some(block.depth));
        for ((name, _), value) in block.decl.params.iter().zip(values) {
            self.scopes.bind(&name.to_string(), Binding { value, mutable: false, item: false });
        }
        self.active.push(Activation { block: block.clone(), span });
        let outer = (
            std::mem::replace(&mut self.frame, frame),
            self.group.take(),
            self.label.clone(),
            std::mem::take(&mut self.loops),
            self.frozen,
        );
        self.frozen |= frozen || shared.is_some_and(|(_, frozen)| frozen);
        if let Some((number, _)) = shared {
            self.replaying.push(Replay { shared: number, next: 0 });
        }
        let entered = self.enter_origin(block.decl.name.to_string(), span);
        self.run(&block.decl.body);
        let result = self.eval(&block.decl.result);
        self.leave_origin(entered);
        if shared.is_some() {
            self.replaying.pop();
        }
        (self.frame, self.group, self.label, self.loops, self.frozen) = outer;
        self.active.pop();
        self.scopes.pop();
        result
    }

    /// The arguments of a block's call, by position or by name.
    fn block_arguments(&mut self, block: &Block, call: Call<'_>) -> Eval<Vec<Value>> {
        let (decl, span) = (&block.decl, call.callee.span());
        let mut values: Vec<Option<Eval<Value>>> = decl.params.iter().map(|_| None).collect();
        let mut failed = None;
        let sources = call.receiver.into_iter().map(|(value, span)| Source::Value(value, span));
        let sources = sources.chain(call.args.iter().map(Source::Expr));
        for (position, source) in sources.enumerate() {
            match (decl.params.get(position), values.get_mut(position)) {
                (Some((name, kind)), Some(slot)) => {
                    *slot = Some(self.block_argument(decl, name, kind, source));
                }
                _ => {
                    let message = format!("`{}` takes {}", decl.name, arguments(decl.params.len()));
                    failed = Some(self.error(Diagnostic::new(source.span(), message)));
                    break;
                }
            }
        }
        for (key, value) in call.named.iter().filter(|(key, _)| !is_frozen_keyword(block, key)) {
            let position = decl.params.iter().position(|(name, _)| name == key);
            match position.and_then(|position| Some((decl.params.get(position)?, values.get_mut(position)?))) {
                Some(((name, kind), slot @ None)) => {
                    *slot = Some(self.block_argument(decl, name, kind, Source::Expr(value)));
                }
                Some(_) => {
                    failed = Some(self.error(Diagnostic::new(key.span(), format!("`{key}` is given twice"))));
                }
                None => {
                    let names: Vec<String> = decl.params.iter().map(|(name, _)| name.to_string()).collect();
                    let mut error = Diagnostic::new(key.span(), format!("`{}` has no parameter `{key}`", decl.name));
                    if let Some(near) = did_you_mean(&key.to_string(), names.iter().map(String::as_str)) {
                        error = error.help(format!("did you mean `{near}`?"));
                    }
                    failed = Some(self.error(error));
                }
            }
        }
        if let Some(poisoned) = failed {
            return Err(poisoned);
        }
        let missing: Vec<String> = decl
            .params
            .iter()
            .zip(&values)
            .filter(|(_, value)| value.is_none())
            .map(|((name, _), _)| format!("`{name}`"))
            .collect();
        if !missing.is_empty() {
            let message = format!("`{}` needs {}", decl.name, missing.join(" and "));
            return Err(self.missing(Diagnostic::new(span, message)));
        }
        values.into_iter().map(|value| value.unwrap_or(Err(Poisoned::reported()))).collect()
    }

    fn block_argument(
        &mut self,
        decl: &FnDecl,
        name: &proc_macro2::Ident,
        kind: &FnParam,
        source: Source<'_>,
    ) -> Eval<Value> {
        let span = source.span();
        let value = self.source_value(source)?;
        let wanted = Wanted { param: name.to_string(), of: decl.name.to_string() };
        let mismatch = |expected| Err((expected, value.clone()));
        let checked = match (kind, &value) {
            (FnParam::Tensor(shape), Value::Tensor(node)) => {
                if let Some(shape) = shape {
                    let what = format!("{wanted}");
                    self.check_shape(shape, *node, &what, span)?;
                }
                Ok(value)
            }
            (FnParam::Integer, Value::Int(number)) if *number >= 0 => Ok(value),
            (FnParam::Float, Value::Int(number)) => Ok(Value::Float(*number as f64)),
            (FnParam::Float, Value::Float(_)) | (FnParam::Bool, Value::Bool(_)) => Ok(value),
            // A type that could not be read stands as a tensor of any shape.
            (FnParam::Tensor(None), _) if !self.read => Ok(value),
            (FnParam::Tensor(_), _) => mismatch(Kind::Tensor.expected()),
            (FnParam::Integer, _) => mismatch("an integer from 0"),
            (FnParam::Float, _) => mismatch(Kind::Number.expected()),
            (FnParam::Bool, _) => mismatch(Kind::Flag.expected()),
        };
        checked.or_else(|(expected, value)| self.mismatch(&wanted, expected, &value, span))
    }
}

fn arguments(count: usize) -> String {
    match count {
        0 => "no arguments".into(),
        1 => "one argument".into(),
        count => format!("{count} arguments"),
    }
}
