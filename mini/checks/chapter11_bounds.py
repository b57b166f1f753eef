"""Exercises of chapter 11 on many draws; those on one are in chapter11.py."""

from functools import partial

import numpy as np
from scipy.special import logsumexp

from .. import functional as F
from .frame import exercise

exercise = partial(exercise, chapter="chapter11")

# ---- importance_bound ----------------------------------------------------------------


def weights_of_draws(rng):
    yield (np.array([[0.0], [np.log(3.0)]]),)
    for k, N, mean, scale in [(1, 2, 0, 1), (5, 3, -1, 2), (6, 4, -3000, 5),
                              (4, 2, 2000, 3), (3, 3, 0, 1500)]:  # fmt: skip
        yield (mean + scale * rng.normal(size=(k, N)),)


@exercise("importance_bound", inputs=weights_of_draws, tolerance=1e-9)
def importance_bound(log_weights):
    return logsumexp(log_weights, axis=0) - np.log(len(log_weights))


importance_bound.mistake(
    "the mean of the logarithms, where the logarithm of the mean was asked for",
    hint="With that, do more draws give a tighter bound, or only a steadier one?",
)(lambda log_weights: log_weights.mean(axis=0))

importance_bound.mistake(
    "the − log k left out",
    hint="Two equal weights: what is their mean, and what is their sum?",
)(lambda log_weights: logsumexp(log_weights, axis=0))

importance_bound.mistake(
    "the largest weight alone",
    hint="The largest term decides a sum of exponentials. Exactly, or nearly?",
)(lambda log_weights: log_weights.max(axis=0))

importance_bound.mistake(
    "the mean over the images in place of the draws",
    hint="log_weights is (k, N). Which of the two axes are the draws?",
)(lambda log_weights: logsumexp(log_weights, axis=1) - np.log(log_weights.shape[1]))

importance_bound.mistake(
    "log k taken off once for every draw",
    hint="The mean is (w₁ + … + w_k) / k. What is the logarithm of a quotient?",
)(lambda log_weights: logsumexp(log_weights, axis=0) - len(log_weights) * np.log(len(log_weights)))  # fmt: skip  # noqa: E501

importance_bound.mistake(
    "overflow and underflow: an exponential without the largest weight taken out first",
    hint="What is exp(−3000) in floating point, and what is its logarithm? Which number"
    " may you take out of all weights and put back at the end?",
)(lambda log_weights: np.log(np.exp(log_weights).mean(axis=0)))


importance_bound.mistake(
    "the logarithm of the sum divided by k",
    hint="The mean is the sum divided by k. Is k inside the logarithm, or outside?",
)(lambda log_weights: logsumexp(log_weights, axis=0) / len(log_weights))


@importance_bound.mistake(
    "the largest weight taken out and not put back",
    hint="log Σ exp(a) = m + log Σ exp(a − m). What became of m?",
)
def _(log_weights):
    m = log_weights.max(axis=0)
    return np.log(np.exp(log_weights - m).mean(axis=0))


@importance_bound.mistake(
    "one largest weight for all images",
    hint="If one image's weights are near −1000 and another's near 1000, which number"
    " brings both into range?",
)
def _(log_weights):
    m = log_weights.max()
    return m + np.log(np.exp(log_weights - m).mean(axis=0))


@importance_bound.variant
def largest_first(log_weights):
    m = log_weights.max(axis=0)
    return m + np.log(np.exp(log_weights - m).mean(axis=0))


@importance_bound.variant
def two_by_two(log_weights):
    return np.logaddexp.reduce(log_weights, axis=0) - np.log(len(log_weights))


@importance_bound.variant
def with_mini(log_weights):
    return F.logsumexp(F.as_tensor(log_weights), 0).data - np.log(len(log_weights))


# ---- score_gradient ------------------------------------------------------------------


def draws_with_values(rng):
    for n in (1, 2, 5, 40):
        mu, sigma = float(rng.normal()), float(rng.uniform(0.3, 2.5))
        z = mu + sigma * rng.normal(size=n)
        yield np.sin(z) + z**2, z, mu, sigma


@exercise("score_gradient", inputs=draws_with_values)
def score_gradient(f, z, mu, sigma):
    return float((f * (z - mu)).mean() / sigma**2)


score_gradient.mistake(
    "dividing by σ once",
    hint="log q = −(z − μ)²/(2σ²) + …: what is its derivative with respect to μ?",
)(lambda f, z, mu, sigma: float((f * (z - mu)).mean() / sigma))

