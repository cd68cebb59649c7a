//! Recurrent layers: `rnn`, `lstm`, `gru`. Each is a loop over the steps of a sequence, and nothing more.

mod layer;

use super::template::{Fallback, Kind, Parameter, Template};
use super::{Bound, Builder};
use crate::ir::Init;
use crate::ops::Slice;
use crate::resolve::{Eval, Value};
use layer::{Layer, biased, product};

const SEQUENCE: Parameter = Parameter::required("x", Kind::Tensor, "The sequence [steps, features].");
const UNITS: Parameter = Parameter::required("units", Kind::Size, "The extent of a state.");
const ACTIVATION: Parameter =
    Parameter::optional("activation", Kind::Function, Fallback::Word("tanh"), "What becomes of the new values.");
const GATES: Parameter = Parameter::optional(
    "recurrent_activation",
    Kind::Function,
    Fallback::Word("sigmoid"),
    "What becomes of the gates.",
);
const RETURN_SEQUENCES: Parameter = Parameter::optional(
    "return_sequences",
    Kind::Flag,
    Fallback::Flag(false),
    "Whether it gives the state after each step, [steps, units], or only the last.",
);
const RETURN_STATE: Parameter = Parameter::optional(
    "return_state",
    Kind::Flag,
    Fallback::Flag(false),
    "Whether it gives a tuple: what it gives otherwise, then each final state.",
);
const REVERSE: Parameter = Parameter::optional(
    "reverse",
    Kind::Flag,
    Fallback::Flag(false),
    "Whether the last step comes first. Each state still stands at its own step.",
)
.known_as(&["go_backwards"]);
const INITIAL: Parameter = Parameter::optional(
    "initial_state",
    Kind::Tensors,
    Fallback::Absent,
    "What the states start with: a value, or for `lstm` a tuple (h, c); zeros if left out.",
);
const MASK: Parameter = Parameter::optional(
    "mask",
    Kind::Tensor,
    Fallback::Absent,
    "One number or comparison for each step: where it is 0, the states stay as they are.",
);
const ZERO_MASKED: Parameter = Parameter::optional(
    "zero_output_for_mask",
    Kind::Flag,
    Fallback::Flag(false),
    "Whether masked steps of a returned sequence give 0, not the state before; `bidirectional` sets it.",
);
const BIAS: Parameter =
    Parameter::optional("bias", Kind::Flag, Fallback::Flag(true), "Whether a bias is added.").known_as(&["use_bias"]);
const INIT: Parameter =
    Parameter::optional("init", Kind::Init, Fallback::Word("glorot_uniform"), "How the weight starts.")
        .known_as(&["kernel_initializer"]);
const RECURRENT_INIT: Parameter =
    Parameter::optional("recurrent_init", Kind::Init, Fallback::Word("orthogonal"), "How the recurrent weight starts.")
        .known_as(&["recurrent_initializer"]);
const BIAS_INIT: Parameter =
    Parameter::optional("bias_init", Kind::Init, Fallback::Word("zeros"), "How the bias starts.")
        .known_as(&["bias_initializer"]);
const DROPOUT: Parameter = Parameter::optional(
    "dropout",
    Kind::Rate,
    Fallback::Float(0.0),
    "The share of the features that training drops, the same ones in all steps (Gal and Ghahramani, 2016).",
);
const RECURRENT_DROPOUT: Parameter = Parameter::optional(
    "recurrent_dropout",
    Kind::Rate,
    Fallback::Float(0.0),
    "The share of the state that training drops where it meets the recurrent weight, the same in all steps.",
);

