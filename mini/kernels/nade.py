"""NADE's hidden layer, pixel by pixel; see models/nade.py for the formulae.

The hidden units change only after a pixel that is one, and in most images few are: the
sigmoids are computed again only then. Images go through the pixels side by side, four
at a time in the inner loops, so that a row of weights, once fetched, serves them all.
"""

import numpy as np
from numba import prange

from .compiler import compiled, parallel, ready
from .elementwise import _sigmoid
from .products import matmul

SIDE = 16  # images side by side, a multiple of four
UNITS = 64  # hidden units whose gradients one thread computes, for all images


@compiled
def _join(a, h, row):
    """A pixel that is one joins what the hidden units have seen."""
    for i in range(np.uint64(len(a))):
        a[i] += row[i]
        h[i] = _sigmoid(a[i])


@compiled
def _dots(h, row, out):
    """The dot products of four rows of h with one row."""
    h0, h1, h2, h3 = h[0], h[1], h[2], h[3]
    y0 = y1 = y2 = y3 = row.dtype.type(0)
    for i in range(np.uint64(len(row))):
        y0 += h0[i] * row[i]
        y1 += h1[i] * row[i]
        y2 += h2[i] * row[i]
        y3 += h3[i] * row[i]
    out[0], out[1], out[2], out[3] = y0, y1, y2, y3


@parallel
def _forward(x, w, v, b, c, order, y):
    H = len(c)
    for m in prange(len(x) // SIDE):
        a, h = np.empty((SIDE, H), w.dtype), np.empty((SIDE, H), w.dtype)
        zero, out = np.zeros(H, w.dtype), np.empty(4, w.dtype)
        for n in range(SIDE):
            a[n] = c
            _join(a[n], h[n], zero)
        for d in order:
            for n in range(0, SIDE, 4):
                _dots(h[n : n + 4], v[d], out)
                for i in range(4):
                    y[m * SIDE + n + i, d] = out[i] + b[d]
            for n in range(SIDE):
                if x[m * SIDE + n, d]:
                    _join(a[n], h[n], w[d])


@compiled
def _leave(n, a, h, s, da, row, total):
    """A pixel that is one leaves image n: what came after it is now complete.

    da += s · h · (1 − h), through the sigmoid, is the gradient of its row of w, which
    is added to total; s starts anew. The arrays (N, UNITS) come flat: a slice for each
    row would cost more than the sums. A loop that writes to one array is fastest.
    """
    U, one = np.uint64(UNITS), h.dtype.type(1)
    p = np.uint64(n) * U
    for i in range(U):
        da[p + i] += s[p + i] * h[p + i] * (one - h[p + i])
    for i in range(U):
        total[i] += da[p + i]
    for i in range(U):
        a[p + i] -= row[i]
    for i in range(U):
        h[p + i] = _sigmoid(a[p + i])
    for i in range(U):
        s[p + i] = 0


@compiled
def _collect(g, h, s, row, total):
    """total += Σ_n g_n · h_n and, for every image n, s_n += g_n · row; N = 4, 8, …

    h and s are (N, UNITS), flat.
    """
    U, four = np.uint64(UNITS), np.uint64(4)
    for m in range(np.uint64(len(g)) // four):
        n = m * four
        g0, g1, g2, g3 = g[n], g[n + 1], g[n + 2], g[n + 3]
        p0 = n * U
        p1, p2, p3 = p0 + U, p0 + U + U, p0 + U + U + U
        for i in range(U):
            total[i] += (g0 * h[p0 + i] + g1 * h[p1 + i]) + (
                g2 * h[p2 + i] + g3 * h[p3 + i]
            )
    for n in range(np.uint64(len(g))):
        gn, p = g[n], n * U
        for i in range(U):
            s[p + i] += gn * row[i]


@parallel
def _backward(x, g, a_end, w, v, order, dw, dv, dc):
    """From the last pixel to the first, UNITS hidden units at a time.

    x (N, D), g (D, N); a_end (N, H) is what all the pixels add up to; N = 4, 8, …
    """
    N, D, H = len(x), len(order), a_end.shape[1]
    for chunk in prange((H + UNITS - 1) // UNITS):
        start, end = chunk * UNITS, min(H, (chunk + 1) * UNITS)
        a, h = np.zeros((N, UNITS), w.dtype), np.zeros((N, UNITS), w.dtype)
        s, da = np.zeros((N, UNITS), w.dtype), np.zeros((N, UNITS), w.dtype)
        row, total = np.zeros(UNITS, w.dtype), np.zeros(UNITS, w.dtype)
        a[:, : end - start] = a_end[:, start:end]
        for n in range(N):
            for i in range(UNITS):
                h[n, i] = _sigmoid(a[n, i])
        a, h, s, da = a.reshape(-1), h.reshape(-1), s.reshape(-1), da.reshape(-1)
        for k in range(D):
            d = order[D - 1 - k]
            total[:] = 0
            row[: end - start] = w[d, start:end]
            for n in range(N):
                if x[n, d]:
                    _leave(n, a, h, s, da, row, total)
            dw[d, start:end] = total[: end - start]
            total[:] = 0
            row[: end - start] = v[d, start:end]
            _collect(g[d], h, s, row, total)
            dv[d, start:end] = total[: end - start]
        total[:] = row[:] = 0
        for n in range(N):
            _leave(n, a, h, s, da, row, total)
        dc[start:end] = total[: end - start]


def nade(x, w, v, b, c, order):
    """Logits (N, D) of zeros and ones x (N, D); w, v (D, H), b (D,), c (H,)."""
    N, x, order = len(x), _padded(x, SIDE), order.astype(np.int64)
    y = np.empty(x.shape, w.dtype)
    _forward(x, *map(ready, (w, v, b, c)), order, y)
    return y[:N]


def nade_back(x, g, w, v, c, order):
    """What flows back to (w, v, b, c) if g (N, D) flows back to the logits."""
    x, g, order = _padded(x, 4), _padded(g, 4), order.astype(np.int64)
    dw, dv, dc = (np.empty(p.shape, p.dtype) for p in (w, v, c))
    a = matmul(x, w) + c
    _backward(x, ready(g.T), a, ready(w), ready(v), order, dw, dv, dc)
    return dw, dv, g.sum(axis=0), dc


def _padded(x, multiple):
    """x with images of zeros appended until their number is a multiple."""
    more = -len(x) % multiple
    return ready(np.concatenate([x, np.zeros((more, x.shape[1]), x.dtype)]))
