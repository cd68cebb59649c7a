//! What a parameter is held to after each update (Keras's `constraints`).

use super::Update;
use crate::ir::{Constraint, NodeId};
use crate::ops::{Add, Broadcast, Constant, Div, Maximum, Minimum, Mul, Reduce, ReduceKind, Reshape, Scalar, Sqrt};

/// Keras's fuzz factor: keeps the quotient of norms finite.
const EPSILON: f64 = 1e-7;

impl Update<'_> {
    /// Holds the new value to a constraint.
    pub(super) fn constrain(&mut self, constraint: Constraint) {
        self.param = match constraint {
            Constraint::NonNegative => {
                let zero = self.number(0.0);
                self.push(Maximum {}, &[self.param, zero])
            }
            // p * min(n, max) / (e + n)
            Constraint::MaxNorm(bound) => {
                let norm = self.norm();
                let bound = self.across(bound);
                let wanted = self.push(Minimum {}, &[norm, bound]);
                let safe = self.safe(norm);
                let factor = self.push(Div {}, &[wanted, safe]);
                let factor = self.spread(factor);
                self.push(Mul {}, &[self.param, factor])
            }
            // p / (e + n)
            Constraint::UnitNorm => {
                let norm = self.norm();
                let safe = self.safe(norm);
                let safe = self.spread(safe);
                self.push(Div {}, &[self.param, safe])
            }
        };
    }

    /// The norms along the first axis, which stays with extent 1.
    fn norm(&mut self) -> NodeId {
        let square = self.push(Mul {}, &[self.param, self.param]);
        let mut dims = self.ty.dims.clone();
        let Some(first) = dims.first_mut() else { return self.push(Sqrt {}, &[square]) };
        *first = 1;
        let sum = self.push(Reduce { kind: ReduceKind::Sum, axes: vec![0], batch: false }, &[square]);
        let norm = self.push(Sqrt {}, &[sum]);
        self.push(Reshape { dims }, &[norm])
    }

    fn safe(&mut self, norm: NodeId) -> NodeId {
        let epsilon = self.across(EPSILON);
        self.push(Add {}, &[norm, epsilon])
    }

    /// A number for each norm.
    fn across(&mut self, value: f64) -> NodeId {
        let mut dims = self.ty.dims.clone();
        if let Some(first) = dims.first_mut() {
            *first = 1;
        }
        let scalar = self.push(Constant { value: Scalar(value), dtype: self.ty.dtype }, &[]);
        self.push(Broadcast { batched: false, dims }, &[scalar])
    }
}
