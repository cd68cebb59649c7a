"""Cases: what a network of kiln is, what it is given, and what it must give."""

import zlib

import numpy as np

ROWS = 3


def rng(name):
    """Random numbers that depend on a name alone."""
    return np.random.default_rng(zlib.crc32(name.encode()))


def data(name, shape, low=-1.0, high=1.0):
    """Multiples of 1/256, which f32 holds exactly."""
    values = rng(name).integers(round(low * 256), round(high * 256), size=shape, endpoint=True)
    return values.astype(np.float64) / 256.0


def number(value):
    """Ten digits: more than the comparison needs, and short."""
    return f"{float(value):.10g}"


def line(kind, key, values):
    values = np.asarray(values, dtype=np.float64)
    shape = " ".join(str(extent) for extent in values.shape)
    return f"{kind} {key} [{shape}] {' '.join(number(value) for value in values.ravel())}".rstrip()


class Case:
    """One case, from its lines of tokens to its block in a golden file."""

    def __init__(self, name):
        self.name = name
        self.text = []
        self.lines = []
        self.loss = None
        self.optimizer = None

    def write(self, kind, key, values):
        self.lines.append(line(kind, key, values))

    def block(self):
        head = [f"case {self.name}"] + [f"| {text}" for text in self.text]
        if self.loss:
            head.append(f"loss {self.loss}")
        if self.optimizer:
            head.append(f"optimizer {self.optimizer}")
        return "\n".join(head + self.lines) + "\n"


def declare(key, values, kind=None):
    """The data statement of an input."""
    if kind:
        return f"let {key} = {kind};"
    shape = ", ".join(str(extent) for extent in values.shape[1:])
    return f"let {key} = input([{shape}]);"
