"""What PyTorch says, in f64, where Keras on a CPU has no such thing."""

import torch
from torch.nn import functional as F

from golden import ROWS, Case, data, declare, rng

torch.set_default_dtype(torch.float64)


def case(name, text, f, inputs, kinds=None, params=None, loss=None):
    """As `keras_cases.function`."""
    kinds, params = kinds or {}, params or {}
    made = Case(name)
    made.text = [declare(key, values, kinds.get(key)) for key, values in inputs.items()]
    made.text += [text] if isinstance(text, str) else text
    tensors = {key: torch.tensor(values) for key, values in {**inputs, **params}.items()}
    for kind, arrays in (("input", inputs), ("param", params)):
        for key, array in arrays.items():
            made.write(kind, key, array)
    watched = {key: value.requires_grad_() for key, value in tensors.items() if key not in kinds}
    result = f(*tensors.values())
    if loss is not None:
        made.loss, total, outputs = loss, result, {}
    else:
        outputs = result if isinstance(result, dict) else {"y": result}
        total, terms = 0.0, []
        for key, value in outputs.items():
            weights = data(name + key, tuple(value.shape))
            made.text.append(f"let {key}_w = target([{', '.join(str(extent) for extent in weights.shape[1:])}]);")
            made.write("input", f"{key}_w", weights)
            total = total + (value * torch.tensor(weights)).mean()
            terms.append(f"mean({key} * {key}_w)")
        made.loss = " + ".join(terms)
    for key, value in outputs.items():
        made.write("output", key, value.detach().numpy())
    made.write("value", "loss", total.item())
    gradients = torch.autograd.grad(total, list(watched.values()), allow_unused=True)
    for (key, value), gradient in zip(watched.items(), gradients):
        made.write("grad", key, (torch.zeros_like(value) if gradient is None else gradient).numpy())
    return made


def image(x):
    return x.permute(0, 3, 1, 2)


def conv2d(x, w, b=None, **settings):
    """Over Keras's layouts."""
    return F.conv2d(image(x), w.permute(3, 2, 0, 1), b, **settings).permute(0, 2, 3, 1)


def torch_layers():
    x = data("torch image", (ROWS, 4, 3, 4))
    for name, expression, weight, settings in [
        ("conv2d_groups", "x.conv2d(4, kernel = 2, groups = 2)", (2, 2, 2, 4), {"groups": 2}),
        ("conv2d_groups_of_one", "x.conv2d(8, kernel = (3, 1), groups = 4, stride = (1, 2))", (3, 1, 1, 8),
         {"groups": 4, "stride": (1, 2)}),
        ("conv2d_zeros_around", "x.conv2d(2, kernel = 3, pad = (2, 1), stride = 2, dilation = (1, 2))", (3, 3, 4, 2),
         {"padding": (2, 1), "stride": 2, "dilation": (1, 2)}),
    ]:
        params = {"y.weight": data(name + "w", weight), "y.bias": data(name + "b", weight[3:])}
        yield case(name, f"let y = {expression};", lambda x, w, b, s=settings: conv2d(x, w, b, **s), {"x": x}, params=params)
    sequence = data("torch sequence", (ROWS, 5, 4))
    params = {"y.weight": data("conv1d_groups w", (3, 2, 6)), "y.bias": data("conv1d_groups b", (6,))}
    yield case("conv1d_groups", "let y = x.conv1d(6, kernel = 3, groups = 2, pad = 1);",
               lambda x, w, b: F.conv1d(x.permute(0, 2, 1), w.permute(2, 1, 0), b, padding=1, groups=2).permute(0, 2, 1),
               {"x": sequence}, params=params)
    small = data("torch pool", (ROWS, 4, 4, 2))
    yield case("max_pool2d_around", "let y = x.max_pool2d(3, stride = 2, pad = 1);",
               lambda x: F.max_pool2d(image(x), 3, 2, 1).permute(0, 2, 3, 1), {"x": small})
    # Ties: the first largest cell takes the gradient.
    ties = rng("ties").integers(0, 2, size=(ROWS, 4, 4, 1)).astype(float)
    yield case("max_pool2d_ties", "let y = x.max_pool2d(2);",
               lambda x: F.max_pool2d(image(x), 2).permute(0, 2, 3, 1), {"x": ties})
    yield case("max_pool2d_overlapping_ties", "let y = x.max_pool2d(2, stride = 1);",
               lambda x: F.max_pool2d(image(x), 2, 1).permute(0, 2, 3, 1), {"x": ties})