pub(super) const TEMPLATES: &[Template] = &[
    Template {
        name: "rnn",
        aliases: &["simple_rnn"],
        docs: "A fully connected recurrence: h = activation(x·weight + h·recurrent_weight + bias); weight [in, units], \
               recurrent_weight [units, units], as Keras's SimpleRNN.",
        params: &[
            SEQUENCE,
            UNITS,
            ACTIVATION,
            RETURN_SEQUENCES,
            RETURN_STATE,
            REVERSE,
            INITIAL,
            MASK,
            ZERO_MASKED,
            BIAS,
            INIT,
            RECURRENT_INIT,
            BIAS_INIT,
            DROPOUT,
            RECURRENT_DROPOUT,
        ],
        layer: true,
        build: rnn,
    },
    Template {
        name: "lstm",
        aliases: &[],
        docs: "Long short-term memory (Hochreiter and Schmidhuber, 1997): c = f·c + i·activation(g), h = \
               o·activation(c), with the gates i, f, g, o in this order in the last axis of weight [in, 4 units], \
               recurrent_weight [units, 4 units] and bias [4 units], as Keras's LSTM.",
        params: &[
            SEQUENCE,
            UNITS,
            ACTIVATION,
            GATES,
            RETURN_SEQUENCES,
            RETURN_STATE,
            REVERSE,
            INITIAL,
            MASK,
            ZERO_MASKED,
            BIAS,
            Parameter::optional(
                "unit_forget_bias",
                Kind::Flag,
                Fallback::Flag(true),
                "Whether the forget gate's bias starts with 1 (Jozefowicz et al., 2015).",
            ),
            INIT,
            RECURRENT_INIT,
            BIAS_INIT,
            DROPOUT,
            RECURRENT_DROPOUT,
        ],
        layer: true,
        build: lstm,
    },
    Template {
        name: "gru",
        aliases: &[],
        docs: "Gated recurrent units (Cho et al., 2014): h = z·h + (1 - z)·activation(g), with the gates z, r and the \
               new value g in this order in the last axis of weight [in, 3 units] and recurrent_weight [units, 3 \
               units]; bias [2, 3 units], for the one and the other, as Keras's GRU.",
        params: &[
            SEQUENCE,
            UNITS,
            ACTIVATION,
            GATES,
            RETURN_SEQUENCES,
            RETURN_STATE,
            REVERSE,
            INITIAL,
            MASK,
            ZERO_MASKED,
            BIAS,
            Parameter::optional(
                "reset_after",
                Kind::Flag,
                Fallback::Flag(true),
                "Whether r multiplies the product with the state, or the state before it; then bias is [3 units].",
            ),
            INIT,
            RECURRENT_INIT,
            BIAS_INIT,
            DROPOUT,
            RECURRENT_DROPOUT,
        ],
        layer: true,
        build: gru,
    },
];

