//! Where an operand's element lies for an element of a kernel's domain: broadcasts and reshapes are
//! addressing, not work.

use crate::ir::{Graph, NodeId, Type};
use crate::ops::{Lowering, Op};

/// An operand as a kernel sees it: a value and how far apart its elements are along each axis of the domain,
/// the batch first where the domain has one. An axis of one element, or along which the value repeats, has 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// The value behind all views.
    pub base: NodeId,
    /// Elements between neighbours along each axis of the domain.
    pub strides: Vec<usize>,
    /// Elements before the first one that is read.
    pub offset: usize,
}

/// The axes of a type as a kernel walks them, the batch first (its size is only known at run time, so the
/// capacity's place is held by `usize::MAX`).
pub fn axes(ty: &Type) -> Vec<usize> {
    ty.batched.then_some(usize::MAX).into_iter().chain(ty.dims.iter().copied()).collect()
}

/// Row-major strides of a type, 0 along axes of one element.
pub fn strides(ty: &Type) -> Vec<usize> {
    let axes = axes(ty);
    let mut strides = vec![0; axes.len()];
    let mut next = 1usize;
    for (stride, &axis) in strides.iter_mut().zip(&axes).rev() {
        if axis != 1 {
            *stride = next;
        }
        next = next.saturating_mul(axis);
    }
    strides
}

/// The value that owns the bytes: reshapes taken off.
pub fn storage(graph: &Graph, mut node: NodeId) -> NodeId {
    while let Lowering::Alias = graph.op(node).rules().lowering() {
        node = graph.input(node, 0);
    }
    node
}

/// How a kernel over the type of `operand` reads it. `stop` names values that are stored under their own name,
/// views though they are; `slice` slices that are views.
pub fn access(graph: &Graph, operand: NodeId, stop: &dyn Fn(NodeId) -> bool, slice: &dyn Fn(NodeId) -> bool) -> Access {
    // For each axis of the domain: the axis of the current view that moves with it.
    let mut map: Vec<Option<usize>> = (0..axes(graph.ty(operand)).len()).map(Some).collect();
    let mut node = operand;
    // Where the view begins along each of its axes.
    let mut begin = vec![0usize; map.len()];
    while !stop(node) {
        match graph.op(node) {
            Op::Broadcast(_) => {
                let source = graph.input(node, 0);
                let (from, to) = (axes_of(graph.ty(node)), graph.ty(source));
                let behind = |axis: usize| through(&from, to, axis);
                let mut moved = vec![0; axes(to).len()];
                for (axis, &at) in begin.iter().enumerate() {
                    if let Some(place) = behind(axis).and_then(|place| moved.get_mut(place)) {
                        *place = at;
                    }
                }
                map = map.into_iter().map(|axis| behind(axis?)).collect();
                (node, begin) = (source, moved);
            }
            Op::Slice(op) if slice(node) => {
                let ty = graph.ty(node);
                let batch = usize::from(ty.batched);
                for (place, start) in op.starts.iter().enumerate() {
                    if let Some(at) = begin.get_mut(place + batch) {
                        *at += start;
                    }
                }
                // One element does not move.
                let moves = |axis: &usize| axis.checked_sub(batch).is_none_or(|place| ty.dims[place] != 1);
                map = map.into_iter().map(|axis| axis.filter(moves)).collect();
                node = graph.input(node, 0);
            }
            _ => break,
        }
    }
    let own = strides(graph.ty(node));
    let strides = map.into_iter().map(|axis| axis.map_or(0, |axis| own[axis])).collect();
    let offset = begin.iter().zip(&own).map(|(at, stride)| at.saturating_mul(*stride)).fold(0, usize::saturating_add);
    let base = if stop(node) { node } else { stored_base(graph, node, stop) };
    Access { base, strides, offset }
}

/// The axis of a broadcast's source that moves with an axis of its result.
fn through(from: &Axes<'_>, to: &Type, axis: usize) -> Option<usize> {
    if from.batched && axis == 0 {
        return to.batched.then_some(0);
    }
    // Right-aligned.
    let from_end = from.rank - axis;
    let place = to.dims.len().checked_sub(from_end)?;
    (to.dims[place] != 1 || from.dims[axis - usize::from(from.batched)] == 1).then_some(place + usize::from(to.batched))
}

