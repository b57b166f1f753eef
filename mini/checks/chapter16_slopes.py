"""Exercise of chapter 16 on the slope of a critic; those on piles: chapter16.py."""

from functools import partial

import numpy as np

from .. import functional as F
from ..module import Module, Sequential, Softplus
from ..nn import Linear
from ..tensor import Tensor, grad
from .frame import exercise

exercise = partial(exercise, chapter="chapter16")

# ---- one_slope_penalty ---------------------------------------------------------------


class Critic(Module):
    """A small smooth critic of images (N, C, H, W), the steeper the larger `scale`."""

    def __init__(self, D, hidden, scale, rng):
        first, last = Linear(D, hidden, rng=rng), Linear(hidden, 1, rng=rng)
        self.network = Sequential(first, Softplus(), last).to(np.float64)
        for p in self.network.parameters():
            p.data *= scale

    def forward(self, x):
        return self.network(x.reshape(len(x), -1)).reshape(len(x))


def critics_and_images(rng):
    for N, C, H, W, scale in [(2, 1, 1, 2, 1), (3, 2, 2, 3, 2), (4, 3, 2, 4, 4)]:
        critic = Critic(C * H * W, 5, scale, rng)
        real, fake = rng.normal(size=(2, N, C, H, W))
        yield critic, real, fake - 1, rng.random(N)


def between(real, fake, alpha):
    """α·real + (1 − α)·fake, an α for each pair."""
    alpha = alpha.reshape(-1, 1, 1, 1)
    return alpha * real + (1 - alpha) * fake


def slopes(critic, x, create_graph=True, total=lambda y: y.sum()):
    """∇critic at each of x: (N, C·H·W)."""
    x = Tensor(x, requires_grad=True)
    (slope,) = grad(total(critic(x)), [x], create_graph=create_graph)
    return slope.reshape(len(x), -1)


def norms(slope):
    return F.sqrt((slope * slope).sum(1))


def charge(norm):
    return ((norm - 1) ** 2).mean()


@exercise("one_slope_penalty", inputs=critics_and_images)
def one_slope_penalty(critic, real, fake, alpha):
    return charge(norms(slopes(critic, between(real, fake, alpha))))


def wrong(title, hint, cost=charge, place=between, slope=slopes):
    """A penalty in which one part is replaced."""

    @one_slope_penalty.mistake(title, hint=hint)
    def _(critic, real, fake, alpha):
        return cost(slope(critic, place(real, fake, alpha)))


def wrong_cost(title, hint, cost):
    wrong(title, hint, cost=cost)


def wrong_place(title, hint, place):
    wrong(title, hint, cost=lambda s: charge(norms(s)), place=place)


def wrong_slope(title, hint, slope):
    wrong(title, hint, cost=lambda s: charge(norms(s)), slope=slope)


wrong_cost(
    "one norm over the whole batch",
    "Each sample has a slope of its own. If the N of them share one norm of 1, how"
    " steep is f at each?",
    lambda s: (F.sqrt((s * s).sum()) - 1) ** 2,
)
wrong_cost(
    "no root: squared norms compared with 1",
    "At a slope of 1 all is well. But is a slope of 2 charged with 1 or with 9?",
    lambda s: charge((s * s).sum(1)),
)
wrong_cost(
    "the square of the mean of the norms, less 1",
    "One sample of slope 0 and one of slope 2 are 1 on average. Are they fine?",
    lambda s: (norms(s).mean() - 1) ** 2,
)
wrong_cost(
    "a norm for each single number, |∂f/∂x|",
    "A slope has as many numbers as the sample. What is its length?",
    lambda s: charge(F.sqrt(s * s)),
)
wrong_cost(
    "a sum over the samples in place of the mean",
    "Would twice the batch mean twice the charge?",
    lambda s: ((norms(s) - 1) ** 2).sum(),
)
wrong_cost(
    "a mean of squares in place of their sum, inside the norm",
    "How long is the vector (1, 1, 1, 1)?",
    lambda s: charge(F.sqrt((s * s).mean(1))),
)
wrong_cost(
    "half the mean squared slope, the penalty R₁",
    "R₁ wants the critic flat. Which slope does a Wasserstein critic have?",
    lambda s: 0.5 * (s * s).sum(1).mean(),
)
wrong_cost(
    "only slopes above 1 charged",
    "That is a penalty, too, and a good one. But what does (8) do with a slope of ½?",
    lambda s: (F.relu(norms(s) - 1) ** 2).mean(),
)
wrong_cost(
    "the factor 10 of the paper included",
    "λ is for whoever calls the function. Is it in what was asked for?",
    lambda s: 10 * charge(norms(s)),
)
wrong_place(
    "no mixing: the slope taken at the real samples",
    "Sand travels from fake to real. Where on its way must f have slope 1?",
    lambda real, fake, alpha: real,
)
wrong_place(
    "the same α for all pairs",
    "alpha has a number for each pair. Which of them did you use?",
    lambda real, fake, alpha: between(real, fake, np.full(len(real), alpha[0])),
)
wrong_place(
    "α and 1 − α exchanged",
    "As good a place on average; but the exercise says what stands at α = 1. Which"
    " sample is it?",
    lambda real, fake, alpha: between(fake, real, alpha),
)
wrong_place(
    "α dealt out along the last axis, so that pixels and not pairs have their own",
    "numpy lines shapes up from the right. What shape must alpha have, so that each"
    " sample gets one?",
    lambda real, fake, alpha: (
        np.resize(alpha, real.shape[-1]) * real
        + (1 - np.resize(alpha, real.shape[-1])) * fake
    ),
)
wrong_slope(
    "slopes of the mean of the outputs, N times too flat",
    "How much does the mean of N outputs change if one of the samples moves?",
    lambda critic, x: slopes(critic, x, total=lambda y: y.mean()),
)
wrong_slope(
    "the slope taken off the tape",
    "The number is right. But can the critic learn from it?",
    lambda critic, x: slopes(critic, x, create_graph=False),
)


@one_slope_penalty.mistake(
    "the norm over the channels only",
    hint="At (N, C, H, W), which axes belong to one sample?",
)
def _(critic, real, fake, alpha):
    slope = slopes(critic, between(real, fake, alpha)).reshape(*real.shape)
    return charge(norms(slope))


@one_slope_penalty.variant
def sample_by_sample(critic, real, fake, alpha):
    total = 0.0
    for r, f, a in zip(real, fake, alpha, strict=True):
        (norm,) = norms(slopes(critic, (f + a * (r - f))[None]))
        total = total + (norm - 1) ** 2
    return total / len(real)


@one_slope_penalty.variant
def multiplied_out(critic, real, fake, alpha):
    squares = (slopes(critic, between(real, fake, alpha)) ** 2).sum(1)
    return (squares - 2 * F.sqrt(squares) + 1).mean()


@one_slope_penalty.variant
def with_a_product(critic, real, fake, alpha):
    mixed = np.einsum("n,nchw->nchw", alpha, real)
    mixed = mixed + np.einsum("n,nchw->nchw", 1 - alpha, fake)
    slope = slopes(critic, mixed)
    away = F.sqrt((slope**2) @ np.ones(slope.shape[1])) - 1
    return (away * away).sum() / len(real)
