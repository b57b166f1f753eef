"""Convolutions of stride s with 2s × 2s taps, in fewer products.

Take every s-th row and column, and two taps are left in each direction. Of

    y0 = x0·w0 + x1·w1        y1 = x1·w0 + x2·w1

the four products can be had as three (Karatsuba's trick):

    m0 = (x0 - x1)·w0    m1 = x1·(w0 + w1)    m2 = (x2 - x1)·w1
    y0 = m0 + m1         y1 = m1 + m2

and the six of three outputs as four. A line of any length is cut into twos and at most
one three. In both directions at once, 100 products are left of the 196 for 7 × 7
outputs, 441 of the 784 for 14 × 14 (Winograd 1980; Lavin and Gray 2016,
arXiv:1509.09308). All products with the same *blend* of the weights (w0 + w1 along the
rows and w1 along the columns, say) are one matrix product over the channels; what the
images bring to it are its *points* (points.py). The form stays linear in x, w and y, so
its derivatives are these steps transposed, in the other order.
"""

import functools

import numpy as np
from numba import prange

from .compiler import PARTS, compiled, parallel
from .points import from_points, matrix, put, room, take, to_points

LANES = 8  # images that lie side by side are a multiple of this
ROOM = 1 << 21  # numbers in the points of one product

WEIGHTS = np.array([[1, 0], [1, 1], [0, 1], [1, -1]])  # four blends of w0 and w1
PIECES = {  # outputs → the blend of each point, of which inputs, to which outputs
    1: ([0, 2], [[1, 0], [0, 1]], [[1, 1]]),
    2: ([0, 1, 2], [[1, -1, 0], [0, 1, 0], [0, -1, 1]], [[1, 1, 0], [0, 1, 1]]),
    3: (
        [0, 1, 3, 2],
        [[1, 0, -1, 0], [0, 0.5, 0.5, 0], [0, -0.5, 0.5, 0], [0, 1, 0, -1]],
        [[1, 1, 1, 0], [0, 1, -1, 0], [0, 1, 1, -1]],
    ),
}


