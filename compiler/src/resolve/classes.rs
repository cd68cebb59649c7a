//! Indices: how many classes they count, and how they compare.

use proc_macro2::Span;

use super::value::Eval;
use super::{Effect, Resolver, Trace};
use crate::infer::MAX_ELEMENTS;
use crate::ir::NodeId;
use crate::ops::{Compare, CompareKind, Iota, Mul, OneHot, Op, Reduce, ReduceKind, Slice};

impl Resolver<'_> {
    /// How many classes there are: those of an input, or the places of an `argmax`.
    pub(crate) fn classes(&self, index: NodeId) -> Option<usize> {
        // A step of a loop counts as the whole sequence does; sequences may be those of a loop around.
        let mut node = index;
        loop {
            match self.net.graph.op(node) {
                Op::Input(_) if self.sequence_of(node).is_some() => node = self.sequence_of(node)?,
                Op::Reshape(_) | Op::Slice(_) | Op::Transpose(_) | Op::Flip(_) => {
                    node = *self.net.graph.inputs(node).first()?;
                }
                _ => return self.net.classes(node),
            }
        }
    }

    /// Indices as floats, to compare them: the sum of the places at which a one-hot vector is 1.
    pub(super) fn places(&mut self, index: NodeId, span: Span) -> Eval<NodeId> {
        let Some(length) = self.classes(index) else {
            return self.bug(span, "indices of nobody knows how many classes");
        };
        let dtype = self.net.dtype;
        let hot = self.node(OneHot { classes: length, dtype }, &[index], span)?;
        let ty = self.ty(hot);
        let place = self.node(Iota { length, dtype }, &[], span)?;
        let place = self.broadcast(place, ty.batched, &ty.dims, span)?;
        let here = self.node(Mul, &[hot, place], span)?;
        let sum = Reduce { kind: ReduceKind::Sum, axes: vec![ty.dims.len().saturating_sub(1)], batch: false };
        let node = self.node(sum, &[here], span)?;
        self.history.record(node, Some(index), span, Trace::Silent, Effect::Keep);
        Ok(node)
    }

    /// Whether an index is a class, or is none of it: `word != 0`.
    pub(super) fn is_class(&mut self, index: NodeId, class: i64, wanted: bool, at: Span) -> Eval<NodeId> {
        let dims = self.dims(index);
        let Some(class) = usize::try_from(class).ok().filter(|&class| class < MAX_ELEMENTS) else {
            return self.fail(at, format!("no index is {class}"));
        };
        // Of the one-hot vector up to this class, the last element.
        let hot = self.node(OneHot { classes: class + 1, dtype: self.net.dtype }, &[index], at)?;
        let ends = self.dims(hot);
        let mut starts = vec![0; ends.len()];
        if let Some(start) = starts.last_mut() {
            *start = class;
        }
        let steps = vec![1; ends.len()];
        let hit = match class {
            0 => hot,
            _ => self.node(Slice { starts, ends, steps }, &[hot], at)?,
        };
        let hit = self.reshape(hit, &dims, at)?;
        let ty = self.ty(hit);
        let half = self.filled(0.5, &ty, at)?;
        let kind = if wanted { CompareKind::Gt } else { CompareKind::Lt };
        let node = self.node(Compare { kind }, &[hit, half], at)?;
        self.history.record(node, Some(index), at, Trace::Silent, Effect::Keep);
        Ok(node)
    }
}
