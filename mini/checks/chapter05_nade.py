"""Exercise of chapter 5 on NADE's hidden units."""

import numpy as np

from .chapter05 import sigmoid
from .frame import exercise

# ---- 5.3 NADE's logits ---------------------------------------------------------------


def hidden_layers(rng):
    """x (N, D) zeros and ones, w and v (D, H), b (D,), c (H,)."""
    for N, D, H in [(1, 2, 1), (3, 4, 2), (4, 7, 5)]:
        x = (rng.random((N, D)) < 0.7).astype(float)
        shapes = (D, H), (D, H), (D,), (H,)
        yield x, *(rng.normal(size=shape) for shape in shapes)


@exercise("nade_logits", chapter="chapter05", inputs=hidden_layers, causal="x")
def nade_logits(x, w, v, b, c):
    a, logits = np.tile(c, (len(x), 1)), np.empty(x.shape)
    for d in range(x.shape[1]):
        logits[:, d] = sigmoid(a) @ v[d] + b[d]
        a += x[:, d : d + 1] * w[d]
    return logits


@nade_logits.variant
def _(x, w, v, b, c):
    terms = x[:, :, None] * w
    sums = np.cumsum(terms, axis=1) - terms  # what came before
    return (sigmoid(c + sums) * v).sum(axis=2) + b


@nade_logits.variant
def _(x, w, v, b, c):
    columns = [sigmoid(c + x[:, :d] @ w[:d]) @ v[d] + b[d] for d in range(len(b))]
    return np.stack(columns, axis=1)


@nade_logits.variant
def _(x, w, v, b, c):
    before = np.tril(np.ones((len(b), len(b))), -1)
    a = np.einsum("de,ne,eh->ndh", before, x, w) + c
    return np.einsum("ndh,dh->nd", 1 / (1 + np.exp(-a)), v) + b


@nade_logits.mistake(
    "a pixel added to the hidden units before it is predicted",
    hint="When pixel d is predicted, which pixels may be in the sum already?",
)
def _(x, w, v, b, c):
    sums = np.cumsum(x[:, :, None] * w, axis=1)
    return (sigmoid(c + sums) * v).sum(axis=2) + b


@nade_logits.mistake(
    "hidden units that remember only the pixel just before",
    hint="The sum runs over all earlier pixels. Does yours start anew at each?",
)
def _(x, w, v, b, c):
    terms = np.roll(x[:, :, None] * w, 1, axis=1)
    terms[:, 0] = 0
    return (sigmoid(c + terms) * v).sum(axis=2) + b


@nade_logits.mistake(
    "no sigmoid in the hidden layer",
    hint="What is a linear layer on top of a linear layer?",
)
def _(x, w, v, b, c):
    terms = x[:, :, None] * w
    return ((c + np.cumsum(terms, axis=1) - terms) * v).sum(axis=2) + b


@nade_logits.mistake(
    "the hidden bias added again with every pixel",
    hint="How often does c stand in the formula for one hidden unit?",
)
def _(x, w, v, b, c):
    terms = x[:, :, None] * w
    times = np.arange(1, len(b) + 1)[:, None]
    return (sigmoid(c * times + np.cumsum(terms, axis=1) - terms) * v).sum(axis=2) + b


@nade_logits.mistake(
    "a running sum that goes through the sigmoid at every pixel",
    hint="What do you carry from pixel to pixel: the sum, or its sigmoid?",
)
def _(x, w, v, b, c):
    a, logits = np.tile(c, (len(x), 1)), np.empty(x.shape)
    for d in range(x.shape[1]):
        a = sigmoid(a)
        logits[:, d] = a @ v[d] + b[d]
        a = a + x[:, d : d + 1] * w[d]
    return logits


@nade_logits.mistake(
    "hidden units that see the whole image",
    hint="The same hidden layer for every pixel: what does it know of the answer?",
)
def _(x, w, v, b, c):
    return sigmoid(c + x @ w) @ v.T + b


@nade_logits.mistake(
    "the pixels after d where those before it belong",
    hint="In which direction does the sum grow?",
)
def _(x, w, v, b, c):
    flipped = (a[::-1] for a in (w, v, b))
    return nade_logits.reference(x[:, ::-1], *flipped, c)[:, ::-1]
