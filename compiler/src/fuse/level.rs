//! What a kernel reads for one of its nodes, and whether it can.

use std::rc::Rc;

use crate::fuse::access::{axes, row_col, strides};
use crate::fuse::{Needs, needs};
use crate::ir::{Graph, NodeId, Type};
use crate::ops::{Lowering, Op, Reduce};

/// Where a node of a kernel stands: at every element, or once per row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// One value per element.
    Full,
    /// One value per row: the result of a reduction and what is made of it.
    Row,
}

/// How many of the last axes are the columns of a kernel that reduces: the reduced axes themselves where they are
/// the last ones (one result per row), otherwise the axes after them.
pub(super) fn reduced_columns(reduce: &Reduce, rank: usize) -> usize {
    let after = reduce.axes.last().map_or(rank, |&last| rank - last - 1);
    if reduces_rows(reduce, rank) { reduce.axes.len() } else { after }
}

/// Whether a reduction gives one result per row: it runs over the last axes, not over the batch.
pub(super) fn reduces_rows(reduce: &Reduce, rank: usize) -> bool {
    !reduce.batch && reduce.axes.last().is_some_and(|&last| last + 1 == rank)
}

/// The level of a type in a kernel over `domain` whose last `suffix` axes are the columns.
pub fn level(domain: &Type, suffix: usize, ty: &Type) -> Option<Level> {
    if ty.batched != domain.batched {
        return None;
    }
    if ty.dims == domain.dims {
        return Some(Level::Full);
    }
    let lead = &domain.dims[..domain.dims.len().checked_sub(suffix)?];
    let rest = ty.dims.strip_prefix(lead)?;
    (rest.iter().all(|&dim| dim == 1) && rest.len() <= suffix).then_some(Level::Row)
}

/// Whether two types have the same elements, whatever those are.
pub(super) fn same_shape(a: &Type, b: &Type) -> bool {
    a.dims == b.dims && a.batched == b.batched
}

/// A stored value, or one of the same kernel, that a node reads; nodes that are computed again are looked
/// through.
#[derive(Clone, Debug)]
pub struct Reader {
    /// The value.
    pub base: NodeId,
    /// Its strides along the axes of `ty`.
    pub strides: Vec<usize>,
    /// Elements before the first one that is read.
    pub offset: usize,
    /// The shape over which it is read.
    pub ty: Type,
}

impl Reader {
    /// Whether element i of the value is read for element i.
    pub fn is_plain(&self) -> bool {
        self.offset == 0 && self.strides == strides(&self.ty)
    }
}

/// Everything that a kernel reads to compute `node`.
pub fn leaves(graph: &Graph, needs: &Needs, node: NodeId) -> Rc<Vec<Reader>> {
    needs.leaves.get(node, || {
        let mut found = Vec::new();
        collect(graph, needs, node, &mut found, &mut |_| {});
        found
    })
}

/// Whether computing `node` where it stands counts columns along one axis (a one-hot class, a position).
pub(super) fn counts_columns(graph: &Graph, needs: &Needs, node: NodeId) -> bool {
    *needs.counts_columns.get(node, || find_counts(graph, needs, node))
}

fn find_counts(graph: &Graph, needs: &Needs, node: NodeId) -> bool {
    let counts_itself = |node| matches!(graph.op(node), Op::OneHot(_) | Op::Iota(_));
    let mut counts = counts_itself(node);
    collect(graph, needs, node, &mut Vec::new(), &mut |inner| counts |= counts_itself(inner));
    counts
}

fn collect(graph: &Graph, needs: &Needs, node: NodeId, found: &mut Vec<Reader>, visit: &mut dyn FnMut(NodeId)) {
    let operands = if needs.materialised.contains(&node) && needs::is_view(graph, node) {
        vec![(needs.access_through(graph, node), graph.ty(node))]
    } else {
        let inputs = graph.inputs(node).into_iter();
        inputs.map(|operand| (needs.access(graph, operand), graph.ty(operand))).collect()
    };
    for (access, ty) in operands {
        if needs.uniform.contains(&access.base) {
            continue;
        }
        let external = matches!(graph.op(access.base).rules().lowering(), Lowering::External);
        if external || needs.is_work(graph, access.base) {
            found.push(Reader { base: access.base, strides: access.strides, offset: access.offset, ty: ty.clone() });
        } else {
            visit(access.base);
            collect(graph, needs, access.base, found, visit);
        }
    }
}

/// Stores what a reduction can't walk as rows and columns.
pub(super) fn store_unwalkable(graph: &Graph, needs: &mut Needs) {
    for node in graph.topological() {
        let Op::Reduce(reduce) = graph.op(node) else { continue };
        let operand = graph.input(node, 0);
        let over = graph.ty(operand);
        let suffix = reduced_columns(reduce, over.dims.len());
        let walkable = leaves(graph, needs, node)
            .iter()
            .all(|leaf| leaf.ty.dims != over.dims || row_col(&axes(&leaf.ty), &leaf.strides, suffix).is_some());
        // A class is counted along one axis.
        if !walkable || suffix != 1 && counts_columns(graph, needs, node) {
            needs.store(operand);
        }
    }
    needs.settle_views(graph);
}

/// Whether a kernel over `domain` by `suffix` columns can read a value at this place. `inside` says at which
/// level the same kernel computes it, if it does; a value that it only stores part by part has none.
pub(super) fn readable(domain: &Type, suffix: usize, leaf: &Reader, inside: Option<Option<Level>>) -> bool {
    let Some(place) = level(domain, suffix, &leaf.ty) else { return false };
    let inside = match inside {
        Some(None) => return false,
        Some(level) => level,
        None => None,
    };
    match (place, inside) {
        (Level::Full, Some(Level::Full)) | (Level::Row, Some(Level::Row)) => leaf.is_plain(),
        (Level::Full, Some(Level::Row)) => {
            let split = axes(domain).len() - suffix;
            let lead = Type { dims: domain.dims[..domain.dims.len() - suffix].to_vec(), ..domain.clone() };
            leaf.offset == 0
                && leaf.strides[..split] == strides(&lead)
                && leaf.strides[split..].iter().all(|&stride| stride == 0)
        }
        (Level::Row, Some(Level::Full)) => false,
        (place, None) => {
            let suffix = if place == Level::Full { suffix } else { 0 };
            row_col(&axes(&leaf.ty), &leaf.strides, suffix).is_some()
        }
    }
}
