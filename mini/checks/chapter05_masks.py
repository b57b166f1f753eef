"""Exercises of chapter 5 on MADE's masks, on drawing and on several orderings."""

from functools import partial

import numpy as np
from scipy.special import expit, logsumexp

from .frame import exercise

exercise = partial(exercise, chapter="chapter05")

# ---- 5.4 MADE's masks ----------------------------------------------------------------


def degrees_of_layers(rng):
    """rank (D,), a permutation of 1 … D, and the degrees of one layer or more."""
    yield np.array([1, 2, 3]), [np.array([1, 2])]
    yield np.array([3, 1, 2]), [np.array([2, 1, 1, 2])]
    for D, sizes in [(4, (6,)), (5, (7, 6)), (6, (8, 9, 7))]:
        yield rng.permutation(D) + 1, [rng.integers(1, D, size=H) for H in sizes]


@exercise("made_masks", inputs=degrees_of_layers)
def made_masks(rank, degrees):
    below = [rank, *degrees]
    masks = [m[:, None] >= below[i] for i, m in enumerate(degrees)]
    return [*masks, rank[:, None] > below[-1]]


@made_masks.variant
def _(rank, degrees):
    masks, last = [], rank
    for m in degrees:
        masks.append(np.greater_equal.outer(m, last))
        last = m
    return [*masks, np.greater.outer(rank, last)]


@made_masks.variant
def _(rank, degrees):
    layers = [rank, *degrees, rank - 1]  # a pixel of rank d may see ranks ≤ d − 1
    return [(a[None] <= b[:, None]) for a, b in zip(layers, layers[1:])]


@made_masks.variant
def _(rank, degrees):
    layers, masks = [rank, *degrees, rank], []
    for i in range(len(layers) - 1):
        mask = np.zeros((len(layers[i + 1]), len(layers[i])), bool)
        for k, upper in enumerate(layers[i + 1]):
            for j, lower in enumerate(layers[i]):
                mask[k, j] = upper > lower if i == len(degrees) else upper >= lower
        masks.append(mask)
    return masks


@made_masks.mistake(
    "an output that may see units of its own rank",
    hint="A unit of degree m has seen pixel m. May pixel m be predicted from it?",
)
def _(rank, degrees):
    *masks, _ = made_masks.reference(rank, degrees)
    return [*masks, rank[:, None] >= degrees[-1]]


made_masks.mistake(
    "rank taken for the list of pixels in the order of drawing",
    hint="Is rank[0] the pixel that is drawn first, or pixel 0's place in the order?",
)(lambda rank, degrees: made_masks.reference(np.argsort(rank) + 1, degrees))


@made_masks.mistake(
    "every comparison strict",
    hint="Nothing leaks, but a unit of degree m is there to see pixel m too. Where in "
    "the chain is one strict step enough?",
)
def _(rank, degrees):
    layers = [rank, *degrees, rank]
    return [b[:, None] > a for a, b in zip(layers, layers[1:])]


@made_masks.mistake(
    "hidden units that may not listen to units of their own degree",
    hint="Two units of degree m may see the same pixels. Would anything leak from one "
    "to the other?",
)
def _(rank, degrees):
    masks = made_masks.reference(rank, degrees)
    pairs = zip(degrees, degrees[1:])
    return [masks[0], *(b[:, None] > a for a, b in pairs), masks[-1]]


made_masks.mistake(
    "rows and columns exchanged",
    hint="A mask multiplies a weight (out, in). Which of the two layers are its rows?",
)(lambda rank, degrees: [m.T for m in made_masks.reference(rank, degrees)])

made_masks.mistake(
    "the rank of the pixels left out, as if they were drawn in reading order",
    hint="rank[d] says when pixel d is drawn. Where does it enter?",
)(lambda rank, degrees: made_masks.reference(np.arange(1, len(rank) + 1), degrees))


@made_masks.mistake(
    "the comparisons turned round, so that units see the future",
    hint="A unit of degree m may see pixels drawn up to step m. Is that ≤ or ≥?",
)
def _(rank, degrees):
    layers = [rank, *degrees]
    masks = [b[:, None] <= a for a, b in zip(layers, layers[1:])]
    return [*masks, rank[:, None] < degrees[-1]]


@made_masks.mistake(
    "degrees that name the pixel to be predicted, not the last pixel seen",
    hint="A consistent choice; nothing leaks. But degrees run from 1 to D − 1: what "
    "would a unit of degree 1 be allowed to see?",
)
def _(rank, degrees):
    masks = made_masks.reference(rank, degrees)
    first, last = degrees[0][:, None] > rank, rank[:, None] >= degrees[-1]
    return [first, *masks[1:-1], last]


# ---- 5.5 drawing from an FVSBN -------------------------------------------------------


def uniform_numbers(rng):
    """u (N, D) uniform in [0, 1), W (D, D), b (D,)."""
    for N, D in [(2, 2), (3, 4), (20, 7)]:
        yield rng.random((N, D)), 3 * rng.normal(size=(D, D)), rng.normal(size=D)


def drawn(u, W, b, decide):
    """Pixel after pixel: decide(u, logit) makes it from its number and its logit."""
    x = np.zeros(u.shape)
    for d in range(u.shape[1]):
        x[:, d] = decide(u[:, d], x[:, :d] @ W[d, :d] + b[d])
    return x


@exercise("draw_fvsbn", inputs=uniform_numbers)
def draw_fvsbn(u, W, b):
    return drawn(u, W, b, lambda u, logit: u < expit(logit))


