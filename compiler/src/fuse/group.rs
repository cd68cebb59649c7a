//! The grouping itself: nodes in topological order, each joining the kernel of something that it reads where
//! that kernel can compute it too.

use std::collections::{BTreeMap, BTreeSet};

use crate::fuse::level::{self, Level};
use crate::fuse::{Kernel, Kind, Needs, Program, access, merge, order, sums};
use crate::ir::{Function, Graph, NodeId, RootKind, Type};
use crate::ops::{Lowering, Op};

/// Groups a function's nodes into kernels, in an order that can be run.
///
/// # Errors
/// A kernel order that contradicts itself: kiln's bug.
pub fn fuse(mut function: Function) -> Result<Program, String> {
    let needs = Needs::of(&mut function.graph);
    let graph = &function.graph;
    let mut grouping = Grouping { graph, needs: &needs, groups: Vec::new(), group_of: BTreeMap::new() };
    let overwrites = overwrites(graph, &needs);
    let order = graph.topological();
    for &node in &order {
        if needs.is_work(graph, node) {
            grouping.assign(node, &overwrites);
        }
    }
    let position = order.iter().enumerate().map(|(place, &node)| (node, place)).collect();
    merge::merge(&mut grouping, &position, &overwrites);
    sums::join_products(&mut grouping, &position);
    let (groups, group_of) = grouping.compact();
    let kernels = finish(graph, &needs, groups, &group_of);
    let order = order::order(graph, &needs, &kernels, &group_of, &overwrites)?;
    let mut place = vec![0; kernels.len()];
    for (position, &kernel) in order.iter().enumerate() {
        place[kernel] = position;
    }
    let kernel_of = group_of.into_iter().map(|(node, group)| (node, place[group])).collect();
    let mut slots: Vec<Option<Kernel>> = kernels.into_iter().map(Some).collect();
    let kernels = order.iter().filter_map(|&kernel| slots[kernel].take()).collect();
    Ok(Program { function, kernels, kernel_of, needs })
}

/// For each value that is written over a parameter or an optimiser's slot: the nodes that stand for the old one.
pub(super) fn overwrites(graph: &Graph, needs: &Needs) -> BTreeMap<NodeId, Vec<NodeId>> {
    let mut found = BTreeMap::new();
    for root in &graph.roots {
        let old = |node: &NodeId| match (graph.op(*node), &root.kind) {
            (Op::Param(param), RootKind::Param(index)) => param.index == *index,
            (Op::State(state), RootKind::State(index, slot)) => state.index == *index && state.slot == *slot,
            _ => false,
        };
        if matches!(root.kind, RootKind::Param(_) | RootKind::State(..)) {
            let old: Vec<NodeId> = graph.ids().into_iter().filter(old).collect();
            found.insert(needs.storage(graph, root.node), old);
        }
    }
    found
}

pub(super) struct Group {
    pub(super) kind: Kind,
    pub(super) domain: Type,
    /// Fixed by the anchor or by a reduction.
    pub(super) suffix: Option<usize>,
    /// A sum over the rows of the anchor's right operand that is taken along.
    pub(super) sums: Option<NodeId>,
    pub(super) nodes: Vec<NodeId>,
    /// The groups that must run before, transitively, as bits.
    pub(super) before: Vec<u64>,
}

pub(super) struct Grouping<'a> {
    pub(super) graph: &'a Graph,
    pub(super) needs: &'a Needs,
    pub(super) groups: Vec<Group>,
    pub(super) group_of: BTreeMap<NodeId, usize>,
}