score_gradient.mistake(
    "the sign turned round",
    hint="If f is larger at the draws above μ, should μ move up or down?",
)(lambda f, z, mu, sigma: float((f * (mu - z)).mean() / sigma**2))

score_gradient.mistake(
    "the score without f, which is zero on average",
    hint="The score says which way makes a draw more probable. What says whether that"
    " is wanted?",
)(lambda f, z, mu, sigma: float((z - mu).mean() / sigma**2))

score_gradient.mistake(
    "the sum over the draws",
    hint="Does an expected value grow with the number of draws it is estimated from?",
)(lambda f, z, mu, sigma: float((f * (z - mu)).sum() / sigma**2))

score_gradient.mistake(
    "the mean of f times the mean of the score",
    hint="Which draws were good? That is lost when each is averaged by itself, is it"
    " not?",
)(lambda f, z, mu, sigma: float(f.mean() * (z - mu).mean() / sigma**2))

score_gradient.mistake(
    "the distance from zero in place of the distance from μ",
    hint="Where is the density of N(μ, σ²) flat?",
)(lambda f, z, mu, sigma: float((f * z).mean() / sigma**2))


score_gradient.mistake(
    "the exponent of q in place of its derivative",
    hint="(7) has ∂ log q / ∂μ in it. What is the derivative of −(z − μ)²/(2σ²)?",
)(lambda f, z, mu, sigma: float((f * -((z - mu) ** 2)).mean() / (2 * sigma**2)))


@score_gradient.variant
def with_noise(f, z, mu, sigma):
    noise = (z - mu) / sigma
    return np.mean(f * noise / sigma)


@score_gradient.variant
def one_by_one(f, z, mu, sigma):
    scores = [(b - mu) / sigma**2 for b in z]
    return sum(a * s for a, s in zip(f, scores, strict=True)) / len(z)


@score_gradient.variant
def as_a_dot_product(f, z, mu, sigma):
    return np.dot(f, z - mu) / (len(f) * sigma * sigma)


# ---- great_circle ------------------------------------------------------------------


def ends_of_walks(rng):
    yield np.array([1.0, 0.0]), np.array([0.0, 1.0]), 0.5
    yield np.array([2.0, 0.0]), np.array([0.0, 2.0]), 1 / 3
    for D, t in [(3, 0.0), (4, 1.0), (5, 0.25), (50, 0.7), (20, 0.9)]:
        yield rng.normal(size=D), rng.normal(size=D), t
    a = rng.normal(size=4)
    yield a, a.copy(), 0.3
    yield a, 1.5 * a, 0.3


def length(a):
    return np.sqrt(a @ a)


def between(a, b):
    return np.arccos(np.clip(a @ b / (length(a) * length(b)), -1, 1))


def walk(a, b, t, angle):
    if angle < 1e-7:
        return (1 - t) * a + t * b
    return (np.sin((1 - t) * angle) * a + np.sin(t * angle) * b) / np.sin(angle)


@exercise("great_circle", inputs=ends_of_walks)
def great_circle(a, b, t):
    return walk(a, b, t, between(a, b))


great_circle.mistake(
    "the straight line",
    hint="How long is the middle of the straight line from (1, 0) to (0, 1)?",
)(lambda a, b, t: (1 - t) * a + t * b)

great_circle.mistake(
    "a division by zero where a and b point the same way",
    hint="What is sin ω when the angle is zero, and what should the walk be there?",
)(lambda a, b, t: (np.sin((1 - t) * between(a, b)) * a + np.sin(t * between(a, b)) * b)
  / np.sin(between(a, b)))  # fmt: skip

great_circle.mistake(
    "the walk from b to a",
    hint="Where should you be at t = 0?",
)(lambda a, b, t: walk(b, a, t, between(a, b)))

great_circle.mistake(
    "the factor 1/sin ω left out",
    hint="At t = 0 the walk must be at a. Where is yours?",
)(lambda a, b, t: walk(a, b, t, between(a, b))
  * (np.sin(between(a, b)) if between(a, b) > 1e-7 else 1))  # fmt: skip


great_circle.mistake(
    "a quarter of a circle, whatever the angle between a and b",
    hint="If the angle is not 90°, how long does the chapter's walk become on its way?",
)(lambda a, b, t: np.cos(t * np.pi / 2) * a + np.sin(t * np.pi / 2) * b)


@great_circle.mistake(
    "an angle from vectors that were not divided by their lengths",
    hint="a·b = |a| |b| cos ω. For which vectors is it cos ω itself?",
)
def _(a, b, t):
    return walk(a, b, t, np.arccos(np.clip(a @ b, -1, 1)))


