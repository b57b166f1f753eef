"""Run one candidate on one input, and write down everything it did."""

from dataclasses import dataclass

import numpy as np

from ..tensor import Tensor, grad, value_of


@dataclass(frozen=True)
class Given:
    """The arguments of one call."""

    args: tuple
    kwargs: dict


def given(*args, **kwargs):
    """Arguments of which some are passed by keyword."""
    return Given(args, kwargs)


@dataclass
class Outcome:
    """What one candidate did with one input."""

    value: object = None
    gradients: tuple = ()  # one dict {argument: array} for each order
    changed: tuple = ()  # names of the arguments that it changed
    error: Exception | None = None


def outcome(function, named, order):
    """Call a function of no arguments that holds the arrays and Tensors `named`."""
    before = [value_of(a).copy() for _, a in named]
    leaves = {n: t for n, t in named if isinstance(t, Tensor) and t.requires_grad}
    try:
        value = function()
        gradients = gradients_of(value, leaves, order)
    except Exception as error:
        return Outcome(error=error)
    pairs = zip(named, before, strict=True)
    changed = (n for (n, a), b in pairs if not _identical(value_of(a), b))
    return Outcome(value, gradients, tuple(changed))


def gradients_of(value, leaves, order):
    """Gradients of a fixed weighted sum of the value: for each order, {name: array}."""
    found, outputs = [], [t for _, t in arrays_in(value)]
    for k in range(order if leaves else 0):
        y = _weighted_sum(outputs)
        if y is None:
            outputs = [Tensor(np.zeros_like(t.data)) for t in leaves.values()]
        else:
            outputs = grad(y, leaves.values(), create_graph=k + 1 < order)
        found.append({n: g.data for n, g in zip(leaves, outputs, strict=True)})
    return tuple(found)


def _weighted_sum(outputs):
    """One number that every recorded output moves; None if there are none."""
    total = None
    for i, t in enumerate(outputs):
        if isinstance(t, Tensor) and t.requires_grad:
            weights = np.random.default_rng(i).normal(size=t.shape).astype(t.dtype)
            part = (t * weights).sum()
            total = part if total is None else total + part
    return total


def arrays_in(value, name=""):
    """Pairs (name, array or Tensor) in lists, tuples, dicts, modules' parameters."""
    if isinstance(value, (Tensor, np.ndarray)):
        yield name, value
    elif isinstance(value, (list, tuple)):
        for i, part in enumerate(value):
            yield from arrays_in(part, f"{name}[{i}]")
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from arrays_in(part, f"{name}[{key!r}]")
    elif hasattr(value, "parameters") and not isinstance(value, type):
        yield from arrays_in(list(value.parameters()), f"{name}.parameters()")


def differentiable(a):
    """Arguments with float arrays turned into Tensors that require a gradient."""
    if isinstance(a, dict):
        return {key: differentiable(part) for key, part in a.items()}
    if isinstance(a, (list, tuple)):
        return type(a)(differentiable(part) for part in a)
    if isinstance(a, np.ndarray) and a.dtype.kind == "f":
        return Tensor(a, requires_grad=True)
    return a


def _identical(a, b):
    return a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
