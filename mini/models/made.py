"""MADE, a masked autoencoder: an ordinary network that sees only the past.

Germain et al. 2015. Every hidden unit has a degree, the number of pixels (in the order
in which they are drawn) that it may see; masks cut all connections that would show it,
or an output, more. One pass then gives the parameters of every pixel.
"""

import copy
import math

import numpy as np

from .. import functional as F
from ..autoregressive import Autoregressive
from ..init import check_rng, check_sizes
from ..nn import Linear


class MADE(Autoregressive):
    """Binary images of `shape` (C, H, W), D pixels; ReLU layers of `hidden` units.

    The model keeps `masks` sets of masks. Each has its own degrees of the hidden units;
    set i draws in the order i % orderings, of which the first is `order`, a permutation
    of 0 … D − 1 (positions in the flattened image; default: reading order), and the
    others are random. Sets and orders depend on the sizes and `seed` alone, so that
    they need not be saved with the weights. Together the sets are a mixture: to draw an
    image is to draw lots for the set that draws it.
    """

    def __init__(
        self, shape=(1, 28, 28), *, hidden=(512, 512), orderings=1, masks=1,
        order=None, direct=False, seed=0, rng,
    ):  # fmt: skip
        super().__init__(shape, order=order)
        check_sizes("MADE", orderings=orderings, masks=masks)
        if not isinstance(hidden, (tuple, list)):
            raise TypeError(f"MADE: hidden must be a tuple of sizes, got {hidden!r}")
        check_sizes("MADE", **{f"hidden[{i}]": H for i, H in enumerate(hidden)})
        if orderings > masks:
            raise ValueError(
                f"MADE: orderings must be at most masks = {masks}, got {orderings}"
            )
        D = math.prod(shape)
        self.masks, bits = masks, np.random.PCG64(seed)
        self.orders = [self.order]
        self.orders += [shuffled(range(D), bits) for _ in range(orderings - 1)]
        self.degrees = [
            [shuffled(spread(H, D), bits) for H in hidden] for _ in range(masks)
        ]  # set, layer
        sizes = [D, *hidden, D]
        self.layers = [
            Linear(sizes[i], sizes[i + 1], rng=rng) for i in range(len(sizes) - 1)
        ]
        self.direct, self._latest = None, (None,)
        if direct:
            self.direct = Linear(D, D, bias=False, rng=rng)
            self.direct.weight.data[...] = 0

    def forward(self, x, label=None, which=0):
        """Logits of set `which` of masks: images (N, C, H, W) → (N, 1, C, H, W)."""
        x, _ = self.inputs(x, label)
        h = flat = x.reshape(len(x), len(self.order))
        *masks, direct = self.masks_of(which)
        for i, (layer, mask) in enumerate(zip(self.layers, masks)):
            h = F.linear(F.relu(h) if i else h, layer.weight * mask, layer.bias)
        if self.direct:
            h = h + F.linear(flat, self.direct.weight * direct)
        return h.reshape(len(x), 1, *self.shape)

    def masks_of(self, which=0):
        """Of every layer the mask (out, in) of zeros and ones, for set `which`.

        The last is for connections from the pixels to the outputs.
        """
        if isinstance(which, bool) or which not in range(self.masks):
            raise ValueError(
                f"MADE: which must be 0 … {self.masks - 1}, one of the sets of masks,"
                f" got {which!r}"
            )
        if self._latest[0] != (which, self.dtype):
            degree = np.argsort(self.orders[which % len(self.orders)]) + 1  # of pixels
            seen = [degree, *self.degrees[which]]
            masks = [below <= above[:, None] for below, above in zip(seen, seen[1:])]
            # outputs see only what is before them
            masks += [below < degree[:, None] for below in (seen[-1], degree)]
            masks = [mask.astype(self.dtype) for mask in masks]
            self._latest = (which, self.dtype), masks
        return self._latest[1]

    def log_prob(self, x, label=None, which=None):
        """log p(x) in nats, (N, C, H, W) → (N,), of one set of masks, or of all.

        For which=None the sets' probabilities are averaged (not their logarithms).
        """
        if which is None and self.masks > 1:
            each = [self.log_prob(x, label, i) for i in range(self.masks)]
            return F.logsumexp(F.stack(each), 0) - math.log(self.masks)
        x = self.check(x)
        params = self(x, label, which or 0)
        return self.distribution(params).log_prob(x).sum((1, 2, 3))

    def only(self, which):
        """This model with one set of masks alone: a MADE with the same weights."""
        self.masks_of(which)
        one = copy.copy(self)
        one.order = self.orders[which % len(self.orders)]
        one.orders, one.degrees = [one.order], [self.degrees[which]]
        one.masks, one._latest = 1, (None,)
        return one

    def sample(self, n, *, rng, **options):
        """n images, uint8 (n, C, H, W); see Autoregressive.sample."""
        if self.masks == 1:
            return super().sample(n, rng=rng, **options)
        check_sizes("sample", n=n)
        lots = check_rng("sample", rng).integers(self.masks, size=n)
        x = np.empty((n, *self.shape), np.uint8)
        for i in range(self.masks):
            if (mine := lots == i).any():
                x[mine] = self.only(i).sample(int(mine.sum()), rng=rng, **options)
        return x

    def complete(self, images, known, **options):
        """See Autoregressive.complete; for one set of masks."""
        if self.masks > 1:
            raise ValueError(
                f"complete: MADE has {self.masks} sets of masks, and which of them goes"
                " on with an image is not known: choose one, as in model.only(0)"
            )
        return super().complete(images, known, **options)

    def stream(self, n, label=None):
        """Set 0, one pixel at a time: each hidden unit as soon as it can be known."""
        return _Stream(self, n)


