"""FVSBN, a fully visible sigmoid belief network: a logistic regression per pixel.

Neal 1992; Frey 1998. Every pixel is predicted from all pixels before it, with its own
weights and no hidden units.
"""

import math

import numpy as np

from .. import functional as F
from ..autoregressive import Autoregressive
from ..init import uniform
from ..tensor import Tensor


class FVSBN(Autoregressive):
    """Binary images of `shape` (C, H, W): p(x_d = 1 | x_<d) = σ(b_d + Σ_j w_dj x_j).

    The sum is over the pixels j that come before d in `order`, a permutation of
    0 … D − 1: positions in the flattened image as they are drawn (default: reading
    order). weight (D, D) holds all w_dj, of which D(D − 1)/2 are used; bias is (D,).
    """

    def __init__(self, shape=(1, 28, 28), *, order=None, rng):
        super().__init__(shape, order=order)
        D = math.prod(shape)
        rank = np.argsort(self.order)
        self.mask = rank[:, None] > rank  # [d, j]: does j come before d?
        weight = uniform("FVSBN", (D, D), 1 / math.sqrt(D), rng) * self.mask
        self.weight = Tensor(weight, requires_grad=True)
        self.bias = Tensor(np.zeros(D, np.float32), requires_grad=True)

    def forward(self, x, label=None):
        """Logits: images (N, C, H, W) → (N, 1, C, H, W); see `inputs`."""
        x, _ = self.inputs(x, label)
        flat = x.reshape(len(x), len(self.order))
        logits = F.linear(flat, self.weight * self.mask.astype(self.dtype), self.bias)
        return logits.reshape(len(x), 1, *self.shape)

    def stream(self, n, label=None):
        """The same, one pixel at a time: a dot product each."""
        return _Stream(self, n)


class _Stream:
    def __init__(self, model, n):
        i = model.order
        self.w, self.b = model.weight.data[np.ix_(i, i)], model.bias.data[i]
        self.x = np.zeros((n, len(i)), self.w.dtype)  # in the order of drawing

    def at(self, k):
        """The logits of value k, (n, 1)."""
        return (self.x[:, :k] @ self.w[k, :k] + self.b[k])[:, None]

    def put(self, k, values):
        """Value k of every image is known now: (n,)."""
        self.x[:, k] = values
