"""Exercise of chapter 7 on grey values: the discretised logistic."""

import numpy as np
from scipy.special import expit, log_expit

from .frame import exercise

# ---- discretised_logistic ------------------------------------------------------------


def levels_and_logistics(rng):
    yield np.arange(4), np.zeros(4), np.full(4, -1.0), 4
    yield np.arange(2), np.array([0.3, -0.2]), np.array([0.0, -0.5]), 2
    for levels in (3, 16, 256):
        x = np.r_[0, levels - 1, rng.integers(0, levels, size=10)]
        yield x, rng.uniform(-1, 1, size=12), rng.uniform(-3, 0, size=12), levels
    x = np.array([0, 10, 128, 200, 255, 0])  # far from the mean, on a narrow curve
    yield x, np.array([0.9, 0.9, 0.9, -0.9, -0.9, 0.9]), np.full(6, -5.0), 256


def edges(x, mean, log_scale, levels):
    top = levels - 1
    apart, sharp = 2 * x / top - 1 - mean, np.exp(-log_scale)
    return sharp * (apart + 1 / top), sharp * (apart - 1 / top)


def log_difference(above, below):
    return log_expit(above) + log_expit(-below) + np.log(-np.expm1(below - above))


def with_tails(x, levels, above, below, inside):
    last = np.where(x == levels - 1, log_expit(-below), inside)
    return np.where(x == 0, log_expit(above), last)


@exercise("discretised_logistic", chapter="chapter07", inputs=levels_and_logistics)
def discretised_logistic(x, mean, log_scale, levels):
    above, below = edges(x, mean, log_scale, levels)
    return with_tails(x, levels, above, below, log_difference(above, below))


@discretised_logistic.variant
def by_infinite_edges(x, mean, log_scale, levels):
    above, below = edges(x, mean, log_scale, levels)
    above = np.where(x == levels - 1, np.inf, above)
    below = np.where(x == 0, -np.inf, below)
    return log_difference(above, below)


@discretised_logistic.variant
def by_mirroring(x, mean, log_scale, levels):
    above, below = edges(x, mean, log_scale, levels)
    above = np.where(x == levels - 1, np.inf, above)
    below = np.where(x == 0, -np.inf, below)
    flip = above > 0  # take the difference in the tail, where nothing cancels
    above, below = np.where(flip, -below, above), np.where(flip, -above, below)
    big, small = log_expit(above), log_expit(below)
    return big + np.log1p(-np.exp(small - big))


@discretised_logistic.variant
def with_softplus(x, mean, log_scale, levels):
    above, below = edges(x, mean, log_scale, levels)
    h = np.exp(-log_scale) / (levels - 1)  # half the width, in units of the scale
    left, right = -np.logaddexp(0, -above), -np.logaddexp(0, below)
    inside = left + right + np.log(-np.expm1(-2 * h))
    return np.where(x == 0, left, np.where(x == levels - 1, right, inside))


@discretised_logistic.mistake(
    "no tails: the first and the last level are treated like the others",
    hint="Sum your probabilities over all levels. Where has the rest gone?",
)
def _(x, mean, log_scale, levels):
    return log_difference(*edges(x, mean, log_scale, levels))


@discretised_logistic.mistake(
    "the tails exchanged",
    hint="Level 0 gets all that lies left of its upper border. Is that σ or 1 − σ?",
)
def _(x, mean, log_scale, levels):
    above, below = edges(x, mean, log_scale, levels)
    inside = log_difference(above, below)
    first = np.where(x == 0, log_expit(-below), inside)
    return np.where(x == levels - 1, log_expit(above), first)


@discretised_logistic.mistake(
    "a plain difference of two sigmoids, which vanishes far from the mean",
    hint="When both σ are 1 to sixteen digits, what is their difference, and its log?",
)
def _(x, mean, log_scale, levels):
    above, below = edges(x, mean, log_scale, levels)
    a = np.where(x == levels - 1, 1.0, 1 / (1 + np.exp(-above)))
    b = np.where(x == 0, 0.0, 1 / (1 + np.exp(-below)))
    return np.log(a - b)