@functools.cache
def plan(n, dtype):
    """A line of n outputs: each point's blend (P,), its inputs, the outputs' points.

    And the transposes of both, inputs' points and points' outputs; each as `_terms`.
    """
    pieces = [3, *[2] * ((n - 3) // 2)] if n > 1 and n % 2 else [2] * (n // 2) or [1]
    blends = np.concatenate([PIECES[m][0] for m in pieces])
    inputs, outputs = np.zeros((len(blends), n + 1)), np.zeros((n, len(blends)))
    p = i = 0
    for m in pieces:
        blend, of, to = PIECES[m]
        inputs[p : p + len(blend), i : i + m + 1] = of
        outputs[i : i + m, p : p + len(blend)] = to
        p, i = p + len(blend), i + m
    matrices = inputs, outputs, inputs.T, outputs.T
    return blends, *(_terms(m.astype(dtype)) for m in matrices)


def _terms(matrix):
    """A matrix, at most three numbers in a row, as (column, number) each: (R, 3, 2)."""
    which = np.argsort(matrix == 0, axis=1, kind="stable")[:, :3]
    terms = np.zeros((len(matrix), 3, 2), matrix.dtype)
    terms[:, : which.shape[1], 0] = which
    terms[:, : which.shape[1], 1] = np.take_along_axis(matrix, which, 1)
    return terms


# ---- the weights ---------------------------------------------------------------------


@compiled
def _fours(C, s):
    """Which of an output's weights (C*2s*2s) are the four that see one channel's every
    s-th row and column, from each remainder: (4, C*s*s).
    """
    four, w = np.empty((4, C * s * s), np.int64), 0
    for c in range(C):
        for i in range(2 * s):
            for j in range(2 * s):
                k = (c * s + i % s) * s + j % s
                four[i // s * 2 + j // s, k] = w
                w += 1
    return four


@compiled
def _blend_one(w, four, k, u):
    """Weights w (C*2s*2s, O) of place k in each pair of blends → u (4, 4, K, O)."""
    for p in range(4):
        for q in range(4):
            c, d, e, f = _pair(p, q, w.dtype.type(1))
            to, a, b = u[p, q, k], w[four[0, k]], w[four[1, k]]
            g, h = w[four[2, k]], w[four[3, k]]
            for o in range(np.uint64(len(to))):
                to[o] = c * a[o] + d * b[o] + e * g[o] + f * h[o]


@compiled
def _unblend_one(parts, o, four, w):
    """The transpose for output o: parts (…, 4, 4, O, C*s*s) are added up → w."""
    K = parts.shape[4]
    sums = np.zeros((4, K), w.dtype)
    a, b, g, h = sums[0], sums[1], sums[2], sums[3]
    for part in range(len(parts)):
        for p in range(4):
            for q in range(4):
                c, d, e, f = _pair(p, q, w.dtype.type(1))
                row = parts[part, p, q, o]
                for k in range(np.uint64(K)):
                    a[k] += c * row[k]
                    b[k] += d * row[k]
                    g[k] += e * row[k]
                    h[k] += f * row[k]
    for i in range(4):
        for k in range(K):
            w[four[i, k]] = sums[i, k]


@parallel
def _blended(w, s):
    """Weights (O, C*2s*2s) in each pair of blends: (4, 4, C*s*s, O)."""
    O, K = len(w), w.shape[1] // 4
    four, u = _fours(K // (s * s), s), np.empty((4, 4, K, O), w.dtype)
    turned = w.T.copy()
    for k in prange(K):
        _blend_one(turned, four, k, u)
    return u


@parallel
def _unblended(parts, s, w):
    """The transpose: parts (…, 4, 4, O, C*s*s) are added up → w (O, C*2s*2s)."""
    four = _fours(w.shape[1] // (4 * s * s), s)
    for o in prange(len(w)):
        _unblend_one(parts, o, four, w[o])


@compiled
def _pair(p, q, one):
    """How much of each of four weights is in blends p of the rows, q of the columns."""
    a, b = WEIGHTS[p, 0] * one, WEIGHTS[p, 1] * one
    return a * WEIGHTS[q, 0], a * WEIGHTS[q, 1], b * WEIGHTS[q, 0], b * WEIGHTS[q, 1]


# ---- the kernels ---------------------------------------------------------------


@compiled
def _groups(N, numbers):
    """In how many groups N images are taken; numbers: of points per image."""
    eights, most = -(-N // LANES), max(1, ROOM // (LANES * numbers))
    return max(min(2, eights), -(-eights // most))  # two, for two threads


@compiled
def _group(g, groups, N):
    """The first image of group g, and how many lie side by side in it."""
    eights = -(-N // LANES)
    first = eights * g // groups
    return first * LANES, (eights * (g + 1) // groups - first) * LANES


@compiled
def _through(x, u, b, low, s, rows, columns, y, forward, n, side):
    """Images n, n + 1, …, `side` of them, from x to y; or from y to x, transposed."""
    (K, O), (H, W) = u.shape[2:], y.shape[2:]
    of_x, seen = room(rows, columns, K, side, x.dtype)
    of_y, sums = room(rows, columns, O, side, x.dtype)
    wide = (s * H + s, s * W + s)
    if forward:
        to_points(take(x, n, low, wide, side), s, rows[1], columns[1], of_x, seen)
    else:
        images = take(y, n, (0, 0), (H, W), side)
        to_points(images, 1, rows[4], columns[4], of_y, sums)
    for p in range(4):
        for q in range(4):
            a, m = matrix(seen, of_x, K, p, q), matrix(sums, of_y, O, p, q)
            if a.size and forward:
                np.dot(u[p, q].T, a, m)
            elif a.size:
                np.dot(u[p, q], m, a)
    if forward:
        made = np.empty((O, H, W, side), x.dtype)
        from_points(sums, 1, rows[2], columns[2], of_y, made)
        put(made, n, (0, 0), b, y)
    else:
        made = np.empty((x.shape[1], wide[0], wide[1], side), x.dtype)
        from_points(seen, s, rows[3], columns[3], of_x, made)
        put(made, n, low, b, x)


@compiled
def _correlate(x, y, low, s, rows, columns, part, first, n, side):
    """What these images add to the blends' share, part (4, 4, O, C*s*s), or begin."""
    (O, K), (H, W) = part.shape[2:], y.shape[2:]
    of_x, seen = room(rows, columns, K, side, x.dtype)
    of_y, sums = room(rows, columns, O, side, x.dtype)
    images = take(x, n, low, (s * H + s, s * W + s), side)
    to_points(images, s, rows[1], columns[1], of_x, seen)
    images = take(y, n, (0, 0), (H, W), side)
    to_points(images, 1, rows[4], columns[4], of_y, sums)
    product = np.empty((O, K), x.dtype)
    for p in range(4):
        for q in range(4):
            m = matrix(seen, of_x, K, p, q)
            if m.size and first:
                np.dot(matrix(sums, of_y, O, p, q), m.T, part[p, q])
            elif m.size:
                np.dot(matrix(sums, of_y, O, p, q), m.T, product)
                to, frm = part[p, q].reshape(-1), product.reshape(-1)
                for i in range(np.uint64(O * K)):
                    to[i] += frm[i]


@parallel
def winograd(x, w, b, low, s, rows, columns, y, forward):
    """Convolve x (N, C, H, W) with w (O, C*2s*2s), plus b → y (N, O, Ho, Wo).

    Or, if not forward, the transpose: from y to x, plus b (C,). The taps begin at
    (row, column) low; rows and columns are plans for Ho and Wo.
    """
    u, numbers = _blended(w, s), len(rows[0]) * len(columns[0])
    groups = _groups(len(x), u.shape[2] * numbers)
    for g in prange(groups):
        n, side = _group(g, groups, len(x))
        _through(x, u, b, low, s, rows, columns, y, forward, n, side)


@parallel
def winograd_weight(x, y, low, s, rows, columns, w):
    """The weights' share, w (O, C*2s*2s), from x and y."""
    (O, K), numbers = (y.shape[1], x.shape[1] * s * s), len(rows[0]) * len(columns[0])
    groups = _groups(len(x), K * numbers)
    parts = np.zeros((min(PARTS, groups), 4, 4, O, K), x.dtype)
    for p in prange(len(parts)):
        for g in range(p, groups, PARTS):
            n, side = _group(g, groups, len(x))
            _correlate(x, y, low, s, rows, columns, parts[p], g == p, n, side)
    _unblended(parts, s, w)
