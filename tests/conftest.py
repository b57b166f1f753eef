"""What the tests share: a generator, and one thread for small work."""

import numpy as np
import pytest
from crosscheck import threads


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def refused(rng):
    """call(rng) must raise the error, with a message that matches."""

    def check(call, error, message):
        with pytest.raises(error, match=message):
            call(rng)

    return check


@pytest.fixture
def one_thread():
    """Small models and images are done before a second thread has woken up."""
    with threads(1):
        yield
