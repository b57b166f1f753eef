"""Compare a function made with `mini` and the same function made with torch.

The value y of both is multiplied by random numbers c and summed up; the gradients of
that sum are compared. They in turn are multiplied by random numbers and summed up; the
gradients of this second sum, for all inputs and for c, are compared too.
"""

import zlib
from contextlib import contextmanager
from functools import partial

import hypothesis
import numba
import numpy as np
import torch

from mini import Tensor, grad

torch.set_num_threads(1)  # its threads and ours would fight over the cores

DRAWS = 20
SMALL = 0.01  # numbers below are compared as if they were this large

# the same examples in every run; how long one takes says nothing
sweep = partial(hypothesis.settings, deadline=None, derandomize=True)


@contextmanager
def threads(count):
    """Let the compiled loops run on so many threads inside a `with` block."""
    before = numba.get_num_threads()
    numba.set_num_threads(count)
    try:
        yield
    finally:
        numba.set_num_threads(before)


# ---- differences ---------------------------------------------------------------------


def differences(ours, theirs, inputs):
    """Largest relative differences of the value, the first and the second gradients.

    Both functions are called with `inputs`, arrays: ours with Tensors, theirs with
    torch tensors. Only floating point arrays are differentiated. What differs in shape,
    in dtype or in the places of NaN and Inf differs infinitely.
    """
    with threads(1):  # such small arrays are done before a second thread has woken up
        ours = _derivatives(ours, inputs, _mini_leaf, _mini_gradients)
    theirs = _derivatives(theirs, inputs, _torch_leaf, _torch_gradients)
    return [max(map(difference, a, b)) for a, b in zip(ours, theirs)]


def _derivatives(function, inputs, leaf, gradients):
    """Lists: the value; the gradients of Σ c·y; the gradients of Σ v·(gradient of it)."""
    rng = np.random.default_rng(0)
    directions = [rng.standard_normal(x.shape).astype(x.dtype) for x in inputs]
    args = [leaf(x) for x in inputs]
    xs = [t for t in args if t.requires_grad]
    y = function(*args)
    c = leaf(rng.standard_normal(tuple(y.shape)).astype(_numpy(y).dtype))
    first = gradients((y * c).sum(), xs)
    along = [leaf(v) for v, t in zip(directions, args) if t.requires_grad]
    slope = sum((g * v).sum() for g, v in zip(first, along))
    return [y], first, gradients(slope, [*xs, c])


def _mini_leaf(x):
    return Tensor(x.copy(), requires_grad=x.dtype.kind == "f")


def _torch_leaf(x):
    return torch.tensor(x, requires_grad=x.dtype.kind == "f")


def _mini_gradients(y, xs):
    return grad(y, xs, create_graph=True)


def _torch_gradients(y, xs):
    return torch.autograd.grad(y, xs, create_graph=True, materialize_grads=True)


def _numpy(t):
    """The array in a Tensor or in a torch tensor."""
    return t.numpy(force=True) if isinstance(t, torch.Tensor) else t.data


def difference(a, b):
    """The largest |a − b| relative to the largest |b|; a of mini, b of torch."""
    a, b = _numpy(a), _numpy(b)
    if a.shape != b.shape or a.dtype != b.dtype:
        return np.inf
    finite = np.isfinite(b)
    same = np.array_equal(a[~finite], b[~finite], equal_nan=True)
    if not same or not np.isfinite(a[finite]).all():
        return np.inf
    gap = np.abs(a[finite] - b[finite]).max(initial=0)
    return gap / max(np.abs(b[finite]).max(initial=0), SMALL)


def assert_same(ours, theirs, inputs, tolerance=1e-9):
    """Fail unless value, first and second gradients agree."""
    found = differences(ours, theirs, inputs)
    assert max(found) < tolerance, f"value, first, second gradient differ by {found}"


# ---- tables for the notebooks --------------------------------------------------------


def compare(name, ours, theirs, draw):
    """One row of a table: the worst of DRAWS comparisons at inputs `draw(rng)`."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    worst = np.zeros(3)
    for _ in range(DRAWS):
        inputs = draw(rng)
        worst = np.maximum(worst, differences(ours, theirs, inputs))
    y = theirs(*map(torch.tensor, inputs))
    arrow = f"{', '.join(_shape(x) for x in inputs)} → {_shape(y)}"
    return name, arrow, *worst


def _shape(x):
    return "×".join(map(str, x.shape)) if x.ndim else "number"


def table(rows, tolerance=1e-9):
    """Show the rows; `ok` stands for a worst difference below the tolerance.

    Raises AssertionError, after the table is shown, if anything is not ok.
    """
    from IPython.display import Markdown, display

    titles = ["operation", "shapes", "value", "first gradient", "second gradient"]
    lines = [titles, ["---"] * len(titles)]
    for name, shapes, *worst in rows:
        marks = ["ok" if w < tolerance else "**differs**" for w in worst]
        lines.append([name, shapes, *marks])
    display(Markdown("\n".join(f"| {' | '.join(line)} |" for line in lines)))
    wrong = [name for name, _, *worst in rows if not max(worst) < tolerance]
    assert not wrong, f"differ by more than {tolerance:g}: {', '.join(wrong)}"
