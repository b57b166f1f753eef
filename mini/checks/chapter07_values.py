"""Exercises of chapter 7 on grey values: to_levels, discretised_logistic."""

import numpy as np
from scipy.special import log_expit

from .frame import exercise

# ---- to_levels -----------------------------------------------------------------------


def bytes_and_levels(rng):
    for levels in (2, 4, 8, 5, 256):
        yield np.arange(256, dtype=np.uint8).reshape(1, 1, 16, 16), levels
    for levels in (3, 4, 100):
        yield rng.integers(0, 256, size=(2, 3, 4, 5), dtype=np.uint8), levels


@exercise("to_levels", chapter="chapter07", inputs=bytes_and_levels)
def to_levels(images, levels):
    return images.astype(int) * levels // 256


@to_levels.variant
def by_floor(images, levels):
    return np.floor(images / 256 * levels).astype(np.uint8)


@to_levels.variant
def by_counting_edges(images, levels):
    edges = np.ceil(256 * np.arange(1, levels) / levels)
    return np.digitize(images, edges)


@to_levels.variant
def by_table(images, levels):
    return np.array([k * levels // 256 for k in range(256)])[images]


to_levels.mistake(
    "rounding, which leaves the first and the last level half as many greys",
    hint="How many bytes become level 0, and how many level 1?",
)(lambda x, levels: np.rint(x / 255 * (levels - 1)).astype(int))

to_levels.mistake(
    "255 for 256 greys",
    hint="There are 256 values from 0 to 255. What becomes of the brightest?",
)(lambda x, levels: x.astype(int) * levels // 255)

to_levels.mistake(
    "255 for 256 greys, and what falls out at the top pressed back in",
    hint="There are 256 values from 0 to 255. Where does level 1 begin?",
)(lambda x, levels: np.minimum(x.astype(int) * levels // 255, levels - 1))

to_levels.mistake(
    "the width of a level rounded to a whole number of greys",
    hint="256 // 5 is 51, and 5 · 51 is not 256. Which level does byte 255 get?",
)(lambda x, levels: x.astype(int) // (256 // levels))

to_levels.mistake(
    "division by the number of levels",
    hint="For four levels, is a level 4 greys wide, or are there 4 of them?",
)(lambda x, levels: x.astype(int) // levels)

to_levels.mistake(
    "levels − 1 levels, and the brightest one out of reach",
    hint="With four levels, which byte should become 3?",
)(lambda x, levels: x.astype(int) * (levels - 1) // 256)

to_levels.mistake(
    "bytes that overflow",
    hint="100 · 4 does not fit into a uint8. What does numpy make of it?",
)(lambda x, levels: (x * np.uint8(levels % 256)).astype(int) // 256)


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
