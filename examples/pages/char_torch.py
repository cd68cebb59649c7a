"""The networks of `char_lstm` and `char_transformer` in PyTorch: the same text, windows, schedule and optimiser.

    python char_torch.py lstm|transformer [--data FILE] [--steps N] [--batch N] [--lr X] [--seed N] [--init FILE]

Weights start by the same kinds of initialisers, from PyTorch's own random numbers; or, with --init, as those that
`char_lstm --steps 0 --save FILE` has written.
"""

import argparse
import json
import math
import pathlib

import numpy as np
import torch
from torch.nn import functional as F

WINDOW, VOCABULARY, BLOCKS, WIDTH, HEADS = 64, 65, 4, 128, 4
MASK = (1 << 64) - 1


class Random:
    """SplitMix64, as examples/src/text.rs."""

    def __init__(self, seed):
        self.state = seed

    def below(self, n):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = (self.state ^ (self.state >> 30)) * 0xBF58476D1CE4E5B9 & MASK
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB & MASK
        return ((z ^ (z >> 31)) * n) >> 64


def glorot(shape):
    """Keras's: the fans are the last two axes, times the others."""
    rest = math.prod(shape[:-2])
    limit = math.sqrt(6 / (rest * (shape[-2] + shape[-1])))
    return torch.empty(shape).uniform_(-limit, limit)


def weights_of_lstm():
    w = {"vectors.weight": torch.empty(VOCABULARY, 64).uniform_(-0.05, 0.05)}
    for name, features in (("first", 64), ("second", 128)):
        w[f"{name}.weight"] = glorot((features, 512))
        w[f"{name}.recurrent_weight"] = torch.nn.init.orthogonal_(torch.empty(128, 512))
        w[f"{name}.bias"] = torch.tensor([0.0, 1.0, 0.0, 0.0]).repeat_interleave(128)
    return w | {"logits.weight": glorot((128, VOCABULARY)), "logits.bias": torch.zeros(VOCABULARY)}


def lstm(w, x):
    h = w["vectors.weight"][x]
    for name in ("first", "second"):
        # PyTorch's weights are transposed and its second bias is not used; the order of the gates is the same.
        parts = [w[f"{name}.weight"].T, w[f"{name}.recurrent_weight"].T, w[f"{name}.bias"], torch.zeros(512)]
        state = torch.zeros(1, x.shape[0], 128)
        h, _, _ = torch.lstm(h, (state, state), parts, True, 1, 0.0, True, False, True)
    return h @ w["logits.weight"] + w["logits.bias"]


def weights_of_transformer():
    w = {"h.0.weight": torch.empty(VOCABULARY, WIDTH).uniform_(-0.05, 0.05), "h.1.weight": glorot((WINDOW, WIDTH))}
    for block in range(BLOCKS):
        b, size = f"h.{block + 2}.", WIDTH // HEADS
        for norm in NORMS:
            w |= {b + norm + "gamma": torch.ones(WIDTH), b + norm + "beta": torch.zeros(WIDTH)}
        for part in ("query", "key", "value"):
            w[b + ATTENTION + part + "_weight"] = glorot((WIDTH, HEADS, size))
            w[b + ATTENTION + part + "_bias"] = torch.zeros(HEADS, size)
        w[b + ATTENTION + "output_weight"] = glorot((HEADS, size, WIDTH))
        w[b + ATTENTION + "output_bias"] = torch.zeros(WIDTH)
        for dense, shape in zip(DENSE, ((WIDTH, 4 * WIDTH), (4 * WIDTH, WIDTH))):
            w |= {b + dense + "weight": glorot(shape), b + dense + "bias": torch.zeros(shape[1])}
    w |= {"logits.0.gamma": torch.ones(WIDTH), "logits.0.beta": torch.zeros(WIDTH)}
    return w | {"logits.1.weight": glorot((WIDTH, VOCABULARY)), "logits.1.bias": torch.zeros(VOCABULARY)}


NORMS, ATTENTION, DENSE = ("seen.0.", "layer_norm."), "seen.1.", ("dense.0.", "dense.1.")


