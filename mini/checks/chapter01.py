"""Exercises of chapter 1: sampling, KL, bits; chapter01_mixtures.py has the others."""

import math

import numpy as np
from scipy.special import rel_entr

from .frame import exercise

# ---- 1.1 drawing from a table --------------------------------------------------------


def tables(rng):
    """Probabilities and uniform numbers; at last, outcomes that must never be drawn."""
    yield np.array([0.5, 0.5]), np.array([0.1, 0.9, 0.4])
    yield np.array([0.1, 0.2, 0.7]), np.linspace(0.01, 0.99, 25)
    yield rng.dirichlet(np.ones(6)), rng.random(40)
    yield np.array([0.0, 0.25, 0.0, 0.75]), np.array([0.0, 0.2, 0.25, 0.6, 0.999])


@exercise("draw", inputs=tables)
def draw(p, u):
    return np.searchsorted(np.cumsum(p)[:-1], u, side="right")


@draw.variant
def _(p, u):
    return (u[:, None] >= np.cumsum(p)[:-1]).sum(axis=1)


@draw.variant
def _(p, u):
    return np.array([int(np.argmax(np.cumsum(p) > v)) for v in u])


@draw.variant
def _(p, u):
    return np.digitize(u, np.cumsum(p)[:-1])


@draw.mistake(
    "always the most probable outcome",
    hint="How often should the second most probable one come?",
)
def _(p, u):
    return np.full(len(u), np.argmax(p))


@draw.mistake(
    "every outcome as often as every other",
    hint="Where do the probabilities enter? Stacked one after another they fill the "
    "line from 0 to 1: into whose stretch does u fall?",
)
def _(p, u):
    return (u * len(p)).astype(int)


@draw.mistake(
    "comparing u with p instead of with the sums of p so far",
    hint="If p is (0.1, 0.2, 0.7), where on the line from 0 to 1 does the stretch of "
    "the second outcome begin?",
)
def _(p, u):
    return (u[:, None] >= p[:-1]).sum(axis=1)


@draw.mistake(
    "counting from one",
    hint="Which outcome is drawn when u lies below p[0], and what is its index?",
)
def _(p, u):
    return np.searchsorted(np.cumsum(p)[:-1], u, side="right") + 1


@draw.mistake(
    "a u on the border given to the outcome before it",
    hint="u can be exactly 0. What is then drawn if p[0] is 0?",
)
def _(p, u):
    return np.searchsorted(np.cumsum(p)[:-1], u, side="left")


# ---- 1.2 the Kullback–Leibler divergence ---------------------------------------------


def pairs_of_tables(rng):
    """Two tables p and q, with and without zeros."""
    yield np.array([0.5, 0.5]), np.array([0.9, 0.1])
    yield rng.dirichlet(np.ones(3)), rng.dirichlet(np.ones(3))
    yield rng.dirichlet(np.ones(16)), rng.dirichlet(np.ones(16))
    yield np.array([0.5, 0.5, 0.0]), np.array([0.4, 0.3, 0.3])  # 0·log 0 counts as 0
    yield np.array([0.2, 0.8, 0.0, 0.0]), np.array([0.7, 0.3, 0.0, 0.0])
    yield np.array([0.5, 0.5]), np.array([1.0, 0.0])  # infinite


@exercise("kl", inputs=pairs_of_tables)
def kl(p, q):
    return rel_entr(p, q).sum()


@kl.variant
def _(p, q):
    there = p > 0
    return (p[there] * np.log(p[there] / q[there])).sum()


@kl.variant
def _(p, q):
    return sum(
        a * (np.log(a) - (np.log(b) if b > 0 else -np.inf))
        for a, b in zip(p, q)
        if a > 0
    )


@kl.variant
def _(p, q):
    return np.where(p > 0, p * np.log(p / q), 0).sum()


@kl.mistake(
    "the two distributions exchanged",
    hint="Over which of the two is the average taken: who draws the images, p or q?",
)
def _(p, q):
    return rel_entr(q, p).sum()


@kl.mistake(
    "bits, where nats were asked for",
    hint="Which logarithm gives nats?",
)
def _(p, q):
    return rel_entr(p, q).sum() / np.log(2)


@kl.mistake(
    "the cross-entropy, which is the KL divergence plus the entropy of p",
    hint="What should KL(p‖p) be?",
)
def _(p, q):
    there = p > 0
    return -(p[there] * np.log(q[there])).sum()


@kl.mistake(
    "the wrong sign",
    hint="A divergence is never negative. Which way up is the fraction?",
)
def _(p, q):
    return -rel_entr(p, q).sum()


