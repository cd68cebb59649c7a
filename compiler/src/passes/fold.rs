//! Constants are computed at build time, and what is the same along an axis is computed once for the axis.
//!
//! Arithmetic on scalar constants is done in f64, whatever the dtype: one rounding in place of several. Pointwise
//! primitives move below `Broadcast`s: `exp(broadcast(x))` becomes `broadcast(exp(x))`, and where several operands
//! are broadcast, the smaller are first broadcast to the largest of them.

use super::rewrite::{At, Rewritten, walk};
use crate::ir::{DType, Graph, NodeId, Type};
use crate::ops::{Broadcast, Constant, Op, Scalar};

/// Folds constants and moves pointwise primitives below broadcasts.
///
/// # Errors
/// If a rule builds a node that does not fit: a bug of the rule.
pub fn fold(graph: &mut Graph) -> Result<bool, String> {
    walk(graph, rule)
}

fn rule(at: &mut At<'_>) -> Rewritten {
    if !is_arithmetic(at.op()) {
        return Ok(None);
    }
    match constant(at)? {
        None => hoist(at),
        folded => Ok(folded),
    }
}

/// An operation on scalar constants.
fn constant(at: &mut At<'_>) -> Rewritten {
    let mut values = Vec::with_capacity(2);
    for &input in at.inputs() {
        match at.graph.op(input) {
            Op::Constant(constant) => values.push(constant.value.0),
            _ => return Ok(None),
        }
    }
    let dtype = at.ty().dtype;
    // Only ordinary numbers: an infinity is left for the program to make, where it can be seen.
    match evaluate(at.op(), &values) {
        Some(value) if value.is_finite() && (dtype == DType::F64 || value.abs() <= f64::from(f32::MAX)) => {
            at.push(Constant { value: Scalar(value), dtype }, &[]).map(Some)
        }
        _ => Ok(None),
    }
}

/// An operation on broadcast operands.
fn hoist(at: &mut At<'_>) -> Rewritten {
    let mut sources = Vec::with_capacity(2);
    for &input in at.inputs() {
        match at.under(input, |op| matches!(op, Op::Broadcast(_))) {
            Some(source) => sources.push(source),
            None => return Ok(None),
        }
    }
    let covers = |wide: NodeId| sources.iter().all(|&source| fits(at.graph.ty(source), at.graph.ty(wide)));
    let Some(wide) = sources.iter().copied().find(|&wide| covers(wide)) else { return Ok(None) };
    let narrow = at.graph.ty(wide).clone();
    if narrow == *at.ty() {
        return Ok(None);
    }
    let mut operands = Vec::with_capacity(sources.len());
    for source in sources {
        operands.push(at.spread(source, &narrow)?);
    }
    let result = at.push_part(at.op().clone(), &operands)?;
    let Type { batched, dims, .. } = at.ty().clone();
    at.push(Broadcast { batched, dims }, &[result]).map(Some)
}

/// Whether a value of type `from` can be broadcast to `to`.
fn fits(from: &Type, to: &Type) -> bool {
    let pairs = from.dims.iter().rev().zip(to.dims.iter().rev());
    from.dims.len() <= to.dims.len()
        && (to.batched || !from.batched)
        && pairs.into_iter().all(|(from, to)| from == to || *from == 1)
}

/// Pointwise primitives from floats to floats. Booleans stay where they are: a `Broadcast` would store them.
fn is_arithmetic(op: &Op) -> bool {
    evaluate(op, &[1.0, 1.0]).is_some()
}

/// The value of an operation on numbers; `None` for what is no arithmetic.
fn evaluate(op: &Op, x: &[f64]) -> Option<f64> {
    let &first = x.first()?;
    let second = x.get(1).copied();
    Some(match op {
        Op::Add(_) => first + second?,
        Op::Sub(_) => first - second?,
        Op::Mul(_) => first * second?,
        Op::Div(_) => first / second?,
        Op::Maximum(_) => first.max(second?),
        Op::Minimum(_) => first.min(second?),
        Op::Pow(_) => first.powf(second?),
        Op::Neg(_) => -first,
        Op::Abs(_) => first.abs(),
        Op::Exp(_) => first.exp(),
        Op::Log(_) => first.ln(),
        Op::Log1p(_) => first.ln_1p(),
        Op::Sqrt(_) => first.sqrt(),
        Op::Tanh(_) => first.tanh(),
        Op::Sin(_) => first.sin(),
        Op::Cos(_) => first.cos(),
        Op::Sigmoid(_) => 1.0 / (1.0 + (-first).exp()),
        Op::Relu(_) => first.max(0.0),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::Build;
    use super::*;
    use crate::ops::{Add, Div, Exp, Log, Mul, Neg, Sqrt};

    #[test]
    fn constants_are_computed() {
        let mut build = Build::default();
        let (two, three) = (build.constant(2.0), build.constant(3.0));
        let sum = build.op(Add, &[two, three]);
        let negative = build.op(Neg, &[sum]);
        let square = build.op(Mul, &[negative, negative]);
        let root = build.op(Sqrt, &[square]);
        build.output(root);
        assert_eq!(build.after(fold), "%0 = constant {value=5.0} : f64[]\noutput 0 = %0\n");
    }

    #[test]
    fn infinities_are_left_to_the_program() {
        let mut build = Build::default();
        let (one, zero) = (build.constant(1.0), build.constant(0.0));
        let (quotient, log) = (build.op(Div, &[one, zero]), build.op(Log, &[zero]));
        build.output(quotient);
        build.output(log);
        assert_eq!(fold(&mut build.graph), Ok(false));
    }

    #[test]
    fn arithmetic_moves_below_broadcasts() {
        let mut build = Build::default();
        let bias = build.param(&[4]);
        let wide = build.broadcast(bias, true, &[3, 4]);
        let scale = build.splat(2.0, wide);
        let product = build.op(Mul, &[wide, scale]);
        let y = build.op(Exp, &[product]);
        build.output(y);
        assert_eq!(
            build.after(fold),
            "%0 = param {index=0} : f64[4]\n%1 = constant {value=2.0} : f64[]\n%2 = broadcast %1 : f64[4]\n\
             %3 = mul %0, %2 : f64[4]\n%4 = exp %3 : f64[4]\n%5 = broadcast %4 : f64[B, 3, 4]\noutput 0 = %5\n"
        );
    }

    #[test]
    fn shapes_that_cross_stay() {
        let mut build = Build::default();
        let (row, column) = (build.param(&[4]), build.param(&[3, 1]));
        let (a, b) = (build.broadcast(row, true, &[3, 4]), build.broadcast(column, true, &[3, 4]));
        let y = build.op(Add, &[a, b]);
        build.output(y);
        assert_eq!(fold(&mut build.graph), Ok(false));
    }
}
