"""What the tests share: a generator, and one thread for small work."""

import numpy as np
import pytest
from crosscheck import threads


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def one_thread():
    """Small models and images are done before a second thread has woken up."""
    with threads(1):
        yield