def spread(H, D):
    """Degrees of H units, 1 … D − 1, evenly: of the smallest, 1, there is always one.

    So every unit has inputs, whose degrees are at most its own, in every layer.
    """
    return np.arange(H) * (D - 1) // H + 1


def shuffled(values, bits):
    """Values in random order; numpy never changes what raw bits a seed gives."""
    return np.array(values)[np.argsort(bits.random_raw(len(values)), kind="stable")]


class _Stream:
    """Units sorted by degree: when k pixels are known, so are all up to degree k."""

    def __init__(self, model, n):
        order, degrees = model.orders[0], model.degrees[0]
        self.direct = None
        if model.direct:
            self.direct = model.direct.weight.data[np.ix_(order, order)]
        count = np.arange(len(order) + 1)
        by_degree = [order] + [np.argsort(d, kind="stable") for d in degrees] + [order]
        self.layers = [
            (layer.weight.data[np.ix_(above, below)], layer.bias.data[above])
            for layer, below, above in zip(model.layers, by_degree, by_degree[1:])
        ]
        # how many units of each layer are known once k = 0, 1, … pixels are
        self.known = [count]
        self.known += [np.searchsorted(np.sort(d), count, "right") for d in degrees]
        self.units = [np.zeros((n, w.shape[1]), w.dtype) for w, _ in self.layers]

    def at(self, k):
        """The logits of value k, (n, 1)."""
        (w, b), m = self.layers[-1], self.known[-1][k]
        y = self.units[-1][:, :m] @ w[k, :m] + b[k]
        if self.direct is not None:
            y = y + self.units[0][:, :k] @ self.direct[k, :k]
        return y[:, None]

    def put(self, k, values):
        """Value k of every image is known now: (n,)."""
        self.units[0][:, k] = values
        for i, (w, b) in enumerate(self.layers[:-1]):
            below, (start, end) = self.known[i][k + 1], self.known[i + 1][k : k + 2]
            if start < end:
                y = self.units[i][:, :below] @ w[start:end, :below].T + b[start:end]
                self.units[i + 1][:, start:end] = np.maximum(y, 0)
