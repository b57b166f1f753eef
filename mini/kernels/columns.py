"""Convolutions with a stride, as matrix products.

    columns[c, t; n, i, j] = x[n, c, s*i + dy_t, s*j + dx_t]

holds what the taps see of a few images. With it a convolution is one matrix product,
y = w · columns; its input's share is columns = wᵀ · y, each number added to where its
tap looked; its weights' share is columns · yᵀ. What a tap sees of an image is one run
of its frame (frames.py), so columns are cheap beside the product. With stride 1 there
are T times as many numbers in them as in the images, and convolution.py is faster.
"""

import numpy as np
from numba import prange

from .compiler import PARTS, compiled, parallel
from .frames import copied, empty, fill, geometry, starts

ROOM = 1 << 19  # numbers in the columns of one product: they stay in the cache


@compiled
def _plan(taps, s, x, y):
    """How the kernels go about images x (N, C, H, W) and what taps see of them, y.

    → where each (channel, tap) begins in the frame, what is copied there, how many
    images share a product (as evenly as can be, in each part's share), the numbers of
    a plane and between two of y's rows, and of the whole frame.
    """
    (N, C), (H, W) = x.shape[:2], y.shape[2:]
    where, low, rows, pitch = geometry(taps, s, (H, W), x.shape[2:])
    share, K = -(-N // PARTS), C * len(taps)
    products = -(-share * K * ((H - 1) * pitch + W) // ROOM)
    each = max(1, -(-share // max(1, products)))
    plane = rows * pitch
    begin = starts(where, C, s, each, plane)
    inside = copied(s, low, rows, pitch, x.shape[2:])
    return begin, inside, each, plane, pitch, (C * s * s * each + 1) * plane + pitch


@compiled
def _see(frame, begin, count, plane, L, columns):
    """Copy what each (channel, tap) sees of `count` images from their frame."""
    to = columns.reshape(-1)
    for k in range(len(begin)):
        d = np.uint64(k * columns.shape[1])
        for m in range(count):
            e = np.uint64(begin[k] + m * plane)
            for l in range(np.uint64(L)):
                to[d + l] = frame[e + l]
            d += np.uint64(L)


@compiled
def _put_back(columns, begin, count, plane, L, frame):
    """The transpose of _see: add every number to where it was seen."""
    frame[:] = 0
    frm = columns.reshape(-1)
    for k in range(len(begin)):
        d = np.uint64(k * columns.shape[1])
        for m in range(count):
            e = np.uint64(begin[k] + m * plane)
            for l in range(np.uint64(L)):
                frame[e + l] += frm[d + l]
            d += np.uint64(L)


@compiled
def _spread(y, n, count, pitch, L, rows):
    """Images n, … of y (N, O, H, W) side by side, as columns are: (O, each*L)."""
    _, O, H, W = y.shape
    for o in range(O):
        for m in range(count):
            for i in range(H):
                to, frm = rows[o, m * L + i * pitch :], y[n + m, o, i]
                for j in range(np.uint64(W)):
                    to[j] = frm[j]
        rows[o, count * L :] = 0  # no image: nothing to the weights


@parallel
def conv_columns(x, w, b, taps, s, y):
    """Convolve: x (N, C, H, W), w (O, C*T), b (O,), taps (T, 2) → y (N, O, Ho, Wo)."""
    N, O, H, W = y.shape
    begin, inside, each, plane, pitch, size = _plan(taps, s, x, y)
    L = (H - 1) * pitch + W
    for p in prange(PARTS):
        frame = np.zeros(size, x.dtype)
        columns = np.zeros((w.shape[1], each * L), x.dtype)
        sums = np.empty((O, each * L), x.dtype)
        end = N * (p + 1) // PARTS
        for n in range(N * p // PARTS, end, each):
            count = min(each, end - n)
            fill(x, n, count, s, inside, each, plane, frame)
            _see(frame, begin, count, plane, L, columns)
            np.dot(w, columns, sums)
            for o in range(O):
                for m in range(count):
                    for i in range(H):
                        to, frm = y[n + m, o, i], sums[o, m * L + i * pitch :]
                        for j in range(np.uint64(W)):
                            to[j] = frm[j] + b[o]


@parallel
def conv_columns_input(y, w, b, taps, s, x):
    """wᵀ · y, each number added to b where its tap looked; w (C*T, O) is transposed."""
    N, O, H, W = y.shape
    begin, inside, each, plane, pitch, size = _plan(taps, s, x, y)
    L = (H - 1) * pitch + W
    for p in prange(PARTS):
        frame = np.zeros(size, x.dtype)
        columns = np.empty((len(w), each * L), x.dtype)
        rows = np.zeros((O, each * L), x.dtype)
        end = N * (p + 1) // PARTS
        for n in range(N * p // PARTS, end, each):
            count = min(each, end - n)
            _spread(y, n, count, pitch, L, rows)
            np.dot(w, rows, columns)
            _put_back(columns, begin, count, plane, L, frame)
            empty(x, n, count, s, inside, each, plane, frame)
            for c in range(len(b)):
                x[n : n + count, c] += b[c]


@parallel
def conv_columns_weight(x, y, taps, s, parts):
    """columns · yᵀ, in parts to be added up: (PARTS, C*T, O) from x and y."""
    N, O, H, W = y.shape
    begin, inside, each, plane, pitch, size = _plan(taps, s, x, y)
    L = (H - 1) * pitch + W
    for p in prange(PARTS):
        frame = np.zeros(size, x.dtype)
        columns = np.zeros((parts.shape[1], each * L), x.dtype)
        rows = np.zeros((O, each * L), x.dtype)
        end = N * (p + 1) // PARTS
        for n in range(N * p // PARTS, end, each):
            count = min(each, end - n)
            fill(x, n, count, s, inside, each, plane, frame)
            _see(frame, begin, count, plane, L, columns)
            _spread(y, n, count, pitch, L, rows)
            parts[p] += np.dot(columns, rows.T)
