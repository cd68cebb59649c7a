//! Functions as arguments: `activation = tanh`.

use proc_macro2::{Ident, Span};

use super::call::Call;
use super::convert::Wanted;
use super::scope::Found;
use super::value::{Eval, Value};
use super::{Arg, Resolver};
use crate::ir::{NodeId, shape};
use crate::layers::{self, Kind};

impl Resolver<'_> {
    /// An activation or a block, by name.
    pub(super) fn function(&mut self, wanted: &Wanted, name: &Ident) -> Eval<Arg> {
        let bound = match self.scopes.find(&name.to_string()) {
            Found::Binding(binding) => Some(binding.value.clone()),
            _ => None,
        };
        if let Some(Value::Block(_) | Value::Shared(_)) = bound {
            return Ok(Arg::Function(name.clone()));
        }
        let words: Vec<&str> = layers::functions().collect();
        if let Some(word) = words.iter().find(|word| name == *word) {
            return Ok(Arg::Known(word));
        }
        if let Some(value) = bound {
            return self.mismatch(wanted, Kind::Function.expected(), &value, name.span());
        }
        self.unknown_word(wanted, Kind::Function, name, &words)
    }

    /// A function of one tensor, as an argument names it: it keeps the shape. Without parameters of its own it is
    /// no line of the summary.
    pub(crate) fn function_of(&mut self, function: &Arg, x: NodeId, span: Span) -> Eval<NodeId> {
        let known;
        let (callee, template) = match function {
            Arg::Known("linear") => return Ok(x),
            Arg::Known(name) => {
                known = Ident::new(name, span);
                (&known, layers::find(name))
            }
            Arg::Function(name) => (name, None),
            _ => return self.bug(span, "a function is missing"),
        };
        let rows = self.net.layers.len();
        let call = Call { callee, receiver: Some((Ok(Value::Tensor(x)), span)), args: &[], named: &[] };
        let value = match template {
            Some(template) => self.apply(template, call),
            None => self.call(call),
        };
        self.forget_rows(rows);
        match value? {
            Value::Tensor(y) if self.dims(y) == self.dims(x) => self.float(y, callee.span()),
            Value::Tensor(y) => {
                let (from, to) = (shape(&self.dims(x)), shape(&self.dims(y)));
                self.shape_error(callee.span(), format!("`{callee}` makes {to} of {from}"), &[y], None)
            }
            other => {
                let found = other.describe(&self.net.graph);
                self.fail(callee.span(), format!("`{callee}` must give a tensor here, not {found}"))
            }
        }
    }
}
