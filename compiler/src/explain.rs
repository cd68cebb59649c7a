//! Attribution methods as graphs: from a network in inference to how much each element of a value has to do with one
//! of its outputs.
//!
//! Methods that take a mean over several points are one graph of one point; `Step` is the number of the point, from 1,
//! and what the calls give is added up.

use std::collections::BTreeMap;

use proc_macro2::Span;

use crate::autodiff;
use crate::infer;
use crate::ir::{Chosen, Explain, Explanation, Graph, Name, Node, NodeId, Root, RootKind, Type};
use crate::ops::{
    Abs, Add, Broadcast, Compare, CompareKind, Constant, Cos, Div, Hyper, HyperKind, Log, Maximum, Mul, OneHot, Op,
    Random, Reduce, ReduceKind, Relu, Scalar, Select, Slice, Sqrt, Sub,
};

/// The values that an attribution starts from, as roots: they survive what is done to the graph before.
pub fn sources(explanation: &Explanation) -> Vec<Root> {
    let mut nodes = vec![explanation.of, explanation.wrt];
    if let Explain::IntegratedGradients { baseline, .. } = explanation.kind {
        nodes.push(baseline);
    }
    if let Chosen::Given(class) = explanation.class {
        nodes.push(class);
    }
    let root = |(place, node)| Root { kind: RootKind::Output(place), node };
    nodes.into_iter().enumerate().map(root).collect()
}

/// Replaces the roots that [`sources`] made by the attribution.
///
/// # Errors
/// If they are not there: kiln's bug.
pub fn attribute(graph: &mut Graph, explanation: &Explanation) -> Result<bool, String> {
    let mut nodes = graph.roots.iter().map(|root| root.node);
    let mut next = || nodes.next().ok_or("a value to explain is missing");
    let (of, wrt) = (next()?, next()?);
    let baseline = match explanation.kind {
        Explain::IntegratedGradients { .. } => Some(next()?),
        _ => None,
    };
    let class = match explanation.class {
        Chosen::Given(_) => Some(next()?),
        _ => None,
    };
    let (ty, node) = (graph.ty(wrt).clone(), graph.node(of));
    let (span, name) = (node.span, node.name.clone());
    let mut maker = Maker { graph, ty, span, name };
    let result = match (explanation.kind, baseline) {
        // K. Simonyan et al., "Deep inside convolutional networks" (2013).
        (Explain::Saliency, _) => {
            let gradient = maker.gradient(of, of, wrt, explanation.class, class);
            maker.push(Abs {}, &[gradient])
        }
        // A. Shrikumar et al., "Not just a black box" (2016).
        (Explain::InputXGradient, _) => {
            let gradient = maker.gradient(of, of, wrt, explanation.class, class);
            maker.push(Mul {}, &[gradient, wrt])
        }
        // D. Smilkov et al., "SmoothGrad" (2017).
        (Explain::SmoothGrad { samples, noise }, _) => {
            let moved = maker.noisy(wrt, noise.0);
            let there = maker.moved(of, wrt, moved);
            let gradient = maker.gradient(of, there, moved, explanation.class, class);
            let count = maker.number(samples as f64);
            maker.push(Div {}, &[gradient, count])
        }
        // M. Sundararajan et al., "Axiomatic attribution for deep networks" (2017), by midpoints.
        (Explain::IntegratedGradients { steps, .. }, Some(baseline)) => {
            let start = maker.like(baseline);
            let way = maker.push(Sub {}, &[wrt, start]);
            let share = maker.share(steps);
            let part = maker.push(Mul {}, &[way, share]);
            let moved = maker.push(Add {}, &[start, part]);
            let there = maker.moved(of, wrt, moved);
            let gradient = maker.gradient(of, there, moved, explanation.class, class);
            let product = maker.push(Mul {}, &[gradient, way]);
            let count = maker.number(steps as f64);
            maker.push(Div {}, &[product, count])
        }
        (Explain::IntegratedGradients { .. }, None) => return Err("the baseline is missing".into()),
        // R. Selvaraju et al., "Grad-CAM" (2017).
        (Explain::GradCam, _) => {
            let gradient = maker.gradient(of, of, wrt, explanation.class, class);
            maker.class_map(wrt, gradient)
        }
    };
    graph.roots = vec![Root { kind: RootKind::Output(0), node: result }];
    Ok(true)
}

