//! A node joins the kernel of something that it reads where that kernel can compute it too; otherwise it opens its own.

use std::collections::{BTreeMap, BTreeSet};

use super::grouping::{Grouping, get};
use crate::fuse::level::{self, Level};
use crate::fuse::{Kind, Refusal, later, order};
use crate::ir::NodeId;
use crate::ops::{Lowering, Op};

impl Grouping<'_> {
    /// Finds the kernel of a node whose operands have theirs.
    pub(super) fn assign(&mut self, node: NodeId, overwrites: &BTreeMap<NodeId, Vec<NodeId>>) {
        let graph = self.graph;
        let mut sources: BTreeSet<usize> = BTreeSet::new();
        let reads = self.needs.sources(graph, node);
        for before in reads.iter().chain(&later::awaited(graph, self.needs, node)) {
            sources.extend(self.group_of.get(before));
        }
        // What overwrites a parameter comes after everybody who reads the old value.
        if let Some(old) = overwrites.get(&node) {
            for reader in order::readers(graph, self.needs, old) {
                sources.extend(self.group_of.get(&reader));
            }
        }
        if let Lowering::Part = graph.op(node).rules().lowering()
            && let Some(&group) = self.group_of.get(&graph.input(node, 0))
        {
            self.groups[group].nodes.push(node);
            self.group_of.insert(node, group);
            return;
        }
        let anchored = match graph.op(node).rules().lowering() {
            _ if self.needs.materialised.contains(&node) && super::needs::is_view(graph, node) => None,
            Lowering::Move if self.needs.joined.contains(&node) => None,
            Lowering::Product => Some(Kind::Product(node)),
            Lowering::Whole => Some(Kind::Whole(node)),
            Lowering::Move => Some(Kind::Move(node)),
            Lowering::Loop => Some(Kind::Loop(node)),
            Lowering::Reduce if !self.reduces_rows(node) => Some(Kind::Columns(node)),
            _ => None,
        };
        if let Some(kind) = anchored {
            let suffix = match graph.op(node) {
                Op::Reduce(reduce) => level::reduced_columns(reduce, graph.ty(graph.input(node, 0)).dims.len()),
                _ => 1.min(graph.ty(node).dims.len()),
            };
            for read in reads.iter() {
                if let Some(&group) = self.group_of.get(read) {
                    self.refuse(node, group, Refusal::Anchor);
                }
            }
            if let Some(group) = self.same_windows(node) {
                self.join(node, group, &sources);
                return;
            }
            self.open(node, kind, graph.ty(node).clone(), Some(suffix), &sources);
            return;
        }
        let copy = super::needs::is_view(graph, node) && !self.needs.echoes.contains(&node);
        let mut joined = None;
        for &group in sources.iter().rev() {
            let answer = match (joined, copy) {
                (Some(_), _) => Err(Refusal::Elsewhere),
                (None, true) => Err(Refusal::Copy),
                (None, false) => self.joins(node, group, &sources, overwrites),
            };
            match answer {
                Ok(()) => joined = Some(group),
                Err(refusal) => self.refuse(node, group, refusal),
            }
        }
        if let Some(group) = joined {
            self.join(node, group, &sources);
            return;
        }
        let (domain, suffix) = match graph.op(node) {
            Op::Reduce(reduce) => (graph.ty(graph.input(node, 0)).clone(), Some(reduce.axes.len())),
            _ => (self.swept(node).clone(), self.wanted_suffix(node)),
        };
        self.open(node, Kind::Map, domain, suffix, &sources);
    }

    /// The kernel that already walks the same pooling windows: values and positions come from one sweep.
    fn same_windows(&self, node: NodeId) -> Option<usize> {
        let graph = self.graph;
        let operand = *graph.inputs(node).first()?;
        graph.users(operand).into_iter().find_map(|other| {
            let same = match (graph.op(node), graph.op(other)) {
                (Op::MaxPool2d(pool), Op::MaxPool2dIndex(index)) | (Op::MaxPool2dIndex(index), Op::MaxPool2d(pool)) => {
                    index.pool == *pool
                }
                _ => false,
            };
            self.group_of.get(&other).copied().filter(|_| same)
        })
    }

    /// Whether a node can be computed in the kernel of something that it reads, or the rule that is against it.
    fn joins(
        &self,
        node: NodeId,
        group: usize,
        sources: &BTreeSet<usize>,
        overwrites: &BTreeMap<NodeId, Vec<NodeId>>,
    ) -> Result<(), Refusal> {
        let joined = &self.groups[group];
        if matches!(joined.kind, Kind::Whole(_) | Kind::Move(_) | Kind::Loop(_)) {
            return Err(Refusal::NoEpilogue);
        }
        if joined.kind != Kind::Map && self.needs.joined.contains(&node) {
            return Err(Refusal::Stacked);
        }
        // Joining must not let a kernel wait for itself.
        if sources.iter().any(|&source| source != group && get(&self.groups[source].before, group)) {
            return Err(Refusal::Cycle);
        }
        let reduce = match self.graph.op(node) {
            Op::Reduce(reduce) => Some(reduce.axes.len()),
            _ => None,
        };
        if reduce.is_some() && joined.kind != Kind::Map {
            return Err(Refusal::Reduction);
        }
        let wanted = reduce.or_else(|| self.wanted_suffix(node));
        if let (Some(have), Some(wanted)) = (joined.suffix, wanted)
            && have != wanted
        {
            return Err(Refusal::Columns);
        }
        let rank = joined.domain.dims.len();
        let suffix = joined.suffix.or(wanted);
        let own = match reduce {
            Some(_) => self.graph.ty(self.graph.input(node, 0)),
            None => self.swept(node),
        };
        let place = level::level(&joined.domain, suffix.unwrap_or(0), own).ok_or(Refusal::Shape)?;
        // Per row there are no columns to count.
        let counts = self.wanted_suffix(node).is_some();
        if place == Level::Row && (joined.kind != Kind::Map || suffix.is_none() || reduce.is_some() || counts) {
            return Err(Refusal::Row);
        }
        let columns = suffix.unwrap_or(1.min(rank));
        // Members that are there together suit each other; with other columns they are looked at again.
        let known = joined.nodes.len() > 1 && joined.suffix.unwrap_or(1.min(rank)) == columns;
        let others = if known { &[][..] } else { &joined.nodes };
        if !others.iter().chain([&node]).all(|&member| self.suits(group, member, node, columns)) {
            return Err(Refusal::Reach);
        }
        if self.keeps_old_values(node, group, overwrites) { Ok(()) } else { Err(Refusal::Overwrite) }
    }

    /// Whether `member` can be computed in `group` once `joining` is part of it.
    fn suits(&self, group: usize, member: NodeId, joining: NodeId, suffix: usize) -> bool {
        let joined = &self.groups[group];
        if joined.kind.anchor() == Some(member) {
            return true;
        }
        level::leaves(self.graph, self.needs, member).iter().all(|leaf| {
            let inside = (leaf.base == joining || self.group_of.get(&leaf.base) == Some(&group))
                .then(|| self.level_of(&joined.domain, suffix, leaf.base));
            level::readable(&joined.domain, suffix, leaf, inside)
        })
    }

    /// A kernel that writes over a parameter reads the old value only at the element that it writes, and
    /// nobody later wants it.
    fn keeps_old_values(&self, node: NodeId, group: usize, overwrites: &BTreeMap<NodeId, Vec<NodeId>>) -> bool {
        let joined = &self.groups[group];
        let members: Vec<NodeId> = joined.nodes.iter().copied().chain([node]).collect();
        if !self.overwrites_in_place(joined.kind, &members, overwrites) {
            return false;
        }
        // A reader of a value that an earlier kernel overwrites must not come to depend on that kernel.
        let reads = self.needs.sources(self.graph, node);
        reads.iter().filter_map(|read| self.writers.get(read)).flatten().all(|writer| {
            let Some(&writing) = self.group_of.get(writer) else { return true };
            writing == group || !get(&joined.before, writing)
        })
    }

    /// Whether a kernel of these nodes reads what it writes over only at the element that it writes.
    pub(super) fn overwrites_in_place(
        &self,
        kind: Kind,
        members: &[NodeId],
        overwrites: &BTreeMap<NodeId, Vec<NodeId>>,
    ) -> bool {
        // A later sweep over the row would read what an earlier one has overwritten.
        let sweeps = kind == Kind::Map && members.iter().any(|&node| matches!(self.graph.op(node), Op::Reduce(_)));
        if sweeps && members.iter().any(|node| overwrites.contains_key(node)) {
            return false;
        }
        members.iter().filter_map(|writer| overwrites.get(writer)).all(|old| {
            let anchor_reads = kind
                .anchor()
                .is_some_and(|anchor| self.needs.sources(self.graph, anchor).iter().any(|read| old.contains(read)));
            let elsewhere = members.iter().filter(|&&member| Some(member) != kind.anchor()).any(|&member| {
                level::leaves(self.graph, self.needs, member)
                    .iter()
                    .any(|leaf| old.contains(&leaf.base) && !leaf.is_plain())
            });
            !anchor_reads && !elsewhere
        })
    }
}
