"""Layers, as Keras has them."""

from keras import layers as k

from golden import ROWS, data
from keras_cases import function, layer, tf

WEIGHT_BIAS = ["y.weight", "y.bias"]


def one(name, expression, made, shape, names=(), **rest):
    x = rest.pop("x", None)
    x = data(name + " x", (ROWS, *shape)) if x is None else x
    return layer(name, f"let y = {expression};", made, {"x": x}, names, **rest)


def dense():
    yield one("dense", "x.dense(3)", k.Dense(3), (4,), WEIGHT_BIAS)
    yield one("dense_steps", "x.dense(3, bias = false)", k.Dense(3, use_bias=False), (2, 4), ["y.weight"])
    yield one("dense_one_unit", "x.dense(1)", k.Dense(1), (5,), WEIGHT_BIAS)
    yield one("dense_one_feature", "x.dense(2)", k.Dense(2), (1,), WEIGHT_BIAS)


def convolution():
    yield one("conv2d", "x.conv2d(3, kernel = 2)", k.Conv2D(3, 2), (4, 3, 2), WEIGHT_BIAS)
    yield one("conv2d_same_even", "x.conv2d(2, kernel = (2, 4), pad = same)", k.Conv2D(2, (2, 4), padding="same"),
              (3, 5, 2), WEIGHT_BIAS)
    yield one("conv2d_stride_same", "x.conv2d(2, kernel = 3, stride = 2, pad = same)",
              k.Conv2D(2, 3, strides=2, padding="same"), (5, 4, 2), WEIGHT_BIAS)
    yield one("conv2d_stride_same_even", "x.conv2d(2, kernel = 2, stride = (3, 2), pad = same)",
              k.Conv2D(2, 2, strides=(3, 2), padding="same"), (5, 5, 1), WEIGHT_BIAS)
    yield one("conv2d_stride_past_kernel", "x.conv2d(2, kernel = 1, stride = 2, bias = false)",
              k.Conv2D(2, 1, strides=2, use_bias=False), (4, 5, 2), ["y.weight"])
    yield one("conv2d_dilation", "x.conv2d(2, kernel = 2, dilation = (2, 3))",
              k.Conv2D(2, 2, dilation_rate=(2, 3)), (4, 5, 2), WEIGHT_BIAS)
    yield one("conv2d_dilation_same", "x.conv2d(2, kernel = 3, dilation = 2, pad = same)",
              k.Conv2D(2, 3, dilation_rate=2, padding="same"), (4, 5, 1), WEIGHT_BIAS)
    yield one("conv2d_whole_image", "x.conv2d(3, kernel = (3, 2))", k.Conv2D(3, (3, 2)), (3, 2, 2), WEIGHT_BIAS)
    yield one("depthwise_conv2d", "x.depthwise_conv2d(2, depth_multiplier = 2)",
              k.DepthwiseConv2D(2, depth_multiplier=2), (4, 3, 2), WEIGHT_BIAS)
    yield one("depthwise_conv2d_same", "x.depthwise_conv2d(2, stride = 2, pad = same, bias = false)",
              k.DepthwiseConv2D(2, strides=2, padding="same", use_bias=False), (5, 3, 2), ["y.weight"])
    names = ["y.depthwise_weight", "y.pointwise_weight", "y.bias"]
    yield one("separable_conv2d", "x.separable_conv2d(3, kernel = 2)", k.SeparableConv2D(3, 2), (4, 3, 2), names)
    yield one("separable_conv2d_same", "x.separable_conv2d(2, kernel = 3, stride = 2, pad = same, depth_multiplier = 2)",
              k.SeparableConv2D(2, 3, strides=2, padding="same", depth_multiplier=2), (4, 5, 2), names)


