//! What computing costs: floating-point operations, multiply and add counted as two.

use crate::ir::{Graph, NodeId, Type};
use crate::ops::Op;

/// Operations, or bytes: so many for each row of the batch, and so many whatever the batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// For each row.
    pub row: u64,
    /// In all, besides.
    pub fixed: u64,
}

impl Cost {
    /// The bytes of a value.
    pub fn bytes(ty: &Type) -> Self {
        let bytes = (ty.elements() as u64).saturating_mul(ty.dtype.bytes() as u64);
        if ty.batched { Self { row: bytes, fixed: 0 } } else { Self { row: 0, fixed: bytes } }
    }

    /// The cost of so many rows.
    pub fn of_rows(self, rows: usize) -> u64 {
        self.row.saturating_mul(rows as u64).saturating_add(self.fixed)
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { row: self.row.saturating_add(other.row), fixed: self.fixed.saturating_add(other.fixed) }
    }

    /// So many times.
    #[must_use]
    pub fn times(self, count: usize) -> Self {
        let count = count as u64;
        Self { row: self.row.saturating_mul(count), fixed: self.fixed.saturating_mul(count) }
    }
}

/// Operations of one node; of a loop, of all its steps.
pub fn flops(graph: &Graph, node: NodeId) -> Cost {
    if let Op::Scan(scan) = graph.op(node) {
        return graph_flops(scan.body.graph()).times(scan.steps);
    }
    let inputs: Vec<&Type> = graph.inputs(node).into_iter().map(|input| graph.ty(input)).collect();
    let output = graph.ty(node);
    let flops = graph.op(node).rules().flops(&inputs, output);
    match output.batched || inputs.iter().any(|ty| ty.batched) {
        true => Cost { row: flops, fixed: 0 },
        false => Cost { row: 0, fixed: flops },
    }
}

/// Operations of all nodes.
pub fn graph_flops(graph: &Graph) -> Cost {
    graph.ids().into_iter().fold(Cost::default(), |sum, node| sum.and(flops(graph, node)))
}
