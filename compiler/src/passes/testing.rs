//! What the passes' tests share: small graphs, and a pass over one with its text before and after.

use proc_macro2::Span;

use super::{Driver, dce};
use crate::eval::{Array, Context, run};
use crate::infer;
use crate::ir::verify::{Scope, Stage};
use crate::ir::{
    DType, Graph, Init, InputDecl, InputKind, NodeId, ParamDecl, ParamId, ParamSettings, Root, RootKind, Type,
};
use crate::ops::{Body, Broadcast, Constant, Input, Op, Param, Scalar, Scan, Take};

/// A graph that is being built.
#[derive(Default)]
pub(super) struct Build {
    pub(super) graph: Graph,
    inputs: Vec<InputDecl>,
    params: Vec<ParamDecl>,
}

impl Build {
    pub(super) fn scope(&self) -> Scope<'_> {
        Scope { inputs: &self.inputs, params: &self.params }
    }

    pub(super) fn op(&mut self, op: impl Into<Op>, inputs: &[NodeId]) -> NodeId {
        infer::add(&mut self.graph, op, inputs, Span::call_site(), None).expect("the operands fit")
    }

    /// A new batched input.
    pub(super) fn input(&mut self, dims: &[usize]) -> NodeId {
        let (index, ty) = (self.inputs.len(), Type::batched(DType::F64, dims));
        let name = quote::format_ident!("x{index}");
        self.inputs.push(InputDecl { name, kind: InputKind::Dense, ty: ty.clone() });
        self.op(Input { index, ty }, &[])
    }

    /// A new parameter.
    pub(super) fn param(&mut self, dims: &[usize]) -> NodeId {
        let (index, ty) = (ParamId(self.params.len()), Type::fixed(DType::F64, dims));
        let (name, span) = (format!("p{}", index.0), Span::call_site());
        self.params.push(ParamDecl {
            name,
            ty: ty.clone(),
            init: Init::Zeros,
            trainable: true,
            settings: ParamSettings::default(),
            span,
        });
        self.op(Param { index, ty }, &[])
    }

    pub(super) fn constant(&mut self, value: f64) -> NodeId {
        self.op(Constant { value: Scalar(value), dtype: DType::F64 }, &[])
    }

    pub(super) fn broadcast(&mut self, x: NodeId, batched: bool, dims: &[usize]) -> NodeId {
        self.op(Broadcast { batched, dims: dims.to_vec() }, &[x])
    }

    /// `value` everywhere, of the type of `like`.
    pub(super) fn splat(&mut self, value: f64, like: NodeId) -> NodeId {
        let constant = self.constant(value);
        let Type { batched, dims, .. } = self.graph.ty(like).clone();
        if batched || !dims.is_empty() { self.broadcast(constant, batched, &dims) } else { constant }
    }

    /// The results of a loop over the first of the operands; `body` gives the next states, then what is emitted.
    pub(super) fn scan(
        &mut self,
        [sequences, states]: [usize; 2],
        operands: &[NodeId],
        body: impl FnOnce(&mut Build, &[NodeId]) -> Vec<NodeId>,
    ) -> Vec<NodeId> {
        let mut step = Build::default();
        let mut inputs = Vec::new();
        for (index, &operand) in operands.iter().enumerate() {
            let ty = self.graph.ty(operand);
            let ty = if index < sequences { ty.with_dims(&ty.dims[1..]) } else { ty.clone() };
            inputs.push(step.op(Input { index, ty }, &[]));
        }
        for (place, node) in body(&mut step, &inputs).into_iter().enumerate() {
            let kind = place.checked_sub(states).map_or(RootKind::Carry(place), RootKind::Output);
            step.graph.roots.push(Root { kind, node });
        }
        let steps = self.graph.ty(operands[0]).dims[0];
        let scan = Scan { body: Body::new(step.graph), steps, reverse: false, sequences, states };
        let types = scan.results();
        let scan = self.op(scan, operands);
        types.into_iter().enumerate().map(|(index, ty)| self.op(Take { index, ty }, &[scan])).collect()
    }

    pub(super) fn output(&mut self, node: NodeId) {
        let kind = RootKind::Output(self.graph.roots.len());
        self.graph.roots.push(Root { kind, node });
    }

    pub(super) fn name(&mut self, node: NodeId, name: &str) {
        self.graph.node_mut(node).name = Some(name.into());
    }

    /// The text of the graph after the pass and `dce`. The values of the roots stay the same, NaN and infinities too.
    pub(super) fn after(&self, pass: impl FnOnce(&mut Graph) -> Result<bool, String>) -> String {
        let mut graph = self.graph.clone();
        let mut driver = Driver::new(self.scope(), false);
        driver.apply("tested", Stage::Network, &mut graph, pass).unwrap();
        driver.apply("dce", Stage::Network, &mut graph, dce).unwrap();
        for (before, after) in self.values(&self.graph).iter().zip(self.values(&graph)) {
            for (&before, &after) in before.iter().zip(&after) {
                let same = before == after || before.is_nan() && after.is_nan();
                assert!(same || (before - after).abs() < 1e-12 * before.abs(), "{before} became {after}:\n{graph}");
            }
        }
        graph.to_string()
    }

    fn values(&self, graph: &Graph) -> Vec<Array> {
        let awkward = [1.5, f64::NAN, -2.0, f64::INFINITY, 0.0, -0.25, f64::NEG_INFINITY, 3.0, -0.0, 7.25];
        let array = |shape: &[usize], start: usize| {
            let mut next = start;
            Array::from_shape_simple_fn(shape, || {
                next += 1;
                awkward[next % awkward.len()]
            })
        };
        let cx = Context::new(5);
        let inputs: Vec<Array> =
            self.inputs.iter().enumerate().map(|(i, input)| array(&cx.shape(&input.ty), 3 * i)).collect();
        let params: Vec<Array> =
            self.params.iter().enumerate().map(|(i, param)| array(&param.ty.dims, 1 + i)).collect();
        let values = run(graph, &Context { inputs: &inputs, params: &params, ..cx });
        graph.roots.iter().map(|root| values[&root.node].clone()).collect()
    }
}
