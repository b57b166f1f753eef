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


def differences(ours, theirs, inputs, parameters=((), ())):
    """Largest relative differences of the value, the first and the second gradients.

    Both functions are called with `inputs`, arrays: ours with Tensors, theirs with
    torch tensors. Gradients are for the floating point ones among them, and for
    `parameters`, two lists, which the functions know already. What differs in shape, in
    dtype or in the places of NaN and Inf differs infinitely.
    """
    with threads(1):  # such small arrays are done before a second thread has woken up
        ours = _derivatives(ours, inputs, parameters[0], _mini_leaf, _mini_gradients)
    theirs = _derivatives(theirs, inputs, parameters[1], _torch_leaf, _torch_gradients)
    pairs = zip(ours, theirs, strict=True)
    return [max(map(difference, a, b)) for a, b in pairs]


def _derivatives(function, inputs, parameters, leaf, gradients):
    """Lists: the value y; the gradients of Σ c·y; those of Σ v·(gradient of Σ c·y)."""
    args = [leaf(x) for x in inputs]
    xs = [t for t in args if t.requires_grad] + list(parameters)
    y = function(*args)
    rng = np.random.default_rng(0)
    c, *vs = (
        leaf(rng.standard_normal(tuple(t.shape)).astype(_numpy(t).dtype))
        for t in (y, *xs)
    )
    first = gradients((y * c).sum(), xs)
    slope = sum((g * v).sum() for g, v in zip(first, vs, strict=True))
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

TITLES = "operation", "shapes", "value", "first gradient", "second gradient"


def compare(name, ours, theirs, draw):
    """One row of a table: the worst of DRAWS comparisons at inputs `draw(rng)`.

    The shapes are those of the largest inputs.
    """
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    draws = [draw(rng) for _ in range(DRAWS)]
    worst = np.max([differences(ours, theirs, inputs) for inputs in draws], axis=0)
    largest = max(draws, key=lambda inputs: sum(x.size for x in inputs))
    return name, _shapes(largest, theirs(*map(torch.tensor, largest))), *worst


def compare_layer(name, ours, theirs, draw):
    """The same for layers `ours(rng)` and `theirs()`, which load our weights.

    Gradients are for x and for all weights. What a layer keeps, such as a running mean,
    is compared with the value.
    """

    def differ(rng):
        (x,), layer, other = draw(rng), ours(rng).to(np.float64), theirs().double()
        state = layer.state_dict()
        other.load_state_dict({key: torch.tensor(a) for key, a in state.items()})
        parameters = layer.parameters(), list(other.parameters())
        found = differences(layer, other, [x], parameters)
        after, state = other.state_dict(), layer.state_dict()
        kept = (difference(Tensor(a), after[key]) for key, a in state.items())
        return [max(found[0], *kept), *found[1:]], _shapes([x], other(torch.tensor(x)))

    rng = np.random.default_rng(zlib.crc32(name.encode()))
    found, shapes = zip(*(differ(rng) for _ in range(DRAWS)))
    return name, shapes[-1], *np.max(found, axis=0)


def table(rows, tolerance=1e-9, titles=TITLES):
    """Show the rows; `ok` stands for a worst difference below the tolerance.

    Raises AssertionError, after the table is shown, if anything is not ok.
    """
    from IPython.display import Markdown, display

    lines = [titles, ["---"] * len(titles)]
    for name, shapes, *worst in rows:
        marks = ["ok" if w < tolerance else "**differs**" for w in worst]
        lines.append([name, shapes, *marks])
    display(Markdown("\n".join(f"| {' | '.join(line)} |" for line in lines)))
    wrong = [name for name, _, *worst in rows if not max(worst) < tolerance]
    assert not wrong, f"differ by more than {tolerance:g}: {', '.join(wrong)}"


def _shapes(inputs, y):
    return f"{', '.join(map(_shape, inputs))} → {_shape(y)}"


def _shape(x):
    return "×".join(map(str, x.shape)) if x.ndim else "number"
