"""Exercise of chapter 14 on the slope of a discriminator; the first: chapter14.py."""

from functools import partial

from .. import functional as F
from ..adversarial import r1_penalty
from ..tensor import Tensor, grad
from .chapter14_rounds import Logits, small_net
from .frame import exercise

exercise = partial(exercise, chapter="chapter14")

# ---- slope_penalty -------------------------------------------------------------------


def critics_and_samples(rng):
    for N, D, hidden in [(1, 2, 2), (3, 2, 4), (5, 3, 6)]:
        yield Logits(small_net(D, hidden, 1, rng=rng)), rng.normal(size=(N, D))


def slopes(D, x, create_graph=True, total=lambda y: y.sum()):
    x = Tensor(x, requires_grad=True)
    (slope,) = grad(total(D(x)), [x], create_graph=create_graph)
    return slope


@exercise("slope_penalty", inputs=critics_and_samples)
def slope_penalty(discriminator, x):
    return r1_penalty(discriminator, x)


slope_penalty.mistake(
    "the slope taken off the tape",
    hint="The number is right, but can the discriminator learn from it? What does"
    " create_graph=True do?",
)(lambda D, x: 0.5 * (slopes(D, x, create_graph=False) ** 2).sum(1).mean())

slope_penalty.mistake(
    "slopes of the mean of the outputs, N times too flat",
    hint="How much does the mean of N outputs change if one of the samples moves?",
)(lambda D, x: 0.5 * (slopes(D, x, total=lambda y: y.mean()) ** 2).sum(1).mean())

slope_penalty.mistake(
    "a sum over the samples in place of the mean",
    hint="Would twice the batch mean twice the penalty?",
)(lambda D, x: 0.5 * (slopes(D, x) ** 2).sum())

slope_penalty.mistake(
    "a mean over the coordinates, too",
    hint="|∇d|² of one sample: a sum of squares, or their mean?",
)(lambda D, x: 0.5 * (slopes(D, x) ** 2).mean())

slope_penalty.mistake(
    "the factor ½ left out",
    hint="Compare with (8), term by term. Which factor stands in front?",
)(lambda D, x: (slopes(D, x) ** 2).sum(1).mean())

slope_penalty.mistake(
    "the steepness itself, not its square",
    hint="Compare with (8). Is there a root in it?",
)(lambda D, x: 0.5 * F.sqrt((slopes(D, x) ** 2).sum(1)).mean())

slope_penalty.mistake(
    "the square of the mean steepness",
    hint="Which comes first in (8), the square or the mean?",
)(lambda D, x: 0.5 * F.sqrt((slopes(D, x) ** 2).sum(1)).mean() ** 2)

slope_penalty.mistake(
    "how far the steepness is from 1, the penalty of another paper",
    hint="Round real samples D should become flat. Which slope does yours ask for?",
)(lambda D, x: ((F.sqrt((slopes(D, x) ** 2).sum(1)) - 1) ** 2).mean())

slope_penalty.mistake(
    "the slope of the probability, not of the logit",
    hint="Where D is sure, the sigmoid is flat whatever the logit does. Whose slope"
    " does (8) punish?",
)(lambda D, x: 0.5 * (slopes(D, x, total=lambda y: F.sigmoid(y).sum()) ** 2)
  .sum(1).mean())  # fmt: skip


@slope_penalty.mistake(
    "the gradient for the discriminator's weights, not for its input",
    hint="How fast does D change if *what* is moved a little?",
)
def _(D, x):
    found = grad(D(Tensor(x)).sum(), D.parameters(), create_graph=True)
    return 0.5 * sum((g * g).sum() for g in found) / len(x)


@slope_penalty.variant
def sample_by_sample(discriminator, x):
    total = 0.0
    for one in x:
        slope = slopes(discriminator, one[None])
        total = total + (slope * slope).sum()
    return total / (2 * len(x))


@slope_penalty.variant
def with_norms(discriminator, x):
    norms = F.sqrt((slopes(discriminator, x) ** 2).sum(1))
    return (norms**2).mean() / 2


@slope_penalty.variant
def of_the_mean(discriminator, x):
    slope = slopes(discriminator, x, total=lambda y: y.mean())  # N times too flat
    return 0.5 * len(x) * (slope * slope).sum()
