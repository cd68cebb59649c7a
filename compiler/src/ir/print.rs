//! A graph as text: what dumps show and snapshot tests hold.
//!
//! One line per value, operands first: what the first root needs, then what the next one adds, then what no root
//! needs. The numbers count lines, so the text depends on what is computed, not on the ids that passes left behind.

use std::collections::{HashMap, HashSet};
use std::fmt;

use super::{Graph, NodeId, RootKind};

/// The lines' order. It ends on graphs with a cycle too: those are printed when the verifier refuses them.
fn order(graph: &Graph) -> Vec<NodeId> {
    let mut order = Vec::with_capacity(graph.len());
    let mut seen = HashSet::with_capacity(graph.len());
    let starts = graph.roots.iter().map(|root| root.node).filter(|&node| graph.contains(node)).chain(graph.ids());
    for start in starts {
        // An explicit stack: networks are deeper than a thread's stack is.
        let mut stack = vec![(start, false)];
        while let Some((id, operands_done)) = stack.pop() {
            if operands_done {
                order.push(id);
            } else if seen.insert(id) {
                stack.push((id, true));
                stack.extend(graph.inputs(id).into_iter().rev().map(|input| (input, false)));
            }
        }
    }
    order
}

impl fmt::Display for RootKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Output(number) => write!(f, "output {number}"),
            Self::Loss => write!(f, "loss"),
            Self::Param(param) => write!(f, "param {}", param.0),
            Self::State(param, slot) => write!(f, "state {}.{slot}", param.0),
        }
    }
}

impl fmt::Display for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let order = order(self);
        let numbers: HashMap<NodeId, usize> = order.iter().enumerate().map(|(line, &id)| (id, line)).collect();
        let number = |id: NodeId| numbers.get(&id).map_or_else(|| format!("removed({id})"), |line| format!("%{line}"));
        for (line, &id) in order.iter().enumerate() {
            let node = self.node(id);
            let rules = node.op.rules();
            write!(f, "%{line} = {}", rules.name())?;
            let inputs: Vec<String> = self.inputs(id).into_iter().map(number).collect();
            if !inputs.is_empty() {
                write!(f, " {}", inputs.join(", "))?;
            }
            let attributes: Vec<String> =
                rules.attributes().into_iter().map(|(key, value)| format!("{key}={value}")).collect();
            if !attributes.is_empty() {
                write!(f, " {{{}}}", attributes.join(", "))?;
            }
            write!(f, " : {}", node.ty)?;
            if let Some(name) = &node.name {
                write!(f, "  # {name}")?;
            }
            writeln!(f)?;
        }
        for root in &self.roots {
            writeln!(f, "{} = {}", root.kind, number(root.node))?;
        }
        Ok(())
    }
}