@great_circle.mistake(
    "a walk of length one, whatever the lengths of a and b",
    hint="A code of 50 numbers drawn from N(0, I) is about 7 long. At t = 0, how long"
    " is yours?",
)
def _(a, b, t):
    return walk(a / length(a), b / length(b), t, between(a, b))


@great_circle.mistake(
    "the straight line, stretched to the length of a",
    hint="At t = 1 the walk must be at b. What if b is longer than a?",
)
def _(a, b, t):
    line = (1 - t) * a + t * b
    return line * length(a) / length(line)


@great_circle.variant
def in_a_plane(a, b, t):
    angle = between(a, b)
    if np.sin(angle) < 1e-7:
        return a + t * (b - a)
    share = np.sin(np.array([(1 - t) * angle, t * angle])) / np.sin(angle)
    return share @ np.stack([a, b])


@great_circle.variant
def with_another_angle(a, b, t):
    u, v = a / np.linalg.norm(a), b / np.linalg.norm(b)
    angle = 2 * np.arctan2(np.linalg.norm(u - v), np.linalg.norm(u + v))
    return walk(a, b, t, angle)


@great_circle.variant
def with_sinc(a, b, t):
    def over_angle(part):  # sin(part · ω) / ω, which has a value at ω = 0
        return part * np.sinc(part * between(a, b) / np.pi)

    return (over_angle(1 - t) * a + over_angle(t) * b) / over_angle(1)


# ---- free_bits -----------------------------------------------------------------------


def divergences(rng):
    yield np.array([[0.1, 2.0], [0.3, 1.0]]), 0.5
    for N, D, floor in [(1, 3, 0.25), (5, 4, 0.5), (8, 6, 1.0), (4, 5, 0.1)]:
        yield rng.gamma(0.5, 1.5, size=(N, D)) * rng.uniform(0, 2, size=D), floor


@exercise("free_bits", inputs=divergences, tensors=True)
def free_bits(kl, floor):
    return F.clip(kl.mean(0), floor, None).sum()


free_bits.mistake(
    "the floor under every image's divergence, before the mean",
    hint="A latent may be worth nothing for one image and much for another. Whose"
    " average is to be above the floor?",
)(lambda kl, floor: F.clip(kl, floor, None).mean(0).sum())

free_bits.mistake(
    "one floor under the sum over all latents",
    hint="Could one latent then carry everything, and the others be dead?",
)(lambda kl, floor: F.clip(kl.mean(0).sum(), floor, None))

free_bits.mistake(
    "a ceiling in place of a floor",
    hint="Below the floor, should a latent be punished for using its nats?",
)(lambda kl, floor: F.clip(kl.mean(0), None, floor).sum())

free_bits.mistake(
    "the mean over the latents",
    hint="Which of the two reductions is it for the latents, in the bound?",
)(lambda kl, floor: F.clip(kl.mean(0), floor, None).mean())

free_bits.mistake(
    "the sum over the images",
    hint="The other half of the loss is a mean over the batch. And this one?",
)(lambda kl, floor: F.clip(kl.sum(0), floor, None).sum())

free_bits.mistake(
    "the floor under the mean of everything",
    hint="Each latent has a floor of its own. Which axis must still be there then?",
)(lambda kl, floor: F.clip(kl.mean(), floor, None))

free_bits.mistake(
    "the divergence without any floor",
    hint="Where does the second argument come in?",
)(lambda kl, floor: kl.mean(0).sum())

free_bits.mistake(
    "only what is above the floor (its gradient is right, its value is not)",
    hint="A latent with 2 nats and a floor of 0.5: what is the larger of the two?",
)(lambda kl, floor: F.relu(kl.mean(0) - floor).sum())

free_bits.mistake(
    "a mean over the wrong axis",
    hint="kl is (N, D): which axis are the images?",
)(lambda kl, floor: F.clip(kl.mean(1), floor, None).sum())

free_bits.variant(lambda kl, floor: (F.relu(kl.mean(0) - floor) + floor).sum())


@free_bits.variant
def chosen(kl, floor):
    mean = kl.sum(0) / len(kl)
    return F.where(mean.data > floor, mean, floor).sum()


@free_bits.variant
def latent_by_latent(kl, floor):
    total = 0.0
    for d in range(kl.shape[1]):
        mean = kl[:, d].mean()
        total = total + (mean if mean.item() > floor else floor + 0 * mean)
    return total
