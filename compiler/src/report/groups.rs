//! The groups of a graph: the calls in the source that its nodes come from.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::Group;
use crate::diag::location;
use crate::ir::{Graph, Network, NodeId, OriginId};

/// The groups that a program's nodes come from, parents before children, in the order of the source.
pub(super) struct Groups {
    /// All of them.
    pub(super) groups: Vec<Group>,
    of: BTreeMap<NodeId, usize>,
}

/// Where a node comes from: a call, or for what stands in none its line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Origin(OriginId),
    Line(Option<String>),
}

impl Groups {
    pub(super) fn of(network: &Network, graph: &Graph) -> Self {
        let found = origins(network, graph);
        let key = |node: NodeId| match found.get(&node) {
            Some(&origin) => Key::Origin(origin),
            None => Key::Line(location(graph.node(node).span)),
        };
        let keys: BTreeMap<NodeId, Key> = graph.ids().into_iter().map(|node| (node, key(node))).collect();
        let own: BTreeSet<&Key> = keys.values().collect();
        let tree = Tree::of(network, &own);
        let mut groups: Vec<Group> = Vec::new();
        let mut number: BTreeMap<Key, usize> = BTreeMap::new();
        for &origin in &tree.shown {
            let group = tree.group(network, origin, &number);
            number.insert(Key::Origin(origin), groups.len());
            // What was drawn together with it is found under its number, too.
            for &inner in tree.joined.get(&origin).into_iter().flatten() {
                number.insert(Key::Origin(inner), groups.len());
            }
            groups.push(group);
        }
        for key in own {
            if let Key::Line(line) = key {
                number.insert(key.clone(), groups.len());
                let title = line.clone().unwrap_or_else(|| "elsewhere".to_string());
                groups.push(Group { parent: None, title, layer: None, line: line.clone() });
            }
        }
        tell_apart(&mut groups);
        let of = keys.into_iter().map(|(node, key)| (node, number.get(&key).copied().unwrap_or_default())).collect();
        Self { groups, of }
    }

    /// The title of the outermost group around a node.
    pub(super) fn outermost(&self, node: NodeId) -> String {
        let mut group = self.groups.get(self.group(node));
        while let Some(parent) = group.and_then(|group| self.groups.get(group.parent?)) {
            group = Some(parent);
        }
        group.map(|group| group.title.clone()).unwrap_or_default()
    }

    /// The group of a node.
    pub(super) fn group(&self, node: NodeId) -> usize {
        self.of.get(&node).copied().unwrap_or_default()
    }
}

/// The calls that nodes come from. What a pass put in front of a value has its tokens but no name: it goes with the
/// nearest value of the same tokens.
fn origins(network: &Network, graph: &Graph) -> BTreeMap<NodeId, OriginId> {
    let place = |node: NodeId| {
        let span = graph.node(node).span;
        let start = span.start();
        (span.file(), start.line, start.column)
    };
    let named = |node: NodeId| {
        let origin = graph.node(node).name.as_ref().and_then(crate::ir::Name::origin);
        origin.filter(|origin| origin.0 < network.origins.len())
    };
    let mut found: BTreeMap<NodeId, OriginId> = BTreeMap::new();
    let mut by_place: BTreeMap<_, OriginId> = BTreeMap::new();
    for node in graph.ids() {
        if let Some(origin) = named(node) {
            found.insert(node, origin);
            by_place.entry(place(node)).or_insert(origin);
        }
    }
    let mut next: BTreeMap<NodeId, OriginId> = found.clone();
    while !next.is_empty() {
        let mut reached = BTreeMap::new();
        for (&node, &origin) in &next {
            let here = place(node);
            let around = graph.users(node).into_iter().chain(graph.inputs(node));
            for neighbour in around.filter(|&neighbour| place(neighbour) == here) {
                if !found.contains_key(&neighbour) {
                    reached.entry(neighbour).or_insert(origin);
                }
            }
        }
        found.extend(&reached);
        next = reached;
    }
    for node in graph.ids() {
        if let (None, Some(&origin)) = (found.get(&node), by_place.get(&place(node))) {
            found.insert(node, origin);
        }
    }
    found
}

/// The calls that have nodes, or calls with nodes inside them. A call of which all nodes stand in one call inside it is
/// drawn together with that one: `let logits = hidden.dense(10);` is one group.
struct Tree {
    shown: Vec<OriginId>,
    /// For each that is shown, those that are drawn together with it, from the outside in.
    joined: BTreeMap<OriginId, Vec<OriginId>>,
}

impl Tree {
    fn of(network: &Network, own: &BTreeSet<&Key>) -> Self {
        let mut children: BTreeMap<OriginId, BTreeSet<OriginId>> = BTreeMap::new();
        let mut needed: BTreeSet<OriginId> = BTreeSet::new();
        for key in own {
            let Key::Origin(mut origin) = **key else { continue };
            while needed.insert(origin) {
                let Some(parent) = network.origins.get(origin.0).and_then(|origin| origin.parent) else { break };
                children.entry(parent).or_default().insert(origin);
                origin = parent;
            }
        }
        // A parent is entered before its children: its number is lower.
        let mut joined: BTreeMap<OriginId, Vec<OriginId>> = BTreeMap::new();
        let mut inside: BTreeSet<OriginId> = BTreeSet::new();
        for &origin in &needed {
            if inside.contains(&origin) {
                continue;
            }
            let mut last = origin;
            while !own.contains(&Key::Origin(last))
                && let Some(only) = children.get(&last).filter(|children| children.len() == 1)
                && let Some(&only) = only.first()
            {
                joined.entry(origin).or_default().push(only);
                inside.insert(only);
                last = only;
            }
        }
        let shown = needed.into_iter().filter(|origin| !inside.contains(origin)).collect();
        Self { shown, joined }
    }

    fn group(&self, network: &Network, id: OriginId, number: &BTreeMap<Key, usize>) -> Group {
        let parts = [id].into_iter().chain(self.joined.get(&id).into_iter().flatten().copied());
        let parts: Vec<_> = parts.filter_map(|id| network.origins.get(id.0)).collect();
        let titles: Vec<&str> = parts.iter().map(|origin| origin.title.as_str()).collect();
        let layer = parts.iter().find_map(|origin| network.layers.get(origin.layer?)).map(|layer| layer.name.clone());
        let parent = parts.first().and_then(|origin| number.get(&Key::Origin(origin.parent?)).copied());
        let line = parts.last().and_then(|origin| location(origin.span));
        Group { parent, title: titles.join(" · "), layer, line }
    }
}

/// Numbers groups of one title that stand side by side: the rounds of a loop.
fn tell_apart(groups: &mut [Group]) {
    let mut count: BTreeMap<(Option<usize>, String), usize> = BTreeMap::new();
    for group in &*groups {
        *count.entry((group.parent, group.title.clone())).or_default() += 1;
    }
    let mut seen: BTreeMap<(Option<usize>, String), usize> = BTreeMap::new();
    for group in groups {
        let key = (group.parent, group.title.clone());
        if count.get(&key).is_some_and(|&count| count > 1) {
            let number = seen.entry(key).or_default();
            *number += 1;
            group.title = format!("{} #{number}", group.title);
        }
    }
}
