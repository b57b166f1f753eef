"""Compare gradients with finite differences: of any function, to any order."""

import numpy as np

from .tensor import Tensor, grad, no_grad

COORDINATES = 32  # of each input, drawn at random; a random direction covers the others


def gradcheck(function, inputs, *, order=2, rng, eps=1e-5, rtol=1e-5, atol=1e-6):
    """True if the gradients of `function` agree with central differences.

    function takes as many Tensors as there are float64 arrays in `inputs` and returns a
    Tensor of any shape. Its values are summed up with random weights; then every
    partial derivative (of large inputs a random choice, and one random direction) is
    compared with (f(x + eps) − f(x − eps)) / (2 eps). Order 2 checks in the same way
    the gradients of the first derivative along a random direction, order 3 those of the
    second, and so on.

    Raises AssertionError naming order, input, index, analytic and numeric derivative
    where |analytic − numeric| > atol + rtol · max(|analytic|, |numeric|). Keep inputs
    away from kinks (relu at 0, ties of max): there the two rightly differ. A function
    that draws random numbers must draw the same ones at each call.
    """
    inputs = [np.array(x.data if isinstance(x, Tensor) else x) for x in inputs]
    for i, x in enumerate(inputs):
        if x.dtype != np.float64:
            raise TypeError(f"gradcheck: inputs[{i}] must be float64, got {x.dtype}")
    if not isinstance(order, int) or order < 1:
        raise ValueError(f"gradcheck: order must be 1, 2, …, got {order!r}")
    function = _weighted_sum(function, inputs, rng)
    for k in range(1, order + 1):
        if k > 1:
            function = _along_a_direction(function, inputs, rng)
        _compare(function, inputs, k, rng, eps, rtol, atol)
    return True


def _weighted_sum(function, inputs, rng):
    """The scalar Σ weights · function(…), with weights drawn once."""
    with no_grad():
        first, second = (function(*map(Tensor, inputs)) for _ in range(2))
    if not isinstance(first, Tensor):
        raise TypeError(f"gradcheck: function returned {type(first).__name__}")
    if first.dtype != np.float64:
        raise TypeError(f"gradcheck: function returned {first.dtype}, not float64")
    if not np.isfinite(first.data).all():
        raise ValueError("gradcheck: function is not finite at these inputs")
    if not np.array_equal(first.data, second.data):
        raise ValueError("gradcheck: function gives something else at each call")
    weights = rng.standard_normal(first.shape)
    return lambda *xs: (function(*xs) * weights).sum()


def _along_a_direction(function, inputs, rng):
    """The derivative of a scalar function along a direction drawn once."""
    direction = [rng.standard_normal(x.shape) for x in inputs]

    def derivative(*xs):
        slopes = _gradients(function(*xs), xs, create_graph=True)
        return sum((g * d).sum() for g, d in zip(slopes, direction, strict=True))

    return derivative


def _gradients(y, xs, create_graph=False):
    """As `grad`, but zeros where y does not depend on xs at all."""
    if not y.requires_grad:
        return [Tensor(np.zeros(x.shape)) for x in xs]
    return grad(y, xs, create_graph)


def _compare(function, inputs, order, rng, eps, rtol, atol):
    xs = [Tensor(x.copy(), requires_grad=True) for x in inputs]
    analytic = [g.data for g in _gradients(function(*xs), xs)]
    for i, (x, slope) in enumerate(zip(inputs, analytic, strict=True)):
        if slope.shape != x.shape or slope.dtype != x.dtype:
            raise AssertionError(
                f"gradcheck, order {order}: the gradient of input {i} is {slope.dtype}"
                f" of shape {slope.shape}, the input is {x.dtype} of shape {x.shape}"
            )
        for where, step in _steps(x, rng):
            expected = (slope * step).sum()
            numeric = _difference(function, inputs, i, step, eps)
            largest = max(abs(expected), abs(numeric))
            if not abs(expected - numeric) <= atol + rtol * largest:
                raise AssertionError(
                    f"gradcheck, order {order}: the derivative for input {i} {where}"
                    f" is {expected:.10g}, finite differences give {numeric:.10g}"
                )


def _steps(x, rng):
    """Pairs (words, step): unit steps along some coordinates, and one random one."""
    for flat in rng.permutation(x.size)[:COORDINATES]:
        step = np.zeros(x.shape)
        index = np.unravel_index(flat, x.shape)
        step[index] = 1
        yield f"at {tuple(int(n) for n in index)}", step
    if x.size > COORDINATES:
        step = rng.standard_normal(x.shape)
        yield "along a random direction", step / np.sqrt(x.size)


def _difference(function, inputs, i, step, eps):
    """The central difference of a scalar function along a step of input i."""
    values = []
    for sign in (1, -1):
        moved = [x + sign * eps * step if j == i else x for j, x in enumerate(inputs)]
        xs = [Tensor(x.copy(), requires_grad=True) for x in moved]
        values.append(function(*xs).item())
    return (values[0] - values[1]) / (2 * eps)
