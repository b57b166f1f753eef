"""Which modes and which classes samples have: what a collapse leaves out."""

import math
from typing import NamedTuple

import numpy as np
from scipy.special import entr, log_softmax

from ..init import check_sizes
from ..tensor import value_of
from .features import numbers, samples
from .neighbours import nearest_neighbours


class Modes(NamedTuple):
    """`found`: number of modes with a good sample; `quality`: share of good samples;
    `reverse_kl`: of the counts from uniform, nats; `counts`: samples by the mode that
    is nearest, good or not, (K,)."""

    found: int
    quality: float
    reverse_kl: float
    counts: np.ndarray


def mixture_modes(x, centres, std, *, within=3):
    """How samples x (N, D) spread over K round Gaussians: centres (K, D) → `Modes`.

    A sample is good ("of high quality") if it lies within three standard deviations
    `std` of a centre, and a mode is found if one such sample is its own. PacGAN (Lin et
    al. 2018) counts them for 2,500 samples in the plane, where a perfect sampler has
    1 − exp(−3²/2) = 98.9 % good ones; more samples find more modes.

    The reverse KL is KL(p ‖ uniform) = log K − H(p) of the shares p of the modes. It is
    finite when modes are missing, log K if there is but one.
    """
    x, centres, good, nearest = _sorted("mixture_modes", x, centres, std, within)
    K = len(centres)
    counts = np.bincount(nearest, minlength=K)
    reverse_kl = max(0.0, math.log(K) - entr(counts / len(x)).sum())
    return Modes(
        len(np.unique(nearest[good])), float(good.mean()), float(reverse_kl), counts
    )


def mode_spread(x, centres, std, *, within=3):
    """How wide samples x (N, D) are within each of K round Gaussians: → (K, D).

    Of a mode's good samples (see `mixture_modes`, which takes the same): the standard
    deviations along their D principal directions, the narrowest first, divided by the
    true `std`. A perfect sampler has about 1, one that puts every mode on a single
    point 0 (and all of its samples are good), one that puts it on a line a 0 and a
    larger number. A mode with D good samples or fewer has NaN.

    "About", because the cut takes the tails with it: in the plane, within 3, a perfect
    sampler has √(1 − 4.5 / (e^4.5 − 1)) = 0.974, and samples strewn evenly over the
    circle 1.5. And n samples of a mode pull the two directions apart by about 1 / √n:
    take some hundred for each mode.
    """
    x, centres, good, nearest = _sorted("mode_spread", x, centres, std, within)
    K, D = centres.shape
    widths = np.full((K, D), np.nan)
    for k in range(K):
        own = x[good & (nearest == k)]
        if len(own) > D:
            own = own - own.mean(axis=0)
            singular = np.linalg.svd(own, compute_uv=False)
            widths[k] = singular[::-1] / (math.sqrt(len(own) - 1) * std)
    return widths


def _sorted(function, x, centres, std, within):
    """x and centres as float64; of each sample whether it is good, and whose it is."""
    x, centres = samples(function, x=x, centres=centres)
    for name, value in (("std", std), ("within", within)):
        real = isinstance(value, (int, float, np.integer, np.floating))
        if not (real and 0 < value < np.inf):
            raise ValueError(
                f"{function}: {name} is {value!r}, expected a number above 0"
            )
    distances, nearest = (found[:, 0] for found in nearest_neighbours(x, centres))
    return x, centres, distances <= within * std, nearest


# ---- classes -------------------------------------------------------------------------


def label_entropy(labels, classes=10):
    """Entropy in bits of the shares of classes among labels (N,), 0 to log₂ classes.

    Labels are whole numbers 0 … classes − 1, such as `logits.argmax(1)` of a classifier
    that looks at samples. Of N labels the estimate is on average too low by about
    (classes − 1) / (2 N ln 2): for ten classes and 1000 labels 0.006 bits.
    """
    check_sizes("label_entropy", classes=classes)
    labels = np.asarray(value_of(labels))
    if labels.ndim != 1 or not labels.size or labels.dtype.kind not in "iu":
        got = f"{labels.dtype} of shape {labels.shape}"
        raise ValueError(f"label_entropy: labels is {got}, expected whole numbers (N,)")
    if labels.min() < 0 or labels.max() >= classes:
        raise ValueError(
            f"label_entropy: labels has {labels.min()} … {labels.max()}, expected"
            f" 0 … {classes - 1}"
        )
    return _bits(np.bincount(labels.astype(int), minlength=classes) / len(labels))


class ClassifierScore(NamedTuple):
    """`score` = 2^(variety − doubt), from 1 to K; both in bits, from 0 to log₂ K."""

    score: float
    variety: float
    doubt: float


def classifier_score(logits):
    """Is each sample of a clear class, and are all classes there? Logits (N, K).

    With p(c | x) = softmax(logits): `variety` is the entropy of its mean over the
    samples, `doubt` the mean of its entropies. `score` is what Salimans et al. 2016
    call the Inception score if the classifier is Inception: 1 if every sample is of one
    class or all are unclear, K if all classes are equally frequent and none in doubt.

    It grows with N, does not look at real data, and is blind to variety within a class:
    the same ten digits over and over reach 10.
    """
    (logits,) = numbers("classifier_score", logits=logits)
    p = np.exp(log_softmax(logits, axis=1))
    variety, doubt = _bits(p.mean(axis=0)), _bits(p) / len(p)
    return ClassifierScore(2 ** (variety - doubt), variety, doubt)


def _bits(p):
    return float(entr(p).sum() / math.log(2))
