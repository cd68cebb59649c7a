//! `x[0]`, `x[1..3]`, `x[.., -1]`

use proc_macro2::Span;

use super::value::{Eval, Value};
use super::{Effect, Resolver, Trace};
use crate::ir::{NodeId, shape};
use crate::ops::Slice;
use crate::syntax::ast::{Expr, ExprKind};

impl Resolver<'_> {
    /// Evaluates an index.
    pub(super) fn index(&mut self, base: &Expr, indices: &[Expr], span: Span) -> Eval<Value> {
        let value = self.eval(base);
        match value? {
            Value::Tensor(node) => self.index_tensor(node, base.span, indices, span).map(Value::Tensor),
            Value::Tuple(items) | Value::Array(items) => {
                let [index] = indices else { return self.fail(span, "one index picks a part") };
                let position = self.integer(index, "the index")?;
                match resolve(position, items.len()).and_then(|position| items.get(position)) {
                    Some(Value::Poison) => Err(super::value::Poisoned::reported()),
                    Some(item) => Ok(item.clone()),
                    None => self.fail(index.span, format!("{position} is past its {} parts", items.len())),
                }
            }
            other => {
                let found = other.describe(&self.net.graph);
                self.fail(base.span, format!("a tensor can be indexed, not {found}"))
            }
        }
    }

    fn index_tensor(&mut self, node: NodeId, base: Span, indices: &[Expr], span: Span) -> Eval<NodeId> {
        let dims = self.dims(node);
        if let Some(surplus) = indices.get(dims.len()) {
            let message = format!("{} has {}; this index is one more", shape(&dims), axes(dims.len()));
            return self.shape_error(surplus.span, message, &[node], None);
        }
        let (mut starts, mut ends, mut kept) = (vec![0; dims.len()], dims.clone(), Vec::new());
        let mut failed = None;
        for (axis, &dim) in dims.iter().enumerate() {
            let part = match indices.get(axis) {
                None => Ok((0, dim, true)),
                Some(index) => self.part(index, axis, dim, node),
            };
            match part {
                Ok((start, end, keep)) => {
                    (starts[axis], ends[axis]) = (start, end);
                    if keep {
                        kept.push(end - start);
                    }
                }
                Err(poisoned) => failed = Some(poisoned),
            }
        }
        if let Some(poisoned) = failed {
            return Err(poisoned);
        }
        let whole = starts.iter().all(|&start| start == 0) && ends == dims;
        let sliced = if whole {
            node
        } else {
            let steps = vec![1; dims.len()];
            self.node(Slice { starts, ends, steps }, &[node], base)?
        };
        let result = self.reshape(sliced, &kept, base)?;
        let text = format!("the index gives {}", shape(&kept));
        self.history.record(result, Some(node), span, Trace::Gives(text), Effect::Other);
        Ok(result)
    }

    /// One index: from, to, and whether the axis stays.
    fn part(&mut self, index: &Expr, axis: usize, dim: usize, node: NodeId) -> Eval<(usize, usize, bool)> {
        let ExprKind::Range { from, to, inclusive } = &index.kind else {
            let position = self.integer(index, "an index")?;
            return match resolve(position, dim).filter(|&position| position < dim) {
                Some(position) => Ok((position, position + 1, false)),
                None => {
                    let message = format!("index {position} is past axis {axis} of {}", shape(&self.dims(node)));
                    self.shape_error(index.span, message, &[node], None)
                }
            };
        };
        let mut end = |end: &Option<Box<Expr>>, default: i64| match end {
            Some(end) => self.integer(end, "an index"),
            None => Ok(default),
        };
        let (start, stop) = (end(from, 0), end(to, dim as i64));
        let (start, stop) = (start?, stop?);
        let last = if *inclusive && to.is_some() { stop.checked_add(1).unwrap_or(stop) } else { stop };
        // An inclusive end of -1 is the axis's own end.
        let last = if *inclusive && stop == -1 { dim as i64 } else { last };
        match (resolve(start, dim), resolve(last, dim)) {
            (Some(start), Some(last)) if start < last => Ok((start, last, true)),
            _ => {
                let dots = if *inclusive { "..=" } else { ".." };
                let message = format!("{start}{dots}{stop} is no part of axis {axis} of {}", shape(&self.dims(node)));
                self.shape_error(index.span, message, &[node], None)
            }
        }
    }
}

fn axes(count: usize) -> String {
    match count {
        0 => "no axes".into(),
        1 => "one axis".into(),
        count => format!("{count} axes"),
    }
}

/// A position from 0 to `extent`, negatives from the end.
fn resolve(position: i64, extent: usize) -> Option<usize> {
    let extent = i64::try_from(extent).ok()?;
    let position = if position < 0 { position.checked_add(extent)? } else { position };
    usize::try_from(position).ok().filter(|&position| position <= extent as usize)
}

#[cfg(test)]
mod tests {
    use super::resolve;

    #[test]
    fn positions_count_from_either_end() {
        assert_eq!(resolve(0, 3), Some(0));
        assert_eq!(resolve(3, 3), Some(3));
        assert_eq!(resolve(-1, 3), Some(2));
        assert_eq!(resolve(-3, 3), Some(0));
        assert_eq!((resolve(4, 3), resolve(-4, 3), resolve(i64::MIN, 3)), (None, None, None));
    }
}
