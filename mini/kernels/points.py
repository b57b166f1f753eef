"""Points: what images contribute to the products of winograd.py.

Some images lie side by side, innermost, so that every sum is a loop over neighbouring
numbers. Their rows are blended, and then their columns. All points whose weights are
blended alike stand in one matrix (channels, points), ready for a product over the
channels.
"""

import numpy as np

from .compiler import compiled


@compiled
def _places(rows, columns, K, side):
    """Where points (P, Q) of channel 0 begin, how far apart channels are, and the same
    of each blend's matrix (4, 4): its beginning and its columns.
    """
    P, Q = len(rows), len(columns)
    many = np.zeros((2, 4), np.int64)
    nth = np.zeros((2, max(P, Q)), np.int64)
    for d, blends in enumerate((rows, columns)):
        for p, blend in enumerate(blends):
            nth[d, p] = many[d, blend]
            many[d, blend] += 1
    begin, wide = np.empty((4, 4), np.int64), np.empty((4, 4), np.int64)
    used = 0
    for a in range(4):
        for b in range(4):
            begin[a, b], wide[a, b] = used * K, many[0, a] * many[1, b] * side
            used += wide[a, b]
    start, step = np.empty((P, Q), np.int64), np.empty((P, Q), np.int64)
    for p in range(P):
        for q in range(Q):
            a, b = rows[p], columns[q]
            step[p, q] = wide[a, b]
            start[p, q] = begin[a, b] + (nth[0, p] * many[1, b] + nth[1, q]) * side
    return start, step, begin, wide


@compiled
def _blend(terms, source, a, at, target, b, to, L):
    """target[b + to[r]:][:L] = Σ_i matrix[r, i] · source[a + at[i]:][:L] for all r."""
    L = np.uint64(L)
    for r in range(len(terms)):
        t, (c, d, e) = np.uint64(b + to[r]), terms[r, :, 1]
        u = np.uint64(a + at[int(terms[r, 0, 0])])
        v = np.uint64(a + at[int(terms[r, 1, 0])])
        w = np.uint64(a + at[int(terms[r, 2, 0])])
        if e != 0:
            for l in range(L):
                target[t + l] = (
                    c * source[u + l] + d * source[v + l] + e * source[w + l]
                )
        elif d != 0:
            for l in range(L):
                target[t + l] = c * source[u + l] + d * source[v + l]
        else:
            for l in range(L):
                target[t + l] = c * source[u + l]


@compiled
def to_points(images, s, down, across, places, points):
    """Blend images (C, H, W, side) into points, along the rows and then the columns.

    down and across say how, for each remainder of row and column modulo s, which are
    channels of their own from here on.
    """
    start, step = places[:2]
    (H, W, side), (P, Q) = images.shape[1:], start.shape
    source, lines = images.reshape(-1), np.empty(P * W * side, images.dtype)
    rows, columns = np.arange(0, H, s) * W * side, np.arange(0, W, s) * side
    line, here = np.arange(P) * W * side, np.empty(Q, np.int64)
    for c in range(len(images)):
        for a in range(s):
            first = (c * H + a) * W * side
            _blend(down, source, first, rows, lines, 0, line, W * side)
            for b in range(s):
                for p in range(P):
                    for q in range(Q):
                        here[q] = start[p, q] + ((c * s + a) * s + b) * step[p, q]
                    first = line[p] + b * side
                    _blend(across, lines, first, columns, points, 0, here, side)


@compiled
def from_points(points, s, down, across, places, images):
    """The other way: down (H / s, P) and across (W / s, Q)."""
    start, step = places[:2]
    (H, W, side), (P, Q) = images.shape[1:], start.shape
    target, lines = images.reshape(-1), np.empty(P * W * side, images.dtype)
    rows, columns = np.arange(0, H, s) * W * side, np.arange(0, W, s) * side
    line, here = np.arange(P) * W * side, np.empty(Q, np.int64)
    for c in range(len(images)):
        for a in range(s):
            for b in range(s):
                for p in range(P):
                    for q in range(Q):
                        here[q] = start[p, q] + ((c * s + a) * s + b) * step[p, q]
                    first = line[p] + b * side
                    _blend(across, points, 0, here, lines, first, columns, side)
            first = (c * H + a) * W * side
            _blend(down, lines, 0, line, target, first, rows, W * side)


@compiled
def _inside(low, span, size):
    """Rows low, low + 1, … of an image: which of `span` it has, first ≤ r < last."""
    return max(0, -low), max(0, min(span, size - low))


@compiled
def take(x, n, low, size, side):
    """Images n, n + 1, … of x side by side from (row, column) low: (C, *size, side)."""
    N, C, H, W = x.shape
    images = np.zeros((C, size[0], size[1], side), x.dtype)
    source, target = x.reshape(-1), images.reshape(-1)
    top, bottom = _inside(low[0], size[0], H)
    left, right = _inside(low[1], size[1], W)
    apart, pixels = np.uint64(side), np.uint64(max(0, right - left))
    for c in range(C):
        for i in range(top, bottom):
            to = ((c * size[0] + i) * size[1] + left) * side
            for m in range(min(side, N - n)):
                at = (((n + m) * C + c) * H + i + low[0]) * W + left + low[1]
                t, u = np.uint64(to + m), np.uint64(at)
                for j in range(pixels):
                    target[t + j * apart] = source[u + j]
    return images


@compiled
def put(images, n, low, bias, x):
    """The other way, plus a bias for each channel; pixels that lack are the bias."""
    (N, C, H, W), (height, width, side) = x.shape, images.shape[1:]
    source, target = images.reshape(-1), x.reshape(-1)
    top, bottom = _inside(low[0], height, H)
    left, right = _inside(low[1], width, W)
    apart, pixels = np.uint64(side), np.uint64(max(0, right - left))
    for c in range(C):
        x[n : n + side, c] = bias[c]
        for i in range(top, bottom):
            at = ((c * height + i) * width + left) * side
            for m in range(min(side, N - n)):
                to = (((n + m) * C + c) * H + i + low[0]) * W + left + low[1]
                t, u = np.uint64(to), np.uint64(at + m)
                for j in range(pixels):
                    target[t + j] += source[u + j * apart]


@compiled
def matrix(points, places, K, p, q):
    """The points of one pair of blends as a matrix (K, columns), maybe none."""
    begin, wide = places[2][p, q], places[3][p, q]
    return points[begin : begin + K * wide].reshape(K, wide)


@compiled
def room(rows, columns, K, side, dtype):
    """Where the points of K channels are, and room for them."""
    P, Q = len(rows[0]), len(columns[0])
    return _places(rows[0], columns[0], K, side), np.empty(K * P * Q * side, dtype)
