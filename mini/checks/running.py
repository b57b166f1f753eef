"""Run one candidate on one input, and write down everything it did."""

import warnings
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from ..tensor import Tensor, grad, value_of
from .values import kind_of

ERRORS = Exception, SystemExit  # what a reader's code may raise; not KeyboardInterrupt


@contextmanager
def quiet():
    """No warnings, neither Python's nor numpy's."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


@dataclass(frozen=True)
class Given:
    """The arguments of one call."""

    args: tuple
    kwargs: dict


def given(*args, **kwargs):
    """Arguments of which some are passed by keyword."""
    return Given(args, kwargs)


class Unexpected(Exception):
    """What a `run` raises when it can do nothing with the attempt's result."""

    def __init__(self, wanted, got):
        array = isinstance(got, np.ndarray)
        kind = f"an array of shape {got.shape}" if array else kind_of(got)
        super().__init__(f"{wanted} was expected, and yours is {kind}")
        self.got = got


@dataclass
class Outcome:
    """What one candidate did with one input."""

    value: object = None
    gradients: tuple = ()  # one dict {argument: array} for each order
    changed: tuple = ()  # names of the arguments that it changed
    error: BaseException | None = None


def outcome(function, named, order):
    """Call a function of no arguments that holds the `named` (see parts_of)."""
    before = [_state(part) for _, part in named]
    leaves = {n: t for n, t in named if isinstance(t, Tensor) and t.requires_grad}
    try:
        value = function()
        gradients = gradients_of(value, leaves, order)
    except Unexpected as error:
        blank = error.got is None or error.got is ...
        return Outcome(error.got) if blank else Outcome(error=error)
    except ERRORS as error:
        return Outcome(error=error)
    pairs = zip(named, before, strict=True)
    changed = (n for (n, part), b in pairs if not _identical(_state(part), b))
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


def parts_of(value, name=""):
    """Pairs (name, part) of all that can be changed: arrays, Tensors, lists, dicts.

    They are looked for in lists, tuples, dicts and among modules' parameters.
    """
    if isinstance(value, (Tensor, np.ndarray, list, dict)):
        yield name, value
    if isinstance(value, (list, tuple, dict)):
        for key, part in _entries(value):
            yield from parts_of(part, f"{name}[{key!r}]")
    elif hasattr(value, "parameters") and not isinstance(value, type):
        yield from parts_of(tuple(value.parameters()), f"{name}.parameters()")


def arrays_in(value, name=""):
    """Pairs (name, array or Tensor), wherever parts_of looks for them."""
    pairs = parts_of(value, name)
    return [(n, a) for n, a in pairs if isinstance(a, (Tensor, np.ndarray))]


def differentiable(a):
    """Arguments with float arrays turned into Tensors that require a gradient."""
    if isinstance(a, dict):
        return {key: differentiable(part) for key, part in a.items()}
    if isinstance(a, (list, tuple)):
        return type(a)(differentiable(part) for part in a)
    if isinstance(a, np.ndarray) and a.dtype.kind == "f":
        return Tensor(a, requires_grad=True)
    return a


def _entries(value):
    """Pairs (key or index, entry) of a list, tuple or dict."""
    return list(value.items() if isinstance(value, dict) else enumerate(value))


def _state(part):
    """What an array or Tensor holds now, as a copy; the entries of a list or dict."""
    is_array = isinstance(part, (Tensor, np.ndarray))
    return value_of(part).copy() if is_array else _entries(part)


def _identical(a, b):
    """Whether two states are the same: equal numbers, or the very same entries."""
    if isinstance(a, list):
        return len(a) == len(b) and all(
            k == n and v is w for (k, v), (n, w) in zip(a, b, strict=True)
        )
    return a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