def transformer(w, x):
    def norm(x, name):
        return F.layer_norm(x, (WIDTH,), w[name + "gamma"], w[name + "beta"], eps=1e-3)

    h = w["h.0.weight"][x] + w["h.1.weight"]
    for block in range(BLOCKS):
        b = f"h.{block + 2}."
        y, a = norm(h, b + NORMS[0]), b + ATTENTION
        q, k, v = (
            torch.einsum("bti,ihd->bhtd", y, w[a + p + "_weight"]) + w[a + p + "_bias"][:, None]
            for p in ("query", "key", "value")
        )
        seen = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        h = h + torch.einsum("bhtd,hdo->bto", seen, w[a + "output_weight"]) + w[a + "output_bias"]
        up, down = (b + dense for dense in DENSE)
        y = F.gelu(norm(h, b + NORMS[1]) @ w[up + "weight"] + w[up + "bias"], approximate="tanh")
        h = h + y @ w[down + "weight"] + w[down + "bias"]
    return norm(h, "logits.0.") @ w["logits.1.weight"] + w["logits.1.bias"]


def read(path):
    """The tensors of a safetensors file."""
    data = pathlib.Path(path).read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    entries = {k: v for k, v in json.loads(data[8:start]).items() if k != "__metadata__"}
    part = lambda e: np.frombuffer(data[start + e["data_offsets"][0] : start + e["data_offsets"][1]], "<f4")
    return {k: torch.from_numpy(part(e).reshape(e["shape"]).copy()) for k, e in entries.items()}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("network", choices=("lstm", "transformer"))
    parser.add_argument("--data", default=pathlib.Path(__file__).parent.parent / "data" / "shakespeare.txt")
    for name, kind in (("--steps", int), ("--batch", int), ("--lr", float), ("--seed", int), ("--threads", int)):
        parser.add_argument(name, type=kind, default={"--steps": 1000, "--seed": 0, "--threads": 2}.get(name))
    parser.add_argument("--init")
    options = parser.parse_args()
    is_lstm = options.network == "lstm"
    forward = lstm if is_lstm else transformer
    batch = options.batch or (32 if is_lstm else 8)
    peak = options.lr or (4e-3 if is_lstm else 1e-3)
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)

    text = pathlib.Path(options.data).read_text()
    characters = sorted(set(text))
    assert len(characters) <= VOCABULARY
    index = {c: i for i, c in enumerate(characters)}
    text = torch.tensor([index[c] for c in text])
    cut = len(text) // 10 * 9
    train, held_out = text[:cut], text[cut:]

    w = weights_of_lstm() if is_lstm else weights_of_transformer()
    if options.init:
        given = read(options.init)
        shapes = [{k: tuple(v.shape) for k, v in tensors.items()} for tensors in (w, given)]
        assert shapes[0] == shapes[1], shapes
        w = given
    for value in w.values():
        value.requires_grad_()
    loss = lambda x, y: F.cross_entropy(forward(w, x).reshape(-1, VOCABULARY), y.reshape(-1))
    windows = lambda text, starts: (
        torch.stack([text[s : s + WINDOW] for s in starts]),
        torch.stack([text[s + 1 : s + 1 + WINDOW] for s in starts]),
    )

    adam = torch.optim.Adam(w.values(), lr=peak)
    random, warm_up = Random(options.seed), min(options.steps // 10, 100)
    total = 0.0
    for step in range(options.steps):
        done = (step - warm_up) / max(options.steps - warm_up, 1)
        rate = peak * step / warm_up if step < warm_up else peak * (0.9 * 0.5 * (1 + math.cos(math.pi * done)) + 0.1)
        # Keras adds epsilon before the correction of the second moment's bias.
        adam.param_groups[0] |= {"lr": rate, "eps": 1e-7 / math.sqrt(1 - 0.999 ** (step + 1))}
        value = loss(*windows(train, [random.below(len(train) - WINDOW) for _ in range(batch)]))
        adam.zero_grad()
        value.backward()
        torch.nn.utils.clip_grad_norm_(w.values(), 1.0)
        adam.step()
        total += value.item()
        if (step + 1) % max(options.steps // 10, 1) == 0:
            print(f"step {step + 1:>5}/{options.steps}  loss {total / max(options.steps // 10, 1):.4f}", flush=True)
            total = 0.0

    starts = range(0, (len(held_out) - 1) // WINDOW * WINDOW, WINDOW)
    with torch.no_grad():
        parts = [starts[i : i + batch] for i in range(0, len(starts), batch)]
        mean = sum(loss(*windows(held_out, part)).item() * len(part) for part in parts) / len(starts)
    print(f"validation loss {mean:.4f}")


if __name__ == "__main__":
    main()
