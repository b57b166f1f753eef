"""A tape of operations, and gradients of any order from it.

Every operation is a value and a rule. `record` stores, beside the value, one function
per parent that says how a cotangent flows back to it. Rules are written in Tensor
operations, so what they compute is itself on the tape and can be differentiated again.
The rules are in operations.py.
"""

import itertools
from contextlib import contextmanager

import numpy as np

_clock = itertools.count()  # creation order is a topological order
_recording = True
silent = np.errstate(all="ignore")  # NaN and Inf pass through without a warning


class Tensor:
    """An array that remembers how it was made.

    `data` is any array, or numbers and nested lists of them (which become float32).
    Integer and boolean tensors are allowed (labels, indices, masks) but cannot require
    a gradient.
    """

    __array_priority__ = 100  # numpy leaves operators between arrays and Tensors to us
    __array_ufunc__ = None
    __slots__ = ("data", "requires_grad", "edges", "index", "grad", "__weakref__")

    def __init__(self, data, requires_grad=False):
        if isinstance(data, Tensor):
            raise TypeError(
                "Tensor: data is a Tensor already; use .detach() for a leaf"
            )
        if not isinstance(data, (np.ndarray, np.generic)):
            data = np.asarray(data)
            if data.dtype == np.float64:
                data = data.astype(np.float32)
        self.data = np.asarray(data)
        if self.data.dtype.kind not in "fiub":
            raise TypeError(
                f"Tensor: data must be numbers, got dtype {self.data.dtype}"
            )
        if requires_grad and self.data.dtype.kind != "f":
            raise TypeError(
                f"Tensor: only floating point can require a gradient,"
                f" got {self.data.dtype}"
            )
        self.requires_grad = requires_grad
        self.edges = ()  # pairs (parent, rule)
        self.index = next(_clock)
        self.grad = None

    shape = property(lambda self: self.data.shape)
    ndim = property(lambda self: self.data.ndim)
    size = property(lambda self: self.data.size)
    dtype = property(lambda self: self.data.dtype)
    T = property(lambda self: self.transpose())

    def __len__(self):
        return len(self.data)

    def __array__(self, dtype=None, copy=None):
        return np.array(self.data, dtype=dtype, copy=copy)

    def __repr__(self):
        text = np.array2string(self.data, precision=4, separator=", ", prefix="Tensor(")
        return f"Tensor({text}{', requires_grad=True' if self.requires_grad else ''})"

    def __bool__(self):
        return bool(self.data)

    def item(self):
        """The only element, as a Python number."""
        return self.data.item()

    def numpy(self):
        """The values as a numpy array (shared, not copied)."""
        return self.data

    def detach(self):
        """The same values, with no memory of how they were made."""
        return Tensor(self.data)

    def backward(self):
        """Add the gradient of this scalar to `.grad` of every leaf it was made from."""
        leaves = [t for t in ancestors(self) if t.requires_grad and not t.edges]
        for leaf, g in zip(leaves, grad(self, leaves), strict=True):
            leaf.grad = g if leaf.grad is None else leaf.grad + g


# ---- the tape ------------------------------------------------------------------------


def value_of(x):
    """A Tensor's array; numpy's scalars as plain numbers, which never widen float32."""
    if isinstance(x, Tensor):
        return x.data
    if isinstance(x, (list, tuple)):
        return Tensor(x).data
    return x.item() if isinstance(x, np.generic) else x


def as_tensor(x):
    """x itself if it is a Tensor, else a Tensor of it."""
    return x if isinstance(x, Tensor) else Tensor(x)


def record(value, *edges):
    """The Tensor `value`, made from the parents in `edges`, pairs (parent, rule).

    A rule maps the cotangent g of the result, and the result itself, to the parent's
    share of it. Parents that are plain numbers or arrays, or need no gradient, are
    forgotten.
    """
    out = Tensor.__new__(
        Tensor
    )  # what an operation computes needs none of __init__'s checks
    out.data = np.asarray(value)
    out.index = next(_clock)
    out.grad = None
    out.edges = ()
    if _recording:
        out.edges = tuple(
            [e for e in edges if isinstance(e[0], Tensor) and e[0].requires_grad]
        )
    out.requires_grad = out.edges != ()
    return out


@contextmanager
def recording(on):
    """Switch the tape on or off inside a `with` block."""
    global _recording
    before, _recording = _recording, on
    try:
        yield
    finally:
        _recording = before


def is_recording():
    """Whether what happens now goes onto the tape."""
    return _recording


def no_grad():
    """Inside `with no_grad():` nothing is recorded: faster, without gradients."""
    return recording(False)


def grad(y, xs, create_graph=False, grad_output=None):
    """Gradients of the scalar y with respect to each Tensor in the list xs: a list.

    A Tensor that y does not depend on gets zeros. With create_graph=True the gradients
    are on the tape themselves, so that they can be differentiated again. A y that is no
    scalar needs grad_output, of y's shape: the result is then the gradient of
    (y · grad_output).sum(), a vector-Jacobian product.
    """
    xs = list(xs)
    _check_grad(y, xs, grad_output)
    start = np.ones_like(y.data) if grad_output is None else grad_output
    cotangent = {y: as_tensor(start)}
    wanted, leads = set(xs), set(xs)
    tape = sorted(ancestors(y), key=lambda t: t.index)
    for t in tape:
        if any(parent in leads for parent, _ in t.edges):
            leads.add(t)
    with recording(create_graph), np.errstate(all="ignore"):
        for t in reversed(tape):
            g = cotangent.get(t) if t in wanted else cotangent.pop(t, None)
            if g is None:
                continue
            for parent, rule in t.edges:
                if parent in leads:
                    share = rule(g, t)
                    before = cotangent.get(parent)
                    cotangent[parent] = share if before is None else before + share
    return [
        cotangent[x] if x in cotangent else Tensor(np.zeros_like(x.data)) for x in xs
    ]


def _check_grad(y, xs, grad_output):
    if not isinstance(y, Tensor):
        raise TypeError(f"grad: y must be a Tensor, got {type(y).__name__}")
    if grad_output is None and y.size != 1:
        raise ValueError(f"grad: y must be a scalar, got shape {y.shape}; sum it first")
    if grad_output is not None and np.shape(value_of(grad_output)) != y.shape:
        raise ValueError(
            f"grad: grad_output must have y's shape {y.shape},"
            f" got {np.shape(value_of(grad_output))}"
        )
    if not y.requires_grad:
        raise ValueError(
            "grad: y depends on nothing that requires a gradient"
            " (was it made under no_grad, from .data, or by grad without create_graph?)"
        )
    for i, x in enumerate(xs):
        if not isinstance(x, Tensor):
            raise TypeError(f"grad: xs[{i}] must be a Tensor, got {type(x).__name__}")
        if not x.requires_grad:
            raise ValueError(
                f"grad: xs[{i}] of shape {x.shape} does not require a gradient"
            )


def ancestors(y):
    """Every Tensor on the tape that y was made from, y included."""
    seen, stack = {y}, [y]
    while stack:
        for parent, _ in stack.pop().edges:
            if parent not in seen:
                seen.add(parent)
                stack.append(parent)
    return seen
