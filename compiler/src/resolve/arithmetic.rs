//! Operators: on integers checked, on numbers finite, on tensors with NumPy's broadcasting.

use proc_macro2::Span;

use super::value::{Eval, Value};
use super::{Effect, Resolver, Trace};
use crate::diag::Diagnostic;
use crate::ir::{DType, NodeId};
use crate::ops::{Add, Compare, CompareKind, Div, Mul, Neg, Op, Sub};
use crate::syntax::ast::BinaryOp;

/// An operator as the user writes it, and the verb for messages.
fn words(op: BinaryOp) -> (&'static str, &'static str) {
    match op {
        BinaryOp::Add => ("+", "add"),
        BinaryOp::Sub => ("-", "subtract"),
        BinaryOp::Mul => ("*", "multiply"),
        BinaryOp::Div => ("/", "divide"),
        BinaryOp::Rem => ("%", "take the remainder of"),
        BinaryOp::Lt => ("<", "compare"),
        BinaryOp::Le => ("<=", "compare"),
        BinaryOp::Gt => (">", "compare"),
        BinaryOp::Ge => (">=", "compare"),
        BinaryOp::Eq => ("==", "compare"),
        BinaryOp::Ne => ("!=", "compare"),
        BinaryOp::And => ("&&", "combine"),
        BinaryOp::Or => ("||", "combine"),
    }
}

fn compare(op: BinaryOp) -> Option<CompareKind> {
    Some(match op {
        BinaryOp::Lt => CompareKind::Lt,
        BinaryOp::Le => CompareKind::Le,
        BinaryOp::Gt => CompareKind::Gt,
        BinaryOp::Ge => CompareKind::Ge,
        BinaryOp::Eq => CompareKind::Eq,
        BinaryOp::Ne => CompareKind::Ne,
        _ => return None,
    })
}

fn ordered<T: PartialOrd>(op: BinaryOp, a: T, b: T) -> Option<bool> {
    Some(match op {
        BinaryOp::Lt => a < b,
        BinaryOp::Le => a <= b,
        BinaryOp::Gt => a > b,
        BinaryOp::Ge => a >= b,
        BinaryOp::Eq => a == b,
        BinaryOp::Ne => a != b,
        _ => return None,
    })
}

