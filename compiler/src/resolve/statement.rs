//! Statements, in their order; constants and blocks of a body first.

use std::rc::Rc;

use proc_macro2::{Ident, Span};

use super::Resolver;
use super::scope::{Binding, Found};
use super::value::{Block, Eval, Value};
use crate::diag::{Diagnostic, did_you_mean};
use crate::ir::{NodeId, shape};
use crate::layers;
use crate::syntax::ast::{Expr, ExprKind, ShapeDecl, Stmt};

/// Rounds of one loop: they are unrolled.
const MAX_ROUNDS: i64 = 1024;

impl Resolver<'_> {
    /// Runs the statements of a body in the innermost scope.
    pub(super) fn run(&mut self, body: &[Stmt]) {
        // As in Rust, a block may be used before the line that declares it.
        for statement in body {
            if let Stmt::Fn(decl) = statement {
                let value = Value::Block(Rc::new(Block { decl: decl.clone(), depth: self.scopes.depth() }));
                self.scopes.bind(&decl.name.to_string(), Binding { value, mutable: false, item: true });
            }
        }
        for statement in body {
            if let Stmt::Const { name, value } = statement {
                let value = self.integer(value, &format!("`{name}`")).map_or(Value::Poison, Value::Int);
                self.scopes.bind(&name.to_string(), Binding { value, mutable: false, item: true });
            }
        }
        for statement in body {
            if self.exhausted {
                return;
            }
            self.statement(statement);
        }
    }

    fn statement(&mut self, statement: &Stmt) {
        match statement {
            Stmt::Fn(_) | Stmt::Const { .. } => {}
            Stmt::Let { pattern, mutable, shape, value } => match pattern.as_slice() {
                [name] => {
                    let result = self.declare(name, value).and_then(|value| match shape {
                        Some(shape) => self.annotated(shape, name, value),
                        None => Ok(value),
                    });
                    self.bind_name(name, *mutable, result);
                }
                names => self.destructure(names, *mutable, value),
            },
            Stmt::Assign { name, value } => self.assign(name, value),
            Stmt::For { variable, from, to, inclusive, body, .. } => {
                let (first, last) = (self.integer(from, "a loop's start"), self.integer(to, "a loop's end"));
                let (Ok(first), Ok(last)) = (first, last) else { return };
                let rounds = last.checked_sub(first).and_then(|n| n.checked_add(i64::from(*inclusive)));
                match rounds {
                    Some(rounds) if rounds <= MAX_ROUNDS => {
                        for round in 0..rounds.max(0) {
                            self.round(variable.as_ref(), first + round, body);
                        }
                    }
                    _ => {
                        self.error(Diagnostic::new(
                            to.span,
                            format!("more than {MAX_ROUNDS} rounds: a loop is unrolled when the network is built"),
                        ));
                    }
                }
            }
            Stmt::Expr(expr) => {
                let unused = match self.eval(expr) {
                    Ok(Value::Unit) | Err(_) => return,
                    Ok(value) => value.describe(&self.net.graph),
                };
                self.error(
                    Diagnostic::new(expr.span, format!("nothing is done with {unused}"))
                        .help("give it a name: `let name = …;`"),
                );
            }
        }
    }

    fn round(&mut self, variable: Option<&Ident>, value: i64, body: &[Stmt]) {
        if self.exhausted {
            return;
        }
        self.scopes.push(None);
        if let Some(variable) = variable {
            let binding = Binding { value: Value::Int(value), mutable: false, item: false };
            self.scopes.bind(&variable.to_string(), binding);
        }
        self.loops += 1;
        self.run(body);
        self.loops = self.loops.saturating_sub(1);
        self.scopes.pop();
    }

    /// The value of a `let`, whose name the parameters and nodes made in it get.
    fn declare(&mut self, name: &Ident, value: &Expr) -> Eval<Value> {
        if let ExprKind::Call { callee, .. } = &value.kind
            && layers::is_data(&callee.to_string())
            && !self.is_bound(callee)
        {
            self.declaring = Some(name.clone());
        }
        let result = self.named(name, value);
        self.declaring = None;
        match result? {
            Value::Unit => self.fail(value.span, "this statement has no value"),
            value => Ok(value),
        }
    }

    fn named(&mut self, name: &Ident, value: &Expr) -> Eval<Value> {
        if name == "_" {
            return self.eval(value);
        }
        let text: Rc<str> = name.to_string().into();
        let entered = self.enter_origin(name.to_string(), name.span());
        let outer = (self.group.replace(text.clone()), self.label.replace(text));
        let result = self.eval(value);
        (self.group, self.label) = outer;
        self.leave_origin(entered);
        result
    }

    fn bind_name(&mut self, name: &Ident, mutable: bool, value: Eval<Value>) {
        if name != "_" {
            let value = value.unwrap_or(Value::Poison);
            self.scopes.bind(&name.to_string(), Binding { value, mutable, item: false });
        }
    }

    /// `let (a, b) = …;`
    fn destructure(&mut self, names: &[Ident], mutable: bool, value: &Expr) {
        // Written-out parts are named one by one.
        if let ExprKind::Tuple(parts) = &value.kind
            && parts.len() == names.len()
        {
            let values: Vec<Eval<Value>> =
                names.iter().zip(parts).map(|(name, part)| self.declare(name, part)).collect();
            for (name, value) in names.iter().zip(values) {
                self.bind_name(name, mutable, value);
            }
            return;
        }
        let parts = match self.eval(value) {
            Ok(Value::Tuple(parts) | Value::Array(parts)) if parts.len() == names.len() => parts,
            Ok(Value::Tuple(parts) | Value::Array(parts)) => {
                let message = format!("{} names for {} parts", names.len(), parts.len());
                self.error(Diagnostic::new(value.span, message));
                Vec::new()
            }
            Ok(other) => {
                let found = other.describe(&self.net.graph);
                self.error(Diagnostic::new(value.span, format!("several names need a tuple, not {found}")));
                Vec::new()
            }
            Err(_) => Vec::new(),
        };
        let mut parts = parts.into_iter();
        for name in names {
            self.bind_name(name, mutable, Ok(parts.next().unwrap_or(Value::Poison)));
        }
    }

    fn assign(&mut self, name: &Ident, value: &Expr) {
        let text = name.to_string();
        let result = self.named(name, value);
        let result = match result {
            Ok(Value::Unit) => self.fail(value.span, "this statement has no value"),
            result => result,
        };
        let outside = self.tracing > 0 && self.is_bound(name);
        match self.scopes.find_mut(&text) {
            Some(binding) if binding.mutable => binding.value = result.unwrap_or(Value::Poison),
            // A broken `let` may have lost its `mut`.
            Some(Binding { value: Value::Poison, .. }) => {}
            Some(_) => {
                self.error(
                    Diagnostic::new(name.span(), format!("`{text}` can't change"))
                        .help(format!("declare it as `let mut {text} = …;`")),
                );
            }
            None if outside => {
                self.error(
                    Diagnostic::new(
                        name.span(),
                        format!("`{text}` stands outside of this closure and can't change in it"),
                    )
                    .help(format!("what changes from step to step is a state: `scan(x, {text} = …, |x_t, {text}| …)`")),
                );
            }
            None => {
                let hidden = matches!(self.scopes.find(&text), Found::Hidden);
                let mut error = Diagnostic::new(name.span(), format!("there is no variable `{text}` to change"));
                let near = did_you_mean(&text, self.scopes.names());
                error = match near {
                    Some(near) if !hidden => error.help(format!("did you mean `{near}`?")),
                    _ => error.help(format!("declare it first: `let mut {text} = …;`")),
                };
                self.error(error);
            }
        }
    }

    /// `let name: Tensor<…> = value`
    fn annotated(&mut self, decl: &ShapeDecl, name: &Ident, value: Value) -> Eval<Value> {
        match value {
            Value::Tensor(node) => {
                self.check_shape(decl, node, &format!("`{name}`"), name.span())?;
                Ok(value)
            }
            other => {
                let found = other.describe(&self.net.graph);
                self.fail(name.span(), format!("`{name}` is annotated as a tensor but is {found}"))
            }
        }
    }

    /// Checks a tensor against an annotation.
    pub(super) fn check_shape(&mut self, decl: &ShapeDecl, node: NodeId, what: &str, at: Span) -> Eval<()> {
        let dims: Vec<Eval<usize>> = decl.dims.iter().map(|dim| self.annotation(dim)).collect();
        let dims = dims.into_iter().collect::<Eval<Vec<usize>>>()?;
        let actual = self.dims(node);
        if dims == actual {
            return Ok(());
        }
        let help = self.history.advice(&self.net.graph, node, &dims);
        let message = format!("{what} is annotated {} but is {}", shape(&dims), shape(&actual));
        self.shape_error(at, message, &[node], help)
    }

    fn annotation(&mut self, dim: &Expr) -> Eval<usize> {
        let value = self.integer(dim, "an axis")?;
        match usize::try_from(value) {
            Ok(value @ 1..) => Ok(value),
            _ => self.fail(dim.span, format!("an axis is {value}: it must be at least 1")),
        }
    }
}
