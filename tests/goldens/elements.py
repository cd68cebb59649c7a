"""Activations and functions of tensors."""

import keras
import numpy as np
from keras import activations as act
from keras import ops

from golden import ROWS, data
from keras_cases import function, layer, tf

# Both sides of every kink, the kinks themselves where Keras has the same gradient, and where exponentials overflow.
POINTS = np.array([[-40.0, -3.5, -1.25, -0.25], [0.125, 0.75, 1.5, 2.5], [4.5, 7.0, 40.0, -0.0625]])


def activations():
    for name, text, f in [
        ("relu", "x.relu()", act.relu),
        ("sigmoid", "x.sigmoid()", act.sigmoid),
        ("tanh", "x.tanh()", act.tanh),
        ("leaky_relu", "x.leaky_relu()", keras.layers.LeakyReLU()),
        ("leaky_relu_slope", "x.leaky_relu(slope = 0.1)", keras.layers.LeakyReLU(negative_slope=0.1)),
        ("elu", "x.elu()", act.elu),
        ("elu_alpha", "x.elu(alpha = 0.5)", lambda x: act.elu(x, 0.5)),
        ("selu", "x.selu()", act.selu),
        ("softsign", "x.softsign()", act.softsign),
        ("hard_sigmoid", "x.hard_sigmoid()", act.hard_sigmoid),
        ("hard_silu", "x.hard_silu()", act.hard_silu),
        ("relu6", "x.relu6()", act.relu6),
        ("mish", "x.mish()", act.mish),
        ("log_sigmoid", "x.log_sigmoid()", act.log_sigmoid),
        ("softplus", "x.softplus()", act.softplus),
        ("silu", "x.silu()", act.silu),
        ("gelu", "x.gelu()", lambda x: act.gelu(x, approximate=False)),
        ("gelu_approximate", "x.gelu(approximate = true)", lambda x: act.gelu(x, approximate=True)),
        ("linear", "x.linear()", act.linear),
        ("celu", "x.celu(alpha = 0.5)", lambda x: act.celu(x, 0.5)),
        ("glu", "x.glu()", act.glu),
        ("hard_tanh", "x.hard_tanh()", act.hard_tanh),
        ("tanh_shrink", "x.tanh_shrink()", act.tanh_shrink),
        ("hard_shrink", "x.hard_shrink()", act.hard_shrink),
        ("soft_shrink", "x.soft_shrink()", act.soft_shrink),
        ("sparse_plus", "x.sparse_plus()", act.sparse_plus),
        ("squareplus", "x.squareplus()", act.squareplus),
        ("threshold", "x.threshold(1.0, 0.25)", lambda x: act.threshold(x, 1.0, 0.25)),
        ("softmax", "x.softmax()", act.softmax),
        ("log_softmax", "x.log_softmax()", act.log_softmax),
    ]:
        yield function(name, f"let y = {text};", f, {"x": POINTS})
    # Kinks: both frameworks and kiln say 0 here.
    zeros = np.array([[0.0, 1.0, -1.0, 0.0]] * ROWS)
    yield function("relu_at_0", "let y = x.relu();", act.relu, {"x": zeros})
    yield function("relu6_at_ends", "let y = x.relu6();", act.relu6, {"x": zeros * 6.0})
    large = np.array([[1000.0, 0.0, -1000.0], [700.0, 700.0, 700.0], [-800.0, -801.0, -802.0]])
    yield function("softmax_far_out", "let y = x.softmax();", act.softmax, {"x": large})
    yield function("log_softmax_far_out", "let y = x.log_softmax();", act.log_softmax, {"x": large})
    x = data("softmax x", (ROWS, 3, 2))
    yield function("softmax_axis", "let y = x.softmax(axis = 0);", lambda x: ops.softmax(x, axis=1), {"x": x})
    yield function("log_softmax_axis", "let y = x.log_softmax(axis = 0);", lambda x: ops.log_softmax(x, axis=1), {"x": x})
    yield function("softmax_one_class", "let y = x.softmax();", act.softmax, {"x": x[:, :, :1]})
    yield layer("prelu", "let y = x.prelu();", keras.layers.PReLU(), {"x": x}, ["y.alpha"])
    yield layer("prelu_shared", "let y = x.prelu(shared_axes = 0);", keras.layers.PReLU(shared_axes=[1]), {"x": x},
                ["y.alpha"])


