"""The primitive operations: each a value, computed by numpy, and a rule per parent.

A rule gets the cotangent g of the result, and the result itself, and is written in
these same operations. At the end of the file they become operators and methods of
Tensor.
"""

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from . import kernels
from .tensor import Tensor, as_tensor, record, silent, value_of

# ---- arithmetic ----------------------------------------------------------------------


def unbroadcast(g, x):
    """Bring g back to the shape and dtype that x had before broadcasting: sum it."""
    g, shape = astype(g, x.dtype), x.shape
    if g.shape == shape:
        return g
    lead = g.ndim - len(shape)
    stretched = (
        lead + i for i, n in enumerate(shape) if n == 1 and g.shape[lead + i] != 1
    )
    return reshape(reduce_sum(g, (*range(lead), *stretched)), shape)


def astype(a, dtype):
    """a with its numbers in another floating point dtype."""
    if a.dtype == dtype:
        return a
    return record(a.data.astype(dtype), (a, lambda g, out: astype(g, a.dtype)))


def _operands(a, b):
    """The arrays or numbers behind a and b; whole numbers never widen the other."""
    a, b = value_of(a), value_of(b)
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray) and a.dtype != b.dtype:
        if a.dtype.kind == "f" and b.dtype.kind in "iu":
            b = b.astype(a.dtype)
        elif b.dtype.kind == "f" and a.dtype.kind in "iu":
            a = a.astype(b.dtype)
    return a, b


@silent
def add(a, b):
    x, y = _operands(a, b)
    return record(
        x + y,
        (a, lambda g, out: unbroadcast(g, a)),
        (b, lambda g, out: unbroadcast(g, b)),
    )


@silent
def sub(a, b):
    x, y = _operands(a, b)
    return record(
        x - y,
        (a, lambda g, out: unbroadcast(g, a)),
        (b, lambda g, out: unbroadcast(-g, b)),
    )


@silent
def mul(a, b):
    x, y = _operands(a, b)
    return record(
        x * y,
        (a, lambda g, out: unbroadcast(g * b, a)),
        (b, lambda g, out: unbroadcast(g * a, b)),
    )


@silent
def div(a, b):
    x, y = _operands(a, b)
    return record(
        x / y,
        (a, lambda g, out: unbroadcast(g / b, a)),
        (b, lambda g, out: unbroadcast(-g * out / b, b)),
    )


@silent
def power(a, p):
    """a to the power p; a⁰ does not depend on a, nor 0ᵖ on p, to any order."""
    x, y = _operands(a, p)

    def base(g, out):
        less = (p if np.all(y) else where(np.equal(y, 0), 1, p)) - 1
        return unbroadcast(g * p * power(a, less), a)

    def exponent(g, out):
        return unbroadcast(g * out * log(where(np.equal(x, 0), 1, a)), p)

    return record(x**y, (a, base), (p, exponent))


@silent
def matmul(a, b):
    """Matrix product over the last two axes, batched over the others as in numpy."""
    if 1 in (np.ndim(value_of(a)), np.ndim(value_of(b))):
        return _matmul_vector(a, b)
    return record(
        kernels.matmul(value_of(a), value_of(b)),
        (a, lambda g, out: unbroadcast(matmul(g, _swap(b)), a)),
        (b, lambda g, out: unbroadcast(matmul(_swap(a), g), b)),
    )


def _matmul_vector(a, b):
    """A vector is a row on the left, a column on the right; that axis then goes."""
    row, column = np.ndim(value_of(a)) == 1, np.ndim(value_of(b)) == 1
    out = matmul(
        reshape(a, (1, -1)) if row else a, reshape(b, (-1, 1)) if column else b
    )
    lead, (m, n) = out.shape[:-2], out.shape[-2:]
    return reshape(out, (*lead, *(() if row else (m,)), *(() if column else (n,))))


def _swap(a):
    """Transpose the last two axes."""
    if not isinstance(a, Tensor):
        return np.swapaxes(a, -1, -2)
    return transpose(a, (*range(a.ndim - 2), a.ndim - 1, a.ndim - 2))


