"""The gradient checker passes what is right and names what is wrong."""

import re

import numpy as np
import pytest

from mini import functional as F
from mini.gradcheck import gradcheck
from mini.tensor import Tensor, grad, record


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_right_rules_pass_at_every_order(order, rng):
    a, b = rng.standard_normal((2, 3, 4))
    assert gradcheck(lambda x, y: F.exp(x * y).sum(0) / (1 + y * y), [a, b],
                     order=order, rng=rng)  # fmt: skip
    assert gradcheck(F.tanh, [a], order=order, rng=rng)
    assert gradcheck(lambda x: x @ x.T, [Tensor(a)], order=order, rng=rng)


def test_linear_and_constant_functions_pass(rng):
    x = rng.standard_normal((3, 4))
    assert gradcheck(lambda x: 3 * x, [x], order=3, rng=rng)
    assert gradcheck(lambda x, y: y.detach() * 0 + 1, [x, x], rng=rng)
    assert gradcheck(lambda x: x[:0], [x], rng=rng)
    assert gradcheck(lambda x: x * x, [np.array(2.0)], rng=rng)


def wrong_sign(a):
    return record(np.cos(a.data), (a, lambda g, out: g * np.sin(a.data)))


def data_in_the_rule(a):
    """tanh with out.data: the first gradient is right, the second is not."""
    return record(np.tanh(a.data), (a, lambda g, out: g * (1 - out.data**2)))


def test_a_wrong_sign_is_found(rng):
    x = np.array([0.5, 0.7, 0.9])
    with pytest.raises(AssertionError, match="gradcheck, order 1: .* input 0 at"):
        gradcheck(wrong_sign, [x], order=1, rng=rng)


def test_a_rule_that_forgets_the_tape_is_right_once_and_wrong_twice(rng):
    x = np.array([0.5, 0.7, 0.9])
    assert gradcheck(data_in_the_rule, [x], order=1, rng=rng)
    with pytest.raises(AssertionError, match="gradcheck, order 2: .* input 0 at"):
        gradcheck(data_in_the_rule, [x], order=2, rng=rng)


def test_a_third_derivative_can_be_the_first_that_is_wrong(rng):
    def slope(a):  # a rule for 1 − tanh², right only once
        return record(
            1 - np.tanh(a.data) ** 2,
            (a, lambda g, out: g * (-2 * np.tanh(a.data) * (1 - np.tanh(a.data) ** 2))),
        )

    def tanh(a):
        return record(np.tanh(a.data), (a, lambda g, out: g * slope(a)))

    x = np.array([0.5, 0.7, 0.9])
    assert gradcheck(tanh, [x], order=2, rng=rng)
    with pytest.raises(AssertionError, match="gradcheck, order 3"):
        gradcheck(tanh, [x], order=3, rng=rng)


def test_a_graph_cut_by_data_is_found(rng):
    with pytest.raises(AssertionError, match="derivative for input 0 .* is 0,"):
        gradcheck(lambda x: Tensor(x.data**2), [np.array([1.0, 2.0])], rng=rng)


def test_the_message_names_input_index_and_both_derivatives(rng):
    def square_but_for_one(a, b):
        """b², whose rule is 10 % off at [1, 2]."""
        factor = np.full(b.shape, 2.0)
        factor[1, 2] = 2.2
        return record(b.data**2, (b, lambda g, out: g * b * factor)) + a

    b = np.ones((2, 3)) * 3
    with pytest.raises(AssertionError) as caught:
        gradcheck(square_but_for_one, [np.zeros((2, 3)), b], order=1, rng=rng)
    found = re.fullmatch(
        r"gradcheck, order 1: the derivative for input 1 at \(1, 2\) is (\S+), finite"
        r" differences give (\S+)",
        str(caught.value),
    )
    analytic, numeric = map(float, found.groups())
    assert analytic / numeric == pytest.approx(1.1, rel=1e-6)


def test_one_wrong_number_among_thousands_is_found(rng):
    factor = np.full(5000, 2.0)
    factor[4321] = -2.0

    def square(a):
        return record(a.data**2, (a, lambda g, out: g * a * factor))

    with pytest.raises(AssertionError, match="along a random direction"):
        gradcheck(square, [rng.standard_normal(5000) + 3], order=1, rng=rng)


def test_a_gradient_of_the_wrong_shape_or_kind_is_found(rng):
    x = np.ones((2, 3))

    def flat(a):
        return record(a.data * 2, (a, lambda g, out: g.reshape(-1) * 2))

    def narrow(a):
        return record(a.data * 2, (a, lambda g, out: Tensor(g.data.astype("f") * 2)))

    with pytest.raises(AssertionError, match=r"float64 of shape \(6,\), the input"):
        gradcheck(flat, [x], rng=rng)
    with pytest.raises(AssertionError, match=r"is float32 of shape \(2, 3\)"):
        gradcheck(narrow, [x], rng=rng)


def test_small_but_real_errors_are_found(rng):
    def nearly(a):
        return record(np.exp(a.data), (a, lambda g, out: g * out * (1 + 1e-4)))

    with pytest.raises(AssertionError, match="order 1"):
        gradcheck(nearly, [np.ones(3)], order=1, rng=rng)


def test_a_kink_is_the_callers_business(rng):
    assert gradcheck(F.relu, [np.array([-0.1, 0.1])], rng=rng)
    with pytest.raises(AssertionError):
        gradcheck(F.relu, [np.array([0.0])], rng=rng)


def test_inputs_are_left_alone(rng):
    x = Tensor(np.ones(3))
    gradcheck(lambda x: x * x, [x], rng=rng)
    assert (x.data == 1).all() and not x.requires_grad
    y = Tensor(np.ones(3), requires_grad=True)
    gradcheck(lambda x: x * x, [y], rng=rng)
    (g,) = grad((y * y).sum(), [y])
    assert (g.data == 2).all()


WRONG = [
    ([np.ones(2, np.float32)], F.exp, {}, TypeError, r"inputs\[0\] .* got float32"),
    ([np.ones(2)], lambda x: x.data, {}, TypeError, "returned ndarray"),
    (
        [np.ones(2)],
        lambda x: Tensor(x.data.astype(np.float32)),
        {},
        TypeError,
        "returned float32",
    ),
    ([-np.ones(2)], F.log, {}, ValueError, "not finite"),
    ([np.ones(2)], F.exp, {"order": 0}, ValueError, "order .* got 0"),
]


@pytest.mark.parametrize("inputs, function, options, error, message", WRONG)
def test_bad_input_is_named(inputs, function, options, error, message, rng):
    with pytest.raises(error, match=message):
        gradcheck(function, inputs, rng=rng, **options)


def test_a_function_that_draws_anew_is_refused(rng):
    with pytest.raises(ValueError, match="something else at each call"):
        gradcheck(lambda x: F.dropout(x, rng=rng), [np.ones(50)], rng=rng)