def elements():
    x = data("elements x", (ROWS, 4), -2.0, 2.0)
    positive = data("elements positive", (ROWS, 4), 0.125, 3.0)
    other = data("elements other", (ROWS, 4), 0.25, 2.0)
    for name, text, f, inputs in [
        ("exp", "exp(a)", tf.exp, [x]),
        ("log", "log(a)", tf.math.log, [positive]),
        ("sqrt", "sqrt(a)", tf.sqrt, [positive]),
        ("abs", "abs(a)", tf.abs, [x]),
        ("square", "square(a)", tf.square, [x]),
        ("exponential", "exponential(a)", act.exponential, [x]),
        ("log1p", "log1p(a)", tf.math.log1p, [positive]),
        ("reciprocal", "reciprocal(a)", tf.math.reciprocal, [positive]),
        ("sign", "sign(a) * b", lambda a, b: tf.sign(a) * b, [x, other]),
        ("stop_gradient", "stop_gradient(a) * b", lambda a, b: tf.stop_gradient(a) * b, [x, other]),
        ("erf", "erf(a)", tf.math.erf, [x]),
        ("sin", "sin(a)", tf.sin, [x]),
        ("cos", "cos(a)", tf.cos, [x]),
        ("maximum", "maximum(a, b)", tf.maximum, [x, other]),
        ("minimum", "minimum(a, b)", tf.minimum, [x, other]),
        ("maximum_number", "maximum(a, 0.3)", lambda a: tf.maximum(a, tf.constant(0.3, tf.float64)), [x]),
        ("pow", "pow(a, b)", tf.pow, [positive, other]),
        ("pow_number", "pow(a, 3.0)", lambda a: a**3, [x]),
        ("clip", "clip(a, -0.6, 0.7)", lambda a: ops.clip(a, -0.6, 0.7), [x]),
        ("select", "select(a > b, a * b, b)", lambda a, b: tf.where(a > b, a * b, b), [x, other]),
        ("operators", "(a - b) / (b + 2.0) * -a", lambda a, b: (a - b) / (b + 2.0) * -a, [x, other]),
        ("comparisons", "select(a <= b, 1.0, 0.0) + select(a == a, a, b)",
         lambda a, b: tf.where(a <= b, tf.ones_like(a), tf.zeros_like(a)) + a, [x, other]),
    ]:
        yield function(name, f"let y = {text};", f, dict(zip("ab", inputs)))
    row = data("broadcast row", (ROWS, 1, 3))
    column = data("broadcast column", (ROWS, 2, 1))
    yield function("broadcasting", "let y = a * b + a / (b + 3.0);", lambda a, b: a * b + a / (b + 3.0),
                   {"a": row, "b": column})


def reductions():
    x = data("reductions x", (ROWS, 2, 3))
    for name, f in [
        ("sum", ops.sum), ("mean", ops.mean), ("max", ops.max), ("min", ops.min), ("prod", ops.prod), ("var", ops.var),
        ("std", ops.std), ("logsumexp", ops.logsumexp),
    ]:
        def three(x, f=f):
            return {"p": f(x, axis=2), "q": f(x, axis=1, keepdims=True), "r": f(x, axis=(1, 2), keepdims=True)}

        text = [f"let p = x.{name}(axis = -1);", f"let q = x.{name}(axis = 0, keepdims = true);",
                f"let r = x.{name}(axis = (0, 1), keepdims = true);"]
        yield function(name, text, three, {"x": x})
    yield function("max_of_ties", "let y = x.max(axis = 0, keepdims = true);", lambda x: ops.max(x, axis=1, keepdims=True),
                   {"x": np.ones((ROWS, 1, 3)) * np.arange(ROWS)[:, None, None]})