def transposed():
    yield one("conv2d_transpose", "x.conv2d_transpose(2, kernel = 3, stride = 2, pad = same)",
              k.Conv2DTranspose(2, 3, strides=2, padding="same"), (3, 2, 2), WEIGHT_BIAS)
    yield one("conv1d_transpose", "x.conv1d_transpose(2, kernel = 3, stride = 2)", k.Conv1DTranspose(2, 3, strides=2),
              (3, 2), WEIGHT_BIAS)
    yield one("depthwise_conv1d", "x.depthwise_conv1d(2)", k.DepthwiseConv1D(2), (4, 2), WEIGHT_BIAS)
    yield one("separable_conv1d", "x.separable_conv1d(3, kernel = 2)", k.SeparableConv1D(3, 2), (4, 2),
              ["y.depthwise_weight", "y.pointwise_weight", "y.bias"])
    yield one("alpha_dropout", "x.alpha_dropout(0.5)", k.AlphaDropout(0.5), (4,), training=False)
    yield one("unit_norm", "x.unit_norm()", k.UnitNormalization(), (4,))
    a, b = data("join a", (ROWS, 2, 3)), data("join b", (ROWS, 2, 3))
    yield function("multiply", "let y = multiply(a, b);", lambda a, b: a * b, {"a": a, "b": b})
    yield function("average", "let y = average(a, b);", lambda a, b: (a + b) / 2.0, {"a": a, "b": b})


def sequences():
    yield one("conv1d", "x.conv1d(3, kernel = 2)", k.Conv1D(3, 2), (5, 2), WEIGHT_BIAS)
    yield one("conv1d_length_1", "x.conv1d(2, kernel = 3, pad = same)", k.Conv1D(2, 3, padding="same"), (1, 2),
              WEIGHT_BIAS)
    yield one("conv1d_same_even", "x.conv1d(2, kernel = 4, stride = 2, pad = same)",
              k.Conv1D(2, 4, strides=2, padding="same"), (7, 2), WEIGHT_BIAS)
    yield one("conv1d_dilation", "x.conv1d(2, kernel = 3, dilation = 2, pad = same)",
              k.Conv1D(2, 3, dilation_rate=2, padding="same"), (6, 2), WEIGHT_BIAS)
    yield one("max_pool1d", "x.max_pool1d(3, stride = 1, pad = same)", k.MaxPooling1D(3, strides=1, padding="same"), (5, 2))
    yield one("avg_pool1d", "x.avg_pool1d(2, pad = same)", k.AveragePooling1D(2, padding="same"), (5, 2))
    yield one("global_max_pool1d", "x.global_max_pool1d()", k.GlobalMaxPooling1D(), (4, 2))
    yield one("global_avg_pool1d", "x.global_avg_pool1d(keepdims = true)", k.GlobalAveragePooling1D(keepdims=True), (4, 2))
    yield one("global_pools_length_1", "x.global_avg_pool1d()", k.GlobalAveragePooling1D(), (1, 3))
    yield one("upsampling1d", "x.upsampling1d(3)", k.UpSampling1D(3), (2, 2))
    yield one("cropping1d", "x.cropping1d((1, 2))", k.Cropping1D((1, 2)), (5, 2))
    yield one("zero_padding1d", "x.zero_padding1d((2, 1))", k.ZeroPadding1D((2, 1)), (3, 2))


def images():
    yield one("max_pool2d", "x.max_pool2d()", k.MaxPooling2D(), (4, 5, 2))
    yield one("max_pool2d_same", "x.max_pool2d(3, stride = 2, pad = same)", k.MaxPooling2D(3, strides=2, padding="same"),
              (5, 4, 2))
    yield one("max_pool2d_overlap", "x.max_pool2d((2, 3), stride = 1)", k.MaxPooling2D((2, 3), strides=1), (4, 5, 1))
    yield one("avg_pool2d", "x.avg_pool2d((2, 1))", k.AveragePooling2D((2, 1)), (4, 3, 2))
    yield one("avg_pool2d_same", "x.avg_pool2d(2, stride = 1, pad = same)",
              k.AveragePooling2D(2, strides=1, padding="same"), (3, 4, 2))
    yield one("global_max_pool2d", "x.global_max_pool2d(keepdims = true)", k.GlobalMaxPooling2D(keepdims=True), (3, 2, 2))
    yield one("global_avg_pool2d", "x.global_avg_pool2d()", k.GlobalAveragePooling2D(), (3, 2, 2))
    yield one("upsampling2d", "x.upsampling2d((2, 3))", k.UpSampling2D((2, 3)), (2, 2, 2))
    yield one("cropping2d", "x.cropping2d(((1, 0), (0, 2)))", k.Cropping2D(((1, 0), (0, 2))), (3, 4, 2))
    yield one("zero_padding2d", "x.zero_padding2d(((1, 0), (0, 2)))", k.ZeroPadding2D(((1, 0), (0, 2))), (2, 3, 2))