@kl.mistake(
    "a mean over the outcomes",
    hint="p already weighs the outcomes, and its weights sum to one. What is left?",
)
def _(p, q):
    return rel_entr(p, q).mean()


@kl.mistake(
    "an average of log p − log q that does not weigh by p",
    hint="How often does each outcome come?",
)
def _(p, q):
    return (np.log(p) - np.log(q)).sum()


@kl.mistake(
    "nan where p is zero",
    hint="What is the limit of t·log t as t goes to zero, and what does numpy make of "
    "0 * log(0)?",
)
def _(p, q):
    return (p * np.log(p / q)).sum()


@kl.mistake(
    "outcomes that q calls impossible left out of the sum",
    hint="How many bits does q's code give to an outcome of probability zero, if p "
    "draws it all the same?",
)
def _(p, q):
    there = (p > 0) & (q > 0)
    return (p[there] * np.log(p[there] / q[there])).sum()


@kl.mistake(
    "a small number added inside the logarithm",
    hint="What is the exact answer when q says impossible and p says otherwise?",
)
def _(p, q):
    return (p * np.log((p + 1e-12) / (q + 1e-12))).sum()


# ---- 1.3 bits per dimension ----------------------------------------------------------


def log_densities(rng):
    """Log-densities of a few images, and an image's shape; one is in colour."""
    yield np.array([0.0]), (1, 2, 2)
    yield rng.normal(900, 200, size=3), (1, 28, 28)
    yield rng.normal(2000, 900, size=4), (3, 32, 32)


@exercise("bits_per_dim", inputs=log_densities)
def bits_per_dim(log_density, shape):
    return 7 - log_density / (np.prod(shape) * np.log(2))


@bits_per_dim.variant
def _(log_density, shape):
    D = shape[0] * shape[1] * shape[2]
    return -(log_density - D * np.log(128)) / np.log(2) / D


@bits_per_dim.variant
def _(log_density, shape):
    nats = np.log(128) - log_density / np.prod(shape)  # of bytes, in each dimension
    return nats * np.log2(np.e)


@bits_per_dim.variant
def _(log_density, shape):
    D = math.prod(shape)
    log_bytes = [value / math.log(2) - 7 * D for value in log_density]
    return np.array([-value / D for value in log_bytes])


@bits_per_dim.mistake(
    "8 bits for the scaling",
    hint="That is right for images in [0, 1). By how much must you stretch [−1, 1) so "
    "that a step between two bytes has length one?",
)
def _(log_density, shape):
    return 8 - log_density / (np.prod(shape) * np.log(2))


@bits_per_dim.mistake(
    "no correction for the scaling",
    hint="A density is per unit of length. How long is one byte's step in [−1, 1)?",
)
def _(log_density, shape):
    return -log_density / (np.prod(shape) * np.log(2))


@bits_per_dim.mistake(
    "the correction made with the opposite sign",
    hint="Stretching by 128 spreads the same probability over more room. Does the "
    "density rise or fall?",
)
def _(log_density, shape):
    return -7 - log_density / (np.prod(shape) * np.log(2))


@bits_per_dim.mistake(
    "the sign of the log-density turned round",
    hint="Does a larger density cost more bits, or fewer?",
)
def _(log_density, shape):
    return 7 + log_density / (np.prod(shape) * np.log(2))


@bits_per_dim.mistake(
    "nats left as nats",
    hint="How many nats is one bit?",
)
def _(log_density, shape):
    return 7 - log_density / np.prod(shape)


@bits_per_dim.mistake(
    "a multiplication by log 2 where a division belongs",
    hint="One bit is 0.69 nats. Is the number of bits larger than that of nats, or "
    "smaller?",
)
def _(log_density, shape):
    return 7 - log_density * np.log(2) / np.prod(shape)


@bits_per_dim.mistake(
    "a division by the pixels, without their colours",
    hint="How many numbers make up one pixel of a colour image?",
)
def _(log_density, shape):
    return 7 - log_density / (np.prod(shape[1:]) * np.log(2))


@bits_per_dim.mistake(
    "bits per image",
    hint="Over how many dimensions are those bits spread?",
)
def _(log_density, shape):
    return 7 * np.prod(shape) - log_density / np.log(2)


@bits_per_dim.mistake(
    "255 steps instead of 256",
    hint="Into how many bins of one byte each do the dequantised values fall?",
)
def _(log_density, shape):
    return np.log2(127.5) - log_density / (np.prod(shape) * np.log(2))
