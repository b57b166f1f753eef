"""Drawing images value by value from an autoregressive model.

A model has `order`, the values' positions in a flattened image in the order in which
they are drawn; `stream(n, label)`, an object whose `at(k)` gives the parameters (n, P)
of value k and whose `put(k, values)` tells it what that value became; and
`distribution(params, temperature)`. `Rerun` is a stream that needs nothing but the
model's forward pass: slow, obvious, and what the fast ones are compared with.
"""

import numpy as np

from .init import check_rng
from .progress import progress
from .tensor import no_grad


class Rerun:
    """The slow stream: for every value the whole network runs on the whole images."""

    def __init__(self, model, n, label=None):
        self.model, self.label = model, label
        self.x = np.zeros((n, *model.shape), np.uint8)

    def at(self, k):
        """The parameters (n, P) of value k."""
        params = self.model(self.x, self.label).data  # (n, P, C, H, W)
        flat = params.reshape(*params.shape[:2], len(self.model.order))
        return flat[:, :, self.model.order[k]]

    def put(self, k, values):
        """Value k of every image is known now: (n,)."""
        self.x.reshape(len(self.x), len(self.model.order))[:, self.model.order[k]] = (
            values
        )


def draw(model, x, known, stream, *, rng, temperature=1.0, bar=False):
    """Draw the values of x (n, C, H, W) that are not `known`, in place; → x.

    known is boolean, of x's shape; in the model's order nothing unknown may come before
    anything known, else ValueError: what is drawn could not take account of it.
    Temperatures below 1 make likely values likelier.
    """
    check_rng("draw", rng)
    if not temperature > 0:
        raise ValueError(f"draw: temperature must be above 0, got {temperature!r}")
    flat, known = (a.reshape(len(x), len(model.order)) for a in (x, known))
    _check_order(known[:, model.order], model)
    steps = range(len(model.order))
    with no_grad():
        for k in progress(steps, desc="drawing") if bar else steps:
            at, params = model.order[k], stream.at(k)
            if not known[:, at].all():
                drawn = model.distribution(params, temperature).sample(rng=rng).data
                flat[:, at] = np.where(known[:, at], flat[:, at], drawn)
            stream.put(k, flat[:, at])
    return x


def _check_order(known, model):
    late = known[:, 1:] & ~known[:, :-1]
    if late.any():
        n, k = np.argwhere(late)[0]
        c, i, j = np.unravel_index(model.order[k + 1], model.shape)
        raise ValueError(
            f"draw: known has image {n}'s row {i}, column {j}, channel {c} after a"
            f" value that is not known; expected all known values to come first in the"
            f" order in which {type(model).__name__} draws"
        )