def normalisations():
    whole = ["y.gamma", "y.beta"]
    moving = [*whole, "y.moving_mean", "y.moving_variance"]
    yield one("batch_norm", "x.batch_norm()", k.BatchNormalization(), (4,), moving)
    yield one("batch_norm_image", "x.batch_norm(momentum = 0.8, epsilon = 0.01)",
              k.BatchNormalization(momentum=0.8, epsilon=0.01), (2, 2, 3), moving)
    yield one("batch_norm_bare", "x.batch_norm(scale = false, center = false)",
              k.BatchNormalization(scale=False, center=False), (3, 2), moving[2:])
    yield one("layer_norm", "x.layer_norm()", k.LayerNormalization(), (5,), whole)
    yield one("layer_norm_steps", "x.layer_norm(epsilon = 0.1, center = false)",
              k.LayerNormalization(epsilon=0.1, center=False), (2, 4), ["y.gamma"])
    yield one("layer_norm_one_feature", "x.layer_norm()", k.LayerNormalization(), (3, 1), whole)
    yield one("rms_norm", "x.rms_norm()", k.RMSNormalization(), (2, 4), ["y.scale"])
    yield one("group_norm", "x.group_norm(2)", k.GroupNormalization(2), (2, 3, 4), whole)
    yield one("group_norm_of_channels", "x.group_norm(4, epsilon = 0.1, scale = false)",
              k.GroupNormalization(-1, epsilon=0.1, scale=False), (3, 4), ["y.beta"])


def stacks():
    x = data("stacks x", (ROWS, 6, 6, 1))
    names = ["h.0.weight", "h.0.bias", "h.1.weight", "h.1.bias"]
    yield layer(
        "conv_relu_pool",
        ["let h = x.conv2d(4, kernel = 3, pad = same).relu().max_pool2d(2).conv2d(3, kernel = 2).relu();",
         "let y = h.max_pool2d(2);"],
        [k.Conv2D(4, 3, padding="same", activation="relu"), k.MaxPooling2D(2), k.Conv2D(3, 2, activation="relu"),
         k.MaxPooling2D(2)], {"x": x}, names)
    yield layer("norm_stack", ["let h = x.conv2d(2, kernel = 2, bias = false);", "let n = h.batch_norm();",
                               "let y = n.relu();"],
                [k.Conv2D(2, 2, use_bias=False), k.BatchNormalization(), k.ReLU()], {"x": x[:, :3, :3]},
                ["h.weight", "n.gamma", "n.beta", "n.moving_mean", "n.moving_variance"])


def dropouts():
    for name, text, made, shape in [
        ("dropout", "x.dropout(0.5)", k.Dropout(0.5), (4,)),
        ("gaussian_noise", "x.gaussian_noise(0.5)", k.GaussianNoise(0.5), (4,)),
        ("gaussian_dropout", "x.gaussian_dropout(0.5)", k.GaussianDropout(0.5), (4,)),
        ("spatial_dropout1d", "x.spatial_dropout1d(0.5)", k.SpatialDropout1D(0.5), (3, 2)),
        ("spatial_dropout2d", "x.spatial_dropout2d(0.5)", k.SpatialDropout2D(0.5), (2, 2, 2)),
    ]:
        yield one(name, text, made, shape, training=False)


def shapes():
    yield one("flatten", "x.flatten()", k.Flatten(), (2, 3, 2))
    yield one("reshape", "x.reshape([3, -1])", k.Reshape((3, -1)), (2, 3, 2))
    yield one("repeat_vector", "x.repeat_vector(3)", k.RepeatVector(3), (4,))
    yield one("transpose", "x.transpose(axes = (1, 2, 0))", k.Permute((2, 3, 1)), (2, 3, 2))
    yield one("permute", "x.permute(axes = (1, 0))", k.Permute((2, 1)), (2, 3))
    a, b = data("join a", (ROWS, 2, 3)), data("join b", (ROWS, 2, 3))
    for name, text, made in [
        ("concat", "concat([a, b], axis = 0)", k.Concatenate(axis=1)),
        ("concat_last", "concat([a, b, a])", None),
        ("add_layer", "add(a, b)", k.Add()),
    ]:
        f = made or (lambda pair: tf.concat([*pair, pair[0]], -1))
        yield function(name, f"let y = {text};", lambda a, b, f=f: f([a, b]), {"a": a, "b": b})


def cases():
    for family in (dense, convolution, transposed, sequences, images, normalisations, stacks, dropouts, shapes):
        yield family.__name__, family()
