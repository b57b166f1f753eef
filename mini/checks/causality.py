"""Whether a model of the reader's own predicts each value from those before it."""

import numpy as np

from ..tensor import no_grad, value_of
from . import verdicts
from .running import ERRORS, quiet
from .verdicts import Verdict

TRIES = 2  # random inputs; a unit that is asleep in one may be awake in the other
MOST = 1024  # values that are changed, spread evenly, if there are more of them
BATCH = 64


@quiet()
def on_causality(function, places):
    """The verdict on a function that maps (N, *shape) to predictions (N, …, *shape)."""
    if not callable(function) or verdicts.is_stub(function):
        return verdicts.UNTOUCHED
    try:
        effects, changed = _effects(function, places)
    except _Unsteady:
        return verdicts.unsteady(verdicts.DRAWS)
    except _Strange as error:
        return Verdict("shape", verdicts.wrap(f"✗ {error}"))
    except ERRORS as error:
        return Verdict("error", verdicts.wrap(f"✗ {verdicts.raised(error, function)}"))
    return _judged(effects, changed, places)


class _Unsteady(Exception):
    """Two results for one input."""


class _Strange(Exception):
    """An output that is no prediction of each value."""


def _effects(function, places):
    """Which predictions change with which value: (values, values), and who did."""
    rng, D = np.random.default_rng(0), places.size
    evenly = np.linspace(0, D - 1, min(D, MOST), dtype=int)
    changed, effects = np.argsort(places.reshape(-1))[evenly], np.zeros((D, D), bool)
    images = np.random.default_rng(1).integers(0, 2, (BATCH, *places.shape))
    first, second = (
        _predictions(function, images.astype(np.float32)) for _ in range(2)
    )
    if not _alike(first, second):
        raise _Unsteady
    for _ in range(TRIES):
        x = rng.integers(0, 2, places.shape).astype(np.float32)
        for some in np.array_split(changed, -(-len(changed) // BATCH)):
            effects[some] |= _effects_of(some, function, x)
    return effects, changed


def _effects_of(some, function, x):
    """Which values' predictions change if value k is, for some ks: (K, values)."""
    images = np.repeat(x[None], len(some) + 1, axis=0)
    flat = images.reshape(len(images), -1)
    flat[np.arange(len(some)), some] = 1 - flat[np.arange(len(some)), some]
    y = _predictions(function, images)
    alone = _predictions(function, images[-1:])
    if not _alike(y, np.concatenate([y[:-1], alone])):
        raise _Strange(
            "The prediction for one image changes with the other images of the batch."
            " What in your model looks along axis 0?"
        )
    same = (y[:-1] == y[-1]) | (np.abs(y[:-1] - y[-1]) <= 1e-6 * (1 + np.abs(y[-1])))
    return ~same.all(axis=1)


def _alike(a, b):
    """Whether predictions agree, but for the rounding that the largest suffers."""
    largest = np.abs(a).max(initial=0, where=np.isfinite(a))
    return np.allclose(a, b, rtol=1e-3, atol=1e-5 * largest)


def _predictions(function, images):
    """What the function says of every value of every image: (N, K, values)."""
    with no_grad():
        y = function(images.copy())
    y = np.asarray(value_of(y.detach() if hasattr(y, "detach") else y))
    N, *shape = images.shape
    if y.shape[:1] != (N,) or y.shape[y.ndim - len(shape) :] != tuple(shape):
        shown = ", ".join(map(str, shape))
        raise _Strange(
            f"For input of shape {images.shape} came an output of shape {y.shape}; one"
            f" prediction for each value was expected, ({N}, …, {shown})."
        )
    if np.isnan(y).any():
        raise _Strange("For images of zeros and ones your model gives NaN.")
    return y.reshape(N, -1, int(np.prod(shape)))


def _judged(effects, changed, places):
    """The verdict, from which predictions each changed value has an effect on."""
    leak = _leak(effects, places)
    if leak is None:
        last = np.argmax(places)
        seen, past = effects[:, last].sum(), len(changed) - (last in changed)
        text = "✓ no prediction looks at its own value or at a later one."
        if past:
            text += f" The last one looks at {seen} of {past} values before it"
            text += (
                "."
                if seen == past
                else "; are the others meant to be left out, or of little weight?"
            )
        return Verdict("correct", verdicts.wrap(text))
    seen, target, count = leak
    text = (
        f"✗ The prediction of value {target} changes when value {seen} does,"
        f" {_which(seen, target)} {count} such pairs were found."
    )
    return Verdict("ahead", verdicts.wrap(text))


def _leak(effects, places):
    """A value, a prediction that should not know it, and how many such pairs; or None.

    It is the smallest step ahead, which says most about the mistake.
    """
    place = places.reshape(-1)
    leaks = effects & (place[None, :] <= place[:, None])
    if not leaks.any():
        return None
    ahead = np.where(leaks, place[:, None] - place[None, :], place.size)
    pair = np.unravel_index(np.argmin(ahead), ahead.shape)
    seen, target = (
        tuple(int(n) for n in np.unravel_index(i, places.shape)) for i in pair
    )
    return seen, target, leaks.sum()


def seen_ahead(function, shape):
    """(value, prediction) of the smallest step ahead; None if there is none to see."""
    order = places(shape, None)
    try:
        leak = _leak(_effects(function, order)[0], order)
    except ERRORS:
        return None
    return leak and leak[:2]


def _which(seen, target):
    """What the two places have to do with each other, and what to ask."""
    if seen == target:
        return (
            "which is the very value to be predicted. Which layer is the first to look"
            " at the image, and does its mask leave the centre out?"
        )
    if len(seen) == 3 and seen[1:] == target[1:]:
        return (
            "a later channel of the same pixel. Which channels may the prediction of"
            " one channel know, and does every layer keep to it?"
        )
    if len(seen) == 3 and seen[1] == target[1]:
        return "which comes later in the same row. Does a mask end at its centre?"
    return "which comes later. Does every layer have a mask, and which way round?"


def places(shape, order):
    """The place of each value, 0 to the last, as an array of the shape."""
    shape = tuple(shape) if np.iterable(shape) else (shape,)
    if not shape or any(not isinstance(n, (int, np.integer)) or n < 1 for n in shape):
        raise ValueError(
            f"causality: shape must be that of one input without N, such as"
            f" (1, 28, 28), got {shape}"
        )
    if order is None:
        return _raster(shape)
    D, order = int(np.prod(shape)), np.asarray(order)
    if order.shape != (D,) or set(order) != set(range(D)):
        raise ValueError(
            f"causality: order must be the positions 0 … {D - 1} of the flattened input"
            f" in the order in which they are drawn, got {order!r:.99}"
        )
    return np.argsort(order).reshape(shape)


def _raster(shape):
    """Row by row; the channels of a pixel (C, H, W) follow each other."""
    if len(shape) != 3:
        return np.arange(int(np.prod(shape))).reshape(shape)
    C, H, W = shape
    return np.arange(H * W * C).reshape(H, W, C).transpose(2, 0, 1)
