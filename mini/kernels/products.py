"""Matrix products, sums over images, and pooling."""

import numpy as np
from numba import prange

from .compiler import PARTS, parallel, ready


@parallel
def _share_rows(a, b, pieces, y):
    for p in prange(pieces):
        i, j = len(a) * p // pieces, len(a) * (p + 1) // pieces
        np.dot(a[i:j], b, y[i:j])


@parallel
def _share_transposed(a, bt, pieces, y):
    for p in prange(pieces):
        i, j = len(bt) * p // pieces, len(bt) * (p + 1) // pieces
        y[:, i:j] = np.dot(a, bt[i:j].T)


def _pieces(rows):
    """In how many parts of 128 rows or more, but two at least, a product is shared."""
    return min(PARTS, max(2, rows // 128))


def matmul(a, b):
    """numpy's matmul, with one large product shared between the threads."""
    if a.ndim == b.ndim == 2 and a.shape[1] == len(b) == 1:
        return a * b  # numpy's product of a column and a row is slow
    large = a.ndim == b.ndim == 2 and a.size * b.shape[-1] > 1 << 19
    floats = a.dtype == b.dtype and a.dtype in (np.float32, np.float64)
    if not (large and floats and a.shape[1] == b.shape[0]):
        return np.matmul(a, b)
    y = np.empty((len(a), b.shape[1]), a.dtype)
    a = ready(a)
    if len(a) < 256 and b.flags.f_contiguous:
        _share_transposed(a, b.T, _pieces(b.shape[1]), y)
    else:
        _share_rows(a, ready(b), _pieces(len(a)), y)
    return y


@parallel
def _sum_over_images(x, parts):
    N, C, L = x.shape
    for p in prange(PARTS):
        for c in range(C):
            total = x.dtype.type(0)
            for n in range(N * p // PARTS, N * (p + 1) // PARTS):
                row = x[n, c]
                for i in range(np.uint64(L)):
                    total += row[i]
            parts[p, c] = total


def sum_over_images(x):
    """(N, C, H, W) → (C,)."""
    parts = np.empty((PARTS, x.shape[1]), x.dtype)
    _sum_over_images(ready(x).reshape(*x.shape[:2], x.shape[2] * x.shape[3]), parts)
    return parts.sum(axis=0)


@parallel
def _argmax_windows(x, k, s, padding, chosen):
    P, H, W = x.shape
    Ho, Wo = chosen.shape[1:]
    for n in prange(P):
        best = np.empty(Wo, x.dtype)
        for i in range(Ho):
            at = chosen[n, i]
            at[:] = -1
            for a in range(max(0, i * s - padding), min(H, i * s - padding + k)):
                row = x[n, a]
                for b in range(k):  # one place in all windows of the row at a time
                    first = max(0, -((b - padding) // s))
                    last = min(Wo, (W - 1 - b + padding) // s + 1)
                    q = np.uint64(first * s + b - padding)
                    for j in range(np.uint64(first), np.uint64(max(first, last))):
                        v = row[q]
                        take = at[j] < 0 or v > best[j] or v != v
                        best[j] = v if take else best[j]
                        at[j] = a * W + np.int64(q) if take else at[j]
                        q += np.uint64(s)


def argmax_windows(x, k, s, padding, size):
    """Where in its flattened image each window's largest value (or a NaN) is."""
    planes = ready(x).reshape(x.shape[0] * x.shape[1], *x.shape[2:])
    chosen = np.empty((len(planes), *size), np.int64)
    _argmax_windows(planes, k, s, padding, chosen)
    return chosen.reshape(*x.shape[:2], *size)


@parallel
def _pick(x, chosen, y):
    for n in prange(len(x)):
        for i in range(chosen.shape[1]):
            y[n, i] = x[n, chosen[n, i]]


@parallel
def _place(y, chosen, x):
    for n in prange(len(x)):
        for i in range(chosen.shape[1]):
            x[n, chosen[n, i]] += y[n, i]


def _planes(x):
    return ready(x).reshape(x.shape[0] * x.shape[1], x.shape[2] * x.shape[3])


def pick(x, chosen):
    """The pixels at positions `chosen` (N, C, Ho, Wo) of the flattened images x."""
    y = np.empty(chosen.shape, x.dtype)
    _pick(_planes(x), _planes(chosen), _planes(y))
    return y


def place(y, chosen, shape):
    """Zeros of `shape` with every pixel of y added at its chosen position."""
    x = np.zeros(shape, y.dtype)
    _place(_planes(y), _planes(chosen), _planes(x))
    return x
