//! A graph as text: what dumps show and snapshot tests hold.
//!
//! One line per value, operands first: what the first root needs, then what the next one adds, then what no root
//! needs. The body of a loop stands indented below it, numbered by itself. The numbers count lines, so the text depends on what is computed, not on the ids that passes left behind.

use std::collections::{HashMap, HashSet};
use std::fmt;

use super::{Graph, NodeId, RootKind};

impl Graph {
    /// The nodes in the order of the printed lines: `%3` is number 3. It ends on graphs with a cycle too: those are
    /// printed when the verifier refuses them.
    pub fn lines(&self) -> Vec<NodeId> {
        let mut order = Vec::with_capacity(self.len());
        let mut seen = HashSet::with_capacity(self.len());
        let roots = self.roots.iter().map(|root| root.node).filter(|&node| self.contains(node));
        for start in roots.chain(self.ids()) {
            // An explicit stack: networks are deeper than a thread's stack is.
            let mut stack = vec![(start, false)];
            while let Some((id, operands_done)) = stack.pop() {
                if operands_done {
                    order.push(id);
                } else if seen.insert(id) {
                    stack.push((id, true));
                    stack.extend(self.inputs(id).into_iter().rev().map(|input| (input, false)));
                }
            }
        }
        order
    }
}

impl fmt::Display for RootKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Output(number) => write!(f, "output {number}"),
            Self::Loss => write!(f, "loss"),
            Self::Param(param) => write!(f, "param {}", param.0),
            Self::State(param, slot) => write!(f, "state {}.{slot}", param.0),
            Self::Carry(state) => write!(f, "carry {state}"),
        }
    }
}

impl fmt::Display for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let order = self.lines();
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
            if let crate::ops::Op::Scan(scan) = &node.op {
                for line in scan.body.text().lines() {
                    writeln!(f, "    {line}")?;
                }
            }
        }
        for root in &self.roots {
            writeln!(f, "{} = {}", root.kind, number(root.node))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proc_macro2::Span;

    use super::super::{DType, Node, Root, Type};
    use super::*;
    use crate::infer;
    use crate::ops::{Exp, Input, Neg, ReduceKind, Sub};

    fn add(graph: &mut Graph, op: impl Into<crate::ops::Op>, inputs: &[NodeId]) -> NodeId {
        infer::add(graph, op, inputs, Span::call_site(), None).unwrap()
    }

    fn input(graph: &mut Graph) -> NodeId {
        add(graph, Input { index: 0, ty: Type::batched(DType::F32, [2]) }, &[])
    }

    #[test]
    fn the_text_does_not_depend_on_ids() {
        let mut straight = Graph::default();
        let x = input(&mut straight);
        let (a, b) = (add(&mut straight, Neg, &[x]), add(&mut straight, Exp, &[x]));
        let c = add(&mut straight, Sub, &[a, b]);
        straight.node_mut(c).name = Some("change".into());
        straight.roots.push(Root { kind: RootKind::Output(0), node: c });
        let mut crooked = Graph::default();
        let gone = input(&mut crooked);
        crooked.remove(gone);
        let x = input(&mut crooked);
        let (b, a) = (add(&mut crooked, Exp, &[x]), add(&mut crooked, Neg, &[x]));
        let c = add(&mut crooked, Sub, &[a, b]);
        crooked.node_mut(c).name = Some("change".into());
        crooked.roots.push(Root { kind: RootKind::Output(0), node: c });
        let text = "%0 = input {index=0} : f32[B, 2]\n%1 = neg %0 : f32[B, 2]\n%2 = exp %0 : f32[B, 2]\n\
                    %3 = sub %1, %2 : f32[B, 2]  # change\noutput 0 = %3\n";
        assert_eq!(straight.to_string(), text);
        assert_eq!(crooked.to_string(), text);
    }

    #[test]
    fn roots_and_settings() {
        let mut graph = Graph::default();
        let x = input(&mut graph);
        let sum = add(&mut graph, crate::ops::Reduce { kind: ReduceKind::Sum, axes: vec![0], batch: true }, &[x]);
        graph.roots.push(Root { kind: RootKind::Loss, node: sum });
        graph.roots.push(Root { kind: RootKind::Param(super::super::ParamId(1)), node: x });
        graph.roots.push(Root { kind: RootKind::State(super::super::ParamId(1), 0), node: x });
        assert_eq!(
            graph.to_string(),
            "%0 = input {index=0} : f32[B, 2]\n%1 = reduce %0 {kind=sum, axes=[0], batch=true} : f32[]\n\
             loss = %1\nparam 1 = %0\nstate 1.0 = %0\n"
        );
    }

    #[test]
    fn a_body_stands_below_its_loop() {
        let mut body = Graph::default();
        let x = add(&mut body, Input { index: 0, ty: Type::batched(DType::F32, []) }, &[]);
        let negative = add(&mut body, Neg, &[x]);
        body.roots.push(Root { kind: RootKind::Output(0), node: negative });
        let mut graph = Graph::default();
        let x = input(&mut graph);
        let body = crate::ops::Body::new(body);
        let scan = add(&mut graph, crate::ops::Scan { body, steps: 2, reverse: false, sequences: 1, states: 0 }, &[x]);
        let y = add(&mut graph, crate::ops::Take { index: 0, ty: Type::batched(DType::F32, [2]) }, &[scan]);
        graph.roots.push(Root { kind: RootKind::Output(0), node: y });
        assert_eq!(
            graph.to_string(),
            "%0 = input {index=0} : f32[B, 2]\n%1 = scan %0 {steps=2, reverse=false, sequences=1, states=0} : u8[0]\n    \
             %0 = input {index=0} : f32[B]\n    %1 = neg %0 : f32[B]\n    output 0 = %1\n\
             %2 = take %1 {index=0} : f32[B, 2]\noutput 0 = %2\n"
        );
    }

    #[test]
    fn broken_graphs_print_too() {
        let mut graph = Graph::default();
        let x = input(&mut graph);
        let a = add(&mut graph, Neg, &[x]);
        let b = add(&mut graph, Exp, &[a]);
        graph.roots.push(Root { kind: RootKind::Output(0), node: b });
        graph.set_input(a, 0, b);
        let ty = graph.ty(x).clone();
        graph.push(Node { op: Exp.into(), ty, span: Span::call_site(), name: None }, &[]);
        graph.remove(x);
        graph.roots.push(Root { kind: RootKind::Output(1), node: x });
        let text = graph.to_string();
        assert!(text.starts_with("%0 = neg %1 : f32[B, 2]\n%1 = exp %0 : f32[B, 2]\n"), "{text}");
        assert!(text.ends_with("output 1 = removed(%0)\n"), "{text}");
    }
}