# ---- functions of one number ---------------------------------------------------------


@silent
def exp(a):
    value = np.exp(value_of(a))
    return record(value, (a, lambda g, out: g * out))


@silent
def log(a):
    value = np.log(value_of(a))
    return record(value, (a, lambda g, out: g / a))


@silent
def sqrt(a):
    value = np.sqrt(value_of(a))
    return record(value, (a, lambda g, out: g / (out * 2)))


def abs_(a):
    return record(np.abs(value_of(a)), (a, lambda g, out: g * np.sign(a.data)))


def tanh(a):
    return record(np.tanh(value_of(a)), (a, lambda g, out: g * (1 - out * out)))


def clip(a, low=None, high=None):
    """Limit to low ≤ a ≤ high; the gradient is zero where the limit holds a back."""
    value = np.clip(value_of(a), value_of(low), value_of(high))
    inside = value == value_of(a)
    return record(value, (a, lambda g, out: g * inside))


def where(condition, a, b):
    """a where the boolean array `condition` holds, else b."""
    condition = np.asarray(value_of(condition))
    if condition.dtype != bool:
        raise TypeError(f"where: condition must be boolean, got {condition.dtype}")
    x, y = _operands(a, b)
    return record(
        np.where(condition, x, y),
        (a, lambda g, out: unbroadcast(where(condition, g, 0), a)),
        (b, lambda g, out: unbroadcast(where(condition, 0, g), b)),
    )


# ---- reductions ----------------------------------------------------------------------


def _kept(shape, axis):
    """`shape` with the reduced axes kept at length one."""
    if axis is None:
        return (1,) * len(shape)
    axes = {i % len(shape) for i in (axis if isinstance(axis, tuple) else (axis,))}
    return tuple(1 if i in axes else n for i, n in enumerate(shape))


@silent
def reduce_sum(a, axis=None, keepdims=False):
    return record(
        a.data.sum(axis=axis, keepdims=keepdims),
        (a, lambda g, out: broadcast_to(reshape(g, _kept(a.shape, axis)), a.shape)),
    )


def mean(a, axis=None, keepdims=False):
    kept = _kept(a.shape, axis)
    count = a.size // max(1, int(np.prod(kept)))
    return reduce_sum(a, axis, keepdims) * (1 / count if count else float("nan"))


def var(a, axis=None, keepdims=False):
    """The mean squared distance from the mean (torch's `correction=0`)."""
    centred = a - mean(a, axis, keepdims=True)
    return mean(centred * centred, axis, keepdims)


def reduce_max(a, axis=None, keepdims=False):
    """The largest value; equal ones share the gradient, as in torch's amax."""
    value = a.data.max(axis=axis, keepdims=keepdims)
    kept = _kept(a.shape, axis)

    def rule(g, out):
        winners = a.data == out.data.reshape(kept)
        share = winners / winners.sum(axis=axis, keepdims=True).reshape(kept)
        return broadcast_to(reshape(g, kept), a.shape) * share.astype(a.dtype)

    return record(value, (a, rule))


# ---- shapes and places ---------------------------------------------------------------


def reshape(a, shape):
    return record(value_of(a).reshape(shape), (a, lambda g, out: reshape(g, a.shape)))


def broadcast_to(a, shape):
    return record(
        np.broadcast_to(value_of(a), shape), (a, lambda g, out: unbroadcast(g, a))
    )


def transpose(a, axes=None):
    """Permute the axes (reverse them if none are given)."""
    axes = tuple(reversed(range(a.ndim))) if axes is None else tuple(axes)
    axes = normalize_axis_tuple(axes, a.ndim)
    if len(axes) != a.ndim:
        raise ValueError(f"transpose: axes {axes} must name all {a.ndim} axes once")
    back = tuple(int(i) for i in np.argsort(axes))
    return record(a.data.transpose(axes), (a, lambda g, out: transpose(g, back)))


def index(a, where):
    """a[where], for any numpy index: numbers, slices, masks, integer arrays."""
    where = _plain_index(where)
    return record(a.data[where], (a, lambda g, out: scatter(g, where, a.shape)))