impl Grouping<'_> {
    fn assign(&mut self, node: NodeId, overwrites: &BTreeMap<NodeId, Vec<NodeId>>) {
        let graph = self.graph;
        let mut sources: BTreeSet<usize> = BTreeSet::new();
        let reads = self.needs.sources(graph, node);
        for read in &reads {
            sources.extend(self.group_of.get(read));
        }
        // What overwrites a parameter comes after everybody who reads the old value.
        if let Some(old) = overwrites.get(&node) {
            for reader in order::readers(graph, self.needs, old) {
                sources.extend(self.group_of.get(&reader));
            }
        }
        let anchored = match graph.op(node).rules().lowering() {
            _ if self.needs.materialised.contains(&node) && super::needs::is_view(graph, node) => None,
            Lowering::Product => Some(Kind::Product(node)),
            Lowering::Whole => Some(Kind::Whole(node)),
            Lowering::Move => Some(Kind::Move(node)),
            Lowering::Reduce if !self.reduces_rows(node) => Some(Kind::Columns(node)),
            _ => None,
        };
        if let Some(kind) = anchored {
            let suffix = match graph.op(node) {
                Op::Reduce(reduce) => level::reduced_columns(reduce, graph.ty(graph.input(node, 0)).dims.len()),
                _ => 1.min(graph.ty(node).dims.len()),
            };
            if let Some(group) = self.same_windows(node) {
                self.join(node, group, &sources);
                return;
            }
            self.open(node, kind, graph.ty(node).clone(), Some(suffix), &sources);
            return;
        }
        let copy = super::needs::is_view(graph, node);
        for &group in sources.iter().rev() {
            if !copy && self.joins(node, group, &sources, overwrites) {
                self.join(node, group, &sources);
                return;
            }
        }
        let (domain, suffix) = match graph.op(node) {
            Op::Reduce(reduce) => (graph.ty(graph.input(node, 0)).clone(), Some(reduce.axes.len())),
            _ => (graph.ty(node).clone(), self.wanted_suffix(node)),
        };
        self.open(node, Kind::Map, domain, suffix, &sources);
    }

    /// The groups that are left after merging, numbered anew.
    fn compact(self) -> (Vec<Group>, BTreeMap<NodeId, usize>) {
        let groups: Vec<Group> = self.groups.into_iter().filter(|group| !group.nodes.is_empty()).collect();
        let members = groups.iter().enumerate();
        let group_of = members.flat_map(|(index, group)| group.nodes.iter().map(move |&node| (node, index))).collect();
        (groups, group_of)
    }

    /// A reduction over the last axes, one result per row; others run over rows.
    fn reduces_rows(&self, node: NodeId) -> bool {
        let Op::Reduce(reduce) = self.graph.op(node) else { return false };
        level::reduces_rows(reduce, self.graph.ty(self.graph.input(node, 0)).dims.len())
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

    fn wanted_suffix(&self, node: NodeId) -> Option<usize> {
        level::counts_columns(self.graph, self.needs, node).then_some(1)
    }

    fn open(&mut self, node: NodeId, kind: Kind, domain: Type, suffix: Option<usize>, sources: &BTreeSet<usize>) {
        let index = self.groups.len();
        self.groups.push(Group { kind, domain, suffix, sums: None, nodes: vec![node], before: Vec::new() });
        self.group_of.insert(node, index);
        self.depend(index, sources);
    }

    fn join(&mut self, node: NodeId, group: usize, sources: &BTreeSet<usize>) {
        let suffix = match self.graph.op(node) {
            Op::Reduce(reduce) => Some(reduce.axes.len()),
            _ => self.wanted_suffix(node),
        };
        let joined = &mut self.groups[group];
        joined.suffix = joined.suffix.or(suffix);
        joined.nodes.push(node);
        self.group_of.insert(node, group);
        self.depend(group, sources);
    }

    /// Lets `group`, and all that come after it, come after `sources`.
    fn depend(&mut self, group: usize, sources: &BTreeSet<usize>) {
        let mut add: Vec<u64> = Vec::new();
        for &source in sources {
            if source != group {
                set(&mut add, source);
                union(&mut add, &self.groups[source].before);
            }
        }
        for index in 0..self.groups.len() {
            if index == group || get(&self.groups[index].before, group) {
                union(&mut self.groups[index].before, &add);
            }
        }
    }

    fn joins(
        &self,
        node: NodeId,
        group: usize,
        sources: &BTreeSet<usize>,
        overwrites: &BTreeMap<NodeId, Vec<NodeId>>,
    ) -> bool {
        let joined = &self.groups[group];
        if matches!(joined.kind, Kind::Whole(_) | Kind::Move(_)) {
            return false;
        }
        // Joining must not let a kernel wait for itself.
        if sources.iter().any(|&source| source != group && get(&self.groups[source].before, group)) {
            return false;
        }
        let reduce = match self.graph.op(node) {
            Op::Reduce(reduce) => Some(reduce.axes.len()),
            _ => None,
        };
        if reduce.is_some() && joined.kind != Kind::Map {
            return false;
        }
        let wanted = reduce.or_else(|| self.wanted_suffix(node));
        if let (Some(have), Some(wanted)) = (joined.suffix, wanted)
            && have != wanted
        {
            return false;
        }
        let rank = joined.domain.dims.len();
        let suffix = joined.suffix.or(wanted);
        let own = match reduce {
            Some(_) => self.graph.ty(self.graph.input(node, 0)),
            None => self.graph.ty(node),
        };
        let Some(place) = level::level(&joined.domain, suffix.unwrap_or(0), own) else { return false };
        if place == Level::Row && (joined.kind != Kind::Map || suffix.is_none() || reduce.is_some()) {
            return false;
        }
        // Without a fixed number of columns, one must exist that suits everybody.
        let candidates = match suffix {
            Some(suffix) => suffix..=suffix,
            None => 1.min(rank)..=1.min(rank),
        };
        let suits = candidates
            .into_iter()
            .any(|suffix| joined.nodes.iter().chain([&node]).all(|&member| self.suits(group, member, node, suffix)));
        suits && self.keeps_old_values(node, group, overwrites)
    }

    /// Whether `member` can be computed in `group` once `joining` is part of it.
    fn suits(&self, group: usize, member: NodeId, joining: NodeId, suffix: usize) -> bool {
        let joined = &self.groups[group];
        if joined.kind.anchor() == Some(member) {
            return true;
        }
        level::leaves(self.graph, self.needs, member).iter().all(|leaf| {
            let inside = (leaf.base == joining || self.group_of.get(&leaf.base) == Some(&group))
                .then(|| self.level_of(&joined.domain, suffix, leaf.base))
                .flatten();
            level::readable(&joined.domain, suffix, leaf, inside)
        })
    }

    pub(super) fn level_of(&self, domain: &Type, suffix: usize, node: NodeId) -> Option<Level> {
        match self.graph.op(node) {
            Op::Reduce(_) if self.reduces_rows(node) => Some(Level::Row),
            _ => level::level(domain, suffix, self.graph.ty(node)),
        }
    }

    /// A kernel that writes over a parameter reads the old value only at the element that it writes, and
    /// nobody later wants it.
    fn keeps_old_values(&self, node: NodeId, group: usize, overwrites: &BTreeMap<NodeId, Vec<NodeId>>) -> bool {
        let joined = &self.groups[group];
        let members = || joined.nodes.iter().copied().chain([node]);
        for writer in members() {
            let Some(old) = overwrites.get(&writer) else { continue };
            let anchor_reads = joined
                .kind
                .anchor()
                .is_some_and(|anchor| self.needs.sources(self.graph, anchor).iter().any(|read| old.contains(read)));
            let elsewhere = members().filter(|&member| Some(member) != joined.kind.anchor()).any(|member| {
                level::leaves(self.graph, self.needs, member)
                    .iter()
                    .any(|leaf| old.contains(&leaf.base) && leaf.strides != access::strides(&leaf.ty))
            });
            if anchor_reads || elsewhere {
                return false;
            }
        }
        // A reader of a value that an earlier kernel overwrites must not come to depend on that kernel.
        let reads = self.needs.sources(self.graph, node);
        overwrites.iter().all(|(writer, old)| {
            let Some(&writing) = self.group_of.get(writer) else { return true };
            writing == group || !old.iter().any(|old| reads.contains(old)) || !get(&joined.before, writing)
        })
    }
}

