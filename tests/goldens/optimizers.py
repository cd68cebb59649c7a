"""Three steps of each optimiser, as Keras has them."""

from keras import optimizers as k

from keras_cases import optimizer


def optimizers():
    for name, text, make in [
        ("sgd", "sgd(lr = 0.1)", lambda: k.SGD(0.1)),
        ("sgd_default", "sgd", lambda: k.SGD()),
        ("sgd_momentum", "sgd(lr = 0.1, momentum = 0.9)", lambda: k.SGD(0.1, momentum=0.9)),
        ("sgd_nesterov", "sgd(lr = 0.1, momentum = 0.8, nesterov = true)",
         lambda: k.SGD(0.1, momentum=0.8, nesterov=True)),
        ("sgd_decay_clip", "sgd(lr = 0.1, weight_decay = 0.1, clip_value = 0.05)",
         lambda: k.SGD(0.1, weight_decay=0.1, clipvalue=0.05)),
        ("sgd_clip_norm", "sgd(lr = 0.1, clip_norm = 0.2)", lambda: k.SGD(0.1, clipnorm=0.2)),
        ("sgd_global_clip_norm", "sgd(lr = 0.1, global_clip_norm = 0.2)", lambda: k.SGD(0.1, global_clipnorm=0.2)),
        ("adam", "adam", lambda: k.Adam()),
        ("adam_settings", "adam(lr = 0.02, beta1 = 0.8, beta2 = 0.9, epsilon = 0.1)",
         lambda: k.Adam(0.02, 0.8, 0.9, 0.1)),
        ("adam_amsgrad", "adam(lr = 0.3, beta2 = 0.5, amsgrad = true)", lambda: k.Adam(0.3, beta_2=0.5, amsgrad=True)),
        ("adamw", "adamw(lr = 0.01)", lambda: k.AdamW(0.01)),
        ("adamw_decay", "adamw(lr = 0.01, weight_decay = 0.5)", lambda: k.AdamW(0.01, weight_decay=0.5)),
        ("adamax", "adamax(lr = 0.01)", lambda: k.Adamax(0.01)),
        ("nadam", "nadam(lr = 0.01)", lambda: k.Nadam(0.01)),
        ("rmsprop", "rmsprop(lr = 0.01)", lambda: k.RMSprop(0.01)),
        ("rmsprop_centered", "rmsprop(lr = 0.01, rho = 0.8, momentum = 0.5, centered = true, epsilon = 0.001)",
         lambda: k.RMSprop(0.01, rho=0.8, momentum=0.5, centered=True, epsilon=0.001)),
        ("adagrad", "adagrad(lr = 0.05)", lambda: k.Adagrad(0.05)),
        ("adagrad_settings", "adagrad(lr = 0.05, initial_accumulator_value = 0.5, epsilon = 0.01)",
         lambda: k.Adagrad(0.05, initial_accumulator_value=0.5, epsilon=0.01)),
        ("adadelta", "adadelta(lr = 0.5)", lambda: k.Adadelta(0.5)),
        ("lion", "lion(lr = 0.01)", lambda: k.Lion(0.01)),
        ("lion_decay", "lion(lr = 0.01, beta1 = 0.8, weight_decay = 0.1)", lambda: k.Lion(0.01, beta_1=0.8, weight_decay=0.1)),
    ]:
        yield optimizer(name, text, make)


def cases():
    yield "optimizers", optimizers()
