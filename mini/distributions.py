"""Probability distributions: log-probabilities, draws, entropies and divergences.

Everything is in nats, elementwise (sum over an image's pixels yourself), and
differentiable to any order in the parameters. As in torch.distributions, parameters and
values broadcast. Draws take `rng`, and `shape`, axes to put in front: a draw has shape
(*shape, *distribution.shape). Only `rsample` lets gradients through.
"""

import math

import numpy as np

from . import functional as F
from .tensor import Tensor, value_of

LOG_2PI = math.log(2 * math.pi)


class Normal:
    """N(loc, scale²), elementwise: numbers, arrays or Tensors, which broadcast."""

    def __init__(self, loc, scale):
        self.loc, self.scale = _tensor(loc), _tensor(scale)
        if (self.scale <= 0).any():
            raise ValueError(
                f"Normal: scale must be above 0, got {self.scale.data.min()}"
            )
        self.shape = np.broadcast_shapes(self.loc.shape, self.scale.shape)

    mean = property(lambda self: F.broadcast_to(self.loc, self.shape))

    def log_prob(self, x):
        """log p(x), the log of a density: it may be above 0."""
        z = (_like(x, self.loc) - self.loc) / self.scale
        return -0.5 * (z * z) - F.log(self.scale) - 0.5 * LOG_2PI

    def rsample(self, shape=(), *, rng):
        """loc + scale·ε with ε ~ N(0, 1): gradients reach loc and scale.

        Kingma and Welling 2014, section 2.4.
        """
        dtype = np.result_type(self.loc.dtype, self.scale.dtype)
        noise = rng.standard_normal((*shape, *self.shape), dtype=dtype)
        return self.loc + self.scale * noise

    def sample(self, shape=(), *, rng):
        """A draw without gradients."""
        return self.rsample(shape, rng=rng).detach()

    def entropy(self):
        """½ log(2πe·scale²)."""
        return F.broadcast_to(F.log(self.scale) + 0.5 * (1 + LOG_2PI), self.shape)

    def _kl(self, q):
        ratio, apart = self.scale / q.scale, (self.loc - q.loc) / q.scale
        return 0.5 * (ratio * ratio + apart * apart - 1) - F.log(ratio)


class Bernoulli:
    """1 with probability sigmoid(logits), else 0, elementwise."""

    def __init__(self, logits):
        self.logits = _tensor(logits)
        self.shape = self.logits.shape

    probs = mean = property(lambda self: F.sigmoid(self.logits))

    def log_prob(self, x):
        """log p(x) for x in [0, 1]; between 0 and 1 it interpolates linearly."""
        x = _like(x, self.logits)
        values = value_of(x)
        if values.size and (values.min() < 0 or values.max() > 1):
            raise ValueError(
                "Bernoulli.log_prob: x must lie in [0, 1],"
                f" got {values.min()} … {values.max()}"
            )
        return self.logits * x - F.softplus(self.logits)

    def sample(self, shape=(), *, rng):
        """Zeros and ones, of the logits' dtype."""
        draw = rng.random((*shape, *self.shape)) < self.probs.data
        return Tensor(draw.astype(self.logits.dtype))

    def entropy(self):
        return F.softplus(self.logits) - self.logits * self.probs

    def _kl(self, q):
        gain = self.probs * (self.logits - q.logits)
        return gain + F.softplus(q.logits) - F.softplus(self.logits)


class Categorical:
    """One of K classes with probabilities softmax(logits) along one axis of K logits.

    `axis` is the last, as in torch; with axis=1, logits (N, K, C, H, W) describe images
    (N, C, H, W) of whole numbers 0 … K − 1. `shape` is the logits' without that axis.
    Logits may be −inf: such classes have probability 0.
    """

    def __init__(self, logits, axis=-1):
        self.logits = _tensor(logits)
        if not -self.logits.ndim <= axis < self.logits.ndim:
            raise ValueError(
                f"Categorical: axis {axis} is none of logits of {self.logits.shape}"
            )
        self.axis = axis % self.logits.ndim - self.logits.ndim  # counted from the end
        shape = list(self.logits.shape)
        self.count = shape.pop(self.axis)
        self.shape = tuple(shape)

    probs = property(lambda self: F.softmax(self.logits, self.axis))

    @property
    def mean(self):
        """The mean of the classes' numbers 0 … K − 1 (an image's mean grey level)."""
        grey = np.arange(self.count, dtype=self.logits.dtype)
        return (self.probs * grey.reshape(-1, *(1,) * (-self.axis - 1))).sum(self.axis)

    def log_prob(self, x):
        """log p(x) for whole numbers x."""
        x = np.asarray(value_of(x))
        if x.dtype.kind not in "iu":
            raise TypeError(f"Categorical.log_prob: x must be integers, got {x.dtype}")
        if x.size and not 0 <= x.min() <= x.max() < self.count:
            raise ValueError(
                f"Categorical.log_prob: x must lie in 0 … {self.count - 1},"
                f" got {x.min()} … {x.max()}"
            )
        full = np.broadcast_shapes(x.shape, self.shape)
        at = len(full) + 1 + self.axis
        logs = F.log_softmax(self.logits, self.axis)
        wide = (*full[:at], self.count, *full[at:])
        logs = logs if logs.shape == wide else F.broadcast_to(logs, wide)
        x = np.expand_dims(np.broadcast_to(x, full), at)
        return F.gather(logs, at, x).reshape(full)

    def sample(self, shape=(), *, rng):
        """Classes drawn by inverting the cumulative probabilities: int64."""
        sums = np.cumsum(self.probs.data, axis=self.axis, dtype=np.float64)
        whole = np.take(sums, [-1], axis=self.axis)
        at = len(shape) + len(self.shape) + 1 + self.axis
        draw = np.expand_dims(rng.random((*shape, *self.shape)), at) * whole
        return Tensor(np.minimum((sums <= draw).sum(self.axis), self.count - 1))

    def entropy(self):
        logs = F.log_softmax(self.logits, self.axis)
        return -(self.probs * self._possible(logs)).sum(self.axis)

    def _kl(self, q):
        if q.axis != self.axis or q.count != self.count:
            raise ValueError(
                f"kl_divergence: p has {self.count} classes along axis {self.axis},"
                f" q has {q.count} along {q.axis}"
            )
        p, q = (F.log_softmax(d.logits, self.axis) for d in (self, q))
        return (self.probs * (self._possible(p) - self._possible(q))).sum(self.axis)

    def _possible(self, values):
        """The values, with 0 for classes of probability 0, which count nothing."""
        return F.where(self.logits.data != -np.inf, values, 0)