@discretised_logistic.mistake(
    "a plain difference of two sigmoids, held above a tiny number",
    hint="No more infinities. But what is the slope of a number that is held fast, and"
    " what does the model learn from a pixel that surprised it most?",
)
def _(x, mean, log_scale, levels):
    above, below = edges(x, mean, log_scale, levels)
    a = np.where(x == levels - 1, 1.0, 1 / (1 + np.exp(-above)))
    b = np.where(x == 0, 0.0, 1 / (1 + np.exp(-below)))
    return np.log(np.maximum(a - b, 1e-12))


@discretised_logistic.mistake(
    "`levels` steps between −1 and 1",
    hint="Four levels at equal distances from −1 to 1: how many gaps are between them?",
)
def _(x, mean, log_scale, levels):
    apart, sharp = 2 * x / levels - 1 - mean, np.exp(-log_scale)
    above, below = sharp * (apart + 1 / levels), sharp * (apart - 1 / levels)
    return with_tails(x, levels, above, below, log_difference(above, below))


@discretised_logistic.mistake(
    "levels laid out on [0, 1]",
    hint="The mean lives on [−1, 1]. Where is level 0?",
)
def _(x, mean, log_scale, levels):
    top, sharp = levels - 1, np.exp(-log_scale)
    apart = x / top - mean
    above, below = sharp * (apart + 0.5 / top), sharp * (apart - 0.5 / top)
    return with_tails(x, levels, above, below, log_difference(above, below))


@discretised_logistic.mistake(
    "windows twice as wide as the steps",
    hint="How far is it from a level to the next, and so to the border between them?",
)
def _(x, mean, log_scale, levels):
    top, sharp = levels - 1, np.exp(-log_scale)
    apart = 2 * x / top - 1 - mean
    above, below = sharp * (apart + 2 / top), sharp * (apart - 2 / top)
    return with_tails(x, levels, above, below, log_difference(above, below))


@discretised_logistic.mistake(
    "the log-scale taken for the inverse scale's log",
    hint="A larger scale makes a wider curve. Does yours grow narrower?",
)
def _(x, mean, log_scale, levels):
    return discretised_logistic.reference(x, mean, -log_scale, levels)


@discretised_logistic.mistake(
    "the density at the level times the width of a step",
    hint="That is the area of a box. How much of the curve is over the step?",
)
def _(x, mean, log_scale, levels):
    above, below = edges(x, mean, log_scale, levels)
    z = (above + below) / 2
    return log_expit(z) + log_expit(-z) + np.log(above - below)


@discretised_logistic.mistake(
    "the probability, not its logarithm",
    hint="Are your numbers between 0 and 1? The logarithm of a probability is not.",
)
def _(x, mean, log_scale, levels):
    return np.exp(discretised_logistic.reference(x, mean, log_scale, levels))


@discretised_logistic.mistake(
    "the cost, −log p",
    hint="That is what a loss adds up. The exercise asks for log p: which sign has it?",
)
def _(x, mean, log_scale, levels):
    return -discretised_logistic.reference(x, mean, log_scale, levels)


@discretised_logistic.mistake(
    "255 in place of `levels` − 1",
    hint="With four levels, where on [−1, 1] does your level 3 lie?",
)
def _(x, mean, log_scale, levels):
    above, below = edges(x, mean, log_scale, 256)
    return with_tails(x, levels, above, below, log_difference(above, below))


@discretised_logistic.mistake(
    "255 in place of `levels` − 1",
    hint="With four levels, which one gets your right-hand tail?",
)
def _(x, mean, log_scale, levels):
    return discretised_logistic.reference(x, mean, log_scale, 256)