/// Settles columns, writes and reads.
fn finish(graph: &Graph, needs: &Needs, groups: Vec<Group>, group_of: &BTreeMap<NodeId, usize>) -> Vec<Kernel> {
    let rooted: BTreeSet<NodeId> = graph.roots.iter().map(|root| needs.storage(graph, root.node)).collect();
    let mut read_elsewhere: BTreeSet<NodeId> = BTreeSet::new();
    let mut reads: Vec<BTreeSet<NodeId>> = vec![BTreeSet::new(); groups.len()];
    for (index, group) in groups.iter().enumerate() {
        for &node in &group.nodes {
            for source in needs.sources(graph, node) {
                if group_of.get(&source) != Some(&index) {
                    read_elsewhere.insert(source);
                    reads[index].insert(source);
                }
            }
        }
    }
    let mut names = BTreeMap::new();
    let mut kernels = Vec::new();
    for (group, reads) in groups.into_iter().zip(reads) {
        let rank = group.domain.dims.len();
        let suffix = group.suffix.unwrap_or_else(|| {
            (0..=rank)
                .rev()
                .find(|&suffix| {
                    group.nodes.iter().all(|&node| {
                        level::leaves(graph, needs, node)
                            .iter()
                            .all(|leaf| access::row_col(&access::axes(&leaf.ty), &leaf.strides, suffix).is_some())
                    })
                })
                .unwrap_or_default()
        });
        let writes: Vec<NodeId> =
            group.nodes.iter().copied().filter(|node| rooted.contains(node) || read_elsewhere.contains(node)).collect();
        let name = super::program::unique(&mut names, super::program::name(graph, group.kind, &group.nodes));
        kernels.push(Kernel {
            name,
            kind: group.kind,
            domain: group.domain,
            sums: group.sums,
            suffix,
            nodes: group.nodes,
            writes,
            reads,
        });
    }
    kernels
}

pub(super) fn get(bits: &[u64], index: usize) -> bool {
    bits.get(index / 64).is_some_and(|word| word >> (index % 64) & 1 == 1)
}

pub(super) fn set(bits: &mut Vec<u64>, index: usize) {
    if bits.len() <= index / 64 {
        bits.resize(index / 64 + 1, 0);
    }
    bits[index / 64] |= 1 << (index % 64);
}

pub(super) fn union(bits: &mut Vec<u64>, other: &[u64]) {
    if bits.len() < other.len() {
        bits.resize(other.len(), 0);
    }
    for (word, other) in bits.iter_mut().zip(other) {
        *word |= other;
    }
}
