//! Common subexpressions: what is computed twice is computed once.
//!
//! Two nodes are the same if primitive, settings and operands are; `Add` and `Mul` may have
//! theirs swapped, which gives the same number. Random numbers are counter-based: equal streams are equal
//! numbers and are joined, different streams are different settings and are not.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::rewrite::adopt;
use crate::ir::{Graph, NodeId};
use crate::ops::Op;

/// Joins equal nodes; the first one stays.
///
/// # Errors
/// None; the signature is every pass's.
// The order that a loop's body remembers takes no part in its hash, which is that of its text.
#[allow(clippy::mutable_key_type)]
pub fn cse(graph: &mut Graph) -> Result<bool, String> {
    let order = graph.topological();
    let mut known: HashMap<(Op, Vec<NodeId>), NodeId> = HashMap::with_capacity(order.len());
    let mut changed = false;
    for id in order {
        let op = graph.op(id).clone();
        let mut inputs = graph.inputs(id);
        if matches!(op, Op::Add(_) | Op::Mul(_)) {
            inputs.sort_unstable();
        }
        match known.entry((op, inputs)) {
            Entry::Vacant(entry) => {
                entry.insert(id);
            }
            Entry::Occupied(entry) => {
                let first = *entry.get();
                adopt(graph, first, id);
                graph.replace(id, first);
                graph.remove(id);
                changed = true;
            }
        }
    }
    Ok(changed)
}

#[cfg(test)]
mod tests {
    use super::super::testing::Build;
    use super::*;
    use crate::ir::{DType, Type};
    use crate::ops::{Add, Div, Exp, Random, Sub};

    #[test]
    fn equal_nodes_are_joined() {
        let mut build = Build::default();
        let (x, y) = (build.input(&[3]), build.input(&[3]));
        let (a, b) = (build.op(Exp, &[x]), build.op(Exp, &[x]));
        let (c, d) = (build.op(Add, &[a, y]), build.op(Add, &[y, b]));
        let z = build.op(Div, &[c, d]);
        build.name(b, "e");
        build.output(z);
        assert_eq!(
            build.after(cse),
            "%0 = input {index=0} : f64[B, 3]\n%1 = exp %0 : f64[B, 3]  # e\n%2 = input {index=1} : f64[B, 3]\n\
             %3 = add %1, %2 : f64[B, 3]\n%4 = div %3, %3 : f64[B, 3]\noutput 0 = %4\n"
        );
    }

    #[test]
    fn what_differs_stays() {
        let mut build = Build::default();
        let (x, y) = (build.input(&[3]), build.input(&[3]));
        let (a, b) = (build.op(Sub, &[x, y]), build.op(Sub, &[y, x]));
        let sum = build.op(Add, &[a, b]);
        build.output(sum);
        for stream in [0, 1] {
            let random = build.op(Random { stream, ty: Type::batched(DType::F64, [3]) }, &[]);
            build.output(random);
        }
        assert_eq!(cse(&mut build.graph), Ok(false));
    }

    #[test]
    fn one_stream_is_drawn_once() {
        let mut build = Build::default();
        let random = Random { stream: 4, ty: Type::batched(DType::F64, [3]) };
        let (a, b) = (build.op(random.clone(), &[]), build.op(random, &[]));
        let z = build.op(Div, &[a, b]);
        build.output(z);
        build.after(cse);
        assert_eq!(cse(&mut build.graph), Ok(true));
        assert_eq!(build.graph.len(), 2);
    }
}
