//! Expressions to values.

use proc_macro2::{Ident, Span};

use super::Resolver;
use super::call::Call;
use super::scope::{Binding, Found};
use super::value::{Eval, Poisoned, Value};
use crate::diag::Diagnostic;
use crate::layers;
use crate::syntax::ast::{BinaryOp, Expr, ExprKind};

/// Nesting of expressions across the blocks that they call.
const MAX_DEPTH: usize = 160;

/// Expressions evaluated for one network, loops and blocks unrolled.
const MAX_WORK: usize = 500_000;

impl Resolver<'_> {
    /// Evaluates an expression.
    pub(crate) fn eval(&mut self, expr: &Expr) -> Eval<Value> {
        self.work += 1;
        if self.work > MAX_WORK || self.exhausted {
            return self.exhaust(expr.span);
        }
        if self.depth >= MAX_DEPTH {
            return self.fail(expr.span, "blocks and expressions are nested too deeply here");
        }
        self.depth += 1;
        let value = self.eval_kind(expr);
        self.depth -= 1;
        value
    }

    fn eval_kind(&mut self, expr: &Expr) -> Eval<Value> {
        match &expr.kind {
            ExprKind::Int(value) => match i64::try_from(*value) {
                Ok(value) => Ok(Value::Int(value)),
                Err(_) => self.fail(expr.span, format!("{value} is past the integers here")),
            },
            ExprKind::Float(value) if value.is_finite() => Ok(Value::Float(*value)),
            ExprKind::Float(_) => self.fail(expr.span, "this number is past what f64 holds"),
            ExprKind::Bool(value) => Ok(Value::Bool(*value)),
            ExprKind::Str(text) => Ok(Value::Str(text.as_str().into())),
            ExprKind::Name(name) => self.variable(name),
            ExprKind::Call { callee, args, named } => self.call(Call { callee, receiver: None, args, named }),
            ExprKind::Method { .. } => self.chain(expr),
            ExprKind::Neg(operand) => {
                let value = self.eval(operand)?;
                self.negate(value, expr.span, operand.span)
            }
            ExprKind::Not(operand) => match self.eval(operand)? {
                Value::Bool(value) => Ok(Value::Bool(!value)),
                other => {
                    let found = other.describe(&self.net.graph);
                    self.fail(operand.span, format!("`!` takes true or false, not {found}"))
                }
            },
            ExprKind::Binary { .. } => self.operators(expr),
            ExprKind::Tuple(items) => Ok(Value::Tuple(self.each(items)?)),
            ExprKind::Array(items) => Ok(Value::Array(self.each(items)?)),
            ExprKind::Index { base, indices } => self.index(base, indices, expr.span),
            ExprKind::Range { .. } => self.fail(expr.span, "a range stands in an index or behind `for … in`"),
            ExprKind::Closure { .. } => {
                self.fail(expr.span, "a closure stands in a loop's call: `scan(x, h = zeros([H]), |x_t, h| …)`")
            }
            ExprKind::Invalid => Err(Poisoned::reported()),
        }
    }

    /// All of them, so that each mistake is found.
    fn each(&mut self, items: &[Expr]) -> Eval<Vec<Value>> {
        let values: Vec<Eval<Value>> = items.iter().map(|item| self.eval(item)).collect();
        values.into_iter().collect()
    }

    fn variable(&mut self, name: &Ident) -> Eval<Value> {
        let text = name.to_string();
        match self.scopes.find(&text) {
            Found::Binding(binding) => match binding.value.clone() {
                Value::Poison => Err(Poisoned::reported()),
                value => Ok(value),
            },
            Found::Hidden => Err(self.error(
                Diagnostic::new(name.span(), format!("`{text}` can't be seen from inside this block"))
                    .help("a block sees its parameters, constants and other blocks: pass the value as an argument"),
            )),
            Found::Unknown if layers::find(&text).is_some() => Err(self.error(
                Diagnostic::new(name.span(), format!("`{text}` is not a value"))
                    .help(format!("call it: `{text}(…)` or `x.{text}(…)`")),
            )),
            Found::Unknown => {
                let known: Vec<String> = self.scopes.names().into_iter().map(str::to_string).collect();
                let poisoned = self.unknown(name.span(), &text, "the name", known.iter().map(String::as_str));
                // Said once, whatever else uses it.
                self.scopes.bind_outermost(&text, Binding { value: Value::Poison, mutable: true, item: true });
                Err(poisoned)
            }
        }
    }

    /// A chain of methods, link by link: it may be long.
    fn chain(&mut self, expr: &Expr) -> Eval<Value> {
        let mut links = Vec::new();
        let mut base = expr;
        while let ExprKind::Method { receiver, method, args, named } = &base.kind {
            links.push((method, args, named));
            base = receiver;
        }
        let mut value = self.eval(base);
        let mut span = base.span;
        for (callee, args, named) in links.into_iter().rev() {
            value = self.call(Call { callee, receiver: Some((value, span)), args, named });
            span = callee.span();
        }
        value
    }

    /// A tower of binary operators, from its left end: it may be long.
    fn operators(&mut self, expr: &Expr) -> Eval<Value> {
        let mut tower: Vec<(BinaryOp, Span, &Expr)> = Vec::new();
        let mut base = expr;
        while let ExprKind::Binary { op, op_span, left, right } = &base.kind {
            tower.push((*op, *op_span, right));
            base = left;
        }
        let mut left = self.eval(base);
        let mut span = base.span;
        for (op, op_span, right_expr) in tower.into_iter().rev() {
            let right = self.eval(right_expr);
            left = match (left, right) {
                (Ok(left), Ok(right)) => self.operate(op, op_span, (left, span), (right, right_expr.span)),
                (Err(poisoned), _) | (_, Err(poisoned)) => Err(poisoned),
            };
            span = op_span;
        }
        left
    }
}
