"""A convolution is a list of taps, places (dy, dx) to look at:

    y[n, o, i, j] = sum_c sum_t  w[o, c, t] * x[n, c, s*i + dy_t, s*j + dx_t]

Padding, dilation and masks are only different lists; outside the image x is zero. A few
images are copied, one above the other, into a frame with a border of zeros. In the
frame every tap is one fixed distance, so a tap's share of *all* outputs is one long
loop over neighbouring numbers, which the compiler turns into vector instructions. Two
kernels are enough: `conv` makes y from x and w and (with the taps turned round) x from
y and w; `conv_weight` makes w from x and y.
"""

import numpy as np
from numba import prange

from .compiler import PARTS, compiled, parallel

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
def _geometry(taps, s, size, source):
    """The frame of one image: each tap's (plane, distance), low, rows, pitch.

    With stride s the frame has s*s planes, one for each remainder of (row, column)
    modulo s; in its plane a tap moves by whole pixels. A plane begins at (row, column)
    `low`; its rows are `pitch` apart, so that the zeros right of one row are also those
    left of the next, and the zeros below one image are also those above the next.
    """
    low = np.zeros(2, np.int64)
    span = np.empty(2, np.int64)
    for d in range(2):
        high = 0
        if len(taps):
            low[d] = (taps[:, d] // s).min()
            high = (taps[:, d] // s).max()
        apart = max(-(-source[d] // s) - low[d], size[d] + high, size[d])
        span[d] = min(size[d] + high - low[d], apart)
    rows, pitch = span
    where = np.empty((len(taps), 2), np.int64)
    for t in range(len(taps)):
        where[t, 0] = (taps[t, 0] % s) * s + taps[t, 1] % s
        where[t, 1] = (taps[t, 0] // s - low[0]) * pitch + taps[t, 1] // s - low[1]
    return where, low, rows, pitch


@compiled
def _fill(x, n, count, s, low, rows, pitch, each, frame):
    """Copy images n, …, n + count - 1 into the frame with room for `each`."""
    _, C, H, W = x.shape
    src = x.reshape(-1)
    for c in range(C):
        for a in range(s):
            for b in range(s):
                # the columns whose source lies inside the image: first <= q < last
                first = min(max(0, -((b + s * low[1]) // s)), pitch)
                last = min(max(first, (W - 1 - b) // s - low[1] + 1), pitch)
                plane = ((c * s + a) * s + b) * each * rows * pitch
                for m in range(count):
                    d = np.uint64(plane + m * rows * pitch)
                    for r in range(rows):
                        i = s * (r + low[0]) + a
                        if i < 0 or i >= H or first == last:
                            for q in range(np.uint64(pitch)):
                                frame[d + q] = 0
                        else:
                            for q in range(np.uint64(first)):
                                frame[d + q] = 0
                            o = np.uint64((((n + m) * C + c) * H + i) * W)
                            o += np.uint64(s * (first + low[1]) + b)
                            e = d + np.uint64(first)
                            inside = np.uint64(last - first)
                            if s == 1:
                                for q in range(inside):
                                    frame[e + q] = src[o + q]
                            else:
                                for q in range(inside):
                                    frame[e + q] = src[o + q * np.uint64(s)]
                            for q in range(np.uint64(last), np.uint64(pitch)):
                                frame[d + q] = 0
                        d += np.uint64(pitch)


@compiled
def _starts(where, C, s, each, plane):
    """Where each (channel, tap) begins in the frame: (C*T,)."""
    T = len(where)
    starts = np.empty(C * T, np.int64)
    for c in range(C):
        for t in range(T):
            starts[c * T + t] = (c * s * s + where[t, 0]) * each * plane + where[t, 1]
    return starts


@compiled
def _accumulate(w, o, starts, frame, L, b, sums):
    """sums[r, l] = b[o + r] + sum_k w[o + r, k] * frame[starts[k] + l] for r = 0, …, 3.

    Four outputs by three taps at a time: each number fetched is used four times, each
    sum thrice.
    """
    s0, s1, s2, s3 = sums[0], sums[1], sums[2], sums[3]
    for l in range(np.uint64(L)):
        s0[l], s1[l], s2[l], s3[l] = b[o], b[o + 1], b[o + 2], b[o + 3]
    threes = len(starts) - len(starts) % 3
    for k in range(0, threes, 3):
        a0, b0, c0 = w[o, k], w[o, k + 1], w[o, k + 2]
        a1, b1, c1 = w[o + 1, k], w[o + 1, k + 1], w[o + 1, k + 2]
        a2, b2, c2 = w[o + 2, k], w[o + 2, k + 1], w[o + 2, k + 2]
        a3, b3, c3 = w[o + 3, k], w[o + 3, k + 1], w[o + 3, k + 2]
        a, b_, c = frame[starts[k] :], frame[starts[k + 1] :], frame[starts[k + 2] :]
        for l in range(np.uint64(L)):
            x, y, z = a[l], b_[l], c[l]
            s0[l] += a0 * x + b0 * y + c0 * z
            s1[l] += a1 * x + b1 * y + c1 * z
            s2[l] += a2 * x + b2 * y + c2 * z
            s3[l] += a3 * x + b3 * y + c3 * z
    for k in range(threes, len(starts)):
        a0, a1, a2, a3 = w[o, k], w[o + 1, k], w[o + 2, k], w[o + 3, k]
        a = frame[starts[k] :]
        for l in range(np.uint64(L)):
            x = a[l]
            s0[l] += a0 * x
            s1[l] += a1 * x
            s2[l] += a2 * x
            s3[l] += a3 * x


@compiled
def _correlate(g, o, starts, frame, L, w):
    """w[o + r, k] += sum_l g[o + r, l] * frame[starts[k] + l] for r = 0, …, 3."""
    g0, g1, g2, g3 = g[o], g[o + 1], g[o + 2], g[o + 3]
    threes = len(starts) - len(starts) % 3
    for k in range(0, threes, 3):
        a, b, c = frame[starts[k] :], frame[starts[k + 1] :], frame[starts[k + 2] :]
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
    for k in range(threes, len(starts)):
        a = frame[starts[k] :]
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
def _is_pointwise(taps, s, x, H, W):
    """Whether the images are their own frame: one tap, the pixel itself."""
    one = len(taps) == 1 and taps[0, 0] == 0 and taps[0, 1] == 0
    return one and s == 1 and x.shape[2] == H and x.shape[3] == W


@parallel
def conv(x, w, b, taps, s, y, step, first):
    """Convolve: x (N, C, H, W), w (O, C*T), b (O,), taps (T, 2) → y (N, O, …).

    Writes y[:, :, first_0::step, first_1::step]. With step 1 that is all of y; the
    transposed convolution fills y in step*step such passes.
    """
    N, C = x.shape[:2]
    O = len(w)
    H = (y.shape[2] - first[0] + step - 1) // step
    W = (y.shape[3] - first[1] + step - 1) // step
    where, low, rows, pitch = _geometry(taps, s, (H, W), x.shape[2:])
    plane = rows * pitch
    pointwise = step == 1 and _is_pointwise(taps, s, x, H, W)
    each = 1 if pointwise else max(1, min(SPAN // max(1, plane), -(-N // PARTS)))
    weights = np.zeros((_ceil(O, 4), w.shape[1]), w.dtype)
    weights[:O] = w
    bias = np.zeros(len(weights), w.dtype)
    bias[:O] = b
    starts = _starts(where, C, s, each, plane)
    room = _ceil(each * plane, LANES)
    for p in prange(PARTS):
        frame = np.zeros(
            0 if pointwise else C * s * s * each * plane + room + plane, x.dtype
        )
        sums = _aligned(4, room, x)
        for n in range(N * p // PARTS, N * (p + 1) // PARTS, each):
            count = min(each, N * (p + 1) // PARTS - n)
            L = (count - 1) * plane + (H - 1) * pitch + W
            if not pointwise:
                _fill(x, n, count, s, low, rows, pitch, each, frame)
            source = x[n].reshape(-1) if pointwise else frame
            for o in range(0, O, 4):
                _accumulate(weights, o, starts, source, L, bias, sums)
                for r in range(min(4, O - o)):
                    if pointwise:
                        to = y[n, o + r].reshape(-1)
                        frm = sums[r]
                        for j in range(np.uint64(L)):
                            to[j] = frm[j]
                    else:
                        _unframe(
                            sums[r], count, plane, pitch, W, y, n, o + r, step, first
                        )


@compiled
def _unframe(sums, count, plane, pitch, W, y, n, o, step, first):
    """Copy the sums of one output channel, row by row, to where they belong in y."""
    for m in range(count):
        l = m * plane
        for i in range(first[0], y.shape[2], step):
            frm = sums[l:]
            to = y[n + m, o, i]
            if step == 1:
                for j in range(np.uint64(W)):
                    to[j] = frm[j]
            else:
                for j in range(np.uint64(W)):
                    to[np.uint64(first[1]) + j * np.uint64(step)] = frm[j]
            l += pitch


@parallel
def conv_weight(x, y, taps, s, parts):
    """The weights' share, in parts to be added up: (PARTS, O, C*T) from x and y."""
    N, C = x.shape[:2]
    O, H, W = y.shape[1:]
    where, low, rows, pitch = _geometry(taps, s, (H, W), x.shape[2:])
    plane = rows * pitch
    pointwise = _is_pointwise(taps, s, x, H, W)
    each = 1 if pointwise else max(1, min(SPAN // max(1, plane), -(-N // PARTS)))
    starts = _starts(where, C, s, each, plane)
    room = _ceil(each * plane, LANES)
    for p in prange(PARTS):
        frame = np.zeros(
            0 if pointwise else C * s * s * each * plane + room + plane, x.dtype
        )
        g = _aligned(_ceil(O, 4), room, x)
        w = np.zeros((len(g), len(starts)), x.dtype)
        for n in range(N * p // PARTS, N * (p + 1) // PARTS, each):
            count = min(each, N * (p + 1) // PARTS - n)
            L = (count - 1) * plane + (H - 1) * pitch + W
            if not pointwise:
                _fill(x, n, count, s, low, rows, pitch, each, frame)
            source = x[n].reshape(-1) if pointwise else frame
            for o in range(O):
                for m in range(count):
                    for i in range(H):
                        to = g[o, m * plane + i * pitch :]
                        frm = y[n + m, o, i]
                        for j in range(np.uint64(W)):
                            to[j] = frm[j]
            for o in range(0, O, 4):
                _correlate(g, o, starts, source, L, w)
        parts[p] = w[:O]
