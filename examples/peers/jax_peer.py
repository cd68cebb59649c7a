"""The workloads in JAX with optax, each step one jitted function that is given its buffers back."""

import os

from common import Arguments

arguments = Arguments(["jit"])
os.environ["JAX_PLATFORMS"] = "cpu"
several = "true" if arguments.threads > 1 else "false"
os.environ["XLA_FLAGS"] = (
    f"--xla_cpu_multi_thread_eigen={several} intra_op_parallelism_threads={arguments.threads}"
)
# Its pools have a thread for each processor that they see.
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: arguments.threads])

import jax
import jax.numpy as jnp
import optax

keys = iter(jax.random.split(jax.random.key(0), 64))
relu, sigmoid = jax.nn.relu, jax.nn.sigmoid


def uniform(shape, fan):
    return jax.random.uniform(next(keys), shape, minval=-(fan**-0.5), maxval=fan**-0.5)


def dense(fan_in, fan_out):
    return uniform((fan_in, fan_out), fan_in), jnp.zeros(fan_out)


def convolution(channels, filters):
    return uniform((3, 3, channels, filters), 9 * channels), jnp.zeros(filters)


def cell(features, units):
    return uniform((features, 4 * units), features), uniform((units, 4 * units), units), jnp.zeros(4 * units)


def norm(width=128):
    return jnp.ones(width), jnp.zeros(width)


def block(width=128):
    return {"norms": (norm(), norm()), "attention": (dense(width, 3 * width), dense(width, width)),
            "mlp": (dense(width, 4 * width), dense(4 * width, width))}


def transformer():
    return {"vectors": uniform((65, 128), 65), "positions": uniform((64, 128), 128),
            "blocks": [block() for _ in range(4)], "norm": norm(), "last": dense(128, 65)}


networks = {
    "mlp": lambda: [dense(784, 512), dense(512, 512), dense(512, 10)],
    "cnn": lambda: [convolution(1, 32), convolution(32, 64), dense(1600, 128), dense(128, 10)],
    "lstm": lambda: [cell(10, 128), cell(128, 128), dense(128, 10)],
    "autoencoder": lambda: [dense(784, 32), dense(32, 784)],
    "transformer": transformer,
}


def linear(x, layer):
    return x @ layer[0] + layer[1]


def lstm(layer, xs):
    weight, recurrent, bias = layer
    zeros = jnp.zeros((xs.shape[1], recurrent.shape[0]))

    def step(carry, x):
        h, c = carry
        i, f, g, o = jnp.split(x @ weight + h @ recurrent + bias, 4, -1)
        c = sigmoid(f) * c + sigmoid(i) * jnp.tanh(g)
        h = sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    return jax.lax.scan(step, (zeros, zeros), xs, unroll=10)[1]


def layer_norm(x, scale):
    mean = x.mean(-1, keepdims=True)
    variance = ((x - mean) ** 2).mean(-1, keepdims=True)
    return (x - mean) * jax.lax.rsqrt(variance + 1e-5) * scale[0] + scale[1]


def attend(x, layers, heads=4):
    rows, steps, width = x.shape
    parts = jnp.split(linear(x, layers[0]), 3, -1)
    q, k, v = (part.reshape(rows, steps, heads, width // heads) for part in parts)
    return linear(jax.nn.dot_product_attention(q, k, v, is_causal=True).reshape(rows, steps, width), layers[1])


def model(params, x):
    if arguments.network == "transformer":
        x = params["vectors"][x] + params["positions"]
        for layers in params["blocks"]:
            x = x + attend(layer_norm(x, layers["norms"][0]), layers["attention"])
            hidden = jax.nn.gelu(linear(layer_norm(x, layers["norms"][1]), layers["mlp"][0]))
            x = x + linear(hidden, layers["mlp"][1])
        return linear(layer_norm(x, params["norm"]), params["last"])
    if arguments.network == "cnn":
        for weight, bias in params[:2]:
            axes = ("NHWC", "HWIO", "NHWC")
            x = relu(jax.lax.conv_general_dilated(x, weight, (1, 1), "VALID", dimension_numbers=axes) + bias)
            x = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
        x, params = x.reshape(x.shape[0], -1), params[2:]
    if arguments.network == "lstm":
        x, params = lstm(params[1], lstm(params[0], x.transpose(1, 0, 2)))[-1], params[2:]
    for layer in params[:-1]:
        x = relu(linear(x, layer))
    return linear(x, params[-1])


def loss(params, x, y):
    logits = model(params, x)
    if arguments.network == "autoencoder":
        return optax.sigmoid_binary_cross_entropy(logits, x).mean()
    return optax.softmax_cross_entropy_with_integer_labels(logits, y).mean()


if arguments.network not in networks:
    arguments.unknown("jax")
x, y = map(jnp.asarray, arguments.data())
params, optimizer = networks[arguments.network](), optax.adam(1e-3)
state = params, optimizer.init(params)


def update(params, slots, x, y):
    changes, slots = optimizer.update(jax.grad(loss)(params, x, y), slots, params)
    return optax.apply_updates(params, changes), slots


train_step = jax.jit(update, donate_argnums=(0, 1))
forward = jax.jit(model)


def train():
    global state
    state = jax.block_until_ready(train_step(*state, x, y))


def infer():
    forward(params, x).block_until_ready()


arguments.measure("jax", infer if arguments.infers else train)
