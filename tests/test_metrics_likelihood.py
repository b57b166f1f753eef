"""Likelihoods in the units in which they are published."""

import math

import numpy as np
import pytest

from mini import Tensor
from mini.metrics import bits_per_dim


def test_bits_per_dim():
    assert bits_per_dim(784 * math.log(2), 784) == pytest.approx(1)
    nats = np.array([0, 3 * 64 * 8 * math.log(2)])
    np.testing.assert_allclose(bits_per_dim(Tensor(nats), 3 * 64), [0, 8])
    for count in (0, -3, math.nan):
        with pytest.raises(ValueError, match=f"bits_per_dim: dimensions is {count}"):
            bits_per_dim(1.0, count)
