"""`alone` sees help that comes from mini or torch, whichever way it comes."""

import contextlib
import functools
import sys

import numpy as np
import pytest
import torch
from numba import njit

import mini
from mini import functional as F
from mini import nn
from mini.checks.alone import alone
from mini.functional import softplus as borrowed
from mini.kernels import elementwise
from mini.kernels.elementwise import _tanh as kernel

X = np.linspace(-2, 2, 5, dtype=np.float32)
OPEN = ("mini.tensor", "mini.operations", "mini.module")
borrowed_table = {"softplus": mini.functional.softplus}
torch_log, as_tensor = torch.log, torch.from_numpy


@njit
def wrapped_kernel(x):
    return kernel(x[0])


def own(x):
    return np.logaddexp(0, x)


def caught(function, *arguments, **options):
    """What alone says of a function that has help."""
    with pytest.raises(AssertionError, match="your own work") as error:
        alone(function, *arguments, **options)
    return str(error.value)


# ---- help, one way after the other ---------------------------------------------------


def by_module(x):
    return mini.functional.softplus(x)


def by_alias(x):
    return borrowed(x)


def by_short_name(x):
    return F.softplus(x)


def by_import(x):
    from mini.functional import softplus

    return softplus(x)


def by_name(x):
    return getattr(sys.modules["mini.functional"], "soft" + "plus")(x)


def by_table(x):
    return borrowed_table["softplus"](x)


def by_helper(x):
    return by_alias(x)


def by_inner_function(x):
    def inner(values):
        return [F.softplus(v) for v in values]

    return inner(x)


def by_lambda(x):
    return (lambda values: borrowed(values))(x)


def by_numpy(x):
    return np.apply_along_axis(borrowed_table["softplus"], 0, x)


def by_partial(x):
    return functools.partial(borrowed_table["softplus"], x)()


def by_catching(x):
    try:
        return borrowed_table["softplus"](x).nothing
    except AttributeError:
        return own(x)


def by_torch(x):
    return torch.nn.functional.softplus(torch.from_numpy(x)).numpy()


def by_torch_import(x):
    import torch as numbers

    return numbers.from_numpy(x).exp().log1p().numpy()


def by_torch_function(x):
    return torch_log(1 + as_tensor(np.exp(x)))


def by_torch_method(x):
    return x.exp()


def by_method(x):
    return x.softplus_of()


class Helper:
    def softplus_of(self):
        return F.softplus(X)


class ByClass:
    def __init__(self):
        self.layer = nn.Linear(1, 1, rng=np.random.default_rng(0))


class ByBase(nn.Linear):
    pass


class ByForward(nn.Module):
    def forward(self, x):
        return F.softplus(x)


def by_kernel(x):
    return kernel(x[0])


def by_kernels_module(x):
    return elementwise._tanh(x[0])


def by_kernels_path(x):
    return mini.kernels.elementwise._tanh(x[0])


def by_kernels_import(x):
    from mini.kernels.elementwise import _tanh

    return _tanh(x[0])


def by_kernels_path_import(x):
    import mini.kernels.elementwise as loops

    return loops._tanh(x[0])


def by_wrapped_kernel(x):
    return wrapped_kernel(x)


def by_default(x, help=kernel):
    return help(x[0])


def by_closure():
    help = kernel

    def inner(x):
        return help(x[0])

    return inner


WAYS = [f for name, f in sorted(globals().items()) if name.startswith("by_")]
WAYS = [f for f in WAYS if f not in (by_torch_method, by_method, by_closure)]


@pytest.mark.parametrize("allowed", [(), OPEN], ids=["nothing", "Tensor"])
@pytest.mark.parametrize("way", WAYS, ids=lambda f: f.__name__)
def test_help_is_seen(way, allowed):
    way(X.copy())  # what is compiled or imported is so now
    said = caught(way, X.copy(), allowed=allowed)
    assert "mini" in said or "torch" in said


@pytest.mark.parametrize(
    ("help", "x"), [(borrowed, X), (kernel, X[0]), (wrapped_kernel, X)]
)
def test_the_answer_itself_under_another_name(help, x):
    caught(help, x)
    caught(lambda x: help(x), x)


def test_help_that_comes_with_an_object():
    caught(by_torch_method, torch.from_numpy(X))
    caught(by_method, Helper())
    caught(by_closure(), X)
    caught(torch.nn.Softplus(), torch.from_numpy(X))
    caught(mini.distributions.Normal(X, 1.0).log_prob, X, allowed=OPEN)
    caught(functools.partial(borrowed, X))


