"""An exercise of chapter 10 on noise: how to clean points that are Gaussian."""

import numpy as np

from .frame import exercise


def noisy_points(rng):
    for N, D, sigma in [(1, 1, 0.5), (2, 2, 0.5), (5, 3, 2.0), (20, 4, 0.3)]:
        root = rng.normal(size=(D, D)) * rng.uniform(0.3, 2, size=D)
        covariance = root @ root.T + 0.05 * np.eye(D)
        yield 2 * rng.normal(size=(N, D)), rng.normal(size=D), covariance, sigma


def shrinking(covariance, share):
    """The matrix that multiplies each principal direction by share(its variance)."""
    values, vectors = np.linalg.eigh(covariance)
    return (vectors * share(values)) @ vectors.T


def shrunk(noisy, mean, covariance, share):
    return mean + (noisy - mean) @ shrinking(covariance, share)


@exercise("denoise", chapter="chapter10", inputs=noisy_points)
def denoise(noisy, mean, covariance, sigma):
    return shrunk(noisy, mean, covariance, lambda v: v / (v + sigma**2))


denoise.mistake(
    "sigma in place of its square",
    hint="λ is a variance. What is the noise's variance?",
)(lambda y, m, c, sigma: shrunk(y, m, c, lambda v: v / (v + sigma)))

denoise.mistake(
    "keeping the noise's share",
    hint="Where the noise is weak, should nearly all be kept, or nearly nothing?",
)(lambda y, m, c, sigma: shrunk(y, m, c, lambda v: sigma**2 / (v + sigma**2)))

denoise.mistake(
    "stretching in place of shrinking",
    hint="Noise makes a cloud wider. Should your answer be wider still?",
)(lambda y, m, c, sigma: shrunk(y, m, c, lambda v: (v + sigma**2) / v))

denoise.mistake(
    "shrinking towards zero, not towards the mean",
    hint="With endless noise, what would you guess? What does yours guess?",
)(lambda y, m, c, s: y @ shrinking(c, lambda v: v / (v + s**2)))

denoise.mistake(
    "the mean not put back",
    hint="You took the mean away before shrinking. Who puts it back?",
)(lambda y, m, c, s: (y - m) @ shrinking(c, lambda v: v / (v + s**2)))

denoise.mistake(
    "keeping or dropping, as PCA does",
    hint="A direction in which noise and signal are alike: keep it, drop it, or halve"
    " it?",
)(lambda y, m, c, s: shrunk(y, m, c, lambda v: (v > s**2).astype(float)))

denoise.mistake(
    "shrinking until the spread of the clean points is restored",
    hint="Draws should have the clean points' spread. Should the best guesses?",
)(lambda y, m, c, s: shrunk(y, m, c, lambda v: np.sqrt(v / (v + s**2))))

denoise.mistake(
    "every coordinate by itself",
    hint="Two coordinates that rise and fall together can vouch for each other. Which"
    " entries of the covariance did you use?",
)(lambda y, m, c, s: m + (y - m) * np.diag(c) / (np.diag(c) + s**2))

denoise.mistake(
    "the noisy points as they are",
    hint="The noisy points are one guess. Is there none with a smaller error?",
)(lambda noisy, mean, covariance, sigma: noisy.copy())


@denoise.mistake(
    "the shares of the principal directions, given to the coordinates",
    hint="A share belongs to a direction u. What is the coordinate of x̃ − μ along u?",
)
def _(noisy, mean, covariance, sigma):
    values = np.linalg.eigvalsh(covariance)
    return mean + (noisy - mean) * values / (values + sigma**2)


@denoise.mistake(
    "coordinates along the principal directions, never turned back",
    hint="Along which axes does your answer count, and along which does the mean?",
)
def _(noisy, mean, covariance, sigma):
    values, vectors = np.linalg.eigh(covariance)
    return mean + (noisy - mean) @ vectors * values / (values + sigma**2)


@denoise.mistake(
    "taking the given covariance for that of the noisy points",
    hint="It belongs to the clean points. What is the covariance of the noisy ones?",
)
def _(noisy, mean, covariance, sigma):
    return shrunk(noisy, mean, covariance, lambda v: (v - sigma**2) / v)


@denoise.variant
def by_solving(noisy, mean, covariance, sigma):
    total = covariance + sigma**2 * np.eye(len(mean))
    return mean + np.linalg.solve(total, (noisy - mean).T).T @ covariance


@denoise.variant
def taking_the_noise_away(noisy, mean, covariance, sigma):
    """What is left when the best guess of the noise is subtracted."""
    total = covariance + sigma**2 * np.eye(len(mean))
    return noisy - sigma**2 * (noisy - mean) @ np.linalg.inv(total)


@denoise.variant
def by_precisions(noisy, mean, covariance, sigma):
    """Bayes' rule for Gaussians: precisions add, and weigh the two opinions."""
    prior, seen = np.linalg.inv(covariance), np.eye(len(mean)) / sigma**2
    opinions = prior @ mean[:, None] + seen @ noisy.T
    return (np.linalg.inv(prior + seen) @ opinions).T