def torch_attention():
    words = torch.tensor([[1, 4, 1], [0, 1, 0], [3, 3, 2]])
    # PyTorch leaves the row of the padding index as it is, which starts with zeros.
    table = data("padding table", (5, 2))
    table[1] = 0.0
    yield case("embedding_padding", "let y = c.embedding(2, padding = 1);",
               lambda c, w: F.embedding(c, w, padding_idx=1), {"c": words.numpy()}, kinds={"c": "tokens([3], 5)"},
               params={"y.weight": table})
    q, k, v = (data(f"attention {name}", (ROWS, *shape)) for name, shape in
               (("q", (3, 2)), ("k", (4, 2)), ("v", (4, 3))))
    given = {"q": q, "k": k, "v": v}
    dot = F.scaled_dot_product_attention
    yield case("scaled_dot_product_attention", "let y = scaled_dot_product_attention(q, k, v);", dot, given)
    yield case("scaled_dot_product_scale", "let y = scaled_dot_product_attention(q, k, v, scale = 2.0);",
               lambda q, k, v: dot(q, k, v, scale=2.0), given)
    yield case("scaled_dot_product_causal", "let y = scaled_dot_product_attention(q, q, q, causal = true);",
               lambda q: dot(q, q, q, is_causal=True), {"q": q})

    def encoded(x):
        steps, features = x.shape[1:]
        rate = 10000.0 ** (-(torch.arange(features) // 2 * 2.0) / features)
        angle = torch.arange(steps)[:, None] * rate
        return x + torch.where(torch.arange(features) % 2 == 0, angle.sin(), angle.cos())

    x = data("encoding x", (ROWS, 3, 4))
    table = encoded(torch.zeros(1, 3, 4))[0].numpy()
    yield case("sinusoidal_encoding", "let y = x.sinusoidal_encoding();", lambda x, t: encoded(x) + 0.0 * t, {"x": x},
               kinds={"y.table": "fixed"}, params={"y.table": table})


def torch_losses():
    x = data("torch logits", (ROWS, 2, 4), -2.0, 2.0)
    t = torch.tensor([[0, 3], [1, 2], [2, 1]])
    given = {"x": x, "t": t.numpy()}
    kinds = {"t": "classes([2], 4)"}

    def cross_entropy(**settings):
        return lambda x, t: F.cross_entropy(x.reshape(-1, 4), t.reshape(-1), **settings)

    for name, settings, text in [
        ("cross_entropy_ignored", {"ignore_index": 2}, "ignore_class = 2"),
        ("cross_entropy_smoothed", {"label_smoothing": 0.25}, "label_smoothing = 0.25"),
        ("cross_entropy_ignored_smoothed", {"ignore_index": 1, "label_smoothing": 0.1},
         "ignore_class = 1, label_smoothing = 0.1"),
    ]:
        yield case(name, [], cross_entropy(**settings), given, kinds=kinds, loss=f"cross_entropy(x, t, {text})")

    distance = data("contrastive distance", (ROWS, 2), 0.125, 2.0)
    alike = rng("contrastive").integers(0, 2, size=(ROWS, 2)).astype(float)
    yield case("contrastive", [], lambda d, t: (t * d**2 + (1 - t) * torch.relu(1 - d) ** 2).mean(),
               {"x": distance, "t": alike}, kinds={"t": "target([2])"}, loss="contrastive(x, t)")
    a, p, n = (data(f"triplet {name}", (ROWS, 4)) for name in "apn")
    yield case("triplet", [], lambda a, p, n: F.triplet_margin_loss(a, p, n, margin=1.0, eps=0.0), {"a": a, "p": p, "n": n},
               loss="triplet(a, p, n)")

    def focal(x, t):
        p = torch.softmax(x, -1).gather(-1, t[..., None])[..., 0]
        return (-0.25 * (1 - p) ** 2 * torch.log(p)).mean()

    yield case("categorical_focal_indices", [], focal, given, kinds=kinds, loss="categorical_focal_cross_entropy(x, t)")


def cases():
    yield "torch_layers", torch_layers()
    yield "torch_attention", torch_attention()
    yield "torch_losses", torch_losses()
