//! What recurrent layers have in common: weights, initial states, masks, and the loop itself.

use super::super::dropout::{drop_by, drop_where, noise};
use super::super::{Arg, Bound, Builder};
use crate::ir::{NodeId, Type, shape};
use crate::ops::{CompareKind, MatMul, Slice};
use crate::resolve::{Eval, Results, Step, Value};

/// One call of such a layer.
pub(super) struct Layer {
    x: NodeId,
    pub(super) units: usize,
    /// [in, gates · units]
    pub(super) weight: NodeId,
    /// [units, gates · units]
    pub(super) recurrent: NodeId,
    /// The states before the first step.
    initial: Vec<NodeId>,
    /// For each step, whether it counts.
    mask: Option<NodeId>,
    /// Random numbers in the state's shape, and the share to drop.
    recurrent_dropout: Option<(f64, NodeId)>,
}

impl Layer {
    pub(super) fn new(b: &mut Builder<'_, '_>, args: &Bound, gates: usize, states: usize) -> Eval<Self> {
        let (x, units) = (b.tensor(args, "x")?, b.size(args, "units")?);
        let features = features(b, args, x)?;
        let wide = units.saturating_mul(gates);
        b.fits(args, "units", &[features.max(units), wide])?;
        let initial = initial(b, args, units, states)?;
        let mask = mask(b, args, x)?;
        let (init, recurrent_init) = (b.init(args, "init")?, b.init(args, "recurrent_init")?);
        let weight = b.param("weight", &[features, wide], init)?;
        let recurrent = b.param("recurrent_weight", &[units, wide], recurrent_init)?;
        let ty = b.ty(x);
        let rate = b.number(args, "dropout")?;
        let x = drop_by(b, rate, x, ty.with_dims([features]))?;
        let rate = b.number(args, "recurrent_dropout")?;
        let recurrent_dropout = match rate == 0.0 {
            true => None,
            false => Some((rate, noise(b, ty.with_dims([units]))?)),
        };
        Ok(Self { x, units, weight, recurrent, initial, mask, recurrent_dropout })
    }

    /// The state as the recurrent weight sees it.
    pub(super) fn dropped(&self, b: &mut Builder<'_, '_>, h: NodeId) -> Eval<NodeId> {
        match self.recurrent_dropout {
            Some((rate, random)) => drop_where(b, rate, h, random),
            None => Ok(h),
        }
    }

    /// A part of the units in the last axis.
    pub(super) fn gate(&self, b: &mut Builder<'_, '_>, x: NodeId, from: usize, gates: usize) -> Eval<NodeId> {
        let dims = b.dims(x);
        let (mut starts, mut ends) = (vec![0; dims.len()], dims.clone());
        if let (Some(start), Some(end)) = (starts.last_mut(), ends.last_mut()) {
            (*start, *end) = (from * self.units, (from + gates) * self.units);
        }
        b.node(Slice { starts, ends, steps: vec![1; dims.len()] }, &[x])
    }

    /// Runs the loop. `cell` makes the next states of a step's input and the states.
    pub(super) fn run(
        &self,
        b: &mut Builder<'_, '_>,
        args: &Bound,
        cell: impl FnOnce(&mut Builder<'_, '_>, NodeId, &[NodeId]) -> Eval<Vec<NodeId>>,
    ) -> Eval<Value> {
        let reverse = b.flag(args, "reverse")?;
        let mut sequences = vec![self.x];
        sequences.extend(self.mask);
        let mut states = self.initial.clone();
        // As in Keras, what a masked first step gives is 0, whatever the state starts with.
        let zero = b.flag(args, "zero_output_for_mask")? && b.flag(args, "return_sequences")?;
        let output = !zero && self.mask.is_some() && matches!(args.get("initial_state"), Arg::Nodes(_));
        if output {
            states.push(zeros(b, self.units)?);
        }
        let results = b.scan(&sequences, &states, reverse, |b, inputs, states| {
            let [x, masks @ ..] = inputs else { return b.resolver.bug(b.span, "a loop has no input") };
            let mut next = cell(b, *x, states)?;
            if output {
                next.extend(next.first().copied());
            }
            let mut emitted = Vec::new();
            if let [mask] = masks {
                for (next, &state) in next.iter_mut().zip(states) {
                    let mask = b.like(*mask, state)?;
                    let counts = b.compare(CompareKind::Ne, mask, 0.0)?;
                    let new = b.like(*next, state)?;
                    *next = b.select(counts, new, state)?;
                    if zero && emitted.is_empty() {
                        let none = b.number_like(0.0, state)?;
                        emitted.push(b.select(counts, new, none)?);
                    }
                }
            }
            Ok(Step { next, emitted })
        })?;
        self.results(b, args, results, output)
    }

