//! The grouping: nodes in topological order, then whole kernels, then their order.

use std::collections::{BTreeMap, BTreeSet};

use super::body::{self, Frame};
use super::grouping::{Group, Grouping};
use super::level;
use crate::fuse::{Kernel, Needs, Program, access, again, later, merge, order, pools, sink, sums};
use crate::ir::{Function, Graph, NodeId, RootKind};
use crate::ops::Op;

/// Groups a function's nodes into kernels, in an order that can be run.
///
/// # Errors
/// A kernel order that contradicts itself: kiln's bug.
pub fn fuse(function: Function) -> Result<Program, String> {
    fuse_within(function, None)
}

/// The same for a body of a loop, given what its operands are.
pub(super) fn fuse_within(mut function: Function, frame: Option<Frame>) -> Result<Program, String> {
    body::unify_takes(&mut function.graph);
    let mut needs = Needs::of(&mut function.graph, frame);
    level::store_unwalkable(&function.graph, &mut needs);
    needs.settled();
    let graph = &function.graph;
    let overwrites = overwrites(graph, &needs);
    let stored = grouped(graph, &needs, &overwrites);
    let with = needs.computing_again(&again::again(&stored, &overwrites));
    // What was chosen kernel by kernel must be less in all.
    let again = with.as_ref().map(|needs| grouped(graph, needs, &overwrites));
    let again = again.filter(|again| again::traffic(again) < again::traffic(&stored));
    let is_less = again.is_some();
    let (groups, group_of, refusals) = again.unwrap_or(stored).compact();
    let needs = with.filter(|_| is_less).unwrap_or(needs);
    let kernels = finish(graph, &needs, groups, &group_of);
    let order = order::order(graph, &needs, &kernels, &group_of, &overwrites)?;
    let mut place = vec![0; kernels.len()];
    for (position, &kernel) in order.iter().enumerate() {
        place[kernel] = position;
    }
    let kernel_of = group_of.into_iter().map(|(node, group)| (node, place[group])).collect();
    let refusals = refusals.by_kernel(&kernel_of);
    let mut slots: Vec<Option<Kernel>> = kernels.into_iter().map(Some).collect();
    let kernels: Vec<Kernel> = order.iter().filter_map(|&kernel| slots[kernel].take()).collect();
    let loops = body::programs(graph, &needs, &kernels)?;
    Ok(Program { function, kernels, kernel_of, needs, refusals, loops })
}

/// The nodes in groups, as far as that goes.
fn grouped<'a>(graph: &'a Graph, needs: &'a Needs, overwrites: &BTreeMap<NodeId, Vec<NodeId>>) -> Grouping<'a> {
    let mut grouping = Grouping::new(graph, needs, overwrites);
    let order = updates_last(graph, needs, overwrites);
    for &node in &order {
        if needs.is_work(graph, node) {
            grouping.assign(node, overwrites);
        }
    }
    let position = order.iter().enumerate().map(|(place, &node)| (node, place)).collect();
    merge::merge(&mut grouping, &position, overwrites);
    sink::sink(&mut grouping, &position, overwrites);
    sums::join_products(&mut grouping, &position);
    // In a loop, what a pool makes may have its rows apart.
    if needs.frame.is_none() {
        pools::join_convolutions(&mut grouping, &position);
    }
    grouping
}

/// A topological order in which what is written over a parameter or a slot, and all that follows from it, comes after
/// everything else: whoever reads the old value has its kernel by then.
fn updates_last(graph: &Graph, needs: &Needs, overwrites: &BTreeMap<NodeId, Vec<NodeId>>) -> Vec<NodeId> {
    let mut late: BTreeSet<NodeId> = BTreeSet::new();
    let order = graph.topological();
    for &node in &order {
        if overwrites.contains_key(&node) || graph.inputs(node).iter().any(|input| late.contains(input)) {
            late.insert(node);
        }
    }
    let (late, early): (Vec<NodeId>, Vec<NodeId>) = order.into_iter().partition(|node| late.contains(node));
    [early, after_readers(graph, needs, overwrites, late)].concat()
}

