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
def _blend(terms, source, at, target, to, L):
    """target[to[r, m]:][:L] = Σ_i matrix[r, i] · source[at[i, m]:][:L] for all r, m."""
    L = np.uint64(L)
    for r in range(len(terms)):
        i, j, k = int(terms[r, 0, 0]), int(terms[r, 1, 0]), int(terms[r, 2, 0])
        c, d, e = terms[r, :, 1]
        for m in range(to.shape[1]):
            t, u = np.uint64(to[r, m]), np.uint64(at[i, m])
            v, w = np.uint64(at[j, m]), np.uint64(at[k, m])
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
def _column(count, step):
    """0, step, 2 * step, …: (count, 1)."""
    return (np.arange(count) * step).reshape(-1, 1)


@compiled
def to_points(x, n, low, size, s, down, across, places, points, side):
    """Blend images n, n + 1, … of x, from (row, column) low on, into points.

    Along the rows and then the columns of each channel: down and across say how, for
    each remainder of row and column modulo s. Pixels that x lacks are zero.
    """
    start, step = places[:2]
    (H, W), (P, Q) = size, start.shape
    image = np.zeros(H * W * side, x.dtype)
    lines, here = np.empty(P * W * side, x.dtype), np.empty((Q, P), np.int64)
    rows, columns = _column(H // s, s * W * side), _column(W // s, s * side)
    line = _column(P, W * side)
    for c in range(x.shape[1]):
        _take(x, n, c, low, size, image, side)
        for a in range(s):
            _blend(down, image, rows + a * W * side, lines, line, W * side)
            for b in range(s):
                at = columns + b * side + line.T
                _places_of(start, step, (c * s + a) * s + b, here)
                _blend(across, lines, at, points, here, side)


@compiled
def from_points(points, s, down, across, places, bias, x, n, low, size, side):
    """The other way, down (H / s, P) and across (W / s, Q), plus a bias (C,)."""
    start, step = places[:2]
    (H, W), (P, Q) = size, start.shape
    image = np.empty(H * W * side, x.dtype)
    lines, here = np.empty(P * W * side, x.dtype), np.empty((Q, P), np.int64)
    rows, columns = _column(H // s, s * W * side), _column(W // s, s * side)
    line = _column(P, W * side)
    for c in range(x.shape[1]):
        for a in range(s):
            for b in range(s):
                to = columns + b * side + line.T
                _places_of(start, step, (c * s + a) * s + b, here)
                _blend(across, points, here, lines, to, side)
            _blend(down, lines, line, image, rows + a * W * side, W * side)
        _put(image, bias[c], x, n, c, low, size, side)


@compiled
def _places_of(start, step, k, here):
    """Where the points of channel k are: here (Q, P)."""
    for q in range(len(here)):
        for p in range(here.shape[1]):
            here[q, p] = start[p, q] + k * step[p, q]


@compiled
def _inside(low, span, size):
    """Rows low, low + 1, … of an image: which of `span` it has, first ≤ r < last."""
    return max(0, -low), max(0, min(span, size - low))


@compiled
def _take(x, n, c, low, size, image, side):
    """Channel c of images n, n + 1, … side by side from (row, column) low: image
    (*size, side), flat, whose other pixels stay as they are.
    """
    (N, C, H, W), source = x.shape, x.reshape(-1)
    top, bottom = _inside(low[0], size[0], H)
    left, right = _inside(low[1], size[1], W)
    apart, pixels = np.uint64(side), np.uint64(max(0, right - left))
    for i in range(top, bottom):
        to = (i * size[1] + left) * side
        for m in range(min(side, N - n)):
            at = (((n + m) * C + c) * H + i + low[0]) * W + left + low[1]
            t, u = np.uint64(to + m), np.uint64(at)
            for j in range(pixels):
                image[t + j * apart] = source[u + j]


@compiled
def _put(image, bias, x, n, c, low, size, side):
    """The other way, plus a bias; pixels that the image lacks are the bias."""
    (N, C, H, W), target = x.shape, x.reshape(-1)
    top, bottom = _inside(low[0], size[0], H)
    left, right = _inside(low[1], size[1], W)
    apart, pixels = np.uint64(side), np.uint64(max(0, right - left))
    if bottom - top < H or right - left < W:
        x[n : n + side, c] = bias
    for i in range(top, bottom):
        at = (i * size[1] + left) * side
        for m in range(min(side, N - n)):
            to = (((n + m) * C + c) * H + i + low[0]) * W + left + low[1]
            t, u = np.uint64(to), np.uint64(at + m)
            for j in range(pixels):
                target[t + j] = image[u + j * apart] + bias


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
