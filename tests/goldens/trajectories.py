"""Losses of 100 Adam steps of small networks. Weights and data are a formula that the test computes, too."""

import numpy as np
from keras import layers as k
from keras import losses, optimizers

from golden import Case
from keras_cases import tf

BATCH, BATCHES, STEPS, CLASSES = 8, 4, 100, 4


def wave(count, salt):
    """Numbers from -1 to 1 in no visible order."""
    index = np.arange(count, dtype=np.float64)
    return np.sin(index * index * 0.618 + index * 0.37 + salt)


NETWORKS = {
    "mlp": ((12,), [k.Dense(16, activation="relu"), k.Dense(CLASSES)]),
    "cnn": (
        (8, 8, 1),
        [k.Conv2D(4, 3, activation="relu"), k.MaxPooling2D(2), k.Conv2D(6, 2, activation="relu"), k.Flatten(),
         k.Dense(CLASSES)],
    ),
    "lstm": ((5, 4), [k.LSTM(6, return_sequences=True), k.LSTM(6), k.Dense(CLASSES)]),
}


def trajectory(name, shape, layers):
    rows = BATCH * BATCHES
    x = wave(rows * int(np.prod(shape)), 0.5).reshape(rows, *shape)
    labels = np.array([row * row // 3 % CLASSES for row in range(rows)])
    value = tf.constant(x[:BATCH])
    for layer in layers:
        value = layer(value)
    variables = [variable for layer in layers for variable in layer.trainable_variables]
    for index, variable in enumerate(variables):
        variable.assign(0.4 * wave(int(np.prod(variable.shape)), index + 1.0).reshape(variable.shape))
    cross_entropy = losses.SparseCategoricalCrossentropy(from_logits=True)
    adam = optimizers.Adam(0.01)
    history = []
    for step in range(STEPS):
        part = slice(step % BATCHES * BATCH, (step % BATCHES + 1) * BATCH)
        with tf.GradientTape() as tape:
            value = tf.constant(x[part])
            for layer in layers:
                value = layer(value)
            loss = cross_entropy(labels[part], value)
        history.append(float(loss))
        adam.apply(tape.gradient(loss, [variable.value for variable in variables]), variables)
    case = Case(name)
    case.write("value", "losses", history)
    print(name, history[0], history[-1])
    return case


def cases():
    yield "trajectories", (trajectory(name, *network) for name, network in NETWORKS.items())
