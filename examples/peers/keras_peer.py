"""The workloads in Keras on TensorFlow: as a graph, or through XLA. Keras's layers have no pre-norm block."""

import os

from common import Arguments

arguments = Arguments(["graph", "xla"])
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import keras
import tensorflow as tf
from keras import layers as k

tf.config.threading.set_intra_op_parallelism_threads(arguments.threads)
tf.config.threading.set_inter_op_parallelism_threads(1)
keras.utils.set_random_seed(0)

networks = {
    "mlp": lambda: [keras.Input((784,)), k.Dense(512, "relu"), k.Dense(512, "relu"), k.Dense(10)],
    "cnn": lambda: [keras.Input((28, 28, 1)), k.Conv2D(32, 3, activation="relu"), k.MaxPooling2D(),
                    k.Conv2D(64, 3, activation="relu"), k.MaxPooling2D(), k.Flatten(), k.Dense(128, "relu"),
                    k.Dense(10)],
    "lstm": lambda: [keras.Input((10, 10)), k.LSTM(128, return_sequences=True), k.LSTM(128), k.Dense(10)],
    "autoencoder": lambda: [keras.Input((784,)), k.Dense(32, "relu"), k.Dense(784)],
}
if arguments.network not in networks:
    arguments.unknown(f"keras-{arguments.mode}")
model = keras.Sequential(networks[arguments.network]())
x, y = map(tf.constant, arguments.data())
if arguments.network == "autoencoder":
    y, loss = x, keras.losses.BinaryCrossentropy(from_logits=True)
else:
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
optimizer = keras.optimizers.Adam(1e-3)
optimizer.build(model.trainable_variables)


@tf.function(jit_compile=arguments.mode == "xla")
def train():
    with tf.GradientTape() as tape:
        value = loss(y, model(x, training=True))
    gradients = tape.gradient(value, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables))
    return value


@tf.function(jit_compile=arguments.mode == "xla")
def infer():
    return model(x, training=False)


call = infer if arguments.infers else train
arguments.measure(f"keras-{arguments.mode}", lambda: call().numpy())