@discretised_logistic.mistake(
    "windows of half-width 1/levels",
    hint="Do your windows touch? There are levels − 1 gaps between −1 and 1, and a"
    " border in the middle of each.",
)
def _(x, mean, log_scale, levels):
    apart, sharp = 2 * x / (levels - 1) - 1 - mean, np.exp(-log_scale)
    above, below = sharp * (apart + 1 / levels), sharp * (apart - 1 / levels)
    return with_tails(x, levels, above, below, log_difference(above, below))


@discretised_logistic.mistake(
    "a δ that is not divided by the scale",
    hint="Equation (7) has (z ± δ − μ)/s. Is δ inside your brackets?",
)
def _(x, mean, log_scale, levels):
    above, below = edges(x, mean, log_scale, levels)
    centre, half = (above + below) / 2, 1 / (levels - 1)
    above, below = centre + half, centre - half
    return with_tails(x, levels, above, below, log_difference(above, below))


@discretised_logistic.mistake(
    "the mean taken away after the division by the scale",
    hint="Equation (7) has (z ± δ − μ)/s. Is μ inside your brackets?",
)
def _(x, mean, log_scale, levels):
    above, below = (t - mean for t in edges(x, 0, log_scale, levels))
    return with_tails(x, levels, above, below, log_difference(above, below))


@discretised_logistic.mistake(
    "the log-scale taken for the scale",
    hint="A log-scale of −3 is a narrow curve. What would a scale of −3 be, and which"
    " function leads from the one to the other?",
)
def _(x, mean, log_scale, levels):
    above, below = (t / log_scale for t in edges(x, mean, 0, levels))
    return with_tails(x, levels, above, below, log_difference(above, below))


@discretised_logistic.mistake(
    "a tail on the left and none on the right",
    hint="Level 0 is right. What lies to the right of the last level, and whose is it?",
)
def _(x, mean, log_scale, levels):
    above, below = edges(x, mean, log_scale, levels)
    inside = log_difference(above, below)
    return np.where(x == 0, log_expit(above), inside)


@discretised_logistic.mistake(
    "the last level is given σ, not 1 − σ, of its lower border",
    hint="σ is the area to the left of a border. On which side is the last level's?",
)
def _(x, mean, log_scale, levels):
    above, below = edges(x, mean, log_scale, levels)
    return with_tails(x, levels, above, -below, log_difference(above, below))


@discretised_logistic.mistake(
    "σ(b) where σ(−b) belongs",
    hint="e^(−b)/(1 + e^(−b)): multiply above and below by e^b. Which σ is it?",
)
def _(x, mean, log_scale, levels):
    above, below = edges(x, mean, log_scale, levels)
    inside = log_expit(above) + log_expit(below) + np.log(-np.expm1(below - above))
    return with_tails(x, levels, above, below, inside)


@discretised_logistic.mistake(
    "two factors of three: 1 − e^(b−a) is left out",
    hint="With a = b the window has no width. Which factor makes its probability 0?",
)
def _(x, mean, log_scale, levels):
    above, below = edges(x, mean, log_scale, levels)
    inside = log_expit(above) + log_expit(-below)
    return with_tails(x, levels, above, below, inside)


@discretised_logistic.mistake(
    "1 − e^(a−b), the logarithm of a negative number",
    hint="a is the upper border. Is e^(a−b) more than 1, or less?",
)
def _(x, mean, log_scale, levels):
    above, below = edges(x, mean, log_scale, levels)
    inside = log_expit(above) + log_expit(-below) + np.log(1 - np.exp(above - below))
    return with_tails(x, levels, above, below, inside)


@discretised_logistic.mistake(
    "tails that are safe, and between them a plain difference of two sigmoids",
    hint="When both σ are 1 to sixteen digits, what is their difference, and its log?",
)
def _(x, mean, log_scale, levels):
    above, below = edges(x, mean, log_scale, levels)
    inside = np.log(expit(above) - expit(below))
    return with_tails(x, levels, above, below, inside)
