"""Whose neighbours are whose: quality and variety apart, and learning by heart.

All distances are Euclidean. They are computed for some rows at a time: ten thousand
samples have 10⁸ pairs, which would fill 800 MB.
"""

import math
from typing import NamedTuple

import numpy as np

from ..init import check_sizes
from .features import rows_at_once, samples


def _blocks(x, y, k=1):
    """(rows, squared distances (n, M)) of x (N, D) to y (M, D), n rows at a time.

    |x|² + |y|² − 2 x·y is one matrix product. It loses digits far from the origin, so
    the origin goes to the middle of y. There is room for n·k·D other numbers, too.
    """
    middle = y.mean(axis=0)
    x, y = x - middle, y - middle
    lengths, step = (y * y).sum(axis=1), rows_at_once(max(len(y), k * x.shape[1]))
    for i in range(0, len(x), step):
        part = x[i : i + step]
        square = part @ (-2 * y.T)
        square += lengths
        square += (part * part).sum(axis=1, keepdims=True)
        yield slice(i, i + step), square


def _radii(x, k):
    """Squared distance of each point of x (N, D) to the k-th nearest other one: (N,)"""
    radii = np.empty(len(x))
    for rows, square in _blocks(x, x):
        square.partition(k, axis=1)  # a point's distance 0 to itself is number 0
        radii[rows] = square[:, k]
    # Rounding must not push a neighbour out of the ball that it defines.
    return radii + 1e-12 * (radii + ((x - x.mean(axis=0)) ** 2).sum(axis=1))


def _balls(centres, points, k):
    """How many points lie in each centre's ball, and in how many balls each point lies.

    A ball reaches as far as the k-th nearest other centre, which belongs to it.
    """
    radii = _radii(centres, k)
    held, around = np.zeros(len(centres), int), np.zeros(len(points), int)
    for rows, square in _blocks(centres, points):
        inside = square <= radii[rows, None]
        held[rows] = inside.sum(axis=1)
        around += inside.sum(axis=0)
    return held, around


def precision_recall(real, fake, k=3):
    """(precision, recall) of samples: (N, D), (M, D) → two floats from 0 to 1.

    Precision is the share of fake samples that lie within reach of a real one: no
    farther from it than its k-th nearest real neighbour. Recall is the share of real
    samples within reach of a fake one (Kynkäänniemi et al. 2019, equations 1 and 2).

    Two samples of one distribution do not reach 1 when D is large: with N = 1000, k = 5
    both are 0.72 for N(0, I) in 64 dimensions. One far-off sample has a large ball, so
    outliers raise the figures; `density_coverage` is made to bear them.
    """
    real, fake = _samples("precision_recall", k, real=real, fake=fake)
    _, around_fake = _balls(real, fake, k)
    _, around_real = _balls(fake, real, k)
    return float((around_fake > 0).mean()), float((around_real > 0).mean())


def density_coverage(real, fake, k=5):
    """(density, coverage) of samples: (N, D), (M, D) → two floats.

    Density is the number of real samples within whose reach (as above) a fake one lies,
    on average, divided by k: about 1 for the same distribution, more where real samples
    are crowded. Coverage is the share of real samples with a fake one within reach,
    from 0 to 1 (Naeem et al. 2020); see `expected_coverage`.
    """
    real, fake = _samples("density_coverage", k, real=real, fake=fake)
    held, around = _balls(real, fake, k)
    return float(around.mean() / k), float((held > 0).mean())


def expected_coverage(N, M, k=5):
    """Coverage of N real samples by M of the same distribution, on average, for any D.

    A real sample is missed if the k nearest of the N − 1 + M others are all real: 1 − ∏
    (N − 1 − i) / (N + M − 1 − i), i < k (Naeem et al. 2020; distances without ties).
    """
    check_sizes("expected_coverage", N=N, M=M)
    _check_k("expected_coverage", k, N - 1, f"one less than N = {N}")
    return 1 - math.prod((N - 1 - i) / (N + M - 1 - i) for i in range(k))


# ---- nearest neighbours --------------------------------------------------------------


def nearest_neighbours(x, points, k=1):
    """(distances, rows of points), both (N, k), of the k points nearest to each of x.

    x (N, D), points (M, D); the nearest first.
    """
    x, points = samples("nearest_neighbours", x=x, points=points)
    _check_k("nearest_neighbours", k, len(points), f"points' {len(points)} rows")
    distances, index = np.empty((len(x), k)), np.empty((len(x), k), int)
    for rows, square in _blocks(x, points, k):
        near = np.argpartition(square, k - 1, axis=1)[:, :k]
        # Exact now: a copy is to have distance 0.
        exact = np.linalg.norm(x[rows, None] - points[near], axis=2)
        order = np.argsort(exact, axis=1, kind="stable")
        index[rows] = np.take_along_axis(near, order, axis=1)
        distances[rows] = np.take_along_axis(exact, order, axis=1)
    return distances, index


class Memorisation(NamedTuple):
    """`auc`: how often a sample is nearer to the training set than new real data is, ½
    if by chance alone; `z`: that in standard deviations; `near`: the share of samples
    nearer to it than all but `quantile` of new real data."""

    auc: float
    z: float
    near: float


def memorisation(train, held_out, fake, *, quantile=0.01):
    """Are samples copies? (T, D), (N, D) and (M, D) → `Memorisation` (auc, z, near).

    Compared are the distances to the nearest of the training set, of samples on one
    hand, of real data that the model has not seen on the other. `auc` is the share of
    pairs (sample, held-out one) of which the sample is nearer, ties counting half: 1
    for copies, ½ for new draws from the same distribution, 0 for samples that are all
    far off, which is bad in another way. z = (auc − ½) / √((N + M + 1) / 12NM), N(0, 1)
    for new draws, is the Mann–Whitney statistic (Meehan et al. 2020 have it with the
    other sign, and ask each region of the space apart, since one can hide another). A
    few copies among many samples hardly move `auc`, but raise `near`, which should be
    about `quantile`.

    Blurred samples and those of one easy kind (of digits, ones) are near to whatever
    was trained on, copies or not, and noisy copies are far from what they copy. Look at
    the pairs that `nearest_neighbours` finds, too.
    """
    name = "memorisation"
    tables = samples(name, train=train, held_out=held_out, fake=fake)
    if not 0 < quantile < 1:
        raise ValueError(f"{name}: quantile is {quantile!r}, expected 0 < quantile < 1")
    train, *others = tables
    new, ours = (np.sort(nearest_neighbours(x, train)[0][:, 0]) for x in others)
    N, M = len(new), len(ours)
    farther = N - np.searchsorted(new, ours, side="right")
    level = np.searchsorted(new, ours, side="right") - np.searchsorted(new, ours)
    auc = (farther + level / 2).mean() / N
    z = (auc - 0.5) / math.sqrt((N + M + 1) / (12 * N * M))
    near = (ours <= np.quantile(new, quantile)).mean()
    return Memorisation(float(auc), float(z), float(near))


# ---- checks of arguments -------------------------------------------------------------


def _samples(function, k, **tables):
    """Tables with equally many columns, of more than k rows each."""
    arrays = samples(function, 2, **tables)
    fewest, shortest = min(zip(map(len, arrays), tables))
    _check_k(function, k, fewest - 1, f"one less than {shortest}'s {fewest} rows")
    return arrays


def _check_k(function, k, most, because):
    if not isinstance(k, (int, np.integer)) or not 1 <= k <= most:
        raise ValueError(
            f"{function}: k is {k!r}, expected a count 1 … {most}, {because}"
        )
