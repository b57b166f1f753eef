"""Starting values for parameters, with torch's names and conventions.

Shapes are those of weights: (out, in) or (out, in, rows, columns). Results are float32.
"""

import math

import numpy as np


def fans(name, shape):
    """How many numbers feed one output; how many outputs one number feeds."""
    if len(shape) < 2:
        raise ValueError(f"{name}: shape must have two axes or more, got {shape}")
    taps = math.prod(shape[2:])
    return shape[1] * taps, shape[0] * taps


def uniform(name, shape, bound, rng):
    """Uniform in ±bound; `name` is who asks, for the error if rng is no Generator."""
    return check_rng(name, rng).uniform(-bound, bound, shape).astype(np.float32)


def normal(name, shape, std, rng):
    """Normal with mean 0 and standard deviation std."""
    return (check_rng(name, rng).standard_normal(shape) * std).astype(np.float32)


def kaiming_uniform(shape, *, rng, gain=2**0.5):
    """Uniform with variance gain² / fan_in: the default keeps the size through relus.

    He et al. 2015, equation 10.
    """
    fan_in, _ = fans("kaiming_uniform", shape)
    return uniform("kaiming_uniform", shape, gain * math.sqrt(3 / fan_in), rng)


def kaiming_normal(shape, *, rng, gain=2**0.5):
    """Normal with variance gain² / fan_in: He et al. 2015, equation 10."""
    fan_in, _ = fans("kaiming_normal", shape)
    return normal("kaiming_normal", shape, gain / math.sqrt(fan_in), rng)


def xavier_uniform(shape, *, rng, gain=1.0):
    """Uniform with variance 2·gain² / (fan_in + fan_out).

    Glorot and Bengio 2010, equation 16.
    """
    both = sum(fans("xavier_uniform", shape))
    return uniform("xavier_uniform", shape, gain * math.sqrt(6 / both), rng)


def xavier_normal(shape, *, rng, gain=1.0):
    """Normal with variance 2·gain² / (fan_in + fan_out).

    Glorot and Bengio 2010, equation 12.
    """
    both = sum(fans("xavier_normal", shape))
    return normal("xavier_normal", shape, gain * math.sqrt(2 / both), rng)


def orthogonal(shape, *, rng, gain=1.0):
    """gain × a matrix (shape[0], the rest) of orthonormal rows or columns, as fit in.

    Saxe et al. 2014.
    """
    fans("orthogonal", shape)
    rows, columns = shape[0], math.prod(shape[1:])
    tall = check_rng("orthogonal", rng).standard_normal(
        (max(rows, columns), min(rows, columns))
    )
    q, r = np.linalg.qr(tall)
    q = q * np.sign(np.diag(r))  # QR fixes the signs; make all rotations equally likely
    q = q if rows >= columns else q.T
    return (gain * q).reshape(shape).astype(np.float32)


# ---- checks of arguments -------------------------------------------------------------


def check_rng(name, rng):
    """rng itself, or a TypeError in the name of the function that needs it."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"{name}: rng must be a numpy random Generator, got {rng!r}")
    return rng


def check_sizes(name, **values):
    """A ValueError in the name of the function unless all are whole numbers ≥ 1."""
    for key, value in values.items():
        whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
        if not whole or value < 1:
            raise ValueError(
                f"{name}: {key} must be a whole number of at least 1, got {value!r}"
            )