impl Resolver<'_> {
    /// `-x`
    pub(super) fn negate(&mut self, value: Value, span: Span, operand: Span) -> Eval<Value> {
        match value {
            Value::Int(value) => match value.checked_neg() {
                Some(value) => Ok(Value::Int(value)),
                None => self.fail(span, format!("-({value}) is past the integers here")),
            },
            Value::Float(value) => Ok(Value::Float(-value)),
            Value::Tensor(node) => {
                let node = self.float(node, operand)?;
                let result = self.node(Neg, &[node], span)?;
                self.history.record(result, Some(node), span, Trace::Silent, Effect::Keep);
                Ok(Value::Tensor(result))
            }
            other => {
                let found = other.describe(&self.net.graph);
                self.fail(operand, format!("`-` takes a number or a tensor, not {found}"))
            }
        }
    }

    /// `left op right`
    pub(super) fn operate(
        &mut self,
        op: BinaryOp,
        at: Span,
        (left, left_span): (Value, Span),
        (right, right_span): (Value, Span),
    ) -> Eval<Value> {
        use Value::{Bool, Float, Int, Tensor};
        match (&left, &right) {
            (Int(a), Int(b)) => self.integers_operate(op, at, *a, *b),
            (Int(a), Float(b)) => self.floats_operate(op, at, *a as f64, *b),
            (Float(a), Int(b)) => self.floats_operate(op, at, *a, *b as f64),
            (Float(a), Float(b)) => self.floats_operate(op, at, *a, *b),
            (Bool(a), Bool(b)) => match op {
                BinaryOp::And => Ok(Bool(*a && *b)),
                BinaryOp::Or => Ok(Bool(*a || *b)),
                BinaryOp::Eq => Ok(Bool(a == b)),
                BinaryOp::Ne => Ok(Bool(a != b)),
                _ => self.operands(op, at, &left, &right),
            },
            (Tensor(index), Int(class)) | (Int(class), Tensor(index))
                if self.ty(*index).dtype == DType::U32 && matches!(op, BinaryOp::Eq | BinaryOp::Ne) =>
            {
                self.is_class(*index, *class, op == BinaryOp::Eq, at).map(Tensor)
            }
            (Tensor(_), Tensor(_) | Int(_) | Float(_)) | (Int(_) | Float(_), Tensor(_)) => {
                let primitive: Op = match (op, compare(op)) {
                    (_, Some(kind)) => Compare { kind }.into(),
                    (BinaryOp::Add, _) => Add.into(),
                    (BinaryOp::Sub, _) => Sub.into(),
                    (BinaryOp::Mul, _) => Mul.into(),
                    (BinaryOp::Div, _) => Div.into(),
                    _ => return self.operands(op, at, &left, &right),
                };
                let compares = compare(op).is_some();
                let left = self.operand(&left, compares, left_span)?;
                let right = self.operand(&right, compares, right_span)?;
                Ok(Tensor(self.binary(primitive, left, right, words(op).1, at)?))
            }
            _ => self.operands(op, at, &left, &right),
        }
    }

    /// An operand of a tensor operator as a tensor. Indices can be compared, but not computed with.
    fn operand(&mut self, value: &Value, compares: bool, span: Span) -> Eval<NodeId> {
        match value {
            Value::Tensor(index) if compares && self.ty(*index).dtype == DType::U32 => self.places(*index, span),
            Value::Tensor(node) => self.float(*node, span),
            Value::Int(value) => self.scalar(*value as f64, span),
            Value::Float(value) => self.scalar(*value, span),
            other => {
                let found = other.describe(&self.net.graph);
                self.fail(span, format!("expected a tensor or a number, not {found}"))
            }
        }
    }

    fn operands<T>(&mut self, op: BinaryOp, at: Span, left: &Value, right: &Value) -> Eval<T> {
        let (left_text, right_text) = (left.describe(&self.net.graph), right.describe(&self.net.graph));
        let error = Diagnostic::new(at, format!("`{}` has no meaning for {left_text} and {right_text}", words(op).0));
        let tensors = matches!((left, right), (Value::Tensor(_), _) | (_, Value::Tensor(_)));
        Err(self.error(match op {
            BinaryOp::And if tensors => error.help("ask one after the other: `select(p, select(q, a, b), b)`"),
            BinaryOp::Or if tensors => error.help("ask one after the other: `select(p, a, select(q, a, b))`"),
            _ => error,
        }))
    }

    fn integers_operate(&mut self, op: BinaryOp, at: Span, a: i64, b: i64) -> Eval<Value> {
        if let Some(result) = ordered(op, a, b) {
            return Ok(Value::Bool(result));
        }
        let result = match op {
            BinaryOp::Add => a.checked_add(b),
            BinaryOp::Sub => a.checked_sub(b),
            BinaryOp::Mul => a.checked_mul(b),
            BinaryOp::Div | BinaryOp::Rem if b == 0 => return self.fail(at, format!("{a} divided by 0")),
            BinaryOp::Div => a.checked_div(b),
            BinaryOp::Rem => a.checked_rem(b),
            _ => return self.operands(op, at, &Value::Int(a), &Value::Int(b)),
        };
        match result {
            Some(result) => Ok(Value::Int(result)),
            None => self.fail(at, format!("{a} {} {b} overflows", words(op).0)),
        }
    }

    fn floats_operate(&mut self, op: BinaryOp, at: Span, a: f64, b: f64) -> Eval<Value> {
        if let Some(result) = ordered(op, a, b) {
            return Ok(Value::Bool(result));
        }
        let result = match op {
            BinaryOp::Add => a + b,
            BinaryOp::Sub => a - b,
            BinaryOp::Mul => a * b,
            BinaryOp::Div => a / b,
            _ => return self.operands(op, at, &Value::Float(a), &Value::Float(b)),
        };
        if result.is_finite() {
            Ok(Value::Float(result))
        } else {
            self.fail(at, format!("{a:?} {} {b:?} is not a finite number", words(op).0))
        }
    }
}