/// The nodes that follow from updates, each update after those of them that read its old value, where that can be.
fn after_readers(
    graph: &Graph,
    needs: &Needs,
    overwrites: &BTreeMap<NodeId, Vec<NodeId>>,
    late: Vec<NodeId>,
) -> Vec<NodeId> {
    let mut waiting: BTreeSet<NodeId> = late.iter().copied().collect();
    let mut readers: BTreeMap<NodeId, Vec<NodeId>> = BTreeMap::new();
    for (&writer, old) in overwrites {
        let found = order::readers(graph, needs, old);
        let found: Vec<NodeId> = found.into_iter().filter(|node| *node != writer && waiting.contains(node)).collect();
        if !found.is_empty() {
            readers.insert(writer, found);
        }
    }
    if readers.is_empty() {
        return late;
    }
    let mut rest = late;
    let mut sorted = Vec::new();
    while !rest.is_empty() {
        let ready = rest.iter().position(|node| {
            let held = readers.get(node).is_some_and(|readers| readers.iter().any(|reader| waiting.contains(reader)));
            !held && !graph.inputs(*node).iter().any(|input| waiting.contains(input))
        });
        // Updates that wait for each other: the order of kernels will say so.
        let Some(ready) = ready else { break };
        let node = rest.remove(ready);
        waiting.remove(&node);
        sorted.push(node);
    }
    sorted.extend(rest);
    sorted
}

/// For each value that is written over a parameter or an optimiser's slot: the nodes that stand for the old one.
pub(super) fn overwrites(graph: &Graph, needs: &Needs) -> BTreeMap<NodeId, Vec<NodeId>> {
    // What is overwritten, by the kind of root that does it.
    let mut old: BTreeMap<RootKind, Vec<NodeId>> = BTreeMap::new();
    for node in graph.ids() {
        let kind = match graph.op(node) {
            Op::Param(param) => Some(RootKind::Param(param.index)),
            Op::State(state) => Some(RootKind::State(state.index, state.slot)),
            Op::Input(input) => needs.frame.as_ref().and_then(|frame| frame.state(input.index)).map(RootKind::Carry),
            _ => None,
        };
        if let Some(kind) = kind {
            old.entry(kind).or_default().push(node);
        }
    }
    let mut found = BTreeMap::new();
    for root in &graph.roots {
        if matches!(root.kind, RootKind::Param(_) | RootKind::State(..) | RootKind::Carry(_)) {
            found.insert(needs.storage(graph, root.node), old.get(&root.kind).cloned().unwrap_or_default());
        }
    }
    found
}

/// Settles columns, writes and reads.
fn finish(graph: &Graph, needs: &Needs, groups: Vec<Group>, group_of: &BTreeMap<NodeId, usize>) -> Vec<Kernel> {
    let rooted: BTreeSet<NodeId> = graph.roots.iter().map(|root| needs.storage(graph, root.node)).collect();
    let mut read_elsewhere: BTreeSet<NodeId> = BTreeSet::new();
    let mut reads: Vec<BTreeSet<NodeId>> = vec![BTreeSet::new(); groups.len()];
    for (index, group) in groups.iter().enumerate() {
        for &node in &group.nodes {
            for &source in needs.sources(graph, node).iter() {
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
        let awaits = group.nodes.iter().flat_map(|&node| later::awaited(graph, needs, node));
        let awaits = awaits.filter(|node| !group.nodes.contains(node)).collect();
        let name = super::program::unique(&mut names, super::program::name(graph, group.kind, &group.nodes));
        kernels.push(Kernel {
            name,
            kind: group.kind,
            domain: group.domain,
            sums: group.sums,
            pool: group.pool,
            suffix,
            nodes: group.nodes,
            writes,
            reads,
            awaits,
        });
    }
    kernels
}

#[cfg(test)]
mod tests {
    use proc_macro2::Span;

    use super::*;
    use crate::infer;
    use crate::ir::{DType, ParamId, Root, Type};
    use crate::ops::{Contract, Input, Mul, Param, Reduce, ReduceKind, Sub};

    #[test]
    fn readers_of_an_old_value_come_first_wherever_they_stand() {
        // dw = contract(x, g); w' = w - dw; and only then, by id, the sum of w * dw.
        let mut graph = Graph::default();
        let mut node = |op: Op, inputs: &[NodeId]| {
            infer::add(&mut graph, op, inputs, Span::call_site(), None).expect("the operands fit")
        };
        let input = |index| Op::from(Input { index, ty: Type::batched(DType::F32, [4]) });
        let (x, g) = (node(input(0), &[]), node(input(1), &[]));
        let w = node(Param { index: ParamId(0), ty: Type::fixed(DType::F32, [4, 4]) }.into(), &[]);
        let gradient = node(Contract {}.into(), &[x, g]);
        let update = node(Sub {}.into(), &[w, gradient]);
        let product = node(Mul {}.into(), &[w, gradient]);
        let sum = node(Reduce { kind: ReduceKind::Sum, axes: vec![0], batch: false }.into(), &[product]);
        graph.roots = vec![
            Root { kind: RootKind::Param(ParamId(0)), node: update },
            Root { kind: RootKind::Output(0), node: sum },
        ];
        let function = Function { name: "step".into(), inputs: Vec::new(), graph };
        let program = fuse(function).expect("an order");
        assert_eq!(crate::fuse::verify(&program), Ok(()));
    }
}
