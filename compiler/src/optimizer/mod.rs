//! Optimisers as graphs: from parameters and their gradients to the parameters' and the slots' new values.
//!
//! The order is Keras's: gradients are summed up where several steps make one update, then clipped; parameters decay;
//! then come the rule, the moving average, and the constraint.

mod constraint;
mod rules;

use proc_macro2::Span;

use crate::infer;
use crate::ir::{Clip, Graph, Name, NodeId, Optimizer, ParamDecl, ParamId, ParamSettings, Root, RootKind, Rule, Type};
use crate::ops::{
    Add, Broadcast, Compare, CompareKind, Constant, Div, Hyper, HyperKind, Maximum, Minimum, Mul, Op, Reduce,
    ReduceKind, Scalar, Select, Sqrt, State, Sub,
};

/// A trainable parameter that the loss depends on.
#[derive(Clone, Copy, Debug)]
pub struct Trained {
    /// Which.
    pub index: ParamId,
    /// Its value before the step.
    pub param: NodeId,
    /// The loss's gradient by it.
    pub gradient: NodeId,
}

impl Optimizer {
    /// How many values of a parameter's shape it keeps between steps. They start with 0.
    pub fn slots(self) -> usize {
        self.rule_slots() + usize::from(self.accumulates()) + usize::from(self.ema.is_some())
    }

    /// Those of the rule itself; the sum of gradients and the moving average follow.
    fn rule_slots(self) -> usize {
        match self.rule {
            Rule::Sgd { momentum, .. } => usize::from(momentum != 0.0),
            Rule::Adam { amsgrad, .. } => 2 + usize::from(amsgrad),
            Rule::Adamax { .. } | Rule::Adadelta { .. } => 2,
            Rule::Nadam { .. } => 3,
            Rule::RmsProp { momentum, centered, .. } => 1 + usize::from(momentum != 0.0) + usize::from(centered),
            Rule::Adagrad { .. } | Rule::Lion { .. } => 1,
        }
    }

    fn accumulates(self) -> bool {
        self.accumulate > 1
    }

    /// The slot that holds the moving average of the parameters, if there is one.
    pub fn average_slot(self) -> Option<usize> {
        self.ema.map(|_| self.slots() - 1)
    }

    /// The learning rate that a trainer starts with.
    pub fn learning_rate(self) -> f64 {
        self.lr
    }

    /// Adds the updates to the graph, as roots. `params` are the declarations of all parameters.
    pub fn update(self, graph: &mut Graph, trained: &[Trained], params: &[ParamDecl]) {
        let mut states = Vec::new();
        let mut gradients = Vec::new();
        for one in trained {
            let mut update = Update::new(self, graph, one, params);
            gradients.push(update.accumulated(one.gradient));
            states.push(update.states);
        }
        let factor = match self.clip {
            Some(Clip::GlobalNorm(bound)) => global_factor(self, graph, trained, &gradients, params, bound),
            _ => None,
        };
        for ((one, gradient), states) in trained.iter().zip(gradients).zip(states) {
            let mut update = Update::new(self, graph, one, params);
            update.states = states;
            let gradient = update.clipped(gradient, factor);
            update.apply(gradient);
        }
    }
}

/// bound / max(bound, the norm of all gradients together): a scalar.
fn global_factor(
    optimizer: Optimizer,
    graph: &mut Graph,
    trained: &[Trained],
    gradients: &[NodeId],
    params: &[ParamDecl],
    bound: f64,
) -> Option<NodeId> {
    let mut sum = None;
    for (one, &gradient) in trained.iter().zip(gradients) {
        let mut update = Update::new(optimizer, graph, one, params);
        let squares = update.sum_of_squares(gradient);
        sum = Some(match sum {
            Some(sum) => update.push(Add {}, &[sum, squares]),
            None => squares,
        });
    }
    let mut update = Update::new(optimizer, graph, trained.first()?, params);
    Some(update.bounding_factor(sum?, bound))
}

