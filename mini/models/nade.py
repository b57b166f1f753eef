"""NADE, the neural autoregressive distribution estimator: hidden units that are shared.

Larochelle & Murray 2011. A hidden layer sees the pixels so far and predicts the next;
one more pixel changes what it sees by one term, so that all D layers together cost
little more than one.
"""

import math

import numpy as np

from .. import functional as F
from .. import kernels
from ..autoregressive import Autoregressive
from ..init import check_sizes, uniform
from ..tensor import Tensor, grad, is_recording, record


class NADE(Autoregressive):
    """Binary images of `shape` (C, H, W), D pixels, with `hidden` units:

        h_d = σ(c + Σ_j w_j x_j)        p(x_d = 1 | x_<d) = σ(b_d + v_d · h_d)

    The sum is over the pixels j that come before d in `order`, a permutation of
    0 … D − 1: positions in the flattened image as they are drawn (default: reading
    order). w and v (D, hidden) have a row for each pixel; b is (D,), c (hidden,).
    """

    def __init__(self, shape=(1, 28, 28), *, hidden=500, order=None, rng):
        super().__init__(shape, order=order)
        check_sizes("NADE", hidden=hidden)
        D = math.prod(shape)
        start = [
            uniform("NADE", (D, hidden), 1 / math.sqrt(D), rng),
            uniform("NADE", (D, hidden), 1 / math.sqrt(hidden), rng),
            np.zeros(D, np.float32),
            np.zeros(hidden, np.float32),
        ]
        self.w, self.v, self.b, self.c = (Tensor(a, requires_grad=True) for a in start)

    def forward(self, x, label=None):
        """Logits: images (N, C, H, W) → (N, 1, C, H, W); see `inputs`."""
        x, _ = self.inputs(x, label)
        flat = x.reshape(len(x), len(self.order))
        logits = nade(flat, self.w, self.v, self.b, self.c, self.order)
        return logits.reshape(len(x), 1, *self.shape)

    def stream(self, n, label=None):
        """The same, one pixel at a time: an addition to the hidden layer each."""
        return _Stream(self, n)


def nade(x, w, v, b, c, order):
    """Logits (N, D) of x (N, D): one compiled loop, if x is binary and all is float32.

    w, v (D, H), b (D,) and c (H,) are NADE's; order is (D,).
    """
    parents = (w, v, b, c)
    floats = all(a.dtype == np.float32 for a in (x, *parents))
    binary = ((x.data == 0) | (x.data == 1)).all()
    if x.requires_grad or not (floats and binary):
        return composed(x, *parents, order)
    latest = [None, ()]  # the four gradients come out of one loop, but have a rule each

    def rule(i):
        def back(g, out):
            if is_recording():  # to be differentiated again
                y = composed(x, *parents, order)
                return grad(y, [parents[i]], create_graph=True, grad_output=g)[0]
            if latest[0] is not g:
                latest[0] = g
                arrays = (a.data for a in (g, w, v, c))
                latest[1] = kernels.nade_back(x.data, *arrays, order)
            return Tensor(latest[1][i])

        return back

    value = kernels.nade(x.data, *(a.data for a in parents), order)
    return record(value, *((a, rule(i)) for i, a in enumerate(parents)))


def composed(x, w, v, b, c, order):
    """The same from small operations: slow, and with arrays of N · D · H numbers."""
    rank = np.argsort(order)
    before = (rank[:, None] > rank).astype(w.dtype)  # [d, j]: does j come before d?
    N, D = x.shape
    terms = x.reshape(N, D, 1) * w  # what each pixel adds: (N, D, H)
    h = F.sigmoid(c + Tensor(before) @ terms)
    return (h * v).sum(2) + b


class _Stream:
    def __init__(self, model, n):
        self.order = model.order
        self.w, self.v, self.b, c = (p.data for p in model.parameters())
        self.a = np.tile(c, (n, 1))  # before the sigmoid, (n, H)
        self.h = F.sigmoid(self.a).data

    def at(self, k):
        """The logits of value k, (n, 1)."""
        d = self.order[k]
        return (self.h @ self.v[d] + self.b[d])[:, None]

    def put(self, k, values):
        """Value k of every image is known now: (n,)."""
        ones = np.flatnonzero(values)
        if len(ones):
            a = self.a[ones] + self.w[self.order[k]]
            self.a[ones], self.h[ones] = a, F.sigmoid(a).data
