"""The workloads in PyTorch: eager, with channels-last images (eager-cl), or through torch.compile."""

from common import Arguments

arguments = Arguments(["eager", "compile", "eager-cl", "compile-cl"])

import torch
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(arguments.threads)
torch.set_num_interop_threads(1)
torch.manual_seed(0)


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(10, 128, 2, batch_first=True)
        self.last = nn.Linear(128, 10)

    def forward(self, x):
        return self.last(self.lstm(x)[0][:, -1])


class Block(nn.Module):
    def __init__(self, width=128, heads=4):
        super().__init__()
        self.heads = heads
        self.norms = nn.ModuleList([nn.LayerNorm(width), nn.LayerNorm(width)])
        self.attention = nn.ModuleList([nn.Linear(width, 3 * width), nn.Linear(width, width)])
        self.mlp = nn.ModuleList([nn.Linear(width, 4 * width), nn.Linear(4 * width, width)])

    def forward(self, x):
        rows, steps, width = x.shape
        split = self.attention[0](self.norms[0](x)).chunk(3, -1)
        q, k, v = (part.view(rows, steps, self.heads, width // self.heads).transpose(1, 2) for part in split)
        seen = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.attention[1](seen.transpose(1, 2).reshape(rows, steps, width))
        return x + self.mlp[1](F.gelu(self.mlp[0](self.norms[1](x)), approximate="tanh"))


class Transformer(nn.Module):
    def __init__(self, width=128, blocks=4, vocabulary=65, steps=64):
        super().__init__()
        self.vectors = nn.Embedding(vocabulary, width)
        self.positions = nn.Parameter(torch.randn(steps, width) * 0.02)
        self.blocks = nn.Sequential(*[Block(width) for _ in range(blocks)])
        self.norm, self.last = nn.LayerNorm(width), nn.Linear(width, vocabulary)

    def forward(self, tokens):
        return self.last(self.norm(self.blocks(self.vectors(tokens) + self.positions)))


networks = {
    "mlp": lambda: nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10)),
    "cnn": lambda: nn.Sequential(nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3), nn.ReLU(),
                                 nn.MaxPool2d(2), nn.Flatten(), nn.Linear(1600, 128), nn.ReLU(), nn.Linear(128, 10)),
    "lstm": Recurrent,
    "autoencoder": lambda: nn.Sequential(nn.Linear(784, 32), nn.ReLU(), nn.Linear(32, 784)),
    "transformer": Transformer,
}
if arguments.network not in networks or arguments.mode.endswith("-cl") and arguments.network != "cnn":
    arguments.unknown(f"torch-{arguments.mode}")
model = networks[arguments.network]()
x, y = map(torch.from_numpy, arguments.data())
if arguments.network == "cnn":
    x = x.permute(0, 3, 1, 2)
    if arguments.mode.endswith("-cl"):
        model = model.to(memory_format=torch.channels_last)
    else:
        x = x.contiguous()


def loss(x, y):
    logits = model(x)
    if arguments.network == "transformer":
        return F.cross_entropy(logits.flatten(0, 1), y.flatten())
    if arguments.network == "autoencoder":
        return F.binary_cross_entropy_with_logits(logits, x)
    return F.cross_entropy(logits, y)


forward = model
if arguments.mode.startswith("compile"):
    loss, forward = torch.compile(loss), torch.compile(model)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)


def train():
    optimizer.zero_grad(set_to_none=True)
    loss(x, y).backward()
    optimizer.step()


def infer():
    with torch.no_grad():
        return forward(x)


arguments.measure(f"torch-{arguments.mode}", infer if arguments.infers else train)
