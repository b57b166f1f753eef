"""Exercises of chapter 3: training."""

import math

import numpy as np

from .. import functional as F
from ..tensor import Tensor
from .frame import exercise

# ---- 3.1 -----------------------------------------------------------------------------


def _hessians(rng):
    for curvatures in [(2.0,), (1.0, 30.0), (0.5, 3.0), (0.2, 1.0, 7.0, 9.0)]:
        D = len(curvatures)
        q, _ = np.linalg.qr(rng.normal(size=(D, D)))
        H = q @ np.diag(curvatures) @ q.T
        yield ((H + H.T) / 2,)


@exercise("largest_rate", inputs=_hessians)
def largest_rate(H):
    return 2 / np.linalg.eigvalsh(H)[-1]


@largest_rate.variant
def _by_the_norm(H):
    return 2 / np.linalg.norm(H, 2)


@largest_rate.variant
def _by_any_eigenvalues(H):
    return 2 / np.max(np.linalg.eigvals(H).real)


@largest_rate.variant
def _by_singular_values(H):
    return 2 / np.linalg.svd(H, compute_uv=False)[0]


@largest_rate.mistake(
    "the flattest direction sets the limit",
    hint="Each direction must shrink. Which of the 2/λ is the strictest?",
)
def _(H):
    return 2 / np.linalg.eigvalsh(H)[0]


@largest_rate.mistake(
    "the rate is 1/λmax",
    hint="There the steepest direction reaches its minimum in one step. How much"
    " farther may a step go before it ends higher than it began?",
)
def _(H):
    return 1 / np.linalg.eigvalsh(H)[-1]


@largest_rate.mistake(
    "the largest number on the diagonal is taken for the largest curvature",
    hint="It is the curvature along an axis. Must the ravine run along an axis?",
)
def _(H):
    return 2 / np.diag(H).max()


@largest_rate.mistake(
    "the rate is the fastest one, 2/(λmin + λmax)",
    hint="That is formula (5). Which rate lies on the edge of convergence?",
)
def _(H):
    values = np.linalg.eigvalsh(H)
    return 2 / (values[0] + values[-1])


@largest_rate.mistake(
    "the curvatures of all directions are added",
    hint="The trace is the sum of the curvatures. Which one alone sets the limit?",
)
def _(H):
    return 2 / np.trace(H)


# ---- 3.2 -----------------------------------------------------------------------------


def _weight_shapes(rng):
    for shape in [(3, 2), (10, 784), (784, 10), (8, 3, 5, 3), (3, 8, 1, 1)]:
        yield (shape,)


@exercise("kaiming_std", inputs=_weight_shapes)
def kaiming_std(shape):
    return math.sqrt(2 / math.prod(shape[1:]))


@kaiming_std.variant
def _with_numpy(shape):
    return (2 / np.prod(shape[1:])) ** 0.5


@kaiming_std.variant
def _by_kinds_of_layers(shape):
    fan_in = shape[1] if len(shape) == 2 else shape[1] * shape[2] * shape[3]
    return np.sqrt(2) / np.sqrt(fan_in)


@kaiming_std.variant
def _by_multiplying(shape):
    variance = 2.0
    for n in shape[1:]:
        variance /= n
    return math.exp(0.5 * math.log(variance))


@kaiming_std.mistake(
    "this is the variance",
    hint="What does one take of a variance to get a standard deviation?",
)
def _(shape):
    return 2 / math.prod(shape[1:])


@kaiming_std.mistake(
    "the first number of the shape is taken for the fan-in",
    hint="A weight has the shape (out, in, …). Over which of its axes does one output"
    " sum?",
)
def _(shape):
    return math.sqrt(2 / (shape[0] * math.prod(shape[2:])))


@kaiming_std.mistake(
    "only the channels are counted, not the taps of the kernel",
    hint="One output of a 5 × 3 convolution of 8 channels is a sum of how many terms?",
)
def _(shape):
    return math.sqrt(2 / shape[1])


@kaiming_std.mistake(
    "the half that the relu throws away is forgotten",
    hint="With s² = 1/n the mean square is kept before the relu. And after it?",
)
def _(shape):
    return math.sqrt(1 / math.prod(shape[1:]))


@kaiming_std.mistake(
    "this is Xavier's compromise",
    hint="2/(fan-in + fan-out) was made for layers without relus. What does (16) ask"
    " for?",
)
def _(shape):
    return math.sqrt(2 / ((shape[0] + shape[1]) * math.prod(shape[2:])))


# ---- 3.3 -----------------------------------------------------------------------------


def _with_noise(rng):
    for shape, p, training in [
        ((4,), 0.25, True),
        ((4, 3), 0.5, True),
        ((4, 3), 0.5, False),
        ((2, 3, 2), 0.9, True),
        ((2, 3), 0.0, True),
        ((2, 3), 0.0, False),
        ((5, 2), 0.25, False),
    ]:
        u = rng.permutation(np.arange(math.prod(shape))).reshape(shape)
        u = (u + 0.5) / u.size  # some are kept and some dropped, whatever the seed
        yield Tensor(rng.normal(size=shape), requires_grad=True), u, p, training


@exercise("dropout", inputs=_with_noise)
def dropout(x, u, p, training):
    return x * ((u >= p) / (1 - p)) if training else x


@dropout.variant
def _divided_afterwards(x, u, p, training):
    if not training:
        return x * 1.0
    return x * (1 - (u < p)) / (1 - p)


