//! The reference interpreter: every primitive's own definition, in f64 over ndarray. The oracle of the tests.

use std::collections::BTreeMap;

use crate::ir::{Graph, NodeId, ParamId, Type};
use crate::ops::{Op, Rules};

/// A value, whatever its dtype, in f64. Batched values have the batch as axis 0; booleans are 0 and 1.
// `ArrayD<f64>` with its element type spelled out: rustc 1.95 crashes on `Context { .. }` in closures without.
pub type Array = ndarray::ArrayBase<ndarray::OwnedRepr<f64>, ndarray::IxDyn, f64>;

/// What a function is given at run time. `Context { inputs: &inputs, ..Context::new(rows) }`.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Rows of the batch.
    pub rows: usize,
    /// By `Input::index`.
    pub inputs: &'a [Array],
    /// By `ParamId`.
    pub params: &'a [Array],
    /// Optimiser state by parameter and slot.
    pub states: &'a BTreeMap<(ParamId, usize), Array>,
    /// The learning rate.
    pub learning_rate: f64,
    /// The number of this training step, from 1.
    pub step: u64,
    /// The seed of the random numbers.
    pub seed: u64,
    /// Which operand a `Phase` takes.
    pub training: bool,
    /// The types of the operands of the node that is evaluated; `run` sets them.
    pub operands: &'a [&'a Type],
}

impl Context<'_> {
    /// No data, step 1, learning rate 1, seed 0, training.
    pub fn new(rows: usize) -> Self {
        static NO_STATES: BTreeMap<(ParamId, usize), Array> = BTreeMap::new();
        Self {
            rows,
            inputs: &[],
            params: &[],
            states: &NO_STATES,
            learning_rate: 1.0,
            step: 1,
            seed: 0,
            training: true,
            operands: &[],
        }
    }

    /// The shape of the array of a value of this type.
    pub fn shape(&self, ty: &Type) -> Vec<usize> {
        ty.batched.then_some(self.rows).into_iter().chain(ty.dims.iter().copied()).collect()
    }
}

/// The values of all nodes.
///
/// # Panics
/// If data is missing, or a value's shape is not the one of its node's type.
pub fn run(graph: &Graph, cx: &Context<'_>) -> BTreeMap<NodeId, Array> {
    let mut values: BTreeMap<NodeId, Array> = BTreeMap::new();
    let mut loops: BTreeMap<NodeId, Vec<Array>> = BTreeMap::new();
    for id in graph.topological() {
        let inputs = graph.inputs(id);
        let arrays: Vec<&Array> = inputs.iter().map(|input| &values[input]).collect();
        let types: Vec<&Type> = inputs.iter().map(|&input| graph.ty(input)).collect();
        let cx = Context { operands: &types, ..*cx };
        let value = match graph.op(id) {
            Op::Take(take) => loops[&inputs[0]][take.index].clone(),
            Op::Scan(scan) => {
                loops.insert(id, scan.run(&cx, &arrays));
                scan.eval(&cx, &arrays)
            }
            op => op.rules().eval(&cx, &arrays),
        };
        assert_eq!(value.shape(), cx.shape(graph.ty(id)), "the shape of {id}, {:?}", graph.op(id));
        values.insert(id, value);
    }
    values
}

#[cfg(test)]
mod tests {
    use proc_macro2::Span;

    use super::*;
    use crate::infer;
    use crate::ir::{DType, Node};
    use crate::ops::{Broadcast, Input, Mul, Param};

    fn node(graph: &mut Graph, op: impl Into<Op>, inputs: &[NodeId]) -> NodeId {
        infer::add(graph, op, inputs, Span::call_site(), None).expect("the operands fit")
    }

    #[test]
    fn every_node_has_its_value() {
        let mut graph = Graph::default();
        let x = node(&mut graph, Input { index: 0, ty: Type::batched(DType::F32, [2]) }, &[]);
        let w = node(&mut graph, Param { index: ParamId(0), ty: Type::fixed(DType::F32, [2]) }, &[]);
        let rows = node(&mut graph, Broadcast { batched: true, dims: vec![2] }, &[w]);
        let product = node(&mut graph, Mul, &[x, rows]);
        let inputs = [ndarray::arr2(&[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]).into_dyn()];
        let params = [ndarray::arr1(&[10.0, 100.0]).into_dyn()];
        let values = run(&graph, &Context { inputs: &inputs, params: &params, ..Context::new(3) });
        assert_eq!(values.len(), graph.len());
        assert_eq!(values[&product], ndarray::arr2(&[[10.0, 200.0], [30.0, 400.0], [50.0, 600.0]]).into_dyn());
    }

    #[test]
    #[should_panic(expected = "the shape of")]
    fn a_value_has_the_shape_of_its_type() {
        let mut graph = Graph::default();
        let (ty, wrong) = (Type::scalar(DType::F32), Type::fixed(DType::F32, [2]));
        graph.push(Node { op: Input { index: 0, ty }.into(), ty: wrong, span: Span::call_site(), name: None }, &[]);
        run(&graph, &Context { inputs: &[ndarray::arr0(1.0).into_dyn()], ..Context::new(1) });
    }
}
