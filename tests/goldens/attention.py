"""Embeddings, positions and attention, as Keras has them."""

import numpy as np
from keras import layers as k

from golden import ROWS, data
from keras_cases import function, layer, tf

WORDS = np.array([[1, 4, 1], [0, 1, 0], [3, 3, 2]])
PARTS = ("query", "key", "value", "output")


def attention():
    kinds = {"c": "tokens([3], 5)"}
    yield layer("embedding", "let y = c.embedding(2);", k.Embedding(5, 2), {"c": WORDS}, ["y.weight"], kinds=kinds)
    x = data("attention x", (ROWS, 3, 4))
    yield function("mask", "let y = a * mask(c)[0];",
                   lambda c, a: a * tf.cast(c != 0, tf.float64)[:, :1], {"c": WORDS, "a": x[:, 0]}, kinds=kinds)
    yield function("positional_embedding", "let y = x.positional_embedding();", lambda x, w: x + w, {"x": x},
                   params={"y.weight": data("positions", (3, 4))})
    names = [f"y.{part}_{leaf}" for part in PARTS for leaf in ("weight", "bias")]
    other = data("attention context", (ROWS, 2, 3))
    seen = np.array([[1.0, 0.0, 1.0], [1.0, 1.0, 1.0], [0.0, 0.0, 1.0]])

    def own(made, x, training):
        return made(x, x)

    yield layer("attention", "let y = x.attention(2);", k.MultiHeadAttention(2, 2), {"x": x}, names, call=own)
    yield layer("attention_causal", "let y = x.attention(2, key_dim = 3, value_dim = 1, causal = true);",
                k.MultiHeadAttention(2, 3, value_dim=1), {"x": x}, names,
                call=lambda made, x, training: made(x, x, use_causal_mask=True))
    yield layer("attention_cross", "let y = x.attention(1, key_dim = 2, context = o, units = 3, bias = false);",
                k.MultiHeadAttention(1, 2, use_bias=False, output_shape=3), {"x": x, "o": other}, names[::2],
                call=lambda made, x, o, training: made(x, o))
    yield layer("attention_masked", "let y = x.attention(2, mask = m);", k.MultiHeadAttention(2, 2), {"x": x, "m": seen},
                names, kinds={"m": "target([3])"},
                call=lambda made, x, m, training: made(x, x, attention_mask=tf.constant(seen.astype(bool))[:, None, :]))
    yield layer("attention_length_1", "let y = x.attention(2);", k.MultiHeadAttention(2, 2), {"x": x[:, :1]}, names, call=own)


def cases():
    yield "attention", attention()
