"""Convolutions with a stride, each by the kernels that suit it."""

import functools

import numpy as np

from .columns import conv_columns, conv_columns_input, conv_columns_weight
from .compiler import PARTS, ready
from .winograd import plan, winograd, winograd_weight

CHANNELS = 16  # with fewer, in x or in y, matrix products are not where the time goes


def conv_strided(x, w, b, taps, s, y):
    """Convolve: x (N, C, H, W), w (O, C*T), b (O,), taps (T, 2) → y (N, O, Ho, Wo)."""
    if is_square(taps, s, x, y):
        winograd(x, w, b, *plans_for(taps, s, y), y, True)
    else:
        conv_columns(x, w, b, taps, s, y)


def conv_strided_input(y, w, b, taps, s, x):
    """The input's share, from y, plus b (C,): x (N, C, H, W)."""
    if is_square(taps, s, x, y):
        winograd(x, w, b, *plans_for(taps, s, y), y, False)
    else:
        conv_columns_input(y, ready(w.T), b, taps, s, x)


def conv_strided_weight(x, y, taps, s):
    """The weights' share, from x and y: (O, C*T)."""
    O, K = y.shape[1], x.shape[1] * len(taps)
    if is_square(taps, s, x, y):
        w = np.empty((O, K), x.dtype)
        winograd_weight(x, y, *plans_for(taps, s, y), w)
        return w
    parts = np.zeros((PARTS, K, O), x.dtype)
    conv_columns_weight(x, y, taps, s, parts)
    return parts.sum(axis=0).T


def is_square(taps, s, x, y):
    """Whether the taps are a square of 2s × 2s, with channels enough to make it pay."""
    if len(taps) != 4 * s * s or min(x.shape[1], y.shape[1]) < CHANNELS:
        return False
    return _is_square(taps.tobytes(), taps.dtype, s)


@functools.cache
def _is_square(taps, dtype, s):
    i, taps = np.arange(4 * s * s), np.frombuffer(taps, dtype).reshape(-1, 2)
    return np.array_equal(taps - taps[0], np.stack([i // (2 * s), i % (2 * s)], 1))


def plans_for(taps, s, y):
    """What winograd.py asks for between the weights and the result."""
    low = (int(taps[0, 0]), int(taps[0, 1]))
    return low, s, plan(y.shape[2], y.dtype), plan(y.shape[3], y.dtype)
