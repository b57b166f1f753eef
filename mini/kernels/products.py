"""Matrix products, sums over images, and pooling."""

import numpy as np
from numba import prange

from .compiler import PARTS, parallel


@parallel
def _matmul(a, b, y):
    rows = -(-len(a) // PARTS)
    for p in prange(PARTS):
        i, j = min(p * rows, len(a)), min((p + 1) * rows, len(a))
        if i < j:
            np.dot(a[i:j], b, y[i:j])


def matmul(a, b):
    """numpy's matmul, with the rows of one large product shared between the threads."""
    if (
        a.ndim != 2
        or b.ndim != 2
        or a.dtype != b.dtype
        or a.size * b.shape[-1] < 1 << 18
    ):
        return np.matmul(a, b)
    if a.shape[1] != b.shape[0] or a.dtype not in (np.float32, np.float64):
        return np.matmul(a, b)
    if not (b.flags.c_contiguous or b.flags.f_contiguous):
        b = np.ascontiguousarray(b)
    y = np.empty((len(a), b.shape[1]), a.dtype)
    _matmul(np.ascontiguousarray(a), b, y)
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
    _sum_over_images(
        np.ascontiguousarray(x).reshape(*x.shape[:2], x.shape[2] * x.shape[3]), parts
    )
    return parts.sum(axis=0)


@parallel
def _argmax_windows(x, k, s, padding, chosen):
    P, H, W = x.shape
    for n in prange(P):
        for i in range(chosen.shape[1]):
            for j in range(chosen.shape[2]):
                best = -1
                for a in range(max(0, i * s - padding), min(H, i * s - padding + k)):
                    for b in range(
                        max(0, j * s - padding), min(W, j * s - padding + k)
                    ):
                        v = x[n, a, b]
                        if best < 0 or v > x[n, best // W, best % W] or v != v:
                            best = a * W + b
                chosen[n, i, j] = best


def argmax_windows(x, k, s, padding, size):
    """Where in its flattened image each window's largest value (or a NaN) is."""
    planes = np.ascontiguousarray(x).reshape(x.shape[0] * x.shape[1], *x.shape[2:])
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
    return np.ascontiguousarray(x).reshape(
        x.shape[0] * x.shape[1], x.shape[2] * x.shape[3]
    )


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