fn rnn(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<Value> {
    let layer = Layer::new(b, args, 1, 1)?;
    let bias = match b.flag(args, "bias")? {
        true => {
            let init = b.init(args, "bias_init")?;
            Some(b.param("bias", &[layer.units], init)?)
        }
        false => None,
    };
    layer.run(b, args, |b, x, states| {
        let &[h, ..] = states else { return b.resolver.bug(b.span, "a loop has no state") };
        let seen = layer.dropped(b, h)?;
        let (new, old) = (product(b, x, layer.weight)?, product(b, seen, layer.recurrent)?);
        let sum = b.add(new, old)?;
        let sum = biased(b, sum, bias)?;
        Ok(vec![b.activate(args, "activation", sum)?])
    })
}

fn lstm(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<Value> {
    let layer = Layer::new(b, args, 4, 2)?;
    let bias = match b.flag(args, "bias")? {
        true => {
            let init = forget(b, args)?;
            Some(b.param("bias", &[4 * layer.units], init)?)
        }
        false => None,
    };
    layer.run(b, args, |b, x, states| {
        let &[h, c, ..] = states else { return b.resolver.bug(b.span, "a loop has no state") };
        let seen = layer.dropped(b, h)?;
        let (new, old) = (product(b, x, layer.weight)?, product(b, seen, layer.recurrent)?);
        let sum = b.add(new, old)?;
        let sum = biased(b, sum, bias)?;
        let gate = |b: &mut Builder<'_, '_>, place: usize, activation: &str| {
            let part = layer.gate(b, sum, place, 1)?;
            b.activate(args, activation, part)
        };
        let input = gate(b, 0, "recurrent_activation")?;
        let forget = gate(b, 1, "recurrent_activation")?;
        let new = gate(b, 2, "activation")?;
        let output = gate(b, 3, "recurrent_activation")?;
        let (kept, added) = (b.mul(forget, c)?, b.mul(input, new)?);
        let c = b.add(kept, added)?;
        let shown = b.activate(args, "activation", c)?;
        Ok(vec![b.mul(output, shown)?, c])
    })
}

/// How an LSTM's bias starts.
fn forget(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<Init> {
    let init = b.init(args, "bias_init")?;
    if !b.flag(args, "unit_forget_bias")? {
        return Ok(init);
    }
    match init {
        Init::Zeros => Ok(Init::ForgetGate(0.0)),
        Init::Ones => Ok(Init::Ones),
        Init::Constant(value) => Ok(Init::ForgetGate(value)),
        _ => {
            let message = "the forget gate's bias starts with 1, so the others are to be one number";
            let help = "write `unit_forget_bias = false` to start all gates alike";
            b.fail_help(args.span("bias_init"), message.to_string(), help)
        }
    }
}

fn gru(b: &mut Builder<'_, '_>, args: &Bound) -> Eval<Value> {
    let layer = Layer::new(b, args, 3, 1)?;
    let (units, after) = (layer.units, b.flag(args, "reset_after")?);
    let (mut bias, mut recurrent_bias) = (None, None);
    if b.flag(args, "bias")? {
        let init = b.init(args, "bias_init")?;
        if after {
            let both = b.param("bias", &[2, 3 * units], init)?;
            let row = |b: &mut Builder<'_, '_>, row: usize| {
                let op = Slice { starts: vec![row, 0], ends: vec![row + 1, 3 * units], steps: vec![1, 1] };
                let part = b.node(op, &[both])?;
                b.reshape(part, &[3 * units])
            };
            (bias, recurrent_bias) = (Some(row(b, 0)?), Some(row(b, 1)?));
        } else {
            bias = Some(b.param("bias", &[3 * units], init)?);
        }
    }
    let (gates, candidate) = match after {
        true => (layer.recurrent, None),
        false => {
            let gates = layer.gate(b, layer.recurrent, 0, 2)?;
            (gates, Some(layer.gate(b, layer.recurrent, 2, 1)?))
        }
    };
    layer.run(b, args, |b, x, states| {
        let &[h, ..] = states else { return b.resolver.bug(b.span, "a loop has no state") };
        let seen = layer.dropped(b, h)?;
        let new = product(b, x, layer.weight)?;
        let new = biased(b, new, bias)?;
        let old = product(b, seen, gates)?;
        let old = biased(b, old, recurrent_bias)?;
        let gate = |b: &mut Builder<'_, '_>, place: usize| {
            let (new, old) = (layer.gate(b, new, place, 1)?, layer.gate(b, old, place, 1)?);
            let sum = b.add(new, old)?;
            b.activate(args, "recurrent_activation", sum)
        };
        let (update, reset) = (gate(b, 0)?, gate(b, 1)?);
        let old = match candidate {
            None => {
                let old = layer.gate(b, old, 2, 1)?;
                b.mul(reset, old)?
            }
            Some(weight) => {
                let kept = b.mul(reset, seen)?;
                product(b, kept, weight)?
            }
        };
        let new = layer.gate(b, new, 2, 1)?;
        let sum = b.add(new, old)?;
        let new = b.activate(args, "activation", sum)?;
        let kept = b.mul(update, h)?;
        let rest = b.number_minus(1.0, update)?;
        let added = b.mul(rest, new)?;
        Ok(vec![b.add(kept, added)?])
    })
}