class LogisticMixture:
    """A mixture of M logistic curves over whole numbers 0 … levels − 1.

    Along `axis`, params hold 3·M numbers: M logits of the mixture, M means and M
    log-scales, both on the scale where the levels lie evenly on [−1, 1]. A level's
    probability is what the curves have within half a step of it; the first and the last
    also take the tails (Salimans et al. 2017, equation 2). Scales stay above exp(−7).
    """

    def __init__(self, params, levels=256, axis=-1):
        params = _tensor(params)
        there = -params.ndim <= axis < params.ndim
        if not there or params.shape[axis] % 3 or not params.shape[axis]:
            raise ValueError(
                f"LogisticMixture: axis {axis} of params must hold 3·M numbers,"
                f" got shape {params.shape}"
            )
        if levels < 2:
            raise ValueError(f"LogisticMixture: levels must be ≥ 2, got {levels!r}")
        self.levels = levels
        self.axis = axis % params.ndim - params.ndim  # counted from the end
        cut = [slice(None)] * params.ndim
        M, parts = params.shape[axis] // 3, []
        for i in range(3):
            cut[self.axis] = slice(i * M, (i + 1) * M)
            parts.append(params[tuple(cut)])
        self.logits, self.means, log_scales = parts
        self.log_scales = F.clip(log_scales, -7, None)
        self.shape = tuple(np.delete(params.shape, axis))

    def log_prob(self, x):
        """log p(x) for whole numbers x, which broadcast with `shape`."""
        x, top = np.asarray(value_of(x)), self.levels - 1
        if x.dtype.kind not in "iu":
            raise TypeError(
                f"LogisticMixture.log_prob: x must be integers, got {x.dtype}"
            )
        if x.size and not 0 <= x.min() <= x.max() <= top:
            raise ValueError(
                f"LogisticMixture.log_prob: x must lie in 0 … {top},"
                f" got {x.min()} … {x.max()}"
            )
        at = max(x.ndim, len(self.shape)) + 1 + self.axis
        x = np.expand_dims(
            np.broadcast_to(x, np.broadcast_shapes(x.shape, self.shape)), at
        )
        sharp = F.exp(-self.log_scales)
        apart = (x * (2 / top) - 1).astype(self.means.dtype) - self.means
        above, below = sharp * (apart + 1 / top), sharp * (apart - 1 / top)
        # σ(a) − σ(b) = σ(a)·σ(−b)·(1 − exp(b − a)), and 1 − exp(−2h) = 2t / (1 + t)
        # with t = tanh(h): nothing is lost where the curve is flat or far away
        t = F.tanh(sharp / top)
        left, right = -F.softplus(-above), -F.softplus(below)
        inside = left + right + F.log(2 * t / (1 + t))
        logs = F.where(x == 0, left, F.where(x == top, right, inside))
        return F.logsumexp(F.log_softmax(self.logits, self.axis) + logs, self.axis)

    def sample(self, shape=(), *, rng):
        """Choose a curve, draw from it, round to the nearest level: int64."""
        chosen = Categorical(self.logits, self.axis).sample(shape, rng=rng).data
        at = chosen.ndim + 1 + self.axis
        pick = np.expand_dims(chosen, at)
        mean, log_scale = (
            np.take_along_axis(
                np.broadcast_to(p.data, (*shape, *p.shape)), pick, at
            ).squeeze(at)
            for p in (self.means, self.log_scales)
        )
        u = rng.uniform(1e-5, 1 - 1e-5, size=chosen.shape)
        x = mean + np.exp(log_scale) * (np.log(u) - np.log1p(-u))
        level = np.floor((x + 1) / 2 * (self.levels - 1) + 0.5)
        return Tensor(np.clip(level, 0, self.levels - 1).astype(np.int64))


def kl_divergence(p, q):
    """KL(p ‖ q) = E_p[log p − log q] in nats, elementwise, for two of one kind."""
    if type(p) is not type(q) or not isinstance(p, (Normal, Bernoulli, Categorical)):
        raise TypeError(
            "kl_divergence: p and q must be distributions of one kind,"
            f" got {type(p).__name__} and {type(q).__name__}"
        )
    return p._kl(q)


def _tensor(x):
    """x as a Tensor; whole numbers become float32."""
    x = x if isinstance(x, Tensor) else Tensor(value_of(x))
    return x if x.dtype.kind == "f" else Tensor(x.data.astype(np.float32))


def _like(x, parameter):
    """Values to be scored: a floating Tensor as it is, else an array of p's dtype."""
    if isinstance(x, Tensor) and x.dtype.kind == "f":
        return x
    return np.asarray(value_of(x), parameter.dtype)
