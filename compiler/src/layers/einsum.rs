//! `einsum`: sums of products by the names of axes.

use std::collections::BTreeMap;

use super::matmul;
use super::template::{Kind, Parameter, Template};
use super::{Arg, Bound, Builder};
use crate::ir::{NodeId, shape};
use crate::ops::{ReduceKind, Transpose};
use crate::resolve::{Eval, Value};

pub(super) const TEMPLATES: &[Template] = &[Template {
    name: "einsum",
    aliases: &[],
    docs: "The product of tensors, summed over every axis that the result does not name: `einsum(\"ij,jk->ik\", a, b)` \
           is a matrix product. A letter for each axis; the batch has none and stays, so NumPy's \"bij,bjk->bik\" is \
           written as that too. Without `->` the result has the letters that stand once, in the alphabet's order.",
    params: &[
        Parameter::required("equation", Kind::Text, "Letters for the axes of each tensor, and of the result."),
        Parameter::required("a", Kind::Tensors, "The tensors in their order."),
    ],
    layer: false,
    build,
}];

/// A tensor with a name for each axis.
struct Factor {
    node: NodeId,
    letters: Vec<char>,
}

fn build(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<Value> {
    let (Arg::Text(equation), Arg::Nodes(nodes)) = (args.get("equation"), args.get("a")) else {
        return b.missing(args, "equation");
    };
    let equation: String = equation.chars().filter(|letter| !letter.is_whitespace()).collect();
    let (left, right) = match equation.split_once("->") {
        Some((left, right)) => (left, Some(right)),
        None => (equation.as_str(), None),
    };
    if let Some(other) = left.chars().chain(right.unwrap_or_default().chars()).find(|c| !c.is_alphabetic() && *c != ',')
    {
        return b.fail_at(args, "equation", format!("an equation is of letters, `,` and `->`; `{other}` is none"));
    }
    let terms: Vec<Vec<char>> = left.split(',').map(|term| term.chars().collect()).collect();
    if terms.len() != nodes.len() {
        let message = format!("the equation names {} tensors, but {} are given", terms.len(), nodes.len());
        return b.fail_at(args, "equation", message);
    }
    let mut extents = BTreeMap::new();
    let mut factors = Vec::new();
    for (letters, &(node, span)) in terms.into_iter().zip(nodes) {
        let dims = b.dims(node);
        let term: String = letters.iter().collect();
        if letters.len() != dims.len() {
            let message = format!("`{term}` names {} axes, but the tensor is {}", letters.len(), shape(&dims));
            let help = "the batch is no axis: it has no letter".to_string();
            return b.shape_error(span, message, &[node], Some(help));
        }
        for (at, (&letter, &dim)) in letters.iter().zip(&dims).enumerate() {
            if letters.iter().take(at).any(|&other| other == letter) {
                return b.fail_at(args, "equation", format!("`{letter}` stands twice in `{term}`"));
            }
            let known = *extents.entry(letter).or_insert(dim);
            if known != dim {
                let message =
                    format!("`{letter}` is an axis of {known}, but of {dim} in `{term}`, which is {}", shape(&dims));
                return b.shape_error(span, message, &[node], None);
            }
        }
        factors.push(Factor { node, letters });
    }
    let result = result(b, args, right, &factors)?;
    contract(b, factors, &result, &extents).map(Value::Tensor)
}

/// The letters of the result.
fn result(b: &mut Builder<'_, '_>, args: &Bound, right: Option<&str>, factors: &[Factor]) -> Eval<Vec<char>> {
    let uses = |letter: char| factors.iter().filter(|factor| factor.letters.contains(&letter)).count();
    let Some(right) = right else {
        let mut once: Vec<char> = factors
            .iter()
            .flat_map(|factor| factor.letters.iter().copied())
            .filter(|&letter| uses(letter) == 1)
            .collect();
        once.sort_unstable();
        return Ok(once);
    };
    let letters: Vec<char> = right.chars().collect();
    for (at, &letter) in letters.iter().enumerate() {
        if uses(letter) == 0 {
            return b.fail_at(args, "equation", format!("no tensor has the result's axis `{letter}`"));
        }
        if letters.iter().take(at).any(|&other| other == letter) {
            return b.fail_at(args, "equation", format!("`{letter}` stands twice in the result"));
        }
    }
    Ok(letters)
}

/// From the left to the right, two at a time.
fn contract(
    b: &mut Builder<'_, '_>,
    factors: Vec<Factor>,
    result: &[char],
    extents: &BTreeMap<char, usize>,
) -> Eval<NodeId> {
    let mut rest = factors.into_iter();
    let Some(mut product) = rest.next() else { return b.fail("`einsum` needs a tensor") };
    loop {
        let needed =
            |letter: &char| result.contains(letter) || rest.as_slice().iter().any(|f| f.letters.contains(letter));
        product = summed(b, product, &needed)?;
        let Some(next) = rest.next() else { break };
        let needed =
            |letter: &char| result.contains(letter) || rest.as_slice().iter().any(|f| f.letters.contains(letter));
        let left = product.letters.clone();
        let next = summed(b, next, &|letter| needed(letter) || left.contains(letter))?;
        product = times(b, product, next, &needed, extents)?;
    }
    ordered(b, product, result)
}

/// Without the axes that nobody needs any more.
fn summed(b: &mut Builder<'_, '_>, factor: Factor, needed: &dyn Fn(&char) -> bool) -> Eval<Factor> {
    let axes: Vec<usize> =
        (0..factor.letters.len()).filter(|&at| !factor.letters.get(at).is_some_and(needed)).collect();
    let node = b.reduce(ReduceKind::Sum, factor.node, &axes, false)?;
    Ok(Factor { node, letters: factor.letters.into_iter().filter(needed).collect() })
}

/// The axes in another order.
fn ordered(b: &mut Builder<'_, '_>, factor: Factor, letters: &[char]) -> Eval<NodeId> {
    let perm: Vec<usize> =
        letters.iter().filter_map(|letter| factor.letters.iter().position(|other| other == letter)).collect();
    if perm.is_sorted() {
        return Ok(factor.node);
    }
    b.node(Transpose { perm }, &[factor.node])
}

/// The product of two: as matrices where there is something to sum over, else element by element.
fn times(
    b: &mut Builder<'_, '_>,
    left: Factor,
    right: Factor,
    needed: &dyn Fn(&char) -> bool,
    extents: &BTreeMap<char, usize>,
) -> Eval<Factor> {
    let (mut both, mut inner, mut rows) = (Vec::new(), Vec::new(), Vec::new());
    for &letter in &left.letters {
        match (right.letters.contains(&letter), needed(&letter)) {
            (true, true) => both.push(letter),
            (true, false) => inner.push(letter),
            (false, _) => rows.push(letter),
        }
    }
    let columns: Vec<char> = right.letters.iter().copied().filter(|letter| !left.letters.contains(letter)).collect();
    let dims = |letters: &[char]| -> Vec<usize> {
        letters.iter().map(|letter| extents.get(letter).copied().unwrap_or(1)).collect()
    };
    let count = |letters: &[char]| dims(letters).into_iter().product::<usize>();
    let left = ordered(b, left, &[both.as_slice(), &rows, &inner].concat())?;
    let letters = [both.as_slice(), &rows, &columns].concat();
    let whole: Vec<usize> = dims(&letters);
    let shared: Vec<usize> = dims(&both);
    let node = if inner.is_empty() {
        let right = ordered(b, right, &[both.as_slice(), &columns].concat())?;
        let left = b.reshape(left, &[shared.as_slice(), &dims(&rows), &vec![1; columns.len()]].concat())?;
        let right = b.reshape(right, &[shared.as_slice(), &vec![1; rows.len()], &dims(&columns)].concat())?;
        b.mul(left, right)?
    } else {
        let right = ordered(b, right, &[both.as_slice(), &inner, &columns].concat())?;
        let left = b.reshape(left, &[shared.as_slice(), &[count(&rows), count(&inner)]].concat())?;
        let right = b.reshape(right, &[shared.as_slice(), &[count(&inner), count(&columns)]].concat())?;
        let product = matmul::multiply(b, left, right)?;
        b.reshape(product, &whole)?
    };
    Ok(Factor { node, letters })
}
