"""Frames: a few images, one above the other, with a border of zeros.

In a frame every tap of a convolution is one fixed distance, so all that it sees of an
image is one run of neighbouring numbers. With stride s a frame has s*s planes for each
channel, one for each remainder of (row, column) modulo s; in its plane a tap moves by
whole pixels.
"""

import numpy as np

from .compiler import compiled


@compiled
def geometry(taps, s, size, source):
    """The frame of one image: each tap's (plane, distance), low, rows, pitch.

    A plane begins at (row, column) `low`; its rows are `pitch` apart, so that the zeros
    right of one row are also those left of the next, and the zeros below one image are
    also those above the next.
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
def starts(where, C, s, each, plane):
    """Where each (channel, tap) begins in a frame with room for `each`: (C*T,)."""
    T = len(where)
    begin = np.empty(C * T, np.int64)
    for c in range(C):
        for t in range(T):
            begin[c * T + t] = (c * s * s + where[t, 0]) * each * plane + where[t, 1]
    return begin


@compiled
def copied(s, low, rows, pitch, source):
    """Where an image's pixels are in its frame, row by row of each plane: (R, 4).

    Of each row: its plane, its first pixel's place in the plane and in the image, and
    how many pixels there are, s apart in the image.
    """
    H, W = source
    found = np.empty((s * s * rows, 4), np.int64)
    R = 0
    for a in range(s):
        for b in range(s):
            top, bottom = _inside(a, s, low[0], rows, H)
            left, right = _inside(b, s, low[1], pitch, W)
            for r in range(top, bottom):
                found[R, 0] = a * s + b
                found[R, 1] = r * pitch + left
                found[R, 2] = (s * (r + low[0]) + a) * W + s * (left + low[1]) + b
                found[R, 3] = right - left
                R += 1
    return found[:R]


@compiled
def _inside(remainder, s, low, span, size):
    """Of a plane's rows (or columns) those whose pixels s·(row + low) + remainder lie
    inside the image: first ≤ row < last.
    """
    first = min(max(0, -((remainder + s * low) // s)), span)
    return first, min(max(first, (size - 1 - remainder) // s - low + 1), span)


@compiled
def fill(x, n, count, s, copied, each, plane, frame):
    """Copy images n, …, n + count - 1 of x (N, C, H, W) into the frame.

    Only what lies inside the images: the frame's border must be zero already.
    """
    C, L = x.shape[1], x.shape[2] * x.shape[3]
    src = x.reshape(-1)
    for c in range(C):
        for r in range(len(copied)):
            start = (c * s * s + copied[r, 0]) * each * plane + copied[r, 1]
            pixels = np.uint64(copied[r, 3])
            for m in range(count):
                d = np.uint64(start + m * plane)
                o = np.uint64(((n + m) * C + c) * L + copied[r, 2])
                if s == 1:
                    for q in range(pixels):
                        frame[d + q] = src[o + q]
                else:
                    for q in range(pixels):
                        frame[d + q] = src[o + q * np.uint64(s)]


@compiled
def empty(x, n, count, s, copied, each, plane, frame):
    """The other way: copy images n, … out of the frame. Pixels it lacks become 0."""
    C, L = x.shape[1], x.shape[2] * x.shape[3]
    x[n : n + count] = 0
    to = x.reshape(-1)
    for c in range(C):
        for r in range(len(copied)):
            start = (c * s * s + copied[r, 0]) * each * plane + copied[r, 1]
            pixels = np.uint64(copied[r, 3])
            for m in range(count):
                d = np.uint64(start + m * plane)
                o = np.uint64(((n + m) * C + c) * L + copied[r, 2])
                for q in range(pixels):
                    to[o + q * np.uint64(s)] = frame[d + q]