fn stored_base(graph: &Graph, mut node: NodeId, stop: &dyn Fn(NodeId) -> bool) -> NodeId {
    while !stop(node) && matches!(graph.op(node).rules().lowering(), Lowering::Alias) {
        node = graph.input(node, 0);
    }
    node
}

struct Axes<'a> {
    batched: bool,
    rank: usize,
    dims: &'a [usize],
}

fn axes_of(ty: &Type) -> Axes<'_> {
    Axes { batched: ty.batched, rank: ty.dims.len() + usize::from(ty.batched), dims: &ty.dims }
}

/// An access over a domain seen as rows and columns, the columns being the last `suffix` axes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowCol {
    /// The row's share of the offset.
    pub row: Vec<RowTerm>,
    /// 1 where the element moves with the column, 0 where the whole row reads one element.
    pub col: usize,
}

/// One summand of a row's offset: `row / divide % modulo * stride`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowTerm {
    /// Rows below one step of this axis.
    pub divide: usize,
    /// The axis's size; `usize::MAX` where nothing lies above it.
    pub modulo: usize,
    /// Elements for one step.
    pub stride: usize,
}

/// Splits an access into rows and columns, or `None` where the columns are no single run.
pub fn row_col(axes: &[usize], strides: &[usize], suffix: usize) -> Option<RowCol> {
    let split = axes.len().checked_sub(suffix)?;
    let col = match collapse(&axes[split..], &strides[split..]).as_slice() {
        [] => 0,
        [(_, stride @ (0 | 1))] => *stride,
        _ => return None,
    };
    let groups = collapse(&axes[..split], &strides[..split]);
    let mut row = Vec::new();
    let mut divide = 1usize;
    for (place, &(size, stride)) in groups.iter().enumerate().rev() {
        if stride != 0 {
            let modulo = if place == 0 { usize::MAX } else { size };
            row.push(RowTerm { divide, modulo, stride });
        }
        divide = divide.saturating_mul(size);
    }
    row.reverse();
    Some(RowCol { row, col })
}

/// Joins neighbouring axes that are walked as one, as `(size, stride)` from the outside in.
fn collapse(axes: &[usize], strides: &[usize]) -> Vec<(usize, usize)> {
    let mut groups: Vec<(usize, usize)> = Vec::new();
    for (&size, &stride) in axes.iter().zip(strides) {
        if size == 1 {
            continue;
        }
        match groups.last_mut() {
            Some((above, step)) if *step == stride.saturating_mul(size) => {
                *above = above.saturating_mul(size);
                *step = stride;
            }
            _ => groups.push((size, stride)),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::DType;

    #[test]
    fn strides_are_row_major() {
        assert_eq!(strides(&Type::batched(DType::F32, [28, 1, 3])), [84, 3, 0, 1]);
        assert_eq!(strides(&Type::scalar(DType::F32)), Vec::<usize>::new());
    }

    #[test]
    fn a_bias_moves_with_the_column_only() {
        let axes = [usize::MAX, 26, 26, 32];
        let bias = row_col(&axes, &[0, 0, 0, 1], 1);
        assert_eq!(bias, Some(RowCol { row: vec![], col: 1 }));
        let full = row_col(&axes, &[26 * 26 * 32, 26 * 32, 32, 1], 1);
        assert_eq!(full, Some(RowCol { row: vec![RowTerm { divide: 1, modulo: usize::MAX, stride: 32 }], col: 1 }));
    }

    #[test]
    fn positions_repeat_over_the_batch() {
        let position = row_col(&[usize::MAX, 64, 128], &[0, 128, 1], 1);
        assert_eq!(position, Some(RowCol { row: vec![RowTerm { divide: 1, modulo: 64, stride: 128 }], col: 1 }));
    }

    #[test]
    fn columns_that_are_no_run_are_refused() {
        assert_eq!(row_col(&[usize::MAX, 3, 4], &[12, 1, 0], 2), None);
        assert!(row_col(&[usize::MAX, 3, 4], &[12, 4, 1], 2).is_some());
    }
}
