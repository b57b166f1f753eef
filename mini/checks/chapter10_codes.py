"""Exercises of chapter 10 on codes: how many numbers, and how to draw new ones."""

import numpy as np

from . import values
from .frame import Unexpected, exercise

# ---- numbers_inside ------------------------------------------------------------------


class Box:
    """A linear autoencoder from outside: points (N, D) → points (N, D)."""

    def __init__(self, name, matrix, offset):
        self.name, self.matrix, self.offset = name, matrix, offset

    def __call__(self, x):
        x = np.asarray(x, float)
        if x.ndim != 2 or x.shape[1] != len(self.offset):
            D = len(self.offset)
            raise ValueError(f"the box takes points (N, {D}), got shape {x.shape}")
        return x @ self.matrix.T + self.offset

    def __repr__(self):
        return f"a box, {self.name}"


def boxes(rng):
    yield Box("2 → 1", np.outer([1.0, 2.0], [3.0, 1.0]), np.array([1.0, -1.0])), 2
    # what it says of the first coordinate is drawn in the second
    yield Box("2 → 1, crosswise", np.array([[0.0, 0], [1, 0]]), np.array([1.0, 0])), 2
    yield Box("3 → 3, no offset", np.eye(3), np.zeros(3)), 3
    for D, K in [(4, 1), (5, 3), (6, 2), (8, 7), (12, 5), (9, 9)]:
        matrix = rng.normal(size=(D, K)) @ rng.normal(size=(K, D))
        yield Box(f"{D} → {K}", matrix, 3 * rng.normal(size=D)), D
    q, _ = np.linalg.qr(rng.normal(size=(7, 4)))
    yield Box("7 → 4, of PCA's kind", q @ q.T, rng.normal(size=7)), 7


def inside(f, D):
    """The matrix of a box, seen from outside."""
    return (f(np.eye(D)) - f(np.zeros((1, D)))).T


def rank(matrix):
    return int(np.linalg.matrix_rank(matrix))


@exercise("numbers_inside", chapter="chapter10", inputs=boxes)
def numbers_inside(f, D):
    return rank(inside(f, D))


numbers_inside.mistake(
    "counting the offset as a number of the code",
    hint="What does the box draw for a point of zeros? Is that in the code?",
)(lambda f, D: rank(f(np.eye(D))))

numbers_inside.mistake(
    "the trace",
    hint="The trace counts for projections only. Does the stranger promise one?",
)(lambda f, D: round(float(np.trace(inside(f, D)))))

numbers_inside.mistake(
    "counting coordinates that move",
    hint="A code of one number can move every coordinate. What can it not do?",
)(lambda f, D: int((np.abs(inside(f, D)) > 1e-9).any(axis=1).sum()))

numbers_inside.mistake(
    "counting eigenvalues other than zero",
    hint="What if the box draws in the second coordinate what it heard of the first?"
    " What are the eigenvalues of that matrix?",
)(lambda f, D: int((np.abs(np.linalg.eigvals(inside(f, D))) > 1e-4).sum()))

numbers_inside.mistake(
    "the directions that are lost",
    hint="How many are left when those are taken from D?",
)(lambda f, D: D - rank(inside(f, D)))

numbers_inside.mistake(
    "as many numbers as there are coordinates",
    hint="What did you ask the box?",
)(lambda f, D: D)


numbers_inside.mistake(
    "comparing D points with each other, and with no other point",
    hint="Two points differ in one direction. In how many do D points differ at most?",
)(lambda f, D: rank(f(np.eye(D)) - f(np.eye(D)).mean(axis=0)))


@numbers_inside.mistake(
    "too few points tried",
    hint="Three points span at most how many dimensions? How many must you try?",
)
def _(f, D):
    tried = f(np.random.default_rng(0).normal(size=(4, D)))
    return rank(tried[1:] - tried[0])


@numbers_inside.variant
def by_singular_values(f, D):
    s = np.linalg.svd(inside(f, D), compute_uv=False)
    return int((s > 1e-8 * s[0]).sum())


@numbers_inside.variant
def from_random_points(f, D):
    y = f(np.random.default_rng(1).normal(size=(5 * D, D)))
    return np.linalg.matrix_rank(y - y.mean(axis=0))


@numbers_inside.variant
def one_point_at_a_time(f, D):
    base, found = f(np.zeros((1, D)))[0], np.zeros((0, D))
    for unit in np.eye(D):
        more = np.vstack([found, f(unit[None])[0] - base])
        found = more if rank(more) > len(found) else found
    return len(found)


# ---- codes_from_noise ----------------------------------------------------------------


def codes_and_noise(rng):
    """Codes that hang together; noise whose mean is 0 and whose covariance is I."""
    for N, K, n in [(200, 1, 6), (300, 2, 9), (400, 4, 30)]:
        codes = rng.exponential(size=(N, K)) @ rng.normal(size=(K, K))
        noise = rng.normal(size=(n, K))
        noise -= noise.mean(axis=0)
        u, _, v = np.linalg.svd(noise, full_matrices=False)
        yield 1.7 * codes + rng.normal(size=K), np.sqrt(n) * u @ v


