"""Exercises of chapter 14 on points in the plane; those on tables: chapter14.py."""

from functools import partial

import numpy as np
from scipy.spatial import cKDTree

from .. import functional as F
from ..adversarial import pack
from .frame import exercise, given

exercise = partial(exercise, chapter="chapter14")

# ---- count_modes ---------------------------------------------------------------------


def samples_and_centres(rng):
    """Samples at some of the centres and between them, at several scales."""
    yield np.array([[0.0, 0.1], [0.2, 0.0], [0.9, 1.0]]), np.eye(2), 0.1
    for N, K, spacing, std in [(40, 4, 1.0, 0.05), (60, 6, 2.0, 0.2), (90, 9, 9, 1.3)]:
        ticks = np.arange(3) * spacing
        centres = np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2)[:K]
        chosen = rng.integers(K - 1, size=N)  # one of them is never meant
        spread = std * rng.uniform(0.3, 3.0, size=(N, 1))
        near = centres[chosen] + spread * rng.standard_normal((N, 2))
        stray = rng.uniform(-1, 3, size=(N // 4, 2)) * spacing
        yield np.concatenate([near, stray]), centres, std


def distances(samples, centres):
    return np.linalg.norm(samples[:, None] - centres, axis=2)


def counted(away, limit):
    """(modes, share) of the samples whose nearest centre is within the limit."""
    good = away.min(axis=1) < limit
    return len(set(away.argmin(axis=1)[good])), good.mean()


@exercise("count_modes", inputs=samples_and_centres)
def count_modes(samples, centres, std):
    return counted(distances(samples, centres), 3 * std)


count_modes.mistake(
    "squared distances compared with 3 std",
    hint="A sample 0.2 away from a centre has squared distance 0.04. With std 0.05, is"
    " it a good one?",
)(lambda samples, centres, std: counted(distances(samples, centres) ** 2, 3 * std))

count_modes.mistake(
    "one standard deviation in place of three",
    hint="Which part of a perfect sampler's points lies within one standard deviation,"
    " and which within three?",
)(lambda samples, centres, std: counted(distances(samples, centres), std))

count_modes.mistake(
    "the variance in place of the standard deviation",
    hint="In which unit are distances, and in which is std²?",
)(lambda samples, centres, std: counted(distances(samples, centres), 3 * std**2))

count_modes.mistake(
    "a square round each centre in place of a circle",
    hint="A sample that is 2.9 std off along both axes: how far away is it?",
)(lambda samples, centres, std: counted(
    np.abs(samples[:, None] - centres).max(axis=2), 3 * std))  # fmt: skip

count_modes.mistake(
    "steps along the axes added up in place of the distance",
    hint="How far is (0, 0) from (3, 4), for a bird?",
)(lambda samples, centres, std: counted(
    np.abs(samples[:, None] - centres).sum(axis=2), 3 * std))  # fmt: skip


@count_modes.mistake(
    "a mode found wherever a sample is nearest, however bad the sample",
    hint="A generator that puts everything at the origin has all centres of a ring as"
    " neighbours. How many modes has it found?",
)
def _(samples, centres, std):
    away = distances(samples, centres)
    good = away.min(axis=1) < 3 * std
    return len(set(away.argmin(axis=1))), good.mean()


@count_modes.mistake(
    "the share of the modes in place of the share of the samples",
    hint="The second number asks of all samples drawn: how many are good?",
)
def _(samples, centres, std):
    found, _ = count_modes.reference(samples, centres, std)
    return found, found / len(centres)


@count_modes.mistake(
    "the number of good samples, not their share",
    hint="By what must it be divided so that a perfect sampler has 0.989?",
)
def _(samples, centres, std):
    found, share = count_modes.reference(samples, centres, std)
    return found, len(samples) * share


@count_modes.mistake(
    "the share in per cent",
    hint="A share lies between 0 and 1. Does yours?",
)
def _(samples, centres, std):
    found, share = count_modes.reference(samples, centres, std)
    return found, 100 * share


@count_modes.mistake(
    "the two numbers in the other order",
    hint="Which of the two was to come first?",
)
def _(samples, centres, std):
    return count_modes.reference(samples, centres, std)[::-1]


@count_modes.variant
def with_a_tree(samples, centres, std):
    away, nearest = cKDTree(centres).query(samples)
    return np.unique(nearest[away < 3 * std]).size, np.mean(away < 3 * std)


@count_modes.variant
def with_squares(samples, centres, std):
    squares = ((samples[:, None] - centres) ** 2).sum(2)
    close = squares < 9 * std**2
    return int(close.any(axis=0).sum()), float(close.any(axis=1).mean())


@count_modes.variant
def one_by_one(samples, centres, std):
    found, good = set(), 0
    for x, y in samples:
        away = [np.hypot(x - a, y - b) for a, b in centres]
        if min(away) < 3 * std:
            found.add(away.index(min(away)))
            good += 1
    return float(len(found)), good / len(samples)


# ---- packed --------------------------------------------------------------------------


def points_to_pack(rng):
    for N, m, D in [(4, 2, 2), (6, 3, 2), (8, 2, 3), (12, 4, 2)]:
        yield given(rng.normal(size=(N, D)), m)


@exercise("packed", inputs=points_to_pack, tensors=True)
def packed(x, m):
    return pack(x, m)


packed.mistake(
    "each point m times over",
    hint="What can be told from two copies of one point that could not be told from"
    " one?",
)(lambda x, m: F.concatenate([x] * m, axis=1)[: len(x) // m])

packed.mistake(
    "points N/m apart side by side",
    hint="As good a pack as any; but the exercise asks for neighbours. Which points"
    " should stand in the first row?",
)(lambda x, m: F.concatenate([x[k * (len(x) // m) : (k + 1) * (len(x) // m)]
                              for k in range(m)], axis=1))  # fmt: skip

packed.mistake(
    "all first coordinates before all second ones",
    hint="For m = 2 a row should read x₁ y₁ x₂ y₂. How does yours?",
)(lambda x, m: x.reshape(len(x) // m, m, -1).transpose((0, 2, 1))
  .reshape(len(x) // m, -1))  # fmt: skip

packed.mistake(
    "an axis for the members of a pack",
    hint="The discriminator's first layer takes m·D numbers in a row. What shape has"
    " its input?",
)(lambda x, m: x.reshape(len(x) // m, m, x.shape[1]))

packed.mistake(
    "m rows in place of rows of m points",
    hint="A batch of 500 points and m = 2: how many packs are there?",
)(lambda x, m: x.reshape(m, -1))

packed.mistake(
    "the mean of each pack",
    hint="Two clusters far apart have a mean between them. What does the discriminator"
    " still see of each point?",
)(lambda x, m: x.reshape(len(x) // m, m, -1).mean(1))

packed.mistake(
    "only the first point of each pack",
    hint="Where have the others gone?",
)(lambda x, m: x[::m])

packed.mistake(
    "packs that the generator gets no gradient from",
    hint="The generator learns through the packed batch. Which step leaves the tape?",
)(lambda x, m: F.reshape(x.detach(), (len(x) // m, -1)))

packed.variant(lambda x, m: x.reshape(-1, m * x.shape[1]))
packed.variant(lambda x, m: F.concatenate([x[k::m] for k in range(m)], axis=1))


@packed.variant
def row_by_row(x, m):
    rows = range(0, len(x), m)
    return F.stack([F.concatenate([x[i + k] for k in range(m)]) for i in rows])
