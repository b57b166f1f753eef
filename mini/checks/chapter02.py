"""Exercises of chapter 2 on rules; chapter02_backward, _products have the others."""

import numpy as np
from scipy.special import log_expit

from .. import functional as F
from ..tensor import record
from .frame import exercise, given

# ---- 2.1 -----------------------------------------------------------------------------


def _cubes(x):
    return (x**3).sum()


def _mixed(x):
    return (np.exp(x) * x.cumsum().reshape(x.shape)).sum()


def _nudges(rng):
    # Eighths are exact in binary: to add one and take it away again changes nothing.
    for f, shape in [(_cubes, (1,)), (_mixed, (1,)), (_mixed, (3,)), (_mixed, (2, 2))]:
        yield given(f, rng.integers(-8, 9, size=shape) / 8, h=0.125)


@exercise("numerical_gradient", inputs=_nudges)
def _numerical_gradient(f, x, h=1e-5):
    slopes = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        step = np.zeros(x.shape)
        step[i] = h
        slopes[i] = (f(x + step) - f(x - step)) / (2 * h)
    return slopes


@_numerical_gradient.variant
def _in_place(f, x, h=1e-5):
    slopes = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        before = x[i]
        x[i] = before + h
        right = f(x)
        x[i] = before - h
        slopes[i] = (right - f(x)) / 2 / h
        x[i] = before
    return slopes


@_numerical_gradient.variant
def _in_one_batch(f, x, h=1e-5):
    steps = h * np.eye(x.size).reshape(x.size, *x.shape)
    rises = [f(x + step) - f(x - step) for step in steps]
    return np.reshape(rises, x.shape) / (2 * h)


@_numerical_gradient.variant
def _by_numbers(f, x, h=1e-5):
    number = np.arange(x.size).reshape(x.shape)

    def slope(i):
        right, left = (f(np.where(number == i, x + s, x)) for s in (h, -h))
        return (right - left) / 2 / h

    return np.vectorize(slope, otypes=[float])(number)


@_numerical_gradient.mistake(
    "the difference is taken on one side only",
    hint="A tenth of the step makes the one-sided quotient ten times as good, the"
    " central one a hundred times. What cancels in f(x + h) − f(x − h)?",
)
def _(f, x, h=1e-5):
    steps = h * np.eye(x.size).reshape(x.size, *x.shape)
    return np.array([(f(x + s) - f(x)) / h for s in steps]).reshape(x.shape)


@_numerical_gradient.mistake(
    "the difference between both sides is divided by h",
    hint="How far apart are x − h and x + h?",
)
def _(f, x, h=1e-5):
    steps = h * np.eye(x.size).reshape(x.size, *x.shape)
    return np.array([(f(x + s) - f(x - s)) / h for s in steps]).reshape(x.shape)


@_numerical_gradient.mistake(
    "all entries are nudged at once",
    hint="One slope per entry is wanted. How does f move if only one of them moves?",
)
def _(f, x, h=1e-5):
    return np.full(x.shape, (f(x + h) - f(x - h)) / (2 * h))


@_numerical_gradient.mistake(
    "a nudged entry is not put back before the next is nudged",
    hint="Where does the second entry's nudge start from?",
)
def _(f, x, h=1e-5):
    x, slopes = x.copy(), np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        x[i] += h
        right = f(x)
        x[i] -= 2 * h
        slopes[i] = (right - f(x)) / (2 * h)
    return slopes


# ---- 2.2 -----------------------------------------------------------------------------


def _stretched(rng):
    for big, small in [
        ((3,), (1,)),
        ((3,), (3,)),
        ((2, 3), (3,)),
        ((2, 3), (1, 3)),
        ((2, 3), (2, 1)),
        ((2, 3), (2, 3)),
        ((4, 2, 3), (2, 1)),
        ((2, 1, 3, 2), (1, 1, 2)),
    ]:
        yield rng.normal(size=big), small


@exercise("unbroadcast", inputs=_stretched)
def _unbroadcast(g, shape):
    g = g.sum(axis=tuple(range(g.ndim - len(shape))))
    ones = tuple(i for i, n in enumerate(shape) if n == 1)
    return g.sum(axis=ones, keepdims=True)


@_unbroadcast.variant
def _by_scattering(g, shape):
    total = np.zeros(shape)
    places = np.broadcast_to(np.arange(total.size).reshape(shape), g.shape)
    np.add.at(total.reshape(-1), places.ravel(), g.ravel())
    return total


