//! Reductions: each covers one run of neighbouring axes, the batch standing before the first, and none of one element.

use crate::ops::{Hyper, HyperKind, Mul, Op, Reduce, ReduceKind, Reshape};
use crate::passes::rewrite::{At, Rewritten};

pub(super) fn reduce(at: &mut At<'_>) -> Rewritten {
    let Op::Reduce(op) = at.op() else { return Ok(None) };
    let Reduce { kind, axes, batch } = op.clone();
    let x = at.one()?;
    if axes.is_empty() && !batch {
        return Ok(Some(x));
    }
    let dims = at.graph.ty(x).dims.clone();
    if let Some(value) = at.constant(x)
        && let Some(total) = of_constant(at, kind, value, batch, axes.iter().map(|&axis| dims[axis]).product())?
    {
        return Ok(Some(total));
    }
    // An axis of one element goes by a reshape, so that it does not stand between two others.
    if axes.iter().any(|&axis| dims[axis] == 1) {
        let left = |axis: &usize| dims[*axis] != 1 || !axes.contains(axis);
        let kept: Vec<usize> = (0..dims.len()).filter(left).collect();
        let reshape = Reshape { dims: kept.iter().map(|&axis| dims[axis]).collect() };
        let axes: Vec<usize> = (0..kept.len()).filter(|&new| axes.contains(&kept[new])).collect();
        if axes.is_empty() && !batch {
            return at.push(reshape, &[x]).map(Some);
        }
        let x = at.push_part(reshape, &[x])?;
        return at.push(Reduce { kind, axes, batch }, &[x]).map(Some);
    }
    // The last run first: it is the one that lies together in memory.
    let neighbours = axes.windows(2).rev().take_while(|pair| pair[0] + 1 == pair[1]).count();
    let run = axes.len().min(neighbours + 1);
    let last: Vec<usize> = axes[axes.len() - run..].to_vec();
    let rest: Vec<usize> = axes[..axes.len() - run].to_vec();
    let apart = !rest.is_empty() || batch && last.first().is_some_and(|&first| first != 0);
    if apart {
        let inner = at.push_part(Reduce { kind, axes: last, batch: false }, &[x])?;
        return at.push(Reduce { kind, axes: rest, batch }, &[inner]).map(Some);
    }
    Ok(None)
}

/// A reduction over `count` elements (and the rows) that are all `value`.
fn of_constant(at: &mut At<'_>, kind: ReduceKind, value: f64, batch: bool, count: usize) -> Rewritten {
    let ty = at.ty().clone();
    match kind {
        ReduceKind::Max | ReduceKind::Min if count > 0 => at.splat(value, &ty).map(Some),
        ReduceKind::Sum if !batch => at.splat(value * count as f64, &ty).map(Some),
        ReduceKind::Sum => {
            let one_row = at.splat(value * count as f64, &ty)?;
            let rows = at.push_part(Hyper { kind: HyperKind::Rows, dtype: ty.dtype }, &[])?;
            let rows = at.spread(rows, &ty)?;
            at.push(Mul, &[rows, one_row]).map(Some)
        }
        _ => Ok(None),
    }
}
