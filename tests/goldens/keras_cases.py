"""What Keras says, on TensorFlow in f64."""

import os

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

from golden import ROWS, Case, data, declare

keras.config.set_floatx("float64")
keras.config.set_epsilon(1e-7)


def constant(values):
    values = np.asarray(values)
    return tf.constant(values, dtype=tf.int32 if values.dtype.kind in "iu" else tf.float64)


def finish(case, inputs, watched, outputs, tape, loss, trained=True):
    """Writes outputs, and the gradients of `loss` by everything watched."""
    for key, value in outputs.items():
        case.write("output" if trained else "inferred", key, value.numpy())
    if loss is None:
        return
    case.write("value", "loss", loss.numpy())
    keys, tensors = zip(*watched.items())
    gradients = tape.gradient(loss, list(tensors), unconnected_gradients=tf.UnconnectedGradients.ZERO)
    for key, gradient in zip(keys, gradients):
        if isinstance(gradient, tf.IndexedSlices):
            gradient = tf.convert_to_tensor(gradient)
        case.write("grad", key, gradient.numpy())


def weighted(case, outputs):
    """A loss that gives each element of the outputs a gradient of its own."""
    total = 0.0
    terms = []
    for key, value in outputs.items():
        name = f"{key}_w"
        weights = data(case.name + name, tuple(value.shape))
        shape = ", ".join(str(extent) for extent in weights.shape[1:])
        case.text.append(f"let {name} = target([{shape}]);")
        case.write("input", name, weights)
        total = total + tf.reduce_mean(value * weights)
        terms.append(f"mean({key} * {name})")
    case.loss = " + ".join(terms)
    return total


def function(name, text, f, inputs, kinds=None, params=None, loss=None, grads=True):
    """A case of a function of tensors. `f` gets the inputs, then the parameters, and gives a dictionary of outputs, or
    the loss itself where `loss` is its expression."""
    kinds, params = kinds or {}, params or {}
    case = Case(name)
    case.text = [declare(key, values, kinds.get(key)) for key, values in inputs.items()]
    case.text += [text] if isinstance(text, str) else text
    tensors = {key: constant(values) for key, values in inputs.items()}
    values = {key: constant(values) for key, values in params.items()}
    for kind, arrays in (("input", inputs), ("param", params)):
        for key, array in arrays.items():
            case.write(kind, key, array)
    with tf.GradientTape() as tape:
        watched = {key: value for key, value in {**tensors, **values}.items() if value.dtype == tf.float64}
        watched = {key: value for key, value in watched.items() if key not in kinds}
        for value in watched.values():
            tape.watch(value)
        result = f(*tensors.values(), *values.values())
        if loss is not None:
            case.loss, outputs, total = loss, {}, result
        else:
            outputs = result if isinstance(result, dict) else {"y": result}
            total = weighted(case, outputs) if grads else None
    finish(case, inputs, watched, {k: tf.cast(v, tf.float64) for k, v in outputs.items()}, tape, total)
    return case


def layer(name, text, layers, inputs, names=(), kinds=None, call=None, training=True):
    """A case of one or several Keras layers in a row. `names`: kiln's names of the weights in Keras's order. A call that
    draws random numbers is compared outside of training only."""
    layers = layers if isinstance(layers, list) else [layers]
    kinds = kinds or {}
    case = Case(name)
    case.text = [declare(key, values, kinds.get(key)) for key, values in inputs.items()]
    case.text += [text] if isinstance(text, str) else text
    tensors = {key: constant(values) for key, values in inputs.items()}

    def forward(training):
        if call:
            result = call(*layers, *tensors.values(), training)
        else:
            result = list(tensors.values())
            for one in layers:
                result = one(*result, training=training) if takes_training(one) else one(*result)
                result = [result]
            result = result[0]
        return result if isinstance(result, dict) else {"y": result}

    forward(False)
    for one in layers:
        # Keras rounds this factor of attention to f32 on the way to f64.
        if hasattr(one, "_inverse_sqrt_key_dim"):
            one._inverse_sqrt_key_dim = np.float64(one._inverse_sqrt_key_dim)
    variables = [variable for one in layers for variable in one.weights if "seed" not in variable.path]
    assert len(variables) == len(names), (name, [(v.path, v.shape) for v in variables])
    for key, variable in zip(names, variables):
        low = 0.25 if "variance" in key else -1.0
        variable.assign(data(name + key, tuple(variable.shape), low=low))
    for key, array in inputs.items():
        case.write("input", key, array)
    fixed = [(k, v) for k, v in zip(names, variables) if not v.trainable]
    for key, variable in zip(names, variables):
        case.write("param", key, variable.numpy())
    if fixed or not training:
        for key, value in forward(False).items():
            case.write("inferred", key, value.numpy())
    if not training:
        return case
    with tf.GradientTape() as tape:
        watched = {key: value for key, value in tensors.items() if value.dtype == tf.float64 and key not in kinds}
        for value in watched.values():
            tape.watch(value)
        outputs = forward(True)
        total = weighted(case, outputs)
    watched.update({key: variable.value for key, variable in zip(names, variables) if variable.trainable})
    finish(case, inputs, watched, outputs, tape, total)
    for key, variable in fixed:
        case.write("after", key, variable.numpy())
    return case


def takes_training(one):
    import inspect

    return "training" in inspect.signature(one.call).parameters


STEPS = 3


def exact(optimizer):
    """Its settings in f64: Keras turns Python's numbers into f32 on the way to f64."""
    for setting in ("beta_1", "beta_2"):
        if hasattr(optimizer, setting):
            setattr(optimizer, setting, np.float64(getattr(optimizer, setting)))
    return optimizer


def optimizer(name, text, make, shape=(3, 4), steps=STEPS, tweak=None):
    """Steps of an optimiser on mean((x·w + b - t)²)."""
    case = Case(name)
    x, t = data("optimizer x", (ROWS, shape[0])), data("optimizer t", (ROWS, shape[1]))
    weight, bias = data("optimizer w", shape), data("optimizer b", (shape[1],))
    case.text = [declare("x", x), f"let t = target([{shape[1]}]);", f"let y = {tweak or f'x.dense({shape[1]})'};"]
    case.loss, case.optimizer = "mse(y, t)", text
    for kind, key, values in (("input", "x", x), ("input", "t", t), ("param", "y.weight", weight), ("param", "y.bias", bias)):
        case.write(kind, key, values)
    variables = [keras.Variable(weight, dtype="float64"), keras.Variable(bias, dtype="float64")]
    chosen = exact(make())
    losses = []
    for _ in range(steps):
        with tf.GradientTape() as tape:
            y = tf.matmul(constant(x), variables[0].value) + variables[1].value
            loss = tf.reduce_mean((y - t) ** 2)
        losses.append(float(loss))
        chosen.apply(tape.gradient(loss, [v.value for v in variables]), variables)
    case.write("value", "losses", losses)
    for key, variable in zip(("y.weight", "y.bias"), variables):
        case.write("after", key, variable.numpy())
    return case