/// The update of one parameter while it is built.
struct Update<'a> {
    graph: &'a mut Graph,
    optimizer: Optimizer,
    settings: ParamSettings,
    index: ParamId,
    ty: Type,
    span: Span,
    name: Option<Name>,
    /// The parameter's value so far.
    param: NodeId,
    /// The slots' new values so far.
    states: Vec<(usize, NodeId)>,
}

impl<'a> Update<'a> {
    fn new(optimizer: Optimizer, graph: &'a mut Graph, trained: &Trained, params: &[ParamDecl]) -> Self {
        let &Trained { index, param, .. } = trained;
        let ty = graph.ty(param).clone();
        let (span, name) = (graph.node(param).span, graph.node(param).name.clone());
        let settings = params.get(index.0).map(|decl| decl.settings).unwrap_or_default();
        Self { graph, optimizer, settings, index, ty, span, name, param, states: Vec::new() }
    }

    /// Where several steps make one update: the mean of their gradients so far. The sum starts again after an update.
    fn accumulated(&mut self, gradient: NodeId) -> NodeId {
        if !self.optimizer.accumulates() {
            return gradient;
        }
        let slot = self.optimizer.rule_slots();
        let earlier = self.slot(slot);
        let sum = self.push(Add {}, &[gradient, earlier]);
        let due = self.due();
        let zero = self.number(0.0);
        let kept = self.push(Select {}, &[due, zero, sum]);
        self.keep(slot, kept);
        let count = self.number(self.optimizer.accumulate as f64);
        self.push(Div {}, &[sum, count])
    }

    /// The gradient within its bound; `factor` is the one for all gradients together.
    fn clipped(&mut self, gradient: NodeId, factor: Option<NodeId>) -> NodeId {
        let factor = match self.optimizer.clip {
            None => return gradient,
            Some(Clip::Value(bound)) => {
                let (low, high) = (self.number(-bound), self.number(bound));
                let bounded = self.push(Maximum {}, &[gradient, low]);
                return self.push(Minimum {}, &[bounded, high]);
            }
            Some(Clip::Norm(bound)) => {
                let squares = self.sum_of_squares(gradient);
                Some(self.bounding_factor(squares, bound))
            }
            Some(Clip::GlobalNorm(_)) => factor,
        };
        let Some(factor) = factor else { return gradient };
        let factor = self.spread(factor);
        self.push(Mul {}, &[gradient, factor])
    }

    /// A scalar.
    fn sum_of_squares(&mut self, gradient: NodeId) -> NodeId {
        let square = self.push(Mul {}, &[gradient, gradient]);
        let axes: Vec<usize> = (0..self.ty.dims.len()).collect();
        if axes.is_empty() {
            square
        } else {
            self.push(Reduce { kind: ReduceKind::Sum, axes, batch: false }, &[square])
        }
    }

    /// bound / max(bound, sqrt(squares)).
    fn bounding_factor(&mut self, squares: NodeId, bound: f64) -> NodeId {
        let norm = self.push(Sqrt {}, &[squares]);
        let bound = self.scalar(bound);
        let larger = self.push(Maximum {}, &[norm, bound]);
        self.push(Div {}, &[bound, larger])
    }

    /// Decay, rule, average, constraint.
    fn apply(mut self, gradient: NodeId) {
        let old = self.param;
        self.decay();
        self.rule(gradient);
        if self.optimizer.accumulates() {
            self.wait(old);
        }
        if let Some(momentum) = self.optimizer.ema {
            self.average(momentum);
        }
        if let Some(constraint) = self.settings.constraint {
            self.constrain(constraint);
        }
        for (slot, node) in std::mem::take(&mut self.states) {
            self.graph.roots.push(Root { kind: RootKind::State(self.index, slot), node });
        }
        self.graph.roots.push(Root { kind: RootKind::Param(self.index), node: self.param });
    }

