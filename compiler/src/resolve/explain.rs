//! `explain(saliency, of = logits, wrt = image);`

use std::collections::BTreeSet;

use proc_macro2::{Ident, Span};

use super::Resolver;
use super::arguments::{Arg, Bound};
use super::call::Call;
use super::finish::{RESERVED, generated};
use super::tensor::broadcast_dims;
use super::value::{Eval, Value};
use crate::diag::{Diagnostic, did_you_mean};
use crate::ir::{Chosen, DType, Explain, Explanation, NodeId};
use crate::layers;
use crate::ops::Scalar;
use crate::syntax::ast::{Expr, ExprKind};

const USE: &str = "it is used as `explain(saliency, of = logits, wrt = image);`";

impl Resolver<'_> {
    /// The statement.
    pub(super) fn explain(&mut self, call: Call<'_>) -> Eval<Value> {
        let span = call.callee.span();
        self.top_level("explain", span)?;
        let ([Expr { kind: ExprKind::Name(kind), .. }], None) = (call.args, &call.receiver) else {
            return Err(self.error(Diagnostic::new(span, "`explain` needs one kind of explanation").help(USE)));
        };
        let Some(template) = layers::explanation(&kind.to_string()) else {
            let error = Diagnostic::new(kind.span(), format!("there is no explanation `{kind}`"));
            let near = did_you_mean(&kind.to_string(), layers::EXPLANATIONS.iter().map(|template| template.name));
            let help = near.map_or_else(
                || {
                    let names: Vec<&str> = layers::EXPLANATIONS.iter().map(|template| template.name).collect();
                    format!("there are {}", names.join(", "))
                },
                |near| format!("did you mean `{near}`?"),
            );
            return Err(self.error(error.help(help)));
        };
        let special = |key: &Ident| key == "class" || key == "name";
        let find = |name: &str| call.named.iter().find(|(key, _)| key == name).map(|(_, value)| value);
        let named: Vec<(Ident, Expr)> = call.named.iter().filter(|(key, _)| !special(key)).cloned().collect();
        let bound = self.bind(template, Call { callee: kind, receiver: None, args: &[], named: &named })?;
        let name = match find("name") {
            Some(value) => self.method_name(value)?,
            None => kind.clone(),
        };
        self.check_method_name(&name)?;
        let of = self.explained(&bound, "of")?;
        let wrt = self.explained(&bound, if template.name == "grad_cam" { "layer" } else { "wrt" })?;
        let class = self.chosen(of, bound.span("of"), find("class"))?;
        let wrt_span = bound.span(if template.name == "grad_cam" { "layer" } else { "wrt" });
        if !self.leads_to(wrt, of) {
            return self.fail(wrt_span, format!("what `{name}` explains does not depend on this"));
        }
        let number = |name| match bound.get(name) {
            Arg::Float(value) => *value,
            _ => 0.0,
        };
        let count = |name| match bound.get(name) {
            Arg::Int(value) => usize::try_from(*value).unwrap_or(1),
            _ => 1,
        };
        let kind = match template.name {
            "saliency" => Explain::Saliency,
            "input_x_gradient" => Explain::InputXGradient,
            "smooth_grad" => Explain::SmoothGrad { samples: count("samples"), noise: Scalar(number("noise")) },
            "grad_cam" => {
                if self.dims(wrt).len() < 2 {
                    let shape = self.ty(wrt).shape();
                    let message = format!("`layer` is a map of places with channels last, and this is {shape}");
                    return self.shape_error(wrt_span, message, &[wrt], None);
                }
                Explain::GradCam
            }
            _ => Explain::IntegratedGradients { steps: count("steps"), baseline: self.baseline(&bound, wrt)? },
        };
        self.net.explanations.push(Explanation { name, kind, of, wrt, class });
        Ok(Value::Unit)
    }

    /// `name = why` or `name = "why"`.
    fn method_name(&mut self, value: &Expr) -> Eval<Ident> {
        if let ExprKind::Name(name) = &value.kind
            && !self.is_bound(name)
        {
            return Ok(name.clone());
        }
        match self.eval(value)? {
            Value::Str(text) => match syn::parse_str::<Ident>(&text) {
                Ok(name) => Ok(Ident::new(&name.to_string(), value.span)),
                Err(_) => self.fail(value.span, format!("{text:?} can't be a method's name")),
            },
            other => {
                let found = other.describe(&self.net.graph);
                self.fail(value.span, format!("`name` must be the method's name, not {found}"))
            }
        }
    }

    /// Refuses a name that another method has.
    pub(super) fn check_method_name(&mut self, name: &Ident) -> Eval<()> {
        let own = generated(name);
        if own.iter().any(|name| RESERVED.contains(&name.as_str())) {
            return self.fail(name.span(), format!("every network has a method `{name}` already"));
        }
        let explanations = self.net.explanations.iter().map(|explanation| &explanation.name);
        let mut taken = self.net.methods.iter().map(|method| &method.name).chain(explanations);
        if taken.any(|other| generated(other).iter().any(|other| own.contains(other))) {
            return self.fail(name.span(), format!("a second method is called `{name}`"));
        }
        Ok(())
    }

    fn explained(&mut self, bound: &Bound, name: &str) -> Eval<NodeId> {
        let Arg::Node(node) = bound.get(name) else { return self.bug(bound.span(name), "a tensor is missing") };
        let ty = self.ty(*node);
        if !ty.batched {
            let message = format!("`{name}` must be a value of the batch, and this {} depends on no input", ty.shape());
            return self.shape_error(bound.span(name), message, &[*node], None);
        }
        Ok(*node)
    }

    /// Which of the scores.
    fn chosen(&mut self, of: NodeId, of_span: Span, class: Option<&Expr>) -> Eval<Chosen> {
        let dims = self.dims(of);
        if dims.len() > 1 {
            let message = format!(
                "`of` is a number for each row or a score for each class, and this is {}",
                crate::ir::shape(&dims)
            );
            return self.shape_error(of_span, message, &[of], None);
        }
        let Some(value) = class else { return Ok(Chosen::Largest) };
        let Some(&classes) = dims.first() else {
            return self.fail(value.span, "`of` is one number for each row: there is no class to choose");
        };
        match self.eval(value)? {
            Value::Int(class) => match usize::try_from(class) {
                Ok(class) if class < classes => Ok(Chosen::Class(class)),
                _ => self.fail(value.span, format!("there is no class {class} among {classes}")),
            },
            Value::Tensor(node) if self.ty(node).dtype == DType::U32 && self.dims(node).is_empty() => {
                Ok(Chosen::Given(node))
            }
            other => {
                let found = other.describe(&self.net.graph);
                let message =
                    format!("`class` must be an index for each row, as `class(10)` is, or a number, not {found}");
                self.fail(value.span, message)
            }
        }
    }

    fn baseline(&mut self, bound: &Bound, wrt: NodeId) -> Eval<NodeId> {
        let span = bound.span("baseline");
        let node = match bound.get("baseline") {
            Arg::Float(value) => self.scalar(*value, span)?,
            Arg::Node(node) => *node,
            _ => return self.bug(span, "a baseline is missing"),
        };
        let (from, to) = (self.dims(node), self.dims(wrt));
        if broadcast_dims(&from, &to).as_ref() != Some(&to) {
            let message = format!(
                "`baseline` is {}, which can't stand in for {}",
                crate::ir::shape(&from),
                crate::ir::shape(&to)
            );
            return self.shape_error(span, message, &[node, wrt], None);
        }
        Ok(node)
    }

    fn leads_to(&self, from: NodeId, to: NodeId) -> bool {
        let mut seen = BTreeSet::new();
        let mut stack = vec![to];
        while let Some(node) = stack.pop() {
            if node == from {
                return true;
            }
            if seen.insert(node) {
                stack.extend(self.net.graph.inputs(node));
            }
        }
        false
    }
}
