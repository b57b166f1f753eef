"""Exercises of chapter 5 on the chain rule; see chapter05_nade, chapter05_masks."""

from itertools import product

import numpy as np

from .frame import exercise


def sigmoid(z):
    return 0.5 + 0.5 * np.tanh(z / 2)


# ---- 5.1 the next pixel, from a table ------------------------------------------------


def tables(rng):
    """Joint tables (2, 2, …) of D binary pixels, and what the first of them are."""
    yield np.array([[0.1, 0.4], [0.3, 0.2]]), (1,)
    for D in (1, 2, 3, 4):
        for d in range(D):
            table = rng.dirichlet(np.ones(2**D)).reshape((2,) * D)
            yield table, tuple(int(v) for v in rng.integers(2, size=d))


@exercise("next_pixel", inputs=tables)
def next_pixel(table, seen):
    black, white = (table[*seen, v].sum() for v in (0, 1))
    return white / (black + white)


@next_pixel.variant
def _(table, seen):
    part = table[tuple(seen)]
    return part[1].sum() / part.sum()


@next_pixel.variant
def _(table, seen):
    total = {0: 0.0, 1: 0.0}
    for image in product((0, 1), repeat=table.ndim):
        if image[: len(seen)] == tuple(seen):
            total[image[len(seen)]] += float(table[image])
    return total[1] / (total[0] + total[1])


@next_pixel.variant
def _(table, seen):
    future = tuple(range(len(seen) + 1, table.ndim))
    short = table.sum(axis=future)  # the joint table of the pixels up to this one
    return short[(*seen, 1)] / short.sum(axis=-1)[tuple(seen)]


@next_pixel.mistake(
    "the joint probability of what is seen and a white pixel, not divided by anything",
    hint="What must the probabilities of black and of white sum to, once you know what "
    "has been seen?",
)
def _(table, seen):
    return table[*seen, 1].sum()


@next_pixel.mistake(
    "the probability of a black pixel",
    hint="Which of the two entries of the pixel's axis is white?",
)
def _(table, seen):
    return 1 - next_pixel.reference(table, seen)


@next_pixel.mistake(
    "how often the pixel is white whatever was seen",
    hint="Which part of the table is left when you know the first pixels?",
)
def _(table, seen):
    future = tuple(i for i in range(table.ndim) if i != len(seen))
    return table.sum(axis=future)[1]


@next_pixel.mistake(
    "the pixels after it taken to be black",
    hint="Nobody has drawn the later pixels yet. What does one do with the unknown?",
)
def _(table, seen):
    later = (0,) * (table.ndim - len(seen) - 1)
    black, white = (table[*seen, v, *later] for v in (0, 1))
    return white / (black + white)


@next_pixel.mistake(
    "the best continuation in place of all continuations",
    hint="An image is white here in many ways. Do only the likeliest of them count?",
)
def _(table, seen):
    black, white = (table[*seen, v].max() for v in (0, 1))
    return white / (black + white)


@next_pixel.mistake(
    "what was seen taken for the last pixels, not the first",
    hint="Which axes of the table belong to the pixels that are drawn first?",
)
def _(table, seen):
    return next_pixel.reference(table.transpose(), seen)


# ---- 5.2 the log-likelihood of an FVSBN ----------------------------------------------


def regressions(rng):
    """x (N, D) zeros and ones, W (D, D), b (D,); at last, large logits, one right."""
    yield np.array([[1.0, 0.0]]), np.array([[5.0, 7.0], [2.0, 3.0]]), np.zeros(2)
    for N, D in [(2, 3), (4, 6), (5, 9)]:
        x = rng.integers(2, size=(N, D)).astype(float)
        yield x, rng.normal(size=(D, D)), rng.normal(size=D)
    yield x, 900.0 * rng.choice((-1, 1), size=(9, 9)), rng.normal(size=9)
    yield np.ones((1, 2)), np.array([[0.0, 0.0], [900.0, 0.0]]), np.zeros(2)


def score(x, logits):
    """Log-probabilities of binary x, by logits; a large logit does no harm."""
    return x * logits - np.logaddexp(0, logits)


@exercise("fvsbn_log_prob", inputs=regressions)
def fvsbn_log_prob(x, W, b):
    return score(x, x @ np.tril(W, -1).T + b).sum(axis=1)