    /// What the layer gives, of the loop's results.
    fn results(&self, b: &mut Builder<'_, '_>, args: &Bound, results: Results, output: bool) -> Eval<Value> {
        let states = if output { results.states.last() } else { results.states.first() };
        let shown = results.emitted.first().or(states);
        let Some(&shown) = shown else { return b.resolver.bug(b.span, "a loop has no state") };
        let value = match b.flag(args, "return_sequences")? {
            true => shown,
            false => b.resolver.last_step(shown, b.span)?,
        };
        if !b.flag(args, "return_state")? {
            return Ok(Value::Tensor(value));
        }
        let mut values = vec![Value::Tensor(value)];
        for &state in results.states.iter().take(self.initial.len()) {
            values.push(Value::Tensor(b.resolver.last_step(state, b.span)?));
        }
        Ok(Value::Tuple(values))
    }
}

/// The features of a sequence's steps.
fn features(b: &mut Builder<'_, '_>, args: &Bound, x: NodeId) -> Eval<usize> {
    let dims = b.dims(x);
    if let [_, features] = dims.as_slice() {
        return Ok(*features);
    }
    let message = format!("`{}` needs a sequence [steps, features], and this is {}", args.template(), shape(&dims));
    let help = match dims.split_first() {
        Some((steps, [])) => Some(format!("reshape([{steps}, 1]) makes one feature of it")),
        Some((steps, _)) => Some(format!("reshape([{steps}, -1]) makes one axis of the features")),
        None => None,
    };
    b.shape_error(b.span, message, &[x], help)
}

fn zeros(b: &mut Builder<'_, '_>, units: usize) -> Eval<NodeId> {
    let ty = Type::fixed(b.resolver.net.dtype, [units]);
    b.resolver.filled(0.0, &ty, b.span)
}

/// The states before the first step.
fn initial(b: &mut Builder<'_, '_>, args: &Bound, units: usize, states: usize) -> Eval<Vec<NodeId>> {
    let Arg::Nodes(nodes) = args.get("initial_state") else {
        return (0..states).map(|_| zeros(b, units)).collect();
    };
    if nodes.len() != states {
        let count = if states == 1 { "one state".to_string() } else { format!("{states} states") };
        let message = format!("`{}` has {count}, and `initial_state` gives {}", args.template(), nodes.len());
        return b.fail_at(args, "initial_state", message);
    }
    for &(node, span) in nodes {
        let dims = b.dims(node);
        if dims != [units] {
            let message = format!("a state of `{}` is [{units}], and this is {}", args.template(), shape(&dims));
            return b.shape_error(span, message, &[node], None);
        }
    }
    Ok(nodes.iter().map(|&(node, _)| node).collect())
}

/// Which steps count.
fn mask(b: &mut Builder<'_, '_>, args: &Bound, x: NodeId) -> Eval<Option<NodeId>> {
    let Some(mask) = b.optional_tensor(args, "mask")? else { return Ok(None) };
    let (dims, steps) = (b.dims(mask), b.dims(x));
    if !matches!((dims.as_slice(), steps.as_slice()), ([mask], [steps, _]) if mask == steps) {
        let steps = shape(steps.get(..1).unwrap_or_default());
        let message = format!("the mask of these steps is {steps}, and this is {}", shape(&dims));
        return b.shape_error(args.span("mask"), message, &[mask, x], None);
    }
    Ok(Some(mask))
}

/// `x·weight`
pub(super) fn product(b: &mut Builder<'_, '_>, x: NodeId, weight: NodeId) -> Eval<NodeId> {
    b.node(MatMul { transpose: false }, &[x, weight])
}

/// `x + bias`, if there is one.
pub(super) fn biased(b: &mut Builder<'_, '_>, x: NodeId, bias: Option<NodeId>) -> Eval<NodeId> {
    match bias {
        Some(bias) => b.add(x, bias),
        None => Ok(x),
    }
}
