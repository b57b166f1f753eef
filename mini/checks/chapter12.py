"""Exercises of chapter 12 on the price of a code.

Those on codes are in chapter12_codes.py, those on measuring in chapter12_measures.py.
"""

import numpy as np

from .. import functional as F
from .frame import exercise, given

# ---- capacity_loss -------------------------------------------------------------------


def fits_and_kls(rng):
    """Rates below the capacity and above it, in the mean and of single images."""
    for N, K, gamma, capacity in [(1, 2, 1.0, 2.0), (3, 4, 30.0, 25.0), (8, 20, 5, 60)]:
        fit, kl = rng.normal(40, 20, size=N), rng.gamma(2, 2, size=(N, K))
        yield given(fit, kl, float(gamma), float(capacity))
    yield given(rng.normal(size=6), rng.gamma(2, 1, size=(6, 5)), 10.0, 10.0)


def size(x):
    """|x| of a Tensor."""
    return F.relu(x) + F.relu(-x)


@exercise("capacity_loss", inputs=fits_and_kls, tensors=True)
def capacity_loss(fit, kl, gamma, capacity):
    return gamma * size(kl.sum(1).mean() - capacity) - fit.mean()


capacity_loss.mistake(
    "holding every image to the capacity, not their mean",
    hint="Some faces have more to tell than others. Is the rate R one image's KL, or"
    " the mean over all?",
)(lambda fit, kl, gamma, C: (gamma * size(kl.sum(1) - C) - fit).mean())

capacity_loss.mistake(
    "holding every latent to the capacity",
    hint="C is what the whole code may cost. What must be summed before it is compared"
    " with C?",
)(lambda fit, kl, gamma, C: gamma * size(kl.mean(0) - C).sum() - fit.mean())

capacity_loss.mistake(
    "averaging the KL over the latents",
    hint="The fit is a sum over pixels. What happens to the balance of the two if one"
    " is a sum and the other a mean?",
)(lambda fit, kl, gamma, C: gamma * size(kl.mean() - C) - fit.mean())

capacity_loss.mistake(
    "no |·|, so that only a smaller rate is ever rewarded",
    hint="A rate below C: should the loss push it up, or further down?",
)(lambda fit, kl, gamma, C: gamma * (kl.sum(1).mean() - C) - fit.mean())

capacity_loss.mistake(
    "charging only for what is above the capacity",
    hint="A rate below C: should the loss leave it there, or push it up?",
)(lambda fit, kl, gamma, C: gamma * F.relu(kl.sum(1).mean() - C) - fit.mean())

capacity_loss.mistake(
    "a square in place of |·|",
    hint="With a square the pull towards C fades near C. Is that what was asked for?",
)(lambda fit, kl, gamma, C: gamma * (kl.sum(1).mean() - C) ** 2 - fit.mean())

capacity_loss.mistake(
    "a number that is to go up, and not a loss",
    hint="The optimiser makes this number smaller. Is a smaller fit what you want?",
)(lambda fit, kl, gamma, C: fit.mean() - gamma * size(kl.sum(1).mean() - C))

capacity_loss.mistake(
    "γ on the fit",
    hint="What does a large γ insist on: a good fit, or the right rate?",
)(lambda fit, kl, gamma, C: size(kl.sum(1).mean() - C) - gamma * fit.mean())

capacity_loss.mistake(
    "summing the fit over the images of the batch",
    hint="Should twice as many images in a batch make the steps twice as long?",
)(lambda fit, kl, gamma, C: gamma * size(kl.sum(1).mean() - C) - fit.sum())


@capacity_loss.variant
def with_where(fit, kl, gamma, capacity):
    over = kl.sum() / len(fit) - capacity
    return gamma * F.where(over.data > 0, over, -over) - fit.mean()


@capacity_loss.variant
def with_a_sign(fit, kl, gamma, capacity):
    over = kl.mean(0).sum() - capacity
    return -(fit - gamma * float(np.sign(over.data)) * over).mean()


@capacity_loss.variant
def with_a_root(fit, kl, gamma, capacity):
    N, over = len(fit), (kl.sum(1) - capacity).mean()
    return gamma * F.sqrt(over * over) - fit.sum() / N


# ---- rates ---------------------------------------------------------------------------


def worlds(rng):
    """Variances, σ and β: latents alive and dead in each, and σ² apart from σ."""
    yield given(np.array([4.0, 0.02]), 0.5, 1.0)
    yield given(np.array([4.0, 1.0, 0.3, 0.05]), 0.3, 4.0)
    yield given(np.array([0.5, 8.0, 0.3]), 2.0, 0.25)
    for _ in range(3):
        yield given(rng.gamma(1, 2, size=6) + 1e-3, rng.uniform(0.3, 0.8), 2.0)


@exercise("rates", inputs=worlds)
def rates(variances, sigma, beta):
    return np.maximum(0, 0.5 * np.log(variances / (beta * sigma**2)))


rates.mistake(
    "σ taken for σ²",
    hint="λ is a variance. What must it be compared with, to be a pure number?",
)(lambda lam, sigma, beta: np.maximum(0, 0.5 * np.log(lam / (beta * sigma))))

rates.mistake(
    "β left out",
    hint="Where does the water stand for a large β, and where for a small one?",
)(lambda lam, sigma, beta: np.maximum(0, 0.5 * np.log(lam / sigma**2)))

rates.mistake(
    "β on the wrong side of the fraction",
    hint="Does a larger β make codes longer, or shorter?",
)(lambda lam, sigma, beta: np.maximum(0, 0.5 * np.log(beta * lam / sigma**2)))

rates.mistake(
    "rates below zero",
    hint="Can a latent cost less than nothing? What does one do that lies under water?",
)(lambda lam, sigma, beta: 0.5 * np.log(lam / (beta * sigma**2)))

rates.mistake(
    "the half left out",
    hint="λ is the square of a width. What does the square do to a logarithm?",
)(lambda lam, sigma, beta: np.maximum(0, np.log(lam / (beta * sigma**2))))

rates.mistake(
    "counting in bits",
    hint="Nats were asked for. Which logarithm counts in nats?",
)(lambda lam, sigma, beta: np.maximum(0, 0.5 * np.log2(lam / (beta * sigma**2))))

rates.mistake(
    "the noise added to the variance, ½ log(1 + λ/θ), as for a noisy wire",
    hint="The decoder's noise is part of λ already, since the best w² is λ − θ. What is"
    " w² + θ?",
)(lambda lam, sigma, beta: 0.5 * np.log1p(lam / (beta * sigma**2)))


@rates.mistake(
    "only whether a latent is alive",
    hint="An alive latent has a price in nats. Which?",
)
def _(variances, sigma, beta):
    return (variances > beta * sigma**2).astype(float)


@rates.variant
def where_above_water(variances, sigma, beta):
    level = beta * sigma**2
    alive = variances > level
    return np.where(alive, 0.5 * np.log(np.where(alive, variances, 1) / level), 0)


@rates.variant
def by_differences(variances, sigma, beta):
    level = np.log(beta) + 2 * np.log(sigma)
    return np.clip((np.log(variances) - level) / 2, 0, None)


@rates.variant
def through_the_posterior(variances, sigma, beta):
    """KL of N(m x, s²) from N(0, 1), on average over x, with the best m and s."""
    theta = beta * sigma**2
    w2 = np.maximum(variances - theta, 0)
    m2, s2 = w2 / (w2 + theta) ** 2, theta / (w2 + theta)
    return 0.5 * (m2 * variances + s2 - np.log(s2) - 1)
