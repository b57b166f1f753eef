"""Exercises of chapter 7 on whole images: posterior, usable part, levels."""

import numpy as np
from scipy.special import logsumexp, softmax

from .frame import exercise

# ---- class_posterior -----------------------------------------------------------------


def likelihoods_and_priors(rng):
    yield np.log([[0.1, 0.3]]), np.array([0.5, 0.5])
    yield np.log([[0.2, 0.2, 0.1], [0.3, 0.1, 0.4]]), np.array([0.2, 0.3, 0.5])
    for N, K in [(1, 3), (4, 2), (5, 10)]:
        # of images: far too small for exp, and each image of its own size
        logs = rng.normal(-900, 3, size=(N, K)) - 1000 * np.arange(N)[:, None]
        yield logs, rng.dirichlet(np.ones(K))


@exercise("class_posterior", chapter="chapter07", inputs=likelihoods_and_priors)
def class_posterior(log_likelihood, prior):
    return softmax(log_likelihood + np.log(prior), axis=1)


@class_posterior.variant
def by_shifting(log_likelihood, prior):
    joint = prior * np.exp(log_likelihood - log_likelihood.max(axis=1, keepdims=True))
    return joint / joint.sum(axis=1, keepdims=True)


@class_posterior.variant
def by_logsumexp(log_likelihood, prior):
    joint = log_likelihood + np.log(prior)
    return np.exp(joint - logsumexp(joint, axis=1, keepdims=True))


@class_posterior.variant
def by_ratios(log_likelihood, prior):
    joint = log_likelihood + np.log(prior)
    return 1 / np.exp(joint[:, None] - joint[:, :, None]).sum(axis=2)


class_posterior.mistake(
    "the prior is left out",
    hint="If nine images in ten are sevens, what should you say before you look?",
)(lambda logs, prior: softmax(logs, axis=1))

class_posterior.mistake(
    "probabilities that underflow",
    hint="exp(−900) is 0 to the computer, and so is the sum of ten such. What may you"
    " subtract from all logs of an image, and change nothing?",
)(
    lambda logs, prior: (
        np.exp(logs) * prior / (np.exp(logs) * prior).sum(axis=1, keepdims=True)
    )
)


@class_posterior.mistake(
    "one maximum for the whole batch",
    hint="Subtract −900 from an image whose logs are all near −1900. What is left of"
    " its exp?",
)
def _(logs, prior):
    joint = np.exp(logs - logs.max()) * prior
    return joint / joint.sum(axis=1, keepdims=True)


class_posterior.mistake(
    "normalised over the images of the batch",
    hint="What adds up to one, an image's classes or a class's images?",
)(lambda logs, prior: softmax(logs + np.log(prior), axis=0))

class_posterior.mistake(
    "normalised over everything at once",
    hint="Should one image's posterior depend on the others in the batch?",
)(lambda logs, prior: softmax(logs + np.log(prior)))

class_posterior.mistake(
    "the prior added to a logarithm",
    hint="p(x | c) · p(c): what does the product become when one factor is a log?",
)(lambda logs, prior: softmax(logs + prior, axis=1))

class_posterior.mistake(
    "the prior multiplied with a logarithm",
    hint="log(a · b) is not log(a) · b. What is it?",
)(lambda logs, prior: softmax(logs * prior, axis=1))

class_posterior.mistake(
    "the prior put in after normalising, so that the sum is not one",
    hint="Add up your ten probabilities. What did the prior do to their sum?",
)(lambda logs, prior: softmax(logs, axis=1) * prior)

class_posterior.mistake(
    "logarithms of the posterior",
    hint="Which of the two is asked for, p(c | x) or its logarithm?",
)(lambda logs, prior: np.log(softmax(logs + np.log(prior), axis=1)))


# ---- usable_part ---------------------------------------------------------------------


def masks(rng):
    yield (np.array([[[True, False, True]]]),)
    yield (np.ones((1, 2, 2), bool),)
    yield (np.zeros((1, 2, 2), bool),)
    yield (np.arange(12).reshape(1, 3, 4) < 7,)
    one = np.ones((3, 2, 2), bool)
    one[1, 0, 1] = False  # green of the second pixel
    yield (one,)
    for C, H, W in [(1, 4, 3), (3, 3, 4), (2, 4, 4)]:
        known = np.arange(H * W) < rng.integers(3, H * W - 2)
        known = np.broadcast_to(known.reshape(H, W), (C, H, W)).copy()
        known[-1, H - 1, W - 1] = known[0, 0, 0] = True
        known[0, 1, 1] = False
        yield (known,)


def first_run(known, axes):
    """True until the first False, with the axes read in this order."""
    inverse = np.argsort(axes)
    turned = known.transpose(axes)
    run = np.logical_and.accumulate(turned.reshape(-1)).reshape(turned.shape)
    return run.transpose(inverse)


@exercise("usable_part", chapter="chapter07", inputs=masks)
def usable_part(known):
    return first_run(known, (1, 2, 0))


@usable_part.variant
def by_number(known):
    C, H, W = known.shape
    number = np.arange(H * W * C).reshape(H, W, C).transpose(2, 0, 1)
    return number < number[~known].min(initial=known.size)


@usable_part.variant
def by_counting_gaps(known):
    gaps = np.cumsum(~known.transpose(1, 2, 0))
    C, H, W = known.shape
    return (gaps == 0).reshape(H, W, C).transpose(2, 0, 1)


@usable_part.variant
def by_walking(known):
    part, (C, H, W) = np.zeros_like(known), known.shape
    for i, j, c in np.ndindex(H, W, C):
        if not known[c, i, j]:
            break
        part[c, i, j] = True
    return part


usable_part.mistake(
    "colours read one whole image after the other",
    hint="The array's order is (C, H, W). Which value is drawn after red of pixel"
    " (0, 0)?",
)(lambda known: first_run(known, (0, 1, 2)))

usable_part.mistake(
    "columns read before rows",
    hint="Which pixel is drawn second, the one to the right or the one below?",
)(lambda known: first_run(known, (2, 1, 0)))

usable_part.mistake(
    "all that is known, whatever lies before it",
    hint="A value that is known but comes after one that is not: has the model seen it"
    " when it draws the earlier one?",
)(lambda known: known.copy())

usable_part.mistake(
    "row by row: what is known from the left in every row",
    hint="Row 2 comes after row 1. If row 1 has a gap, what may row 2 still offer?",
)(lambda known: np.logical_and.accumulate(known, axis=2))

usable_part.mistake(
    "whole rows only",
    hint="A row that is half known: is its left half of no use?",
)(
    lambda known: np.broadcast_to(
        np.logical_and.accumulate(known.all(axis=(0, 2)))[None, :, None], known.shape
    ).copy()
)

usable_part.mistake(
    "whole pixels only",
    hint="Red is drawn before green. If red is known and green is not, what is the use"
    " of red?",
)(
    lambda known: np.broadcast_to(
        first_run(known.all(axis=0, keepdims=True), (1, 2, 0)), known.shape
    ).copy()
)

usable_part.mistake(
    "what is known at the end of the image, not at its beginning",
    hint="Does the model draw from the top left, or from the bottom right?",
)(lambda known: first_run(known[::-1, ::-1, ::-1], (1, 2, 0))[::-1, ::-1, ::-1].copy())


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
