"""The compiled loops: everything in `mini` that is not plain numpy.

A convolution is a list of taps, places (dy, dx) to look at:

    y[n, o, i, j] = sum_c sum_t  w[o, c, t] * x[n, c, s*i + dy_t, s*j + dx_t]

Padding, dilation and masks are only different lists; outside the image x is zero. A few images are
copied, one above the other, into a frame with a border of zeros. In the frame every tap is one
fixed distance, so a tap's share of *all* outputs is one long loop over neighbouring numbers, which
the compiler turns into vector instructions. Two kernels are enough: `conv` makes y from x and w
and (with the taps turned round) x from y and w; `conv_weight` makes w from x and y.
"""

import ctypes

import llvmlite.binding as llvm
import numba
import numpy as np
import scipy.linalg.blas  # noqa: F401  numba's np.dot calls SciPy's BLAS: load, then limit
from numba import njit, prange
from threadpoolctl import threadpool_limits

threadpool_limits(1, user_api="blas")  # two thread pools would fight; ours is numba's
try:  # tell glibc to keep freed memory: fresh pages cost more than most arithmetic
    _libc = ctypes.CDLL("libc.so.6")
    _libc.mallopt(-3, 1 << 30)  # M_MMAP_THRESHOLD
    _libc.mallopt(-1, (1 << 31) - 1)  # M_TRIM_THRESHOLD
except (OSError, AttributeError):  # not glibc
    pass
if numba.config.CPU_FEATURES is None:  # let LLVM use the widest vectors there are
    _features = llvm.get_host_cpu_features()
    if "prefer-256-bit" in _features or _features.get("avx512f"):
        numba.config.CPU_NAME = llvm.get_host_cpu_name()
        numba.config.CPU_FEATURES = _features.flatten() + ",-prefer-256-bit"

PARTS = 8  # shares of a batch: fixed, so that no result depends on the number of threads
LANES = 16  # numbers in the widest vector; rows of sums start on such boundaries
SPAN = 1600  # numbers per tap and pass: long enough for vectors, short enough for the cache

# the compiler may reorder and fuse additions, but must pass NaN and Inf through
FAST = {"reassoc", "contract", "nsz", "arcp"}
compiled = njit(cache=True, fastmath=FAST)
parallel = njit(cache=True, fastmath=FAST, parallel=True)


# ---- convolution ---------------------------------------------------------------------------------


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

    With stride s the frame has s*s planes, one for each remainder of (row, column) modulo s; in
    its plane a tap moves by whole pixels. A plane begins at (row, column) `low`; its rows are
    `pitch` apart, so that the zeros right of one row are also those left of the next, and the
    zeros below one image are also those above the next.
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
    """Copy images n, …, n + count - 1 into the frame, zero outside; `each` images have room."""
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
def _starts(where, C, s, each, plane, K):
    """Where each (channel, tap) begins in the frame; the K - C*T that fill up to K see zeros."""
    starts = np.full(K, C * s * s * each * plane)
    for c in range(C):
        for t in range(len(where)):
            block = c * s * s + where[t, 0]
            starts[c * len(where) + t] = block * each * plane + where[t, 1]
    return starts


@compiled
def _accumulate(w, o, starts, frame, L, b, sums):
    """sums[r, l] = b[o + r] + sum_k w[o + r, k] * frame[starts[k] + l] for r = 0, …, 3.

    Four outputs by three taps at a time: each number fetched is used four times, each sum thrice.
    """
    s0, s1, s2, s3 = sums[0], sums[1], sums[2], sums[3]
    for l in range(np.uint64(L)):
        s0[l], s1[l], s2[l], s3[l] = b[o], b[o + 1], b[o + 2], b[o + 3]
    for k in range(0, w.shape[1], 3):
        a0, b0, c0 = w[o, k], w[o, k + 1], w[o, k + 2]
        a1, b1, c1 = w[o + 1, k], w[o + 1, k + 1], w[o + 1, k + 2]
        a2, b2, c2 = w[o + 2, k], w[o + 2, k + 1], w[o + 2, k + 2]
        a3, b3, c3 = w[o + 3, k], w[o + 3, k + 1], w[o + 3, k + 2]
        a, b, c = frame[starts[k] :], frame[starts[k + 1] :], frame[starts[k + 2] :]
        for l in range(np.uint64(L)):
            x, y, z = a[l], b[l], c[l]
            s0[l] += a0 * x + b0 * y + c0 * z
            s1[l] += a1 * x + b1 * y + c1 * z
            s2[l] += a2 * x + b2 * y + c2 * z
            s3[l] += a3 * x + b3 * y + c3 * z


