//! Identities of arithmetic. See the head of `passes` for what they may assume of floating point.

use crate::ops::{Abs, Add, CompareKind, Div, Mul, Neg, Op, Sub};
use crate::passes::rewrite::{At, Rewritten};

/// Constants whose products neither overflow nor vanish in f32: their product may be taken early.
const ORDINARY: std::ops::Range<f64> = 1e-12..1e12;

pub(super) fn add(at: &mut At<'_>) -> Rewritten {
    let (a, b) = at.two()?;
    if at.constant(b) == Some(0.0) {
        return Ok(Some(a));
    }
    if at.constant(a).is_some() && at.constant(b).is_none() {
        return at.push(Add, &[b, a]).map(Some);
    }
    if let Some(b) = negated(at, b) {
        return at.push(Sub, &[a, b]).map(Some);
    }
    if let Some(a) = negated(at, a) {
        return at.push(Sub, &[b, a]).map(Some);
    }
    Ok(None)
}

pub(super) fn sub(at: &mut At<'_>) -> Rewritten {
    let (a, b) = at.two()?;
    if at.constant(b) == Some(0.0) {
        return Ok(Some(a));
    }
    if at.constant(a) == Some(0.0) {
        return at.push(Neg, &[b]).map(Some);
    }
    if let Some(b) = negated(at, b) {
        return at.push(Add, &[a, b]).map(Some);
    }
    Ok(None)
}

pub(super) fn mul(at: &mut At<'_>) -> Rewritten {
    let (a, b) = at.two()?;
    let Some(factor) = at.constant(b) else {
        if at.constant(a).is_some() {
            return at.push(Mul, &[b, a]).map(Some);
        }
        return match (negated(at, a), negated(at, b)) {
            (Some(a), Some(b)) => at.push(Mul, &[a, b]).map(Some),
            _ => Ok(None),
        };
    };
    if factor == 1.0 {
        return Ok(Some(a));
    }
    if factor == -1.0 {
        return at.push(Neg, &[a]).map(Some);
    }
    if let Some(a) = negated(at, a) {
        let negative = at.splat(-factor, &at.ty().clone())?;
        return at.push(Mul, &[a, negative]).map(Some);
    }
    if matches!(at.graph.op(a), Op::Mul(_))
        && let [inner, other] = at.graph.inputs(a)[..]
        && let Some(first) = at.constant(other)
        && [first, factor, first * factor].iter().all(|value| ORDINARY.contains(&value.abs()))
    {
        let product = at.splat(first * factor, &at.ty().clone())?;
        return at.push(Mul, &[inner, product]).map(Some);
    }
    Ok(None)
}

pub(super) fn div(at: &mut At<'_>) -> Rewritten {
    let (a, b) = at.two()?;
    let Some(divisor) = at.constant(b) else { return Ok(None) };
    if divisor == 1.0 {
        return Ok(Some(a));
    }
    if divisor == -1.0 {
        return at.push(Neg, &[a]).map(Some);
    }
    // Exact, for a power of two whose reciprocal is one too, in f32 as in f64.
    let power_of_two = divisor.to_bits() & ((1 << 52) - 1) == 0;
    if power_of_two && (f64::powi(2.0, -100)..=f64::powi(2.0, 100)).contains(&divisor.abs()) {
        let reciprocal = at.splat(1.0 / divisor, &at.ty().clone())?;
        return at.push(Mul, &[a, reciprocal]).map(Some);
    }
    Ok(None)
}

pub(super) fn pow(at: &mut At<'_>) -> Rewritten {
    let (a, b) = at.two()?;
    let Some(exponent) = at.constant(b) else { return Ok(None) };
    let ty = at.ty().clone();
    if exponent == 0.0 {
        // Even NaN to the power of 0 is 1 (IEEE 754-2019, 9.2.1).
        at.splat(1.0, &ty).map(Some)
    } else if exponent == 1.0 {
        Ok(Some(a))
    } else if exponent == 2.0 {
        at.push(Mul, &[a, a]).map(Some)
    } else if exponent == -1.0 {
        let one = at.splat(1.0, &ty)?;
        at.push(Div, &[one, a]).map(Some)
    } else {
        Ok(None)
    }
}

pub(super) fn neg(at: &mut At<'_>) -> Rewritten {
    let a = at.one()?;
    if let Some(a) = negated(at, a) {
        return Ok(Some(a));
    }
    // Where others read the difference too, a negation is cheaper than a second one.
    if matches!(at.graph.op(a), Op::Sub(_)) && at.only_user(a) {
        let mut swapped = at.graph.inputs(a);
        swapped.reverse();
        return at.push(Sub, &swapped).map(Some);
    }
    Ok(None)
}

pub(super) fn abs(at: &mut At<'_>) -> Rewritten {
    let a = at.one()?;
    if matches!(at.graph.op(a), Op::Abs(_)) {
        return Ok(Some(a));
    }
    match negated(at, a) {
        Some(a) => at.push(Abs, &[a]).map(Some),
        None => Ok(None),
    }
}

pub(super) fn relu(at: &mut At<'_>) -> Rewritten {
    let a = at.one()?;
    Ok(matches!(at.graph.op(a), Op::Relu(_)).then_some(a))
}

/// `Maximum` and `Minimum` of a value with itself.
pub(super) fn extremum(at: &mut At<'_>) -> Rewritten {
    let (a, b) = at.two()?;
    Ok((a == b).then_some(a))
}

pub(super) fn select(at: &mut At<'_>) -> Rewritten {
    let (condition, a, b) = at.three()?;
    if a == b {
        return Ok(Some(a));
    }
    if let Op::Compare(compare) = at.graph.op(condition)
        && let [x, y] = at.graph.inputs(condition)[..]
        && let (Some(x), Some(y)) = (at.constant(x), at.constant(y))
    {
        let holds = match compare.kind {
            CompareKind::Lt => x < y,
            CompareKind::Le => x <= y,
            CompareKind::Gt => x > y,
            CompareKind::Ge => x >= y,
            CompareKind::Eq => x == y,
            CompareKind::Ne => x != y,
        };
        return Ok(Some(if holds { a } else { b }));
    }
    Ok(None)
}

fn negated(at: &At<'_>, id: crate::ir::NodeId) -> Option<crate::ir::NodeId> {
    at.under(id, |op| matches!(op, Op::Neg(_)))
}
