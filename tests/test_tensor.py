"""Tensors, and the tape that gradients are read from."""

import numpy as np
import pytest

import mini
from mini import Tensor, grad, no_grad
from mini import functional as F
from mini.tensor import record


def leaf(data):
    return Tensor(np.asarray(data, float), requires_grad=True)


# ---- what a Tensor is ----------------------------------------------------------------


@pytest.mark.parametrize(
    "data, dtype",
    [
        (3, np.int64),
        (3.0, np.float32),
        ([1.0, 2.0], np.float32),
        ([[1, 2.5]], np.float32),
        ([1, 2], np.int64),
        ([True], bool),
        (np.float64(3), np.float64),
        (np.ones(2), np.float64),
        (np.ones(2, np.float32), np.float32),
        (np.ones(2, np.uint8), np.uint8),
        ([], np.float32),
    ],
    ids=str,
)
def test_dtype(data, dtype):
    assert Tensor(data).dtype == dtype


def test_what_it_says_of_itself():
    x = Tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
    assert (x.shape, x.ndim, x.size, len(x), x.dtype) == ((2, 3), 2, 6, 2, np.float64)
    assert repr(x[0]) == "Tensor([0., 1., 2.], requires_grad=True)"
    assert repr(Tensor(2.5)) == "Tensor(2.5)"
    assert x.numpy() is x.data and x[1, 2].item() == 5.0
    assert [row.data.tolist() for row in x] == [[0, 1, 2], [3, 4, 5]]
    assert not x.detach().requires_grad and x.detach().data is x.data
    assert np.array_equal(np.asarray(x), x.data) and np.asarray(x).dtype == x.dtype


def test_comparisons_are_plain_arrays():
    x = Tensor([1.0, 2.0, 3.0])
    assert (x > 2).tolist() == [False, False, True]
    assert (x <= Tensor([1.0, 1.0, 4.0])).tolist() == [True, False, True]
    assert (2 < x).tolist() == [False, False, True] and (x >= 2).dtype == bool
    assert bool(x[0]) and not Tensor(0.0)


def test_arrays_leave_operators_to_us():
    x, a = leaf([1.0, 2.0]), np.array([3.0, 4.0])
    for y in (a + x, a - x, a * x, a / x, a**x, a @ x, np.float64(2) * x):
        assert isinstance(y, Tensor) and y.requires_grad


