"""How probable a model finds images, in a unit that does not depend on their size."""

import math

from ..tensor import value_of


def bits_per_dim(nats, dimensions):
    """Nats per image → bits per dimension, of which it has C·H·W; any shape."""
    if not dimensions >= 1:
        raise ValueError(f"bits_per_dim: dimensions is {dimensions!r}, expected ≥ 1")
    return value_of(nats) / (dimensions * math.log(2))
