"""Losses, as Keras has them: the mean over rows and steps."""

import keras
import numpy as np
from keras import losses as k

from golden import ROWS, data, rng
from keras_cases import function, tf


def loss(name, text, made, x, target, kind, weight=None, prepare=None):
    inputs, kinds = {"x": x, "t": target}, {"t": kind}
    if weight is not None:
        inputs["w"], kinds["w"] = weight, "weight()"

    def f(x, t, w=None):
        return made(t, prepare(x) if prepare else x, sample_weight=w)

    return function(name, [], f, inputs, kinds=kinds, loss=text)


def losses():
    x = data("losses x", (ROWS, 4), -2.0, 2.0)
    steps = data("losses steps", (ROWS, 2, 4), -2.0, 2.0)
    dense = data("losses target", (ROWS, 4), -2.0, 2.0)
    share = np.abs(data("losses share", (ROWS, 4), 0.125, 1.0))
    share = np.round(share / share.sum(-1, keepdims=True) * 256) / 256
    bits = rng("bits").integers(0, 2, size=(ROWS, 4)).astype(float)
    signs = 2.0 * bits - 1.0
    weight = data("losses weight", (ROWS,), 0.25, 2.0)
    index, indices = np.array([3, 0, 2]), np.array([[0, 3], [1, 1], [2, 0]])
    target, of = "target([4])", k
    softmax = lambda x: tf.nn.softmax(x)
    rows = [
        ("mse", "mse(x, t)", of.MeanSquaredError(), x, dense, target, {}),
        ("mse_weighted", "mse(x, t, weight = w)", of.MeanSquaredError(), x, dense, target, {"weight": weight}),
        ("mae", "mae(x, t)", of.MeanAbsoluteError(), x, dense, target, {}),
        ("mae_weighted", "mae(x, t, weight = w)", of.MeanAbsoluteError(), x, dense, target, {"weight": weight}),
        ("huber", "huber(x, t)", of.Huber(), x, dense, target, {}),
        ("huber_delta", "huber(x, t, delta = 0.25, weight = w)", of.Huber(0.25), x, dense, target, {"weight": weight}),
        ("log_cosh", "log_cosh(x, t, weight = w)", of.LogCosh(), x, dense, target, {"weight": weight}),
        ("mape", "mape(x, t)", of.MeanAbsolutePercentageError(), x, dense, target, {}),
        ("msle", "msle(x, t)", of.MeanSquaredLogarithmicError(), np.abs(x) + 0.25, np.abs(dense), target, {}),
        ("poisson", "poisson(x, t, weight = w)", of.Poisson(), np.abs(x) + 0.25, np.abs(dense), target, {"weight": weight}),
        ("categorical_hinge", "categorical_hinge(x, t)", of.CategoricalHinge(), x, np.eye(4)[index], target, {}),
        ("hinge", "hinge(x, t)", of.Hinge(), x, signs, target, {}),
        ("hinge_bits", "hinge(x, t, weight = w)", of.Hinge(), x, bits, target, {"weight": weight}),
        ("squared_hinge", "squared_hinge(x, t)", of.SquaredHinge(), x, signs, target, {}),
        ("kl_divergence", "kl_divergence(softmax(x), t)", of.KLDivergence(), x, share, target, {"prepare": softmax}),
        ("kl_divergence_zeros", "kl_divergence(softmax(x), t, weight = w)", of.KLDivergence(), x, bits, target,
         {"prepare": softmax, "weight": weight}),
        ("cosine_similarity", "cosine_similarity(x, t, weight = w)", of.CosineSimilarity(), x, dense, target,
         {"weight": weight}),
        ("cosine_similarity_axis", "cosine_similarity(x, t, axis = 0)", of.CosineSimilarity(axis=1), steps,
         data("losses steps target", (ROWS, 2, 4)), "target([2, 4])", {}),
        ("cross_entropy", "cross_entropy(x, t)", of.SparseCategoricalCrossentropy(from_logits=True), x, index, "class(4)",
         {}),
        ("cross_entropy_weighted", "cross_entropy(x, t, weight = w)", of.SparseCategoricalCrossentropy(from_logits=True), x,
         index, "class(4)", {"weight": weight}),
        ("cross_entropy_probabilities", "cross_entropy(softmax(x), t, from_logits = false)",
         of.SparseCategoricalCrossentropy(), x, index, "class(4)", {"prepare": softmax}),
        ("cross_entropy_steps", "cross_entropy(x, t)", of.SparseCategoricalCrossentropy(from_logits=True), steps, indices,
         "classes([2], 4)", {}),
        ("cross_entropy_one_class", "cross_entropy(x, t)", of.SparseCategoricalCrossentropy(from_logits=True), x[:, :1],
         index * 0, "class(1)", {}),
        ("cross_entropy_dense", "cross_entropy(x, t)", of.CategoricalCrossentropy(from_logits=True), x, share, target, {}),
        ("cross_entropy_dense_smoothed", "cross_entropy(x, t, label_smoothing = 0.25, weight = w)",
         of.CategoricalCrossentropy(from_logits=True, label_smoothing=0.25), x, share, target, {"weight": weight}),
        ("cross_entropy_dense_probabilities", "cross_entropy(softmax(x), t, from_logits = false)",
         of.CategoricalCrossentropy(), x, share, target, {"prepare": softmax}),
        ("binary_cross_entropy", "binary_cross_entropy(x, t)", of.BinaryCrossentropy(from_logits=True), x, bits, target, {}),
        ("binary_cross_entropy_smoothed", "binary_cross_entropy(x, t, label_smoothing = 0.25, weight = w)",
         of.BinaryCrossentropy(from_logits=True, label_smoothing=0.25), x, bits, target, {"weight": weight}),
        ("binary_cross_entropy_probabilities", "binary_cross_entropy(sigmoid(x), t, from_logits = false)",
         of.BinaryCrossentropy(), x, bits, target, {"prepare": tf.sigmoid}),
        ("binary_focal", "binary_focal_cross_entropy(x, t)", of.BinaryFocalCrossentropy(from_logits=True), x, bits, target,
         {}),
        ("binary_focal_balanced",
         "binary_focal_cross_entropy(sigmoid(x), t, from_logits = false, apply_class_balancing = true, gamma = 1.5)",
         of.BinaryFocalCrossentropy(apply_class_balancing=True, gamma=1.5), x, bits, target, {"prepare": tf.sigmoid}),
        ("categorical_focal", "categorical_focal_cross_entropy(x, t)", of.CategoricalFocalCrossentropy(from_logits=True), x,
         share, target, {}),
        ("categorical_focal_settings",
         "categorical_focal_cross_entropy(softmax(x), t, from_logits = false, alpha = 0.5, gamma = 3.0, weight = w)",
         of.CategoricalFocalCrossentropy(alpha=0.5, gamma=3.0), x, share, target,
         {"prepare": softmax, "weight": weight}),
    ]
    for name, text, made, x, target, kind, rest in rows:
        yield loss(name, text, made, x, target, kind, **rest)


def cases():
    yield "losses", losses()
