"""Functions of one number at a time, over flat arrays, a share for each of PARTS.

Tests are written so that NaN passes through.
"""

import numpy as np
from numba import prange

from .compiler import PARTS, compiled, parallel, ready


@compiled
def _share(size, p):
    return np.uint64(size * p // PARTS), np.uint64(size * (p + 1) // PARTS)


@parallel
def _relu(x, slope, y):
    for p in prange(PARTS):
        start, end = _share(x.size, p)
        for i in range(start, end):
            low = slope * x[i] if slope else slope  # 0 · ∞ is not wanted
            y[i] = low if x[i] < 0 else x[i]


@parallel
def _relu_back(g, x, slope, y):
    for p in prange(PARTS):
        start, end = _share(g.size, p)
        for i in range(start, end):
            low = slope * g[i] if slope else slope
            y[i] = low if x[i] <= 0 else g[i]


def relu(x, slope=0.0):
    """x where it is positive, else slope · x."""
    y = np.empty(x.shape, x.dtype)
    _relu(_flat(x), x.dtype.type(slope), y.reshape(-1))
    return y


def relu_back(g, x, slope=0.0):
    """g where x > 0, else slope · g."""
    y = np.empty(g.shape, g.dtype)
    _relu_back(_flat(g), _flat(x), g.dtype.type(slope), y.reshape(-1))
    return y


def _flat(x):
    return ready(x).reshape(-1)


_f = np.float32


@compiled
def _tanh(x):
    """tanh to about 1e-7 as a ratio of polynomials, which vectorises (as in Eigen)."""
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
    return ready(x).reshape(len(x), int(np.prod(x.shape[1:])))


@parallel
def _adam(p, g, m, v, rate, new1, new2, root, eps):
    for part in prange(PARTS):
        start, end = _share(p.size, part)
        for i in range(start, end):
            m[i] += new1 * (g[i] - m[i])
            v[i] += new2 * (g[i] * g[i] - v[i])
            p[i] -= rate * m[i] / (np.sqrt(v[i]) * root + eps)


def adam(p, g, m, v, lr, beta1, beta2, eps, step):
    """One step of Adam on flat arrays: writes p, m and v; step counts from 1."""
    rate, root = lr / (1 - beta1**step), (1 - beta2**step) ** -0.5
    numbers = (rate, 1 - beta1, 1 - beta2, root, eps)
    _adam(p, g, m, v, *(p.dtype.type(number) for number in numbers))
