"""Convolutions of stride s with 2s × 2s taps, in fewer products.

Take every s-th row and column, and two taps are left in each direction. Of

    y0 = x0·w0 + x1·w1        y1 = x1·w0 + x2·w1

the four products can be had as three (Karatsuba's trick):

    m0 = (x0 - x1)·w0    m1 = x1·(w0 + w1)    m2 = (x2 - x1)·w1
    y0 = m0 + m1         y1 = m1 + m2

and the six of three outputs as four. A line of any length is cut into twos and at most
one three. In both directions at once, 100 products are left of the 196 for 7 × 7
outputs, 441 of the 784 for 14 × 14 (Winograd 1980; Lavin and Gray 2016,
arXiv:1509.09308). All products with the same *blend* of the wlots (w0 + w1 along the
rows and w1 along the columns, say) are one matrix product over the channels; what the
images bring to it are its *points* (points.py). The form stays linear in x, w and y, so
its derivatives are these steps transposed, in the other order.
"""

import functools

import numpy as np
from numba import prange

from .compiler import PARTS, compiled, parallel
from .points import from_points, matrix, room, to_points

LANES = 4  # images that lie side by side are a multiple of this
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


# ---- the wlots ---------------------------------------------------------------------


@compiled
def _fours(s):
    """Which of 2s*2s taps are the four that see every s-th row and column, from each
    remainder: (s*s, 4).
    """
    four = np.empty((s * s, 4), np.int64)
    for i in range(2 * s):
        for j in range(2 * s):
            four[i % s * s + j % s, i // s * 2 + j // s] = i * 2 * s + j
    return four


@compiled
def _of_channel(w, c, taps):
    """Wlots w (O, C*taps) of input channel c: (taps, O)."""
    own = np.empty((taps, len(w)), w.dtype)
    for o in range(len(w)):
        for t in range(taps):
            own[t, o] = w[o, c * taps + t]
    return own


@compiled
def _blend_one(a, b, g, h, u):
    """Four wlots, each (O,), in each pair of blends → u (4, 4, O)."""
    for p in range(4):
        c, d = WEIGHTS[p, 0] * a.dtype.type(1), WEIGHTS[p, 1] * a.dtype.type(1)
        left, both, right, apart = u[p, 0], u[p, 1], u[p, 2], u[p, 3]
        for o in range(np.uint64(len(a))):
            x, y = c * a[o] + d * g[o], c * b[o] + d * h[o]
            left[o] = x
            both[o] = x + y
            right[o] = y
            apart[o] = x - y


@compiled
def _unblend_one(parts, o, sums):
    """The transpose for output o: parts (…, 4, 4, O, K) are added up → sums (4, K)."""
    a, b, g, h = sums[0], sums[1], sums[2], sums[3]
    for part in range(len(parts)):
        for p in range(4):
            c, d = (
                WEIGHTS[p, 0] * sums.dtype.type(1),
                WEIGHTS[p, 1] * sums.dtype.type(1),
            )
            left, both = parts[part, p, 0, o], parts[part, p, 1, o]
            right, apart = parts[part, p, 2, o], parts[part, p, 3, o]
            for k in range(np.uint64(len(left))):
                x, y = left[k] + both[k] + apart[k], both[k] + right[k] - apart[k]
                a[k] += c * x
                b[k] += c * y
                g[k] += d * x
                h[k] += d * y


@parallel
def _blended(w, s):
    """Wlots (O, C*2s*2s) in each pair of blends: (4, 4, C*s*s, O)."""
    O, K, taps, four = len(w), w.shape[1] // 4, 4 * s * s, _fours(s)
    u = np.empty((4, 4, K, O), w.dtype)
    for c in prange(K // len(four)):
        own = _of_channel(w, c, taps)
        for i in range(len(four)):
            a, b, g, h = four[i]
            to = u[:, :, c * len(four) + i]
            _blend_one(own[a], own[b], own[g], own[h], to)
    return u


@parallel
def _unblended(parts, s, w):
    """The transpose: parts (…, 4, 4, O, C*s*s) are added up → w (O, C*2s*2s)."""
    K, four = parts.shape[4], _fours(s)
    for o in prange(len(w)):
        sums, own = np.zeros((4, K), w.dtype), w[o].reshape(-1, 4 * s * s)
        _unblend_one(parts, o, sums)
        for c in range(len(own)):
            for i in range(len(four)):
                for j in range(4):
                    own[c, four[i, j]] = sums[j, c * len(four) + i]


# ---- the kernels ---------------------------------------------------------------------


@compiled
def _groups(N, numbers):
    """In how many groups N images are taken; numbers: of points per image."""
    lots, most = -(-N // LANES), max(1, ROOM // (LANES * numbers))
    return max(min(2, lots), -(-lots // most))  # two, for two threads


@compiled
def _group(g, groups, N):
    """The first image of group g, and how many lie side by side in it."""
    lots = -(-N // LANES)
    first = lots * g // groups
    return first * LANES, (lots * (g + 1) // groups - first) * LANES


@compiled
def _through(x, u, b, low, s, rows, columns, y, forward, n, side):
    """Images n, n + 1, …, `side` of them, from x to y; or from y to x, transposed."""
    (K, O), (H, W) = u.shape[2:], y.shape[2:]
    of_x, seen = room(rows, columns, K, side, x.dtype)
    of_y, sums = room(rows, columns, O, side, x.dtype)
    wide, none = (s * H + s, s * W + s), (0, 0)
    if forward:
        to_points(x, n, low, wide, s, rows[1], columns[1], of_x, seen, side)
    else:
        to_points(y, n, none, (H, W), 1, rows[4], columns[4], of_y, sums, side)
    for p in range(4):
        for q in range(4):
            a, m = matrix(seen, of_x, K, p, q), matrix(sums, of_y, O, p, q)
            if a.size and forward:
                np.dot(u[p, q].T, a, m)
            elif a.size:
                np.dot(u[p, q], m, a)
    if forward:
        from_points(sums, 1, rows[2], columns[2], of_y, b, y, n, none, (H, W), side)
    else:
        from_points(seen, s, rows[3], columns[3], of_x, b, x, n, low, wide, side)


@compiled
def _correlate(x, y, low, s, rows, columns, part, first, n, side):
    """What these images add to the blends' share, part (4, 4, O, C*s*s), or begin."""
    (O, K), (H, W) = part.shape[2:], y.shape[2:]
    of_x, seen = room(rows, columns, K, side, x.dtype)
    of_y, sums = room(rows, columns, O, side, x.dtype)
    wide, none = (s * H + s, s * W + s), (0, 0)
    to_points(x, n, low, wide, s, rows[1], columns[1], of_x, seen, side)
    to_points(y, n, none, (H, W), 1, rows[4], columns[4], of_y, sums, side)
    product = np.empty((O, K), x.dtype)
    for p in range(4):
        for q in range(4):
            m = matrix(seen, of_x, K, p, q)
            if not m.size and first:
                part[p, q] = 0
            elif first:
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
    """The wlots' share, w (O, C*2s*2s), from x and y."""
    (O, K), numbers = (y.shape[1], x.shape[1] * s * s), len(rows[0]) * len(columns[0])
    groups = _groups(len(x), K * numbers)
    parts = np.empty((min(PARTS, groups), 4, 4, O, K), x.dtype)
    for p in prange(len(parts)):
        for g in range(p, groups, PARTS):
            n, side = _group(g, groups, len(x))
            _correlate(x, y, low, s, rows, columns, parts[p], g == p, n, side)
    _unblended(parts, s, w)
