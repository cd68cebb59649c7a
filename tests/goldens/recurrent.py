"""Recurrent layers, as Keras has them."""

import numpy as np
from keras import layers as k

from golden import ROWS, data
from keras_cases import constant, function, layer, tf

NAMES = ["y.weight", "y.recurrent_weight", "y.bias"]


def states(count):
    """The result and the final states as outputs y, s0, s1."""
    keys = ["y"] + [f"s{index}" for index in range(count)]
    return lambda made, *inputs: dict(zip(keys, made(inputs[0], initial_state=list(inputs[1:-1]) or None)))


def recurrent():
    x = data("recurrent x", (ROWS, 4, 2))
    h, c = data("recurrent h", (ROWS, 2)), data("recurrent c", (ROWS, 2))
    mask = np.array([[1, 1, 0, 1], [0, 1, 1, 0], [1, 1, 1, 1]], dtype=np.float64)

    def masked(made, x, m, training):
        return made(x, mask=tf.constant(mask.astype(bool)))

    for kind, keras, count in (("rnn", k.SimpleRNN, 1), ("lstm", k.LSTM, 2), ("gru", k.GRU, 1)):
        yield layer(kind, f"let y = x.{kind}(2);", keras(2), {"x": x}, NAMES)
        yield layer(f"{kind}_sequences", f"let y = x.{kind}(3, return_sequences = true);",
                    keras(3, return_sequences=True), {"x": x}, NAMES)
        yield layer(f"{kind}_length_1", f"let y = x.{kind}(2);", keras(2), {"x": x[:, :1]}, NAMES)
        # Keras returns sequences of a reversed layer in the order of computation; kiln leaves each at its step.
        yield layer(f"{kind}_reverse", f"let y = x.{kind}(2, reverse = true, return_sequences = true);",
                    keras(2, go_backwards=True, return_sequences=True), {"x": x}, NAMES,
                    call=lambda made, x, training: tf.reverse(made(x), [1]))
        finals = ", ".join(f"s{index}" for index in range(count))
        initial = "(h, c)" if count == 2 else "h"
        given = {"x": x, "h": h, "c": c} if count == 2 else {"x": x, "h": h}
        yield layer(f"{kind}_states", f"let (y, {finals}) = x.{kind}(2, initial_state = {initial}, return_state = true);",
                    keras(2, return_state=True), given, STATEFUL[kind], call=states(count))
        yield layer(f"{kind}_masked", f"let y = x.{kind}(2, mask = m, return_sequences = true);",
                    keras(2, return_sequences=True), {"x": x, "m": mask}, NAMES, kinds={"m": "target([4])"}, call=masked)
        yield layer(f"{kind}_bare", f"let y = x.{kind}(2, bias = false, activation = softsign);",
                    keras(2, use_bias=False, activation="softsign"), {"x": x}, NAMES[:2])
    yield layer("gru_reset_before", "let y = x.gru(2, reset_after = false);", k.GRU(2, reset_after=False), {"x": x}, NAMES)
    yield layer("lstm_hard", "let y = x.lstm(2, recurrent_activation = hard_sigmoid);",
                k.LSTM(2, recurrent_activation="hard_sigmoid"), {"x": x}, NAMES)
    yield layer("stacked", ["let h = x.lstm(3, return_sequences = true);", "let y = h.lstm(2);"],
                [k.LSTM(3, return_sequences=True), k.LSTM(2)], {"x": x},
                ["h.weight", "h.recurrent_weight", "h.bias", *NAMES])
    both = [f"y.{side}.{name}" for side in ("forward", "backward") for name in ("weight", "recurrent_weight", "bias")]
    for merge in ("concat", "sum", "mul", "ave"):
        yield layer(f"bidirectional_{merge}", f"let y = x.bidirectional(lstm(2, return_sequences = true), merge = {merge});",
                    k.Bidirectional(k.LSTM(2, return_sequences=True), merge_mode=merge), {"x": x}, both)
    yield layer("bidirectional", "let y = x.bidirectional(gru(2));", k.Bidirectional(k.GRU(2)), {"x": x}, both)
    yield layer("time_distributed", "let y = x.time_distributed(dense(3));", k.TimeDistributed(k.Dense(3)), {"x": x},
                ["y.weight", "y.bias"])

    def cell(x, w, u):
        state = tf.zeros([ROWS, 2], tf.float64)
        for step in range(4):
            state = 0.5 * state + tf.tanh(x[:, step] @ w + state @ u)
        return state

    yield function(
        "scan",
        ["let w = param([2, 2]);", "let u = param([2, 2]);",
         "let s = scan(x, h = zeros([2]), |x_t, h| 0.5 * h + tanh(matmul(x_t, w) + matmul(h, u)));", "let y = last(s);"],
        cell, {"x": x}, params={"w": data("scan w", (2, 2)), "u": data("scan u", (2, 2))})


# A layer without a `let` of its own has its kind for a name.
STATEFUL = {kind: [f"{kind}.{name}" for name in ("weight", "recurrent_weight", "bias")] for kind in ("rnn", "lstm", "gru")}


def cases():
    yield "recurrent", recurrent()
