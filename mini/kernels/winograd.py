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


@parallel
def _blended(w, s):
    """Weights (O, C*2s*2s) in each pair of blends: (4, 4, O, C*s*s)."""
    O, K = len(w), w.shape[1] // 4
    of, u = _fours(K // (s * s), s), np.empty((4, 4, O, K), w.dtype)
    for o in prange(O):
        four = np.empty((4, K), w.dtype)
        for i in range(4):
            for k in range(K):
                four[i, k] = w[o, of[i, k]]
        for p in range(4):
            for q in range(4):
                c, d, e, f = _pair(p, q, w.dtype)
                for k in range(np.uint64(K)):
                    u[p, q, o, k] = (
                        c * four[0, k]
                        + d * four[1, k]
                        + e * four[2, k]
                        + f * four[3, k]
                    )
    return u


@parallel
def _unblended(parts, s, w):
    """The transpose: parts (…, 4, 4, O, C*s*s) are added up → w (O, C*2s*2s)."""
    O, K = parts.shape[3:]
    of = _fours(K // (s * s), s)
    for o in prange(O):
        four = np.zeros((4, K), w.dtype)
        for part in range(len(parts)):
            for p in range(4):
                for q in range(4):
                    c, d, e, f = _pair(p, q, w.dtype)
                    for k in range(np.uint64(K)):
                        g = parts[part, p, q, o, k]
                        four[0, k] += c * g
                        four[1, k] += d * g
                        four[2, k] += e * g
                        four[3, k] += f * g
        for i in range(4):
            for k in range(K):
                w[o, of[i, k]] = four[i, k]


@compiled
def _pair(p, q, dtype):
    """How much of each of four weights is in blends p of the rows, q of the columns."""
    pair = np.outer(WEIGHTS[p], WEIGHTS[q]).astype(dtype)
    return pair[0, 0], pair[0, 1], pair[1, 0], pair[1, 1]


# ---- the three kernels ---------------------------------------------------------------


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


@parallel
def winograd(x, w, b, low, s, rows, columns, y):
    """Convolve: x (N, C, H, W), w (O, C*2s*2s), b (O,) → y (N, O, Ho, Wo).

    The taps begin at (row, column) low; rows and columns are plans for Ho and Wo.
    """
    (C, O), (H, W) = (x.shape[1], y.shape[1]), y.shape[2:]
    K, u = C * s * s, _blended(w, s)
    groups = _groups(len(x), K * len(rows[0]) * len(columns[0]))
    for g in prange(groups):
        n, side = _group(g, groups, len(x))
        of_x, seen = room(rows, columns, K, side, x.dtype)
        of_y, sums = room(rows, columns, O, side, x.dtype)
        images = take(x, n, low, (s * H + s, s * W + s), side)
        to_points(images, s, rows[1], columns[1], of_x, seen)
        for p in range(4):
            for q in range(4):
                m = matrix(sums, of_y, O, p, q)
                if m.size:
                    np.dot(u[p, q], matrix(seen, of_x, K, p, q), m)
        made = np.empty((O, H, W, side), x.dtype)
        from_points(sums, 1, rows[2], columns[2], of_y, made)
        put(made, n, (0, 0), b, y)


@parallel
def winograd_input(y, w, low, s, rows, columns, x):
    """The input's share: every step transposed, in the other order."""
    (C, O), (H, W) = (x.shape[1], y.shape[1]), y.shape[2:]
    K, u, zeros = C * s * s, _blended(w, s), np.zeros(C, x.dtype)
    groups = _groups(len(x), K * len(rows[0]) * len(columns[0]))
    for g in prange(groups):
        n, side = _group(g, groups, len(x))
        of_x, seen = room(rows, columns, K, side, x.dtype)
        of_y, sums = room(rows, columns, O, side, x.dtype)
        images = take(y, n, (0, 0), (H, W), side)
        to_points(images, 1, rows[4], columns[4], of_y, sums)
        for p in range(4):
            for q in range(4):
                m = matrix(seen, of_x, K, p, q)
                if m.size:
                    np.dot(u[p, q].T, matrix(sums, of_y, O, p, q), m)
        made = np.empty((C, s * H + s, s * W + s, side), x.dtype)
        from_points(seen, s, rows[3], columns[3], of_x, made)
        put(made, n, low, zeros, x)


@parallel
def winograd_weight(x, y, low, s, rows, columns, w):
    """The weights' share: both images to points, and their products."""
    (C, O), (H, W) = (x.shape[1], y.shape[1]), y.shape[2:]
    K = C * s * s
    groups = _groups(len(x), K * len(rows[0]) * len(columns[0]))
    parts = np.zeros((min(PARTS, groups), 4, 4, O, K), x.dtype)
    for part in prange(len(parts)):
        for g in range(part, groups, PARTS):
            n, side = _group(g, groups, len(x))
            of_x, seen = room(rows, columns, K, side, x.dtype)
            of_y, sums = room(rows, columns, O, side, x.dtype)
            images = take(x, n, low, (s * H + s, s * W + s), side)
            to_points(images, s, rows[1], columns[1], of_x, seen)
            images = take(y, n, (0, 0), (H, W), side)
            to_points(images, 1, rows[4], columns[4], of_y, sums)
            for p in range(4):
                for q in range(4):
                    m = matrix(seen, of_x, K, p, q)
                    if m.size and g == part:
                        np.dot(matrix(sums, of_y, O, p, q), m.T, parts[part, p, q])
                    elif m.size:
                        parts[part, p, q] += np.dot(matrix(sums, of_y, O, p, q), m.T)
    _unblended(parts, s, w)