def tensors():
    a, b = data("tensors a", (ROWS, 2, 3)), data("tensors b", (ROWS, 3, 2))
    yield function("matmul_batched", "let y = a.matmul(b);", tf.matmul, {"a": a, "b": b})
    yield function("matmul_parameter", ["let w = param([3, 4]);", "let y = a.matmul(w);"],
                   lambda a, w: tf.einsum("bij,jk->bik", a, w), {"a": a}, params={"w": data("matmul w", (3, 4))})
    yield function("slice", "let y = a.slice([0, 1], [2, 3]);", lambda a: a[:, 0:2, 1:3], {"a": a})
    yield function("slice_steps", "let y = a.slice([0, 0], [2, 3], steps = [1, 2]);", lambda a: a[:, :, ::2], {"a": a})
    yield function("index", ["let p = a[0];", "let q = a[.., -1];", "let r = a[.., 1..3];"],
                   lambda a: {"p": a[:, 0], "q": a[:, :, -1], "r": a[:, :, 1:3]}, {"a": a})
    yield function("pad", "let y = a.pad([1, 0], high = [0, 2]);", lambda a: tf.pad(a, [[0, 0], [1, 0], [0, 2]]), {"a": a})
    yield function("stack", "let y = stack([a, a * a], axis = 1);", lambda a: tf.stack([a, a * a], axis=2), {"a": a})
    yield function("repeat", ["let p = a.repeat(2, axis = 0);", "let q = a.repeat(3);"],
                   lambda a: {"p": tf.repeat(a, 2, axis=1), "q": tf.repeat(tf.reshape(a, [ROWS, -1]), 3, axis=1)}, {"a": a})
    yield function("split", ["let (p, q, r) = split(b, 3);"],
                   lambda b: dict(zip("pqr", tf.split(b, 3, axis=1))), {"b": b})
    yield function("cumsum", ["let p = a.cumsum(axis = 0);", "let q = a.cumsum(axis = 1);", "let r = a.cumsum();"],
                   lambda a: {"p": tf.cumsum(a, 1), "q": tf.cumsum(a, 2), "r": tf.cumsum(tf.reshape(a, [ROWS, -1]), 1)},
                   {"a": a})
    index = np.array([2, 0, 3])
    yield function("one_hot", "let y = one_hot(c) * a[0, 0];",
                   lambda c, a: tf.one_hot(c, 4, dtype=tf.float64) * a[:, 0, 0][:, None], {"c": index, "a": a[:, :1, :1]},
                   kinds={"c": "class(4)"})
    yield function("gather", "let y = stack([gather(b, c), gather(b, c)]) * b;",
                   lambda c, b: tf.gather(b, c, batch_dims=1)[:, None] * b, {"c": np.array([1, 0, 1]), "b": b[:, 0]},
                   kinds={"c": "class(2)"})
    yield function("take", "let y = take(b, c, axis = 0);", lambda c, b: tf.gather(b, c, axis=1, batch_dims=1),
                   {"c": np.array([[2, 0], [1, 1], [0, 2]]), "b": b}, kinds={"c": "tokens([2], 3)"})
    yield function("tile", "let y = a.tile([2, 1]);", lambda a: tf.tile(a, [1, 2, 1]), {"a": a})
    yield function("einsum", 'let y = einsum("ij,jk->ki", a, b);', lambda a, b: tf.einsum("bij,bjk->bki", a, b),
                   {"a": a, "b": b})
    yield function("flip", ["let p = a.flip(axis = 0);", "let q = a.flip(axis = 1);"],
                   lambda a: {"p": tf.reverse(a, [1]), "q": tf.reverse(a, [2])}, {"a": a})
    yield function("roll", "let y = a.roll(1, axis = 1);", lambda a: tf.roll(a, 1, 2), {"a": a})
    words = np.array([[1, 4], [0, 1], [3, 3]])
    yield function("argmax_last", "let y = one_hot(argmax(a), 3) * a + one_hot(argmin(a, axis = -1), 3) * (a * a);",
                   lambda a: tf.one_hot(tf.argmax(a, -1), 3, dtype=tf.float64) * a
                   + tf.one_hot(tf.argmin(a, -1), 3, dtype=tf.float64) * (a * a), {"a": data("argmax a", (ROWS, 2, 3))})
    yield function("one_hot_tokens", "let y = one_hot(c) * a;",
                   lambda c, a: tf.one_hot(c, 5, dtype=tf.float64) * a, {"c": words, "a": data("tokens a", (ROWS, 2, 1))},
                   kinds={"c": "tokens([2], 5)"})
    yield function("fills", ["let w = param([3]);", "let y = a * w + zeros([3]) - ones([3]) + full([3], 0.25);"],
                   lambda a, w: a * w - 0.75, {"a": a}, params={"w": data("fills w", (3,))})


def cases():
    for family in (activations, elements, reductions, tensors):
        yield family.__name__, family()