@dropout.variant
def _with_where(x, u, p, training):
    return F.where(u < p, 0.0, x / (1 - p)) if training else x


@dropout.variant
def _with_factors(x, u, p, training):
    p = p if training else 0.0
    factors = np.zeros(u.shape)
    factors[u >= p] = 1 / (1 - p)
    return x * factors


@dropout.mistake(
    "the survivors are not scaled",
    hint="What is the expected value of x·keep? What should it be, so that evaluation"
    " sees numbers of the same size?",
)
def _(x, u, p, training):
    return x * (u >= p).astype(float) if training else x


@dropout.mistake(
    "the survivors are left alone and evaluation scales by 1 − p instead",
    hint="That is how it was done in 2014, and it balances. But what does the exercise"
    " ask for in evaluation?",
)
def _(x, u, p, training):
    return x * (u >= p).astype(float) if training else x * (1 - p)


@dropout.mistake(
    "it drops in evaluation, too",
    hint="What is `training` for? Asked twice, should a trained network give two"
    " different answers?",
)
def _(x, u, p, training):
    return x * ((u >= p) / (1 - p))


@dropout.mistake(
    "p is taken for the probability of being kept",
    hint="Which entries survive if p = 0?",
)
def _(x, u, p, training):
    return x * ((u < p) / max(p, 1e-9)) if training else x


@dropout.mistake(
    "the survivors are divided by p",
    hint="The expected value of what you return is x·(1 − p)/p. By what must one"
    " divide to get x?",
)
def _(x, u, p, training):
    return x * ((u >= p) / (p or 1.0)) if training else x


@dropout.mistake(
    "the survivors are multiplied by 1 − p",
    hint="Fewer units are left to speak. Should each of them speak louder or more"
    " softly?",
)
def _(x, u, p, training):
    return x * ((u >= p) * (1 - p)) if training else x


@dropout.mistake(
    "the survivors are scaled in evaluation, too",
    hint="Nothing is dropped in evaluation. Is there anything to make up for?",
)
def _(x, u, p, training):
    return x * ((u >= p) / (1 - p)) if training else x * (1 / (1 - p))


# ---- 3.4 -----------------------------------------------------------------------------


def _moments_of_a_schedule(rng):
    for total, warmup in [(10, 0), (10, 4), (100, 20)]:
        for step in sorted({0, 1, max(warmup - 1, 0), warmup, total // 2, total - 1}):
            yield step, total, 0.5, warmup


@exercise("warmup_cosine", inputs=_moments_of_a_schedule)
def warmup_cosine(step, total, peak, warmup):
    if step < warmup:
        return peak * (step + 1) / warmup
    done = (step - warmup) / (total - warmup)
    return 0.5 * peak * (1 + math.cos(math.pi * done))


@warmup_cosine.variant
def _by_the_half_angle(step, total, peak, warmup):
    if step < warmup:
        return peak - peak * (warmup - 1 - step) / warmup
    return peak * math.cos(math.pi * (step - warmup) / (total - warmup) / 2) ** 2


@warmup_cosine.variant
def _the_lower_of_two(step, total, peak, warmup):
    done = max(step - warmup, 0) / (total - warmup)
    rising = peak * (step + 1) / max(warmup, 1)
    return np.minimum(rising, peak / 2 * (1 + np.cos(np.pi * done)))


@warmup_cosine.variant
def _from_a_list(step, total, peak, warmup):
    rates = [peak / warmup * k for k in range(1, warmup + 1)]
    angles = np.linspace(0, np.pi, total - warmup, endpoint=False)
    return [*rates, *(peak - peak * np.sin(angles / 2) ** 2)][step]


@warmup_cosine.mistake(
    "the warm-up starts at a rate of 0",
    hint="A step with rate 0 is a step wasted. What should the last step of the warm-up"
    " have, and the first?",
)
def _(step, total, peak, warmup):
    if step < warmup:
        return peak * step / warmup
    return warmup_cosine.reference(step, total, peak, warmup)


@warmup_cosine.mistake(
    "the cosine counts from step 0 and not from the end of the warm-up",
    hint="What is the rate right after the warm-up? Is it the peak?",
)
def _(step, total, peak, warmup):
    if step < warmup:
        return peak * (step + 1) / warmup
    return 0.5 * peak * (1 + math.cos(math.pi * step / total))


@warmup_cosine.mistake(
    "the cosine takes `total` steps from the end of the warm-up",
    hint="How many steps are left when the warm-up is over?",
)
def _(step, total, peak, warmup):
    if step < warmup:
        return peak * (step + 1) / warmup
    return 0.5 * peak * (1 + math.cos(math.pi * (step - warmup) / total))


@warmup_cosine.mistake(
    "the half in front is missing",
    hint="1 + cos 0 = 2. What should the rate be there?",
)
def _(step, total, peak, warmup):
    if step < warmup:
        return peak * (step + 1) / warmup
    return 2 * warmup_cosine.reference(step, total, peak, warmup)


@warmup_cosine.mistake(
    "only a quarter of a wave is used",
    hint="cos(π/2 · s) falls from 1 to 0, and hits 0 at full speed. What does ½(1 +"
    " cos(π·s)) do at its end?",
)
def _(step, total, peak, warmup):
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * math.cos(math.pi / 2 * (step - warmup) / (total - warmup))


@warmup_cosine.mistake(
    "there is no warm-up",
    hint="What should happen while step < warmup?",
)
def _(step, total, peak, warmup):
    return 0.5 * peak * (1 + math.cos(math.pi * (step - warmup) / (total - warmup)))
