"""The tester of gradients, on functions and models of the reader's own."""

import itertools
import sys

import numpy as np
import pytest

from mini import Tensor, checks, nn
from mini import functional as F
from mini.module import Module, Sequential
from mini.tensor import record


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def told(capsys):
    """Of a function and its inputs: the kind of verdict and what was printed."""

    def call(function, inputs, **options):
        verdict = checks.gradients(function, inputs, **options)
        out, err = capsys.readouterr()
        assert err == "" and out == verdict.text + "\n"
        assert bool(verdict) == (verdict.kind == "correct")
        return verdict.kind, " ".join(out.split())

    return call


def small_net(rng, *more):
    return Sequential(nn.Linear(3, 4, rng=rng), nn.Tanh(), *more)


@pytest.mark.parametrize("order", [1, 2])
def test_a_model_as_it_is(rng, told, order):
    model = small_net(rng, nn.BatchNorm1d(4), nn.Dropout(0.5, rng=rng))
    before = model.state_dict()
    kind, _ = told(model, [rng.normal(size=(5, 3))], order=order)
    assert kind == "correct"
    assert all(p.dtype == np.float32 for p in model.parameters())
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


def test_a_convolution(rng, told):
    model = nn.MaskedConv2d("A", 1, 2, 3, rng=rng)
    assert told(model, rng.normal(size=(2, 1, 4, 4)))[0] == "correct"


class Scaled(Module):
    """Its gradient with respect to the scale is twice what it should be."""

    def __init__(self, rule):
        self.first = nn.Linear(3, 2, rng=np.random.default_rng(0))
        self.scale, self.rule = Tensor(np.float32([2, 3]), requires_grad=True), rule

    def forward(self, x):
        x, s = self.first(x), self.scale
        toward_x = (x, lambda g, out: g * s)
        return record(x.data * s.data, toward_x, (s, lambda g, out: self.rule(g, x)))


def test_a_parameter_with_a_wrong_gradient_is_named(rng, told):
    x = rng.normal(size=(4, 3))
    assert told(Scaled(lambda g, x: (g * x).sum(axis=0)), [x])[0] == "correct"
    kind, text = told(Scaled(lambda g, x: 2 * (g * x).sum(axis=0)), [x])
    assert kind == "gradient" and "the derivative for parameter scale at (" in text


def test_a_parameter_that_is_cut_off(rng, told):
    class Cut(Scaled):
        def forward(self, x):
            return self.first(x) * Tensor(self.scale.data)

    kind, text = told(Cut(None), [rng.normal(size=(4, 3))])
    assert kind == "gradient" and "parameter scale" in text and "is 0," in text


def test_a_function_around_a_float32_model_is_told_what_to_do(rng, told):
    model, x = small_net(rng), rng.normal(size=(2, 3))
    kind, text = told(lambda x: model(x).sum(), [x])
    assert kind == "error" and "`model.to(np.float64)`" in text
    kind, text = told(lambda x: model(Tensor(np.float32(x.data))).sum(), [x])
    assert kind == "dtype" and "`model.to(np.float64)`" in text
    model.to(np.float64)
    assert told(lambda x: model(x).sum(), [x])[0] == "correct"


def test_one_array_may_stand_alone(told):
    x = np.array([0.3, -1.2, 2.0])
    assert told(lambda x: (x * x).sum(), x)[0] == "correct"
    assert told(lambda x: x * x, Tensor(x))[0] == "correct"
    assert told(lambda x: x * x, 3.0)[0] == "correct"


COUNT = itertools.count(1)


def twice_too_flat(x):
    return record(x.data**2, (x, lambda g, out: g * x))


@pytest.mark.parametrize(
    "function, kind, words",
    [
        (lambda x: (x.data**2).sum(), "type", "The graph is cut"),
        (lambda x: x.data**2, "type", "a numpy array. The graph is cut"),
        (lambda x: (x, x * x), "type", "yours is a tuple of 2."),
        (lambda x: F.log(-x * x), "nan", "not finite"),
        (lambda x: x * next(COUNT), "unsteady", "`model.eval()`"),
        (lambda x: x.nonsense, "error", "raised AttributeError"),
        (lambda x: sys.exit(), "error", "raised SystemExit"),
        (lambda x: (x * x.detach()).sum(), "gradient", "input 0 at"),
        (twice_too_flat, "gradient", "At order 1: the derivative for input 0 at"),
        (lambda x: ..., "untouched", "not attempted yet"),
    ],
)
def test_what_has_no_right_gradient(function, kind, words, told):
    found, text = told(function, [np.array([0.3, 1.2])])
    assert found == kind and words in text and "Calling it" not in text


def test_an_assertion_of_the_readers_own_is_not_a_gradient(told):
    def picky(x):
        assert x.shape == (3,), "three numbers, please"
        return x

    kind, text = told(picky, np.ones(2))
    assert kind == "error" and "AssertionError: three numbers" in text


def test_the_readers_arrays_stay_as_they_are(told):
    def grow(x):
        x.data += 1
        return x * x

    x = np.ones(2)
    assert told(grow, [x])[0] == "unsteady"
    np.testing.assert_array_equal(x, 1)


@pytest.mark.parametrize("order", [0, 1.5, None])
def test_orders_that_are_none(order):
    with pytest.raises(ValueError, match="gradients: order"):
        checks.gradients(lambda x: x, [np.ones(2)], order=order)