BAD = {
    "twice": (lambda: Tensor(Tensor(1.0)), TypeError, "Tensor: data is a Tensor"),
    "words": (lambda: Tensor("a"), TypeError, "Tensor: data must be numbers.*U1"),
    "complex": (lambda: Tensor(1j), TypeError, "Tensor: data must be numbers.*complex"),
    "None": (lambda: Tensor(None), TypeError, "Tensor: data must be numbers.*object"),
    "labels": (
        lambda: Tensor([1, 2], requires_grad=True), TypeError, "floating point.*int64"),
    "y array": (lambda: grad(np.ones(1), []), TypeError, "grad: y .*Tensor.*ndarray"),
    "y shape": (
        lambda: grad(leaf([1, 2]) * 2, []), ValueError, r"grad: y .*scalar.*\(2,\)"),
    "y alone": (lambda: grad(Tensor(1.0), []), ValueError, "y depends on nothing"),
    "x array": (
        lambda: grad(leaf([1]).sum(), [np.ones(1)]), TypeError,
        r"grad: xs\[0\].*ndarray"),
    "x fixed": (
        lambda: grad(leaf([1]).sum(), [leaf([2]), Tensor([1.0])]), ValueError,
        r"grad: xs\[1\] of shape \(1,\) does not require"),
    "seed": (
        lambda: grad(leaf([1, 2]), [leaf([1])], grad_output=np.ones(3)), ValueError,
        r"grad: grad_output .*\(2,\).*\(3,\)"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_named(name):
    call, error, message = BAD[name]
    with pytest.raises(error, match=message):
        call()


# ---- dtypes --------------------------------------------------------------------------

KEPT = {
    "Python numbers": lambda x: 2 * x + 1.5 - x / 3,
    "numpy numbers": lambda x: np.float64(2) * x - x / np.float64(3) + np.int64(1),
    "powers": lambda x: abs(x) ** 2 + abs(x) ** np.float64(0.5) + 2.0**x,
    "lists": lambda x: x + [1.0, 2.0, 3.0],
    "whole numbers": lambda x: x * np.arange(3),
    "masks": lambda x: x * np.array([True, False, True]),
    "clip": lambda x: F.clip(x, np.float64(0), 1.0),
    "where": lambda x: F.where(x > 0, x, 0.5) + F.where(x > 0, np.float64(1), x),
    "reductions": lambda x: x.sum() + x.mean() + x.var() + x.max() + x.min(),
    "elementwise": lambda x: x.exp() + abs(x).log() + abs(x).sqrt() + x.tanh(),
    "places": lambda x: F.pad(x, [(1, 1)], np.float64(2))[[0, 1, 1]],
    "parts": lambda x: F.concatenate([x, F.stack([x[0], x[1]])]).reshape(5, 1),
    "powers of tensors": lambda x: abs(x) ** abs(x),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", KEPT)
def test_precision_is_kept(name, dtype):
    x = Tensor(
        np.random.default_rng(0).standard_normal(3).astype(dtype), requires_grad=True
    )
    y = KEPT[name](x)
    (g,) = grad(y.sum(), [x], create_graph=True)
    (h,) = grad((g * g).sum() + (x * 0).sum(), [x])
    assert (y.dtype, g.dtype, h.dtype) == (dtype,) * 3


def test_gradient_has_the_dtype_of_its_tensor_even_in_mixed_company():
    """As in torch: float64 enters by an array, and leaves before the parameters."""
    x = Tensor(
        np.random.default_rng(0).standard_normal((2, 3)).astype(np.float32),
        requires_grad=True,
    )
    w = Tensor(
        np.random.default_rng(0).standard_normal((3, 2)).astype(np.float32),
        requires_grad=True,
    )
    wide = F.tanh(x @ w) * np.random.default_rng(0).standard_normal((2, 2))
    assert wide.dtype == np.float64
    for g in grad(wide.sum(), [x, w]):
        assert g.dtype == np.float32


# ---- gradients -----------------------------------------------------------------------


def test_a_tensor_used_twice_gets_both_shares():
    x = leaf([2.0, 3.0])
    (g,) = grad((x * x * x + x).sum(), [x])
    assert g.data.tolist() == [13, 28]


def test_paths_of_different_length_meet_in_order():
    """A diamond whose one side is longer: nothing may flow on before all has come."""
    x = leaf(0.5)
    y = x * 2
    long = y
    for _ in range(5):
        long = long * 1.5
    (g,) = grad(y * long, [x])
    assert np.isclose(g.item(), 2 * 0.5 * 4 * 1.5**5)


def test_gradients_of_intermediate_results_and_of_y_itself():
    x = leaf([1.0, 2.0])
    y = x * 3
    z = (y * y).sum()
    assert [g.data.tolist() for g in grad(z, [z, y, x])] == [1, [6, 12], [18, 36]]


def test_what_y_does_not_depend_on_gets_zeros():
    x, other = leaf([1.0, 2.0]), Tensor(np.ones((2, 3), np.float32), requires_grad=True)
    g, h = grad((x * 2).sum(), [x, other])
    assert g.data.tolist() == [2, 2]
    assert h.shape == (2, 3) and h.dtype == np.float32 and not h.data.any()


def test_the_same_tensor_may_be_asked_for_twice():
    x = leaf([1.0])
    assert [g.item() for g in grad((x * 5).sum(), [x, x])] == [5, 5]


def test_one_graph_can_be_read_twice():
    x = leaf([1.0, 2.0])
    y = F.exp(x * x).sum()
    once, twice = grad(y, [x]), grad(y, [x])
    assert np.array_equal(once[0].data, twice[0].data)


def test_grad_output_is_a_vector_times_the_jacobian():
    x, v = leaf([1.0, 2.0]), np.array([3.0, 4.0])
    y = x * x
    (g,) = grad(y, [x], grad_output=v)
    (h,) = grad((y * v).sum(), [x])
    assert np.array_equal(g.data, h.data)


def test_gradients_of_gradients_need_create_graph():
    x = leaf(2.0)
    (plain,) = grad(x**3, [x])
    assert not plain.requires_grad
    (first,) = grad(x**3, [x], create_graph=True)
    (second,) = grad(first, [x], create_graph=True)
    (third,) = grad(second, [x])
    assert [t.item() for t in (plain, first, second, third)] == [12, 12, 12, 6]


def test_create_graph_leaves_the_tape_as_it_was():
    x = leaf(2.0)
    with no_grad():
        assert not (x * 2).requires_grad
    grad(x * x, [x])
    assert (x * 2).requires_grad
    with no_grad():
        with no_grad():
            pass
        assert not (x * 2).requires_grad
    with pytest.raises(ZeroDivisionError), no_grad():
        1 / 0  # noqa: B018
    assert (x * 2).requires_grad


def test_a_tape_made_before_can_be_read_under_no_grad():
    x = leaf(3.0)
    y = x * x
    with no_grad():
        assert grad(y, [x])[0].item() == 6


def test_backward_adds_to_every_leaf():
    x, w, fixed = leaf([1.0, 2.0]), leaf([3.0, 4.0]), Tensor([1.0, 1.0])
    loss = (x * w * fixed).sum()
    loss.backward()
    assert x.grad.data.tolist() == [3, 4] and w.grad.data.tolist() == [1, 2]
    assert fixed.grad is None and loss.grad is None
    loss.backward()
    assert x.grad.data.tolist() == [6, 8]


def test_nothing_is_kept_of_what_needs_no_gradient():
    x = leaf([1.0])
    assert (Tensor([1.0]) * Tensor([2.0])).edges == ()
    assert len((x * Tensor([2.0])).edges) == 1
    assert len((x * x).edges) == 2 and x.edges == ()


def test_inputs_are_never_changed():
    """Neither by operations nor by reading their gradients."""
    arrays = [np.random.default_rng(i).random((2, 4, 4, 4)) for i in range(2)]
    before = [a.copy() for a in arrays]
    x, w = (Tensor(a, requires_grad=True) for a in arrays)
    y = F.conv2d(F.relu(x), w, padding=1)
    y = F.max_pool2d(F.gate(y / (x.sum() + y)), 1) if y.shape[1] % 2 == 0 else y
    value = y.data.copy()
    first = grad((y * y).sum(), [x, w], create_graph=True)
    kept = [g.data.copy() for g in first]
    grad(sum((g * g).sum() for g in first), [x, w])
    assert all(map(np.array_equal, arrays, before))
    assert np.array_equal(y.data, value)
    assert all(np.array_equal(g.data, k) for g, k in zip(first, kept))


def test_public_names():
    assert {"Tensor", "grad", "no_grad"} <= set(mini.__all__)


def test_only_rules_that_lead_to_an_x_are_asked():
    asked = []

    def noted(name, x):
        return record(x.data, (x, lambda g, out: (asked.append(name), g)[1]))

    a, b = Tensor(2.0, requires_grad=True), Tensor(3.0, requires_grad=True)
    y = noted("a", a) * noted("b", noted("b", b)) + noted("b", b)
    (g,) = grad(y, [a])
    assert g.item() == 3.0 and asked == ["a"]
