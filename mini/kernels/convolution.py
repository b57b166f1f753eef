"""A convolution is a list of taps, places (dy, dx) to look at:

    y[n, o, i, j] = sum_c sum_t  w[o, c, t] * x[n, c, i + dy_t, j + dx_t]

Padding, dilation and masks are only different lists; outside the image x is zero. A few
images are copied into a frame (frames.py). There every tap is one fixed distance, so a
tap's share of *all* outputs is one long loop over neighbouring numbers, which the
compiler turns into vector instructions. Two kernels are enough: `conv` makes y from x
and w and (with the taps turned round) x from y and w; `conv_weight` makes w from x and
y. For a stride see columns.py.
"""

import numpy as np
from numba import prange

from .compiler import PARTS, compiled, parallel
from .frames import copied, fill, geometry, starts

LANES = 16  # numbers in the widest vector; rows of sums start on such boundaries
SPAN = 1600  # numbers per tap and pass: long for vectors, short enough for the cache


@compiled
def _ceil(n, multiple):
    return -(-n // multiple) * multiple


@compiled
def _aligned(rows, columns, like):
    """Zeros (rows, columns) that start on a cache line."""
    flat = np.zeros(rows * columns + LANES, like.dtype)
    skip = (-flat.ctypes.data // like.itemsize) % LANES
    return flat[skip : skip + rows * columns].reshape(rows, columns)


@compiled
def _accumulate(w, o, begin, frame, L, b, sums):
    """sums[r, l] = b[o + r] + sum_k w[o + r, k] * frame[begin[k] + l] for r = 0, …, 3.

    Four outputs by three taps at a time: each number fetched is used four times, each
    sum thrice.
    """
    s0, s1, s2, s3 = sums[0], sums[1], sums[2], sums[3]
    for l in range(np.uint64(L)):
        s0[l], s1[l], s2[l], s3[l] = b[o], b[o + 1], b[o + 2], b[o + 3]
    threes = len(begin) - len(begin) % 3
    for k in range(0, threes, 3):
        a0, b0, c0 = w[o, k], w[o, k + 1], w[o, k + 2]
        a1, b1, c1 = w[o + 1, k], w[o + 1, k + 1], w[o + 1, k + 2]
        a2, b2, c2 = w[o + 2, k], w[o + 2, k + 1], w[o + 2, k + 2]
        a3, b3, c3 = w[o + 3, k], w[o + 3, k + 1], w[o + 3, k + 2]
        a, b_, c = frame[begin[k] :], frame[begin[k + 1] :], frame[begin[k + 2] :]
        for l in range(np.uint64(L)):
            x, y, z = a[l], b_[l], c[l]
            s0[l] += a0 * x + b0 * y + c0 * z
            s1[l] += a1 * x + b1 * y + c1 * z
            s2[l] += a2 * x + b2 * y + c2 * z
            s3[l] += a3 * x + b3 * y + c3 * z
    for k in range(threes, len(begin)):
        a0, a1, a2, a3 = w[o, k], w[o + 1, k], w[o + 2, k], w[o + 3, k]
        a = frame[begin[k] :]
        for l in range(np.uint64(L)):
            x = a[l]
            s0[l] += a0 * x
            s1[l] += a1 * x
            s2[l] += a2 * x
            s3[l] += a3 * x


@compiled
def _correlate(g, o, begin, frame, L, w):
    """w[o + r, k] += sum_l g[o + r, l] * frame[begin[k] + l] for r = 0, …, 3."""
    g0, g1, g2, g3 = g[o], g[o + 1], g[o + 2], g[o + 3]
    threes = len(begin) - len(begin) % 3
    for k in range(0, threes, 3):
        a, b, c = frame[begin[k] :], frame[begin[k + 1] :], frame[begin[k + 2] :]
        a0 = a1 = a2 = a3 = b0 = b1 = b2 = b3 = c0 = c1 = c2 = c3 = w.dtype.type(0)
        for l in range(np.uint64(L)):
            a0 += g0[l] * a[l]
            a1 += g1[l] * a[l]
            a2 += g2[l] * a[l]
            a3 += g3[l] * a[l]
            b0 += g0[l] * b[l]
            b1 += g1[l] * b[l]
            b2 += g2[l] * b[l]
            b3 += g3[l] * b[l]
            c0 += g0[l] * c[l]
            c1 += g1[l] * c[l]
            c2 += g2[l] * c[l]
            c3 += g3[l] * c[l]
        w[o, k] += a0
        w[o + 1, k] += a1
        w[o + 2, k] += a2
        w[o + 3, k] += a3
        w[o, k + 1] += b0
        w[o + 1, k + 1] += b1
        w[o + 2, k + 1] += b2
        w[o + 3, k + 1] += b3
        w[o, k + 2] += c0
        w[o + 1, k + 2] += c1
        w[o + 2, k + 2] += c2
        w[o + 3, k + 2] += c3
    for k in range(threes, len(begin)):
        a = frame[begin[k] :]
        a0 = a1 = a2 = a3 = w.dtype.type(0)
        for l in range(np.uint64(L)):
            a0 += g0[l] * a[l]
            a1 += g1[l] * a[l]
            a2 += g2[l] * a[l]
            a3 += g3[l] * a[l]
        w[o, k] += a0
        w[o + 1, k] += a1
        w[o + 2, k] += a2
        w[o + 3, k] += a3


@compiled
def _is_pointwise(taps, x, H, W):
    """Whether the images are their own frame: one tap, the pixel itself."""
    one = len(taps) == 1 and taps[0, 0] == 0 and taps[0, 1] == 0
    return one and x.shape[2] == H and x.shape[3] == W


@compiled
def _together(N, plane, pointwise):
    """How many images share a frame."""
    return 1 if pointwise else max(1, min(SPAN // max(1, plane), -(-N // PARTS)))


@parallel
def conv(x, w, b, taps, y):
    """Convolve: x (N, C, H, W), w (O, C*T), b (O,), taps (T, 2) → y (N, O, Ho, Wo)."""
    N, C = x.shape[:2]
    O, H, W = y.shape[1:]
    where, low, rows, pitch = geometry(taps, 1, (H, W), x.shape[2:])
    plane, pointwise = rows * pitch, _is_pointwise(taps, x, H, W)
    inside = copied(1, low, rows, pitch, x.shape[2:])
    each = _together(N, plane, pointwise)
    weights = np.zeros((_ceil(O, 4), w.shape[1]), w.dtype)
    weights[:O] = w
    bias = np.zeros(len(weights), w.dtype)
    bias[:O] = b
    begin = starts(where, C, 1, each, plane)
    room = _ceil(each * plane, LANES)
    for p in prange(PARTS):
        frame = np.zeros(0 if pointwise else C * each * plane + room + plane, x.dtype)
        sums = _aligned(4, room, x)
        for n in range(N * p // PARTS, N * (p + 1) // PARTS, each):
            count = min(each, N * (p + 1) // PARTS - n)
            L = (count - 1) * plane + (H - 1) * pitch + W
            if not pointwise:
                fill(x, n, count, 1, inside, each, plane, frame)
            source = x[n].reshape(-1) if pointwise else frame
            for o in range(0, O, 4):
                _accumulate(weights, o, begin, source, L, bias, sums)
                for r in range(min(4, O - o)):
                    if pointwise:
                        to = y[n, o + r].reshape(-1)
                        frm = sums[r]
                        for j in range(np.uint64(L)):
                            to[j] = frm[j]
                    else:
                        _unframe(sums[r], count, plane, pitch, y, n, o + r)


@compiled
def _unframe(sums, count, plane, pitch, y, n, o):
    """Copy the sums of one output channel, row by row, to where they belong in y."""
    for m in range(count):
        for i in range(y.shape[2]):
            to, frm = y[n + m, o, i], sums[m * plane + i * pitch :]
            for j in range(np.uint64(y.shape[3])):
                to[j] = frm[j]


@parallel
def conv_weight(x, y, taps, parts):
    """The weights' share, in parts to be added up: (PARTS, O, C*T) from x and y."""
    N, C = x.shape[:2]
    O, H, W = y.shape[1:]
    where, low, rows, pitch = geometry(taps, 1, (H, W), x.shape[2:])
    plane, pointwise = rows * pitch, _is_pointwise(taps, x, H, W)
    inside = copied(1, low, rows, pitch, x.shape[2:])
    each = _together(N, plane, pointwise)
    begin = starts(where, C, 1, each, plane)
    room = _ceil(each * plane, LANES)
    for p in prange(PARTS):
        frame = np.zeros(0 if pointwise else C * each * plane + room + plane, x.dtype)
        g = _aligned(_ceil(O, 4), room, x)
        w = np.zeros((len(g), len(begin)), x.dtype)
        for n in range(N * p // PARTS, N * (p + 1) // PARTS, each):
            count = min(each, N * (p + 1) // PARTS - n)
            L = (count - 1) * plane + (H - 1) * pitch + W
            if not pointwise:
                fill(x, n, count, 1, inside, each, plane, frame)
            source = x[n].reshape(-1) if pointwise else frame
            for o in range(O):
                for m in range(count):
                    for i in range(H):
                        to = g[o, m * plane + i * pitch :]
                        frm = y[n + m, o, i]
                        for j in range(np.uint64(W)):
                            to[j] = frm[j]
            for o in range(0, O, 4):
                _correlate(g, o, begin, source, L, w)
        parts[p] = w[:O]