def test_help_inside_a_class():
    layer = ByBase(1, 1, rng=np.random.default_rng(0))
    x = mini.Tensor(X[:, None])
    caught(ByClass, allowed=OPEN)
    caught(ByBase, 1, 1, rng=np.random.default_rng(0), allowed=OPEN)
    caught(layer, x, allowed=OPEN)
    caught(lambda v: layer(v), x, allowed=OPEN)
    caught(ByForward(), x, allowed=OPEN)
    caught(lambda v: ByForward()(v), x, allowed=OPEN)


def test_switching_the_watch_off_is_seen():
    def sly(x):
        sys.setprofile(None)
        return borrowed_table["softplus"](x)

    assert "switched off" in caught(sly, X)
    assert sys.getprofile() is None


# ---- work that is one's own ----------------------------------------------------------


class Own(nn.Module):
    def __init__(self):
        self.scale = mini.Tensor(np.ones(1), requires_grad=True)

    def forward(self, x):
        return (self.scale * x).exp()


def with_names_that_others_have(x):
    softplus, relu = x.mean(), x.copy()
    return own(x) + softplus + relu.max()


def with_tensors(x):
    y = (mini.Tensor(x, requires_grad=True) * 2).sum()
    with mini.no_grad():
        return y.exp() + mini.tensor.Tensor(1.0)


def as_argument(module, x):
    return own(x)  # is handed a module, and does without


def test_own_work_passes():
    assert np.array_equal(alone(own, X), own(X))
    assert np.array_equal(alone(np.logaddexp, 0, X), own(X))
    alone(with_names_that_others_have, X)
    alone(lambda x: [own(v) for v in sorted(x, key=lambda v: -v)], X)
    alone(as_argument, F, X)
    double = njit(lambda x: 2 * x)
    double(X)  # compiled beforehand: while it is watched, that takes a minute
    assert np.array_equal(alone(double, X), 2 * X)
    assert np.array_equal(alone(lambda x: double(x), X), 2 * X)


def test_what_is_allowed_may_have_help_itself():
    alone(with_tensors, X, allowed=OPEN)
    assert np.array_equal(
        alone(F.softplus, X, allowed=("mini.functional",)), borrowed(X)
    )
    alone(by_short_name, X, allowed=("mini.functional",))
    alone(lambda: Own()(mini.Tensor(X)), allowed=OPEN)
    layer = nn.Linear(1, 2, rng=np.random.default_rng(0))
    alone(lambda x: layer(x), mini.Tensor(X[:, None]), allowed=("mini.nn", *OPEN))
    assert "softplus" in caught(by_module, X, allowed=("mini.functional.relu",))


ROUNDABOUT = """
@contextlib.contextmanager
def during():
    yield F.softplus(X)

def roundabout():
    with during() as y:
        return functools.reduce(lambda a, b: F.relu(a), [y, y])
"""


def test_what_is_allowed_may_have_help_by_way_of_others():
    """An allowed function's helpers may stand behind contextlib and functools."""
    inside = {"__name__": "mini.opened", "X": X, "F": F}
    exec(
        ROUNDABOUT, inside | {"contextlib": contextlib, "functools": functools}, inside
    )
    inside["roundabout"].__globals__.update(inside)
    alone(lambda: inside["roundabout"](), allowed=("mini.opened",))
    caught(lambda: inside["roundabout"]())


def test_a_longer_name_decides():
    alone(by_torch_function, X.copy(), closed=("mini",))
    caught(by_short_name, X, allowed=("mini",), closed=("mini.functional", "torch"))


def test_arguments_results_and_errors_pass_through():
    x = [1, 2]
    assert alone(lambda a, *, b: (a, b), x, b=3) == (x, 3)
    with pytest.raises(ZeroDivisionError, match="division"):
        alone(lambda a: a / 0, 1)
    with pytest.raises(AssertionError, match="mine"):
        alone(failing, X)


def failing(x):
    assert x is None, "mine"


def test_the_profiler_is_put_back():
    def mine(frame, event, argument):
        pass

    before = sys.getprofile()
    sys.setprofile(mine)
    try:
        alone(own, X)
        assert sys.getprofile() is mine
        with pytest.raises(ZeroDivisionError):
            alone(lambda a: a / 0, 1)
        assert sys.getprofile() is mine
        with pytest.raises(AssertionError):
            alone(by_alias, X)
        assert sys.getprofile() is mine
    finally:
        sys.setprofile(before)