def moments(attempt, codes, noise):
    """What must be right about draws: mean, covariance, nothing but the noise in them.

    The third is how far the draws are from a linear map of the noise.
    """
    drawn = attempt(codes, noise)
    if np.shape(drawn) != noise.shape:
        raise Unexpected(f"an array of shape {noise.shape}", drawn)
    drawn = np.asarray(drawn)
    mean = drawn.mean(axis=0)
    root = noise.T @ (drawn - mean) / len(noise)
    covariance = root.T @ root
    rest = np.abs(drawn - mean - noise @ root).max() > 1e-6 * np.abs(drawn).max()
    return mean, (covariance + covariance.T) / 2, bool(rest)


def alike(a, b):
    """Whether moments agree; draws not made of the noise are random, and all alike."""
    return (a[2] and b[2]) or values.same(a, b, 0.02)


def spread(codes):
    return np.atleast_2d(np.cov(codes.T))


@exercise(
    "codes_from_noise", chapter="chapter10", inputs=codes_and_noise, run=moments,
    compare=alike,
)  # fmt: skip
def codes_from_noise(codes, noise):
    return codes.mean(axis=0) + noise @ np.linalg.cholesky(spread(codes)).T


codes_from_noise.mistake(
    "numbers drawn one by one, with their own spread",
    hint="If two numbers of the codes rise and fall together, do they in your draws?",
)(lambda codes, noise: codes.mean(axis=0) + noise * codes.std(axis=0))

codes_from_noise.mistake(
    "variances used as standard deviations",
    hint="What is the standard deviation of 3·ε? And its variance?",
)(lambda codes, noise: codes.mean(axis=0) + noise * codes.var(axis=0))

codes_from_noise.mistake(
    "the covariance in place of its root",
    hint="What is the covariance of ε·M, for a matrix M? For which M is it Σ?",
)(lambda codes, noise: codes.mean(axis=0) + noise @ spread(codes))

codes_from_noise.mistake(
    "the root transposed",
    hint="Each row of the noise is multiplied from the right: L, or Lᵀ?",
)(lambda c, noise: c.mean(axis=0) + noise @ np.linalg.cholesky(spread(c)))

codes_from_noise.mistake(
    "the mean left out",
    hint="Where is the middle of the training codes, and where is yours?",
)(lambda codes, noise: noise @ np.linalg.cholesky(spread(codes)).T)

codes_from_noise.mistake(
    "noise as it is",
    hint="Nobody taught the codes to be standard normal. Which argument did you not"
    " use?",
)(lambda codes, noise: noise.copy())

codes_from_noise.mistake(
    "the noise centred on the codes, with a spread of one",
    hint="The mean is right. How wide are the codes, and how wide are your draws?",
)(lambda codes, noise: codes.mean(axis=0) + noise)

codes_from_noise.mistake(
    "draws that are no linear map of the given noise",
    hint="Are they training codes, or noise of your own? Which argument must every draw"
    " be made of, and which maps keep a Gaussian Gaussian?",
)(lambda codes, noise: codes[: len(noise)].copy())


@codes_from_noise.mistake(
    "the root of each entry of the covariance",
    hint="Is the root of a matrix the matrix of the roots?",
)
def _(codes, noise):
    return codes.mean(axis=0) + noise @ np.sqrt(np.abs(spread(codes)))


@codes_from_noise.mistake(
    "the root of the correlations",
    hint="Correlations have lost the widths. Where do these come back?",
)
def _(codes, noise):
    correlation = np.atleast_2d(np.corrcoef(codes.T))
    return codes.mean(axis=0) + noise @ np.linalg.cholesky(correlation).T


@codes_from_noise.mistake(
    "the right widths along the principal axes, never turned back",
    hint="Your draws lie along the coordinate axes. Along which do the codes lie, and"
    " what turns the one into the other?",
)
def _(codes, noise):
    values, vectors = np.linalg.eigh(spread(codes))
    return codes.mean(axis=0) + noise @ (vectors * np.sqrt(values))


@codes_from_noise.variant
def symmetric_root(codes, noise):
    values, vectors = np.linalg.eigh(np.atleast_2d(np.cov(codes.T, bias=True)))
    return noise @ (vectors * np.sqrt(values)) @ vectors.T + codes.mean(axis=0)


@codes_from_noise.variant
def along_the_axes(codes, noise):
    mean = codes.mean(axis=0)
    _, s, u = np.linalg.svd(codes - mean, full_matrices=False)
    return mean + noise @ (s[:, None] * u) / np.sqrt(len(codes))


@codes_from_noise.variant
def correlations_and_widths(codes, noise):
    correlation = np.atleast_2d(np.corrcoef(codes.T))
    plain = np.einsum("ij,nj->ni", np.linalg.cholesky(correlation), noise)
    return codes.mean(axis=0) + codes.std(axis=0) * plain