@fvsbn_log_prob.variant
def _(x, W, b):
    total = np.zeros(len(x))
    for d in range(x.shape[1]):
        logit = b[d] + x[:, :d] @ W[d, :d]
        total -= np.logaddexp(0, np.where(x[:, d] == 1, -logit, logit))
    return total


@fvsbn_log_prob.variant
def _(x, W, b):
    d = np.arange(len(b))
    logits = np.einsum("ne,de->nd", x, W * (d < d[:, None])) + b
    return -np.logaddexp(0, (1 - 2 * x) * logits).sum(axis=1)


@fvsbn_log_prob.variant
def _(x, W, b):
    logits = x @ np.tril(W, -1).T + b
    soft = np.maximum(logits, 0) + np.log1p(np.exp(-np.abs(logits)))
    return (x * logits - soft).sum(1)


@fvsbn_log_prob.mistake(
    "a pixel that takes part in its own prediction",
    hint="What is W[d, d] multiplied by, and what is it that pixel d is to be told?",
)
def _(x, W, b):
    return score(x, x @ np.tril(W).T + b).sum(axis=1)


@fvsbn_log_prob.mistake(
    "pixels predicted from those that come after them",
    hint="W[d, e] is what pixel d makes of pixel e. On which side of the diagonal is e "
    "smaller than d?",
)
def _(x, W, b):
    return score(x, x @ np.triu(W, 1).T + b).sum(axis=1)


@fvsbn_log_prob.mistake(
    "the matrix transposed",
    hint="W[d, e] is what pixel d makes of pixel e. Over which of its two indices must "
    "you sum?",
)
def _(x, W, b):
    return score(x, x @ np.tril(W, -1) + b).sum(axis=1)


@fvsbn_log_prob.mistake(
    "no mask at all",
    hint="Which pixels are known when pixel d is to be predicted?",
)
def _(x, W, b):
    return score(x, x @ W.T + b).sum(axis=1)


@fvsbn_log_prob.mistake(
    "a mean over the pixels",
    hint="What becomes of a product of probabilities under a logarithm?",
)
def _(x, W, b):
    return fvsbn_log_prob.reference(x, W, b) / len(b)


@fvsbn_log_prob.mistake(
    "the sign turned round",
    hint="Is the logarithm of a probability above zero or below?",
)
def _(x, W, b):
    return -fvsbn_log_prob.reference(x, W, b)


@fvsbn_log_prob.mistake(
    "the probability itself",
    hint="How small is a product of 784 probabilities, and what can a float hold?",
)
def _(x, W, b):
    return np.exp(fvsbn_log_prob.reference(x, W, b))


@fvsbn_log_prob.mistake(
    "the black pixels left out",
    hint="Which factor does a pixel contribute that is predicted white with "
    "probability p and turns out black?",
)
def _(x, W, b):
    logits = x @ np.tril(W, -1).T + b
    return -(x * np.logaddexp(0, -logits)).sum(axis=1)


@fvsbn_log_prob.mistake(
    "every prediction compared with the pixel before the one it is about",
    hint="The mask takes care of the order already. Must the answers move as well?",
)
def _(x, W, b):
    before = np.concatenate([np.zeros((len(x), 1)), x[:, :-1]], axis=1)
    return score(before, x @ np.tril(W, -1).T + b).sum(axis=1)


@fvsbn_log_prob.mistake(
    "log of a probability that was rounded to zero or one",
    hint="σ(900) is 1 to a computer, and log(1 − 1) is minus infinity. Can you write "
    "log σ(z) in terms of z without σ?",
)
def _(x, W, b):
    p = sigmoid(x @ np.tril(W, -1).T + b)
    return (x * np.log(p) + (1 - x) * np.log(1 - p)).sum(axis=1)


@fvsbn_log_prob.mistake(
    "a logarithm of 0, or of infinity, on the way",
    hint="To a computer σ(−900) is zero and exp(900) is infinite. Which numpy function "
    "gives log(exp(a) + exp(b)) without computing either exponential?",
)
def _(x, W, b):
    p = sigmoid(x @ np.tril(W, -1).T + b)
    return np.log(np.where(x == 1, p, 1 - p)).sum(axis=1)


@fvsbn_log_prob.mistake(
    "a softplus that overflows",
    hint="exp(900) is infinite to a computer. Which numpy function gives log(exp(a) + "
    "exp(b)) without computing either?",
)
def _(x, W, b):
    z = x @ np.tril(W, -1).T + b
    return (x * z - np.log(1 + np.exp(z))).sum(axis=1)