@compiled
def _correlate(g, o, starts, frame, L, w):
    """w[o + r, k] += sum_l g[o + r, l] * frame[starts[k] + l] for r = 0, …, 3."""
    g0, g1, g2, g3 = g[o], g[o + 1], g[o + 2], g[o + 3]
    for k in range(0, w.shape[1], 3):
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


@parallel
def conv(x, w, b, taps, s, y, step, first):
    """Convolve: x (N, C, H, W), w (O, C*T), b (O,), taps (T, 2) → y (N, O, …).

    Writes y[:, :, first_0::step, first_1::step]. With step 1 that is all of y; the transposed
    convolution fills y in step*step such passes.
    """
    N, C = x.shape[:2]
    O = len(w)
    H = (y.shape[2] - first[0] + step - 1) // step
    W = (y.shape[3] - first[1] + step - 1) // step
    where, low, rows, pitch = _geometry(taps, s, (H, W), x.shape[2:])
    plane = rows * pitch
    each = max(1, min(SPAN // max(1, plane), -(-N // PARTS)))
    weights = np.zeros((_ceil(O, 4), _ceil(w.shape[1], 3)), w.dtype)
    weights[:O, : w.shape[1]] = w
    bias = np.zeros(len(weights), w.dtype)
    bias[:O] = b
    starts = _starts(where, C, s, each, plane, weights.shape[1])
    room = _ceil(each * plane, LANES)
    for p in prange(PARTS):
        frame = np.zeros(C * s * s * each * plane + room + plane, x.dtype)
        sums = _aligned(4, room, x)
        for n in range(N * p // PARTS, N * (p + 1) // PARTS, each):
            count = min(each, N * (p + 1) // PARTS - n)
            L = (count - 1) * plane + (H - 1) * pitch + W
            _fill(x, n, count, s, low, rows, pitch, each, frame)
            for o in range(0, O, 4):
                _accumulate(weights, o, starts, frame, L, bias, sums)
                for r in range(min(4, O - o)):
                    for m in range(count):
                        for i in range(H):
                            frm = sums[r, m * plane + i * pitch :]
                            to = y[n + m, o + r, first[0] + i * step]
                            if step == 1:
                                for j in range(np.uint64(W)):
                                    to[j] = frm[j]
                            else:
                                for j in range(W):
                                    to[first[1] + j * step] = frm[j]


@parallel
def conv_weight(x, y, taps, s, parts):
    """The weights' share: x (N, C, H, W), y (N, O, …) → parts (PARTS, O, C*T), to be added up."""
    N, C = x.shape[:2]
    O, H, W = y.shape[1:]
    where, low, rows, pitch = _geometry(taps, s, (H, W), x.shape[2:])
    plane = rows * pitch
    each = max(1, min(SPAN // max(1, plane), -(-N // PARTS)))
    K = _ceil(C * len(taps), 3)
    starts = _starts(where, C, s, each, plane, K)
    room = _ceil(each * plane, LANES)
    for p in prange(PARTS):
        frame = np.zeros(C * s * s * each * plane + room + plane, x.dtype)
        g = _aligned(_ceil(O, 4), room, x)
        w = np.zeros((len(g), K), x.dtype)
        for n in range(N * p // PARTS, N * (p + 1) // PARTS, each):
            count = min(each, N * (p + 1) // PARTS - n)
            L = (count - 1) * plane + (H - 1) * pitch + W
            _fill(x, n, count, s, low, rows, pitch, each, frame)
            for o in range(O):
                for m in range(count):
                    for i in range(H):
                        to = g[o, m * plane + i * pitch :]
                        frm = y[n + m, o, i]
                        for j in range(np.uint64(W)):
                            to[j] = frm[j]
            for o in range(0, O, 4):
                _correlate(g, o, starts, frame, L, w)
        parts[p] = w[:O, : parts.shape[2]]


# ---- matrix products -----------------------------------------------------------------------------


@parallel
def _matmul(a, b, y):
    rows = -(-len(a) // PARTS)
    for p in prange(PARTS):
        i, j = min(p * rows, len(a)), min((p + 1) * rows, len(a))
        if i < j:
            np.dot(a[i:j], b, y[i:j])


def matmul(a, b):
    """numpy's matmul, with the rows of one large product shared between the threads."""
    if a.ndim != 2 or b.ndim != 2 or a.dtype != b.dtype or a.size * b.shape[-1] < 1 << 18:
        return np.matmul(a, b)
    if a.shape[1] != b.shape[0] or a.dtype not in (np.float32, np.float64):
        return np.matmul(a, b)
    if not (b.flags.c_contiguous or b.flags.f_contiguous):
        b = np.ascontiguousarray(b)
    y = np.empty((len(a), b.shape[1]), a.dtype)
    _matmul(np.ascontiguousarray(a), b, y)
    return y


# ---- elementwise ---------------------------------------------------------------------------------
# Flat arrays, a share of them for each of PARTS. Tests are written so that NaN passes through.


@compiled
def _share(size, p):
    return np.uint64(size * p // PARTS), np.uint64(size * (p + 1) // PARTS)


@parallel
def _relu(x, y):
    for p in prange(PARTS):
        start, end = _share(x.size, p)
        for i in range(start, end):
            y[i] = x.dtype.type(0) if x[i] < 0 else x[i]


@parallel
def _where_positive(g, out, y):
    for p in prange(PARTS):
        start, end = _share(g.size, p)
        for i in range(start, end):
            y[i] = g.dtype.type(0) if out[i] <= 0 else g[i]


def relu(x):
    """max(x, 0)."""
    y = np.empty(x.shape, x.dtype)
    _relu(_flat(x), y.reshape(-1))
    return y


def where_positive(g, out):
    """g where out > 0, else 0."""
    y = np.empty(g.shape, g.dtype)
    _where_positive(_flat(g), _flat(out), y.reshape(-1))
    return y


def _flat(x):
    return np.ascontiguousarray(x).reshape(-1)


_f = np.float32


@compiled
def _tanh(x):
    """tanh in float32 to about 1e-7, as a ratio of polynomials, which vectorises (after Eigen)."""
    x = min(max(x, _f(-7.90531110763549805)), _f(7.90531110763549805))
    q = x * x
    p = _f(-2.76076847742355e-16)
    p = p * q + _f(2.00018790482477e-13)
    p = p * q + _f(-8.60467152213735e-11)
    p = p * q + _f(5.12229709037114e-08)
    p = p * q + _f(1.48572235717979e-05)
    p = p * q + _f(6.37261928875436e-04)
    p = p * q + _f(4.89352455891786e-03)
    r = _f(1.19825839466702e-06)
    r = r * q + _f(1.18534705686654e-04)
    r = r * q + _f(2.26843463243900e-03)
    r = r * q + _f(4.89352518554385e-03)
    return x * p / r


@compiled
def _sigmoid(x):
    return _f(0.5) + _f(0.5) * _tanh(_f(0.5) * x)


@parallel
def _gate(x, y):
    N, L = y.shape
    for n in prange(N):
        a, b, out = x[n, :L], x[n, L:], y[n]
        for i in range(np.uint64(L)):
            out[i] = _tanh(a[i]) * _sigmoid(b[i])


@parallel
def _gate_back(x, g, dx):
    N, L = g.shape
    for n in prange(N):
        a, b, up, da, db = x[n, :L], x[n, L:], g[n], dx[n, :L], dx[n, L:]
        for i in range(np.uint64(L)):
            t, s = _tanh(a[i]), _sigmoid(b[i])
            da[i] = up[i] * s * (_f(1) - t * t)
            db[i] = up[i] * t * s * (_f(1) - s)


def gate(x):
    """tanh(a) * sigmoid(b) for the halves a, b of the channels; float32 (N, 2C, …)."""
    y = np.empty((len(x), x.shape[1] // 2, *x.shape[2:]), _f)
    _gate(_rows(x), _rows(y))
    return y


def gate_back(x, g):
    """What flows back through `gate`."""
    dx = np.empty(x.shape, _f)
    _gate_back(_rows(x), _rows(g), _rows(dx))
    return dx


def _rows(x):
    return np.ascontiguousarray(x).reshape(len(x), int(np.prod(x.shape[1:])))


# ---- sums and pooling ----------------------------------------------------------------------------


@parallel
def _sum_over_images(x, parts):
    N, C, L = x.shape
    for p in prange(PARTS):
        for c in range(C):
            total = x.dtype.type(0)
            for n in range(N * p // PARTS, N * (p + 1) // PARTS):
                row = x[n, c]
                for i in range(np.uint64(L)):
                    total += row[i]
            parts[p, c] = total


def sum_over_images(x):
    """(N, C, H, W) → (C,)."""
    parts = np.empty((PARTS, x.shape[1]), x.dtype)
    _sum_over_images(np.ascontiguousarray(x).reshape(*x.shape[:2], x.shape[2] * x.shape[3]), parts)
    return parts.sum(axis=0)


@parallel
def _argmax_windows(x, k, s, padding, chosen):
    P, H, W = x.shape
    for n in prange(P):
        for i in range(chosen.shape[1]):
            for j in range(chosen.shape[2]):
                best = -1
                for a in range(max(0, i * s - padding), min(H, i * s - padding + k)):
                    for b in range(max(0, j * s - padding), min(W, j * s - padding + k)):
                        v = x[n, a, b]
                        if best < 0 or v > x[n, best // W, best % W] or v != v:
                            best = a * W + b
                chosen[n, i, j] = best


def argmax_windows(x, k, s, padding, size):
    """Where in its flattened image each window has its largest value (the first, or a NaN)."""
    planes = np.ascontiguousarray(x).reshape(x.shape[0] * x.shape[1], *x.shape[2:])
    chosen = np.empty((len(planes), *size), np.int64)
    _argmax_windows(planes, k, s, padding, chosen)
    return chosen.reshape(*x.shape[:2], *size)


@parallel
def _pick(x, chosen, y):
    for n in prange(len(x)):
        for i in range(chosen.shape[1]):
            y[n, i] = x[n, chosen[n, i]]


@parallel
def _place(y, chosen, x):
    for n in prange(len(x)):
        for i in range(chosen.shape[1]):
            x[n, chosen[n, i]] += y[n, i]


def _planes(x):
    return np.ascontiguousarray(x).reshape(x.shape[0] * x.shape[1], x.shape[2] * x.shape[3])


def pick(x, chosen):
    """The pixels at positions `chosen` (N, C, Ho, Wo) of flattened images x (N, C, H, W)."""
    y = np.empty(chosen.shape, x.dtype)
    _pick(_planes(x), _planes(chosen), _planes(y))
    return y


def place(y, chosen, shape):
    """Zeros of `shape` with every pixel of y added at its chosen position."""
    x = np.zeros(shape, y.dtype)
    _place(_planes(y), _planes(chosen), _planes(x))
    return x