struct Maker<'a> {
    graph: &'a mut Graph,
    /// The type of the value that is explained by.
    ty: Type,
    span: Span,
    name: Option<Name>,
}

impl Maker<'_> {
    /// The gradient by `wrt` of the chosen score in `there`; `of` is where the choice is made.
    fn gradient(&mut self, of: NodeId, there: NodeId, wrt: NodeId, chosen: Chosen, class: Option<NodeId>) -> NodeId {
        let ty = self.graph.ty(of).clone();
        let scores = ty.dims.first().copied();
        let (output, seed) = match (scores, chosen, class) {
            (None, ..) => (there, self.filled(1.0, &ty)),
            (Some(_), Chosen::Class(class), _) => {
                let slice = Slice { starts: vec![class], ends: vec![class + 1], steps: vec![1] };
                let score = self.push(slice, &[there]);
                let ty = self.graph.ty(score).clone();
                (score, self.filled(1.0, &ty))
            }
            (Some(classes), _, Some(class)) => (there, self.push(OneHot { classes, dtype: ty.dtype }, &[class])),
            (Some(_), ..) => (there, self.largest(of, &ty)),
        };
        match autodiff::pull_back(self.graph, output, seed, &[wrt]).first() {
            Some(&Some(gradient)) => gradient,
            // What it depends on by steps alone.
            _ => self.number(0.0),
        }
    }

    /// 1 at each row's largest score, else 0; of several largest, each has its share.
    fn largest(&mut self, of: NodeId, ty: &Type) -> NodeId {
        let spread = Broadcast { batched: ty.batched, dims: ty.dims.clone() };
        let largest = self.push(Reduce { kind: ReduceKind::Max, axes: vec![0], batch: false }, &[of]);
        let largest = self.push(spread.clone(), &[largest]);
        let found = self.push(Compare { kind: CompareKind::Eq }, &[of, largest]);
        let (one, zero) = (self.filled(1.0, ty), self.filled(0.0, ty));
        let mask = self.push(Select {}, &[found, one, zero]);
        let count = self.push(Reduce { kind: ReduceKind::Sum, axes: vec![0], batch: false }, &[mask]);
        let count = self.push(spread, &[count]);
        // A row of NaN has no largest.
        let count = self.push(Maximum {}, &[count, one]);
        self.push(Div {}, &[mask, count])
    }

    /// `of` as it would be if `wrt` were `moved`: what lies between them again.
    fn moved(&mut self, of: NodeId, wrt: NodeId, moved: NodeId) -> NodeId {
        let mut copies = BTreeMap::from([(wrt, moved)]);
        for node in self.graph.topological() {
            let inputs = self.graph.inputs(node);
            if node == wrt || node == moved || !inputs.iter().any(|input| copies.contains_key(input)) {
                continue;
            }
            let inputs: Vec<NodeId> = inputs.iter().map(|input| *copies.get(input).unwrap_or(input)).collect();
            let copy: Node = self.graph.node(node).clone();
            copies.insert(node, self.graph.push(copy, &inputs));
        }
        copies.get(&of).copied().unwrap_or(of)
    }

    /// x + noise * (max x - min x) * n, n normal (G. Box and M. Muller, 1958), for each row.
    fn noisy(&mut self, x: NodeId, noise: f64) -> NodeId {
        let axes: Vec<usize> = (0..self.ty.dims.len()).collect();
        let bound = |maker: &mut Self, kind| {
            let found =
                if axes.is_empty() { x } else { maker.push(Reduce { kind, axes: axes.clone(), batch: false }, &[x]) };
            maker.like(found)
        };
        let (high, low) = (bound(self, ReduceKind::Max), bound(self, ReduceKind::Min));
        let range = self.push(Sub {}, &[high, low]);
        // Streams that no layer draws from.
        let [radius, angle] =
            [u32::MAX, u32::MAX - 1].map(|stream| self.push(Random { stream, ty: self.ty.clone() }, &[]));
        let one = self.number(1.0);
        let radius = self.push(Sub {}, &[one, radius]);
        let radius = self.push(Log {}, &[radius]);
        let factor = self.number(-2.0);
        let radius = self.push(Mul {}, &[radius, factor]);
        let radius = self.push(Sqrt {}, &[radius]);
        let turn = self.number(std::f64::consts::TAU);
        let angle = self.push(Mul {}, &[angle, turn]);
        let angle = self.push(Cos {}, &[angle]);
        let normal = self.push(Mul {}, &[radius, angle]);
        let noise = self.number(noise);
        let deviation = self.push(Mul {}, &[range, noise]);
        let moved = self.push(Mul {}, &[normal, deviation]);
        self.push(Add {}, &[x, moved])
    }

    /// (step - 1/2) / steps.
    fn share(&mut self, steps: usize) -> NodeId {
        let step = self.push(Hyper { kind: HyperKind::Step, dtype: self.ty.dtype }, &[]);
        let (half, count) = (self.scalar(0.5), self.scalar(steps as f64));
        let middle = self.push(Sub {}, &[step, half]);
        let share = self.push(Div {}, &[middle, count]);
        self.like(share)
    }

    /// relu(sum over channels of the map times its mean gradient over all places).
    fn class_map(&mut self, map: NodeId, gradient: NodeId) -> NodeId {
        let channels = self.ty.dims.len().saturating_sub(1);
        let places: Vec<usize> = (0..channels).collect();
        let mut weights = gradient;
        if !places.is_empty() {
            let cells: f64 = self.ty.dims[..channels].iter().map(|&dim| dim as f64).product();
            weights = self.push(Reduce { kind: ReduceKind::Sum, axes: places, batch: false }, &[gradient]);
            let ty = self.graph.ty(weights).clone();
            let cells = self.filled(cells, &ty);
            weights = self.push(Div {}, &[weights, cells]);
        }
        let weights = self.like(weights);
        let weighted = self.push(Mul {}, &[map, weights]);
        let sum = self.push(Reduce { kind: ReduceKind::Sum, axes: vec![channels], batch: false }, &[weighted]);
        self.push(Relu {}, &[sum])
    }

    fn scalar(&mut self, value: f64) -> NodeId {
        self.push(Constant { value: Scalar(value), dtype: self.ty.dtype }, &[])
    }

    fn number(&mut self, value: f64) -> NodeId {
        let ty = self.ty.clone();
        self.filled(value, &ty)
    }

    fn filled(&mut self, value: f64, ty: &Type) -> NodeId {
        let scalar = self.scalar(value);
        self.push(Broadcast { batched: ty.batched, dims: ty.dims.clone() }, &[scalar])
    }

    /// Spread to the explained value's type; each axis that is not there counts from the right. A value per row goes
    /// to all of its elements.
    fn like(&mut self, x: NodeId) -> NodeId {
        if *self.graph.ty(x) == self.ty {
            return x;
        }
        self.push(Broadcast { batched: self.ty.batched, dims: self.ty.dims.clone() }, &[x])
    }

    fn push(&mut self, op: impl Into<Op>, inputs: &[NodeId]) -> NodeId {
        infer::add(self.graph, op, inputs, self.span, self.name.clone())
            .unwrap_or_else(|error| unreachable!("an attribution made an ill-typed node: {error}"))
    }
}