    /// p - lr * decay * p.
    fn decay(&mut self) {
        let spared = self.ty.dims.len() < 2 && !self.optimizer.decay_vectors;
        let general = if spared { 0.0 } else { self.optimizer.weight_decay };
        let decay = self.settings.weight_decay.unwrap_or(general);
        if decay == 0.0 {
            return;
        }
        let rate = self.learning_rate();
        let decay = self.scalar(decay);
        let decay = self.push(Mul {}, &[rate, decay]);
        let decay = self.spread(decay);
        let shrink = self.push(Mul {}, &[self.param, decay]);
        self.param = self.push(Sub {}, &[self.param, shrink]);
    }

    /// In a step that makes no update, the parameter and the rule's slots stay as they are.
    fn wait(&mut self, old: NodeId) {
        let due = self.due();
        self.param = self.push(Select {}, &[due, self.param, old]);
        let rule = self.optimizer.rule_slots();
        for place in 0..self.states.len() {
            let (slot, new) = self.states[place];
            if slot < rule {
                let old = self.slot(slot);
                self.states[place].1 = self.push(Select {}, &[due, new, old]);
            }
        }
    }

    /// a' = m * a + (1 - m) * p', where m is 0 until the first update is made.
    fn average(&mut self, momentum: f64) {
        let Some(slot) = self.optimizer.average_slot() else { return };
        let step = self.push(Hyper { kind: HyperKind::Step, dtype: self.ty.dtype }, &[]);
        let first = self.scalar(self.optimizer.accumulate as f64);
        let (zero, one) = (self.scalar(0.0), self.scalar(1.0));
        let later = self.push(Sub {}, &[step, first]);
        let later = self.push(Maximum {}, &[later, zero]);
        let later = self.push(Minimum {}, &[later, one]);
        let momentum = self.scalar(momentum);
        let momentum = self.push(Mul {}, &[later, momentum]);
        let rest = self.push(Sub {}, &[one, momentum]);
        let (momentum, rest) = (self.spread(momentum), self.spread(rest));
        let old = self.slot(slot);
        let old = self.push(Mul {}, &[momentum, old]);
        let new = self.push(Mul {}, &[rest, self.param]);
        let average = self.push(Add {}, &[old, new]);
        self.keep(slot, average);
    }

    /// Whether this step makes an update, for each element.
    fn due(&mut self) -> NodeId {
        let every = u32::try_from(self.optimizer.accumulate).unwrap_or(u32::MAX);
        let due = self.push(Hyper { kind: HyperKind::Due(every), dtype: self.ty.dtype }, &[]);
        let due = self.spread(due);
        let zero = self.number(0.0);
        self.push(Compare { kind: CompareKind::Gt }, &[due, zero])
    }

    /// The number of this update, from 1. In steps that make none it is of no account.
    fn step(&mut self) -> NodeId {
        let step = self.push(Hyper { kind: HyperKind::Step, dtype: self.ty.dtype }, &[]);
        if !self.optimizer.accumulates() {
            return step;
        }
        let count = self.scalar(self.optimizer.accumulate as f64);
        self.push(Div {}, &[step, count])
    }

    fn learning_rate(&mut self) -> NodeId {
        let rate = self.push(Hyper { kind: HyperKind::LearningRate, dtype: self.ty.dtype }, &[]);
        if self.settings.lr_scale == 1.0 {
            return rate;
        }
        let scale = self.scalar(self.settings.lr_scale);
        self.push(Mul {}, &[rate, scale])
    }

    fn keep(&mut self, slot: usize, value: NodeId) {
        self.states.push((slot, value));
    }

    fn slot(&mut self, slot: usize) -> NodeId {
        self.push(State { index: self.index, slot, ty: self.ty.clone() }, &[])
    }

    fn scale(&mut self, x: NodeId, by: f64) -> NodeId {
        let by = self.number(by);
        self.push(Mul {}, &[x, by])
    }

    fn shift(&mut self, x: NodeId, by: f64) -> NodeId {
        let by = self.number(by);
        self.push(Add {}, &[x, by])
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

    fn push(&mut self, op: impl Into<Op>, inputs: &[NodeId]) -> NodeId {
        infer::add(self.graph, op, inputs, self.span, self.name.clone())
            .unwrap_or_else(|error| unreachable!("an optimiser made an ill-typed node: {error}"))
    }
}