def scatter(a, where, shape):
    """Zeros of `shape` with a added at [where]: the adjoint of indexing."""
    value = np.zeros(shape, a.dtype)
    if _has_arrays(where):
        np.add.at(value, where, a.data)  # a place named twice receives both
    else:
        value[where] = a.data
    return record(value, (a, lambda g, out: index(g, where)))


def _plain_index(where):
    """The index without Tensors; lists, and tuples inside it, become arrays."""
    if isinstance(where, tuple):
        return tuple(
            np.asarray(i) if isinstance(i, (list, tuple)) else value_of(i)
            for i in where
        )
    return np.asarray(where) if isinstance(where, list) else value_of(where)


def _has_arrays(where):
    parts = where if isinstance(where, tuple) else (where,)
    return any(isinstance(i, (np.ndarray, list)) for i in parts)


def gather(a, axis, where):
    """a's values at the integer array `where` along one axis (torch.gather)."""
    where = np.asarray(value_of(where))
    places = list(np.ogrid[tuple(slice(n) for n in where.shape)])
    places[axis] = where
    return index(a, tuple(places))


def concatenate(parts, axis=0):
    """Join Tensors along an existing axis."""
    parts = list(parts)
    value = np.concatenate([value_of(p) for p in parts], axis)
    ends = np.cumsum([np.shape(value_of(p))[axis] for p in parts])

    def share(start, end):
        where = [slice(None)] * value.ndim
        where[axis] = slice(int(start), int(end))
        return lambda g, out: index(g, tuple(where))

    starts = [0, *ends[:-1]]
    return record(
        value, *((p, share(s, e)) for p, s, e in zip(parts, starts, ends, strict=True))
    )


def stack(parts, axis=0):
    """Join Tensors of one shape along a new axis."""
    parts = [as_tensor(p) for p in parts]
    at = normalize_axis_index(axis, parts[0].ndim + 1)
    return concatenate(
        [reshape(p, (*p.shape[:at], 1, *p.shape[at:])) for p in parts], at
    )


def pad(a, widths, value=0.0):
    """Surround with `value`: widths is one pair (before, after) per axis."""
    if np.shape(widths) != (a.ndim, 2):
        raise ValueError(
            f"pad: widths must be {a.ndim} pairs (before, after), got {widths!r}"
        )
    inside = tuple(slice(b, b + n) for (b, _), n in zip(widths, a.shape, strict=True))
    return record(
        np.pad(a.data, widths, constant_values=value),
        (a, lambda g, out: index(g, inside)),
    )


# ---- the operations as operators and methods of Tensor -------------------------------


def _unpack(numbers):
    """(2, 3) from f(2, 3) and from f((2, 3))."""
    one = len(numbers) == 1 and isinstance(numbers[0], (tuple, list))
    return numbers[0] if one else numbers


def _reversed(operation):
    return lambda a, b: operation(b, a)


for _name, _operation in dict(
    add=add, sub=sub, mul=mul, truediv=div, pow=power, matmul=matmul
).items():
    setattr(Tensor, f"__{_name}__", _operation)
    setattr(Tensor, f"__r{_name}__", _reversed(_operation))

for _name in ("lt", "le", "gt", "ge"):  # plain boolean arrays: they have no gradient
    _compare = getattr(np.ndarray, f"__{_name}__")
    setattr(Tensor, f"__{_name}__", lambda a, b, op=_compare: op(a.data, value_of(b)))

Tensor.__neg__ = lambda a: mul(a, -1)
Tensor.__getitem__ = index
Tensor.__abs__ = Tensor.abs = abs_
Tensor.exp, Tensor.log, Tensor.sqrt, Tensor.tanh = exp, log, sqrt, tanh
Tensor.sum, Tensor.mean, Tensor.var = reduce_sum, mean, var
Tensor.max, Tensor.min = reduce_max, lambda a, *args, **kw: -reduce_max(-a, *args, **kw)
Tensor.reshape = lambda a, *shape: reshape(a, _unpack(shape))
Tensor.transpose = lambda a, *axes: transpose(a, _unpack(axes) or None)
