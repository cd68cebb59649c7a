//! Optimisers as graphs: from a parameter and its gradient to the parameter's and the slots' new values.

use std::rc::Rc;

use proc_macro2::Span;

use crate::infer;
use crate::ir::{Graph, NodeId, Optimizer, ParamId, Root, RootKind, Type};
use crate::ops::{Add, Broadcast, Constant, Div, Hyper, HyperKind, Mul, Op, Pow, Scalar, Sqrt, State, Sub};

impl Optimizer {
    /// How many values of a parameter's shape it keeps between steps.
    pub fn slots(self) -> usize {
        match self {
            Self::Sgd { momentum: 0.0, .. } => 0,
            Self::Sgd { .. } => 1,
            Self::Adam { .. } | Self::AdamW { .. } => 2,
        }
    }

    /// The learning rate that a trainer starts with.
    pub fn learning_rate(self) -> f64 {
        match self {
            Self::Sgd { lr, .. } | Self::Adam { lr, .. } | Self::AdamW { lr, .. } => lr,
        }
    }

    /// Adds the update of one parameter to the graph, as roots.
    pub fn update(self, graph: &mut Graph, index: ParamId, param: NodeId, gradient: NodeId) {
        let mut update = Update {
            ty: graph.ty(param).clone(),
            span: graph.node(param).span,
            name: graph.node(param).name.clone(),
            graph,
            index,
        };
        match self {
            Self::Sgd { momentum, nesterov, .. } => update.sgd(param, gradient, momentum, nesterov),
            Self::Adam { beta1, beta2, epsilon, .. } => update.adam(param, gradient, [beta1, beta2, epsilon]),
            Self::AdamW { beta1, beta2, epsilon, weight_decay, .. } => {
                let rate = update.learning_rate();
                let decay = update.scalar(weight_decay);
                let decay = update.push(Mul {}, &[rate, decay]);
                let decay = update.spread(decay);
                let shrink = update.push(Mul {}, &[param, decay]);
                let decayed = update.push(Sub {}, &[param, shrink]);
                update.adam(decayed, gradient, [beta1, beta2, epsilon]);
            }
        }
    }
}

struct Update<'a> {
    graph: &'a mut Graph,
    index: ParamId,
    ty: Type,
    span: Span,
    name: Option<Rc<str>>,
}

impl Update<'_> {
    /// v' = momentum * v - lr * g; p' = p + v' (Keras's `SGD`; Nesterov: p + momentum * v' - lr * g).
    fn sgd(&mut self, param: NodeId, gradient: NodeId, momentum: f64, nesterov: bool) {
        let rate = self.learning_rate();
        let rate = self.spread(rate);
        let step = self.push(Mul {}, &[gradient, rate]);
        if momentum == 0.0 {
            let new = self.push(Sub {}, &[param, step]);
            self.root(RootKind::Param(self.index), new);
            return;
        }
        let velocity = self.slot(0);
        let factor = self.number(momentum);
        let kept = self.push(Mul {}, &[velocity, factor]);
        let velocity = self.push(Sub {}, &[kept, step]);
        self.root(RootKind::State(self.index, 0), velocity);
        let change = if nesterov {
            let ahead = self.push(Mul {}, &[velocity, factor]);
            self.push(Sub {}, &[ahead, step])
        } else {
            velocity
        };
        let new = self.push(Add {}, &[param, change]);
        self.root(RootKind::Param(self.index), new);
    }

    /// Kingma and Ba, "Adam" (2015), in Keras's order: p' = p - lr * sqrt(1 - b2^t) / (1 - b1^t) * m' / (sqrt(v') + e).
    fn adam(&mut self, param: NodeId, gradient: NodeId, [beta1, beta2, epsilon]: [f64; 3]) {
        let rate = self.learning_rate();
        let unbias1 = self.unbias(beta1);
        let unbias2 = self.unbias(beta2);
        let root = self.push(Sqrt {}, &[unbias2]);
        let alpha = self.push(Mul {}, &[rate, root]);
        let alpha = self.push(Div {}, &[alpha, unbias1]);
        let alpha = self.spread(alpha);
        let mean = self.slot(0);
        let mean = self.approach(mean, gradient, 1.0 - beta1);
        let square = self.push(Mul {}, &[gradient, gradient]);
        let variance = self.slot(1);
        let variance = self.approach(variance, square, 1.0 - beta2);
        let deviation = self.push(Sqrt {}, &[variance]);
        let epsilon = self.number(epsilon);
        let deviation = self.push(Add {}, &[deviation, epsilon]);
        let step = self.push(Mul {}, &[mean, alpha]);
        let step = self.push(Div {}, &[step, deviation]);
        let new = self.push(Sub {}, &[param, step]);
        self.root(RootKind::State(self.index, 0), mean);
        self.root(RootKind::State(self.index, 1), variance);
        self.root(RootKind::Param(self.index), new);
    }

    /// old + (new - old) * rate.
    fn approach(&mut self, old: NodeId, new: NodeId, rate: f64) -> NodeId {
        let distance = self.push(Sub {}, &[new, old]);
        let rate = self.number(rate);
        let step = self.push(Mul {}, &[distance, rate]);
        self.push(Add {}, &[old, step])
    }

    /// 1 - beta^t.
    fn unbias(&mut self, beta: f64) -> NodeId {
        let beta = self.scalar(beta);
        let step = self.push(Hyper { kind: HyperKind::Step, dtype: self.ty.dtype }, &[]);
        let power = self.push(Pow {}, &[beta, step]);
        let one = self.scalar(1.0);
        self.push(Sub {}, &[one, power])
    }

    fn learning_rate(&mut self) -> NodeId {
        self.push(Hyper { kind: HyperKind::LearningRate, dtype: self.ty.dtype }, &[])
    }

    fn slot(&mut self, slot: usize) -> NodeId {
        self.push(State { index: self.index, slot, ty: self.ty.clone() }, &[])
    }

    fn scalar(&mut self, value: f64) -> NodeId {
        self.push(Constant { value: Scalar(value), dtype: self.ty.dtype }, &[])
    }

    fn number(&mut self, value: f64) -> NodeId {
        let scalar = self.scalar(value);
        self.spread(scalar)
    }

    fn spread(&mut self, scalar: NodeId) -> NodeId {
        self.push(Broadcast { batched: false, dims: self.ty.dims.clone() }, &[scalar])
    }

    fn root(&mut self, kind: RootKind, node: NodeId) {
        self.graph.roots.push(Root { kind, node });
    }

    fn push(&mut self, op: impl Into<Op>, inputs: &[NodeId]) -> NodeId {
        infer::add(self.graph, op, inputs, self.span, self.name.clone())
            .unwrap_or_else(|error| unreachable!("an optimiser made an ill-typed node: {error}"))
    }
}