@draw_fvsbn.variant
def _(u, W, b):
    x, W = np.zeros(u.shape), np.tril(W, -1)
    for d in range(len(b)):
        x[:, d] = u[:, d] < expit(x @ W.T + b)[:, d]  # the whole network every time
    return x


@draw_fvsbn.variant
def _(u, W, b):
    threshold = np.log(u) - np.log1p(-u)  # u < σ(z) where logit(u) < z
    x = np.zeros(u.shape, int)
    for n in range(len(u)):
        for d in range(len(b)):
            x[n, d] = threshold[n, d] < b[d] + sum(W[d, e] * x[n, e] for e in range(d))
    return x


@draw_fvsbn.variant
def _(u, W, b):
    x, logits = np.zeros(u.shape), np.tile(b, (len(u), 1))
    for d in range(len(b)):
        x[:, d] = u[:, d] < expit(logits[:, d])
        logits[:, d + 1 :] += x[:, d : d + 1] * W[d + 1 :, d]  # tell all later ones
    return x


draw_fvsbn.mistake(
    "always the likelier value",
    hint="A pixel that is white with probability 0.4: how often should it be white?",
)(lambda u, W, b: drawn(u, W, b, lambda u, logit: (logit > 0) + 0 * u))

draw_fvsbn.mistake(
    "all pixels at once, with nothing drawn yet",
    hint="What does pixel d look at, and is it there when you need it?",
)(lambda u, W, b: (u < expit(b)).astype(float))


@draw_fvsbn.mistake(
    "probabilities handed on where drawn pixels belong",
    hint="The model was trained on pixels that are 0 or 1. What does pixel d see here?",
)
def _(u, W, b):
    p = drawn(u, W, b, lambda u, logit: expit(logit))
    return (u < p).astype(float)


draw_fvsbn.mistake(
    "the matrix transposed",
    hint="W[d, e] is what pixel d makes of pixel e. Is row d or column d pixel d's?",
)(lambda u, W, b: draw_fvsbn.reference(u, W.T, b))

draw_fvsbn.mistake(
    "white and black exchanged",
    hint="With p = 1, for which u must the pixel be white?",
)(lambda u, W, b: drawn(u, W, b, lambda u, logit: u >= expit(logit)))

draw_fvsbn.mistake(
    "u compared with the logit",
    hint="u runs from 0 to 1. From where to where do logits run?",
)(lambda u, W, b: drawn(u, W, b, lambda u, logit: u < logit))

draw_fvsbn.mistake(
    "one random number for all pixels of an image",
    hint="How many coins does an image of D pixels need?",
)(lambda u, W, b: draw_fvsbn.reference(u[:, :1] + 0 * u, W, b))


# ---- 5.6 the average over orderings --------------------------------------------------


def scores_of_orderings(rng):
    """log_p (K, N): log-probabilities of N images in K orderings, in nats."""
    yield (np.log(np.array([[0.1], [0.3]])),)
    yield (rng.normal(-5, 2, size=(3, 4)),)
    yield (rng.normal(-90, 4, size=(8, 5)),)
    yield (rng.normal(-1500, 10, size=(4, 6)),)  # exp of these is 0 in a float


@exercise("average_orderings", inputs=scores_of_orderings)
def average_orderings(log_p):
    return logsumexp(log_p, axis=0) - np.log(len(log_p))


@average_orderings.variant
def _(log_p):
    top = log_p.max(axis=0)
    return top + np.log(np.exp(log_p - top).mean(axis=0))


@average_orderings.variant
def _(log_p):
    total = log_p[0]
    for row in log_p[1:]:
        total = np.logaddexp(total, row)
    return total - np.log(log_p.shape[0])


@average_orderings.variant
def _(log_p):
    top = log_p.max()
    columns = [np.log(np.mean(np.exp(column - top))) + top for column in log_p.T]
    return np.array(columns)


average_orderings.mistake(
    "the mean of the logarithms",
    hint="Its exponential is a geometric mean. Do geometric means of probabilities sum "
    "to one over all images?",
)(lambda log_p: log_p.mean(axis=0))

average_orderings.mistake(
    "a sum of probabilities that is not divided by their number",
    hint="What would you get for two orderings that agree?",
)(lambda log_p: logsumexp(log_p, axis=0))

average_orderings.mistake(
    "exponentials too small for a float",
    hint="exp(−1500) is 0 to a computer. What can you subtract before you take the "
    "exponential, and add again after the logarithm?",
)(lambda log_p: np.log(np.exp(log_p).mean(axis=0)))

average_orderings.mistake(
    "the best ordering for each image",
    hint="If every image chooses its ordering, what do all probabilities sum to?",
)(lambda log_p: log_p.max(axis=0))

average_orderings.mistake(
    "the logarithm of the sum divided by the number, not the sum itself",
    hint="The average is taken of the probabilities. Does dividing a logarithm by K "
    "divide the probability by K?",
)(lambda log_p: logsumexp(log_p, axis=0) / len(log_p))

average_orderings.mistake(
    "an average over the images, one for each ordering",
    hint="Which axis counts the orderings? There should be one number for each image.",
)(lambda log_p: logsumexp(log_p, axis=1) - np.log(log_p.shape[1]))

average_orderings.mistake(
    "the averaged probability itself",
    hint="How many nats is that?",
)(lambda log_p: np.exp(log_p).mean(axis=0))