@_unbroadcast.variant
def _axis_by_axis(g, shape):
    while g.ndim > len(shape):
        g = g.sum(axis=0)
    for i, n in enumerate(shape):
        if n != g.shape[i]:
            g = g.sum(axis=i, keepdims=True)
    return g


@_unbroadcast.variant
def _all_at_once(g, shape):
    full = (1,) * (g.ndim - len(shape)) + tuple(shape)
    repeated = tuple(i for i, n in enumerate(full) if n == 1)
    return g.sum(axis=repeated).reshape(shape)


@_unbroadcast.mistake(
    "only the axes added in front are summed",
    hint="An axis of length 1 in `shape` was repeated too. Which of g's axes are"
    " those?",
)
def _(g, shape):
    return g.sum(axis=tuple(range(g.ndim - len(shape))))


@_unbroadcast.mistake(
    "the summed axes of length 1 are gone",
    hint="The cotangent of an array of shape (2, 1) has which shape? What does"
    " `keepdims` do?",
)
def _(g, shape):
    g = g.sum(axis=tuple(range(g.ndim - len(shape))))
    return g.sum(axis=tuple(i for i, n in enumerate(shape) if n == 1))


@_unbroadcast.mistake(
    "the copies' shares are averaged",
    hint="Each copy moves the result by its own share. If the original moves, all"
    " copies move together: by how much does the result move?",
)
def _(g, shape):
    g = g.mean(axis=tuple(range(g.ndim - len(shape))))
    return g.mean(axis=tuple(i for i, n in enumerate(shape) if n == 1), keepdims=True)


@_unbroadcast.mistake(
    "one copy's share is taken and the others are dropped",
    hint="Something used several times gets a share from each use. What does formula"
    " (4) do with them?",
)
def _(g, shape):
    while g.ndim > len(shape):
        g = g[0]
    return g[tuple(slice(0, 1) if n == 1 else slice(None) for n in shape)]


# ---- 2.3 -----------------------------------------------------------------------------


def _real_numbers(rng):
    yield (rng.normal(size=1),)
    yield (rng.normal(size=(2, 3)),)
    yield (np.array([-1000.0, -30, 0, 30, 1000]),)


@exercise("softplus", inputs=_real_numbers, tensors=True, order=2)
def _softplus(x):
    value = np.maximum(x.data, 0) + np.log1p(np.exp(-np.abs(x.data)))
    return record(value, (x, lambda g, out: g * F.sigmoid(x)))


@_softplus.variant
def _from_the_result(x):
    value = np.logaddexp(0, x.data)
    return record(value, (x, lambda g, out: g * (1 - F.exp(-out))))


@_softplus.variant
def _by_a_library(x):
    value = -log_expit(-x.data)
    return record(value, (x, lambda g, out: g * F.exp(x - out)))


@_softplus.variant
def _by_two_cases(x):
    small = np.log1p(np.exp(-np.abs(x.data)))
    value = np.where(x.data > 0, x.data + small, small)
    return record(value, (x, lambda g, out: (F.tanh(x / 2) + 1) * 0.5 * g))


@_softplus.mistake(
    "the rule's slope was computed from `.data`",
    hint="Its first gradients are right. To the second, is the slope more than a"
    " constant?",
)
def _(x):
    slope = 1 / (1 + np.exp(-x.data))
    return record(np.logaddexp(0, x.data), (x, lambda g, out: g * slope))


@_softplus.mistake(
    "exp(x) has become infinite",
    hint="float64 ends near exp(709). For large x, what does log(1 + exp(x)) come down"
    " to, and how can you write it with exp(−|x|) only?",
)
def _(x):
    return record(np.log1p(np.exp(x.data)), (x, lambda g, out: g * F.sigmoid(x)))


@_softplus.mistake(
    "the rule returns its slope and forgets g",
    hint="The rule is asked for dL/dx and is given g = dL/dy. What does the chain rule"
    " do with the two?",
)
def _(x):
    return record(np.logaddexp(0, x.data), (x, lambda g, out: F.sigmoid(x)))


@_softplus.mistake(
    "the slope is 1/(1 + exp(x))",
    hint="Softplus rises like x for large x. To what should its slope go there?",
)
def _(x):
    return record(np.logaddexp(0, x.data), (x, lambda g, out: g * F.sigmoid(-x)))


@_softplus.mistake(
    "there is a value and no rule",
    hint="`record(value, (parent, rule))`: which Tensor is to hear of the cotangent?",
)
def _(x):
    return record(np.logaddexp(0, x.data))
