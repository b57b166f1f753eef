"""The primitive operations beside torch: values, first and second gradients."""

import numpy as np
import pytest
import torch
from crosscheck import assert_same, sweep
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hn

from mini import Tensor, grad
from mini import functional as F

SHAPES = [(), (1,), (4,), (0,), (2, 3), (3, 1, 2), (2, 0, 3)]


def normal(shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def positive(shape, seed=0):
    return 0.1 + np.abs(normal(shape, seed))


# ---- functions of one number ---------------------------------------------------------

ONE = {
    "exp": (F.exp, torch.exp, normal),
    "log": (F.log, torch.log, positive),
    "sqrt": (F.sqrt, torch.sqrt, positive),
    "tanh": (F.tanh, torch.tanh, normal),
    "abs": (abs, torch.abs, normal),
    "negative": (lambda x: -x, lambda x: -x, normal),
    "clip": (lambda x: F.clip(x, -0.5, 1), lambda x: x.clamp(-0.5, 1), normal),
    "clip below": (lambda x: F.clip(x, 0.1), lambda x: x.clamp(min=0.1), normal),
    "clip above": (lambda x: F.clip(x, high=0.1), lambda x: x.clamp(max=0.1), normal),
    "3 - x": (lambda x: 3 - x, lambda x: 3 - x, normal),
    "2 / x": (lambda x: 2 / x, lambda x: 2 / x, positive),
    "x ** 3": (lambda x: x**3, lambda x: x**3, normal),
    "x ** 0": (lambda x: x**0, lambda x: x**0, normal),
    "x ** -1.5": (lambda x: x**-1.5, lambda x: x**-1.5, positive),
    "3 ** x": (lambda x: 3**x, lambda x: 3**x, normal),
    "methods": (
        lambda x: x.exp() + x.log() * x.sqrt() - x.tanh() / x.abs(),
        lambda x: x.exp() + x.log() * x.sqrt() - x.tanh() / x.abs(),
        positive,
    ),
    "used twice": (lambda x: x * x + x, lambda x: x * x + x, normal),
}


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", ONE)
def test_function_of_one_number(name, shape):
    ours, theirs, draw = ONE[name]
    assert_same(ours, theirs, [draw(shape)])


@pytest.mark.parametrize("power", [0, 1, 2, 3])
def test_powers_of_zero(power):
    assert_same(lambda x: x**power, lambda x: x**power, [np.array([0.0, 1.0, -2.0])])


def test_third_gradient_of_a_square_at_zero():
    x = Tensor(np.array([0.0, 1.0]), requires_grad=True)
    (first,) = grad((x**2).sum(), [x], create_graph=True)
    (second,) = grad((first * x).sum(), [x], create_graph=True)  # 4x
    (third,) = grad(second.sum(), [x])
    assert np.array_equal(third.data, [4, 4])


def test_exponent_of_base_zero():
    """0ᵖ is 0 for every p > 0. (The second gradient of torch is NaN there.)"""
    p = Tensor(np.array([2.0, 3.0, -1.0]), requires_grad=True)
    (first,) = grad((np.array([0.0, 0.0, 2.0]) ** p).sum(), [p], create_graph=True)
    (second,) = grad(first.sum(), [p])
    assert np.allclose(first.data, [0, 0, np.log(2) / 2])
    assert np.allclose(second.data, [0, 0, np.log(2) ** 2 / 2])


def test_where_the_limits_of_clip_are_met_exactly():
    x = np.array([-1.0, -0.5, 0.0, 1.0, 2.0])
    assert_same(lambda x: F.clip(x, -0.5, 1), lambda x: x.clamp(-0.5, 1), [x])


# ---- two operands, broadcast ---------------------------------------------------------

TWO = {
    "a + b": lambda a, b: a + b,
    "a - b": lambda a, b: a - b,
    "a * b": lambda a, b: a * b,
    "a / b": lambda a, b: a / b,
    "a ** b": lambda a, b: a**b,
}
pairs = hn.mutually_broadcastable_shapes(num_shapes=2, max_dims=4, max_side=3)


@pytest.mark.parametrize("name", TWO)
@sweep(max_examples=40)
@given(pairs)
def test_arithmetic_broadcasts(name, pair):
    a, b = pair.input_shapes
    assert_same(TWO[name], TWO[name], [positive(a), positive(b, 1)])


@pytest.mark.parametrize("name", TWO)
def test_arithmetic_with_arrays_on_either_side(name):
    operation, array = TWO[name], positive((3, 1), 1)
    constant = torch.tensor(array)
    x = [positive((2, 1, 4))]
    assert_same(lambda a: operation(a, array), lambda a: operation(a, constant), x)
    assert_same(lambda a: operation(array, a), lambda a: operation(constant, a), x)


@sweep(max_examples=60)
@given(
    hn.mutually_broadcastable_shapes(num_shapes=3, max_dims=3, max_side=3, min_side=0)
)
def test_where(three):
    condition, a, b = three.input_shapes
    choose = normal(condition) > 0
    assert_same(
        lambda a, b: F.where(choose, a, b),
        lambda a, b: torch.where(torch.tensor(choose), a, b),
        [normal(a, 1), normal(b, 2)],
    )


@sweep(max_examples=80)
@given(
    hn.mutually_broadcastable_shapes(
        signature="(m?,n),(n,p?)->(m?,p?)", max_dims=2, max_side=4
    )
)
def test_matmul(pair):
    a, b = pair.input_shapes
    assert_same(lambda a, b: a @ b, lambda a, b: a @ b, [normal(a), normal(b, 1)])


@pytest.mark.parametrize("shapes", [((0, 3), (3, 2)), ((2, 0), (0, 3)), ((0,), (0,))])
def test_empty_matmul(shapes):
    a, b = map(normal, shapes)
    assert_same(lambda a, b: a @ b, lambda a, b: a @ b, [a, b])


# ---- reductions ----------------------------------------------------------------------

REDUCTIONS = {
    "sum": (Tensor.sum, torch.sum),
    "mean": (Tensor.mean, torch.mean),
    "var": (Tensor.var, lambda x, d, k: torch.var(x, d, correction=0, keepdim=k)),
    "max": (Tensor.max, torch.amax),
    "min": (Tensor.min, torch.amin),
}


@st.composite
def reductions(draw):
    """A shape without empty axes, an axis argument for it, keepdims."""
    shape = draw(hn.array_shapes(min_dims=0, max_dims=4, max_side=4))
    n, kinds = len(shape), [st.none()]
    if n:
        kinds += [st.integers(-n, n - 1), hn.valid_tuple_axes(n, min_size=1)]
    return shape, draw(st.one_of(kinds)), draw(st.booleans())


@pytest.mark.parametrize("name", REDUCTIONS)
@sweep(max_examples=50)
@given(reductions())
def test_reduction(name, drawn):
    shape, axis, keepdims = drawn
    ours, theirs = REDUCTIONS[name]
    dim = tuple(range(len(shape))) if axis is None else axis
    assert_same(
        lambda x: ours(x, axis, keepdims),
        lambda x: theirs(x, dim, keepdims),
        [normal(shape)],
    )


@pytest.mark.parametrize("name", ["max", "min"])
@pytest.mark.parametrize("axis", [0, 1, (0, 1)])
def test_equal_extremes_share_the_gradient(name, axis):
    ours, theirs = REDUCTIONS[name]
    x = np.array([[2.0, 1, 2], [2, 2, 1], [0, 0, 0]])
    assert_same(lambda x: ours(x, axis), lambda x: theirs(x, axis, False), [x])


def test_sum_of_nothing():
    for shape in [(0, 3), (3, 0)]:
        assert_same(lambda x: x.sum(0), lambda x: x.sum(0), [normal(shape)])
        assert_same(lambda x: x.sum(1), lambda x: x.sum(1), [normal(shape)])


def test_mean_of_nothing_is_nan():
    x = Tensor(normal((0, 3)), requires_grad=True)
    assert np.isnan(x.mean().data) and np.isnan(x.mean(0).data).all()
    assert x.mean(1).shape == (0,) and x.var(1).shape == (0,)
    assert grad(x.mean(), [x])[0].shape == (0, 3)


# ---- places --------------------------------------------------------------------------


def assert_same_places(index, shape):
    """x[index] against torch, told by number which pixels numpy picks."""
    numbers = np.arange(np.prod(shape, dtype=int)).reshape(shape)[index]
    assert_same(
        lambda x: x[index],
        lambda x: x.reshape(-1)[torch.tensor(np.array(numbers))],
        [normal(shape)],
    )


@st.composite
def basic(draw):
    """A shape, and numbers, slices (of any step), None and … that fit it."""
    shape = draw(hn.array_shapes(max_dims=4, max_side=4))
    return draw(hn.basic_indices(shape, allow_newaxis=True)), shape


@sweep(max_examples=100)
@given(basic())
def test_index_by_numbers_and_slices(drawn):
    assert_same_places(*drawn)


@st.composite
def by_arrays(draw):
    shape = draw(hn.array_shapes(max_dims=3, max_side=3))
    result = hn.array_shapes(min_dims=0, max_dims=2, max_side=5)
    return draw(hn.integer_array_indices(shape, result_shape=result)), shape


@sweep(max_examples=60)
@given(by_arrays())
def test_index_by_integer_arrays_with_repeats(drawn):
    assert_same_places(*drawn)


@sweep(max_examples=30)
@given(st.data())
def test_index_by_a_mask(data):
    shape = data.draw(hn.array_shapes(max_dims=3, max_side=3))
    axes = data.draw(st.integers(1, len(shape)))
    assert_same_places(data.draw(hn.arrays(bool, shape[:axes])), shape)


REPEATS = {
    "list": [0, 2, 2],
    "list in a tuple": (slice(None), [1, 1, 0]),
    "tuple in a tuple": ((0, 0, 2),),
    "tuple beside a slice": (slice(None), (1, 1)),
    "arrays apart": (np.array([0, 0]), slice(1, 3), np.array([1, 1])),
    "number and array": (1, np.array([2, 2, 0])),
    "array and …": (..., np.array([[0, 1], [1, 1]])),
    "numpy number": np.int64(1),
    "empty list": (slice(None), []),
    "range": range(2),
}


@pytest.mark.parametrize("name", REPEATS)
def test_index_written_in_every_way(name):
    index = REPEATS[name]
    if name == "empty list":  # numpy takes an empty list for floating point
        index = (slice(None), np.array([], int))
    assert_same_places(index, (3, 4, 2))


def test_index_by_a_tensor():
    x, rows = Tensor(normal((3, 2)), requires_grad=True), Tensor(np.array([1, 1]))
    (g,) = grad(x[rows].sum(), [x])
    assert np.array_equal(g.data, [[0, 0], [2, 2], [0, 0]])


@sweep(max_examples=40)
@given(st.data())
def test_gather(data):
    shape = data.draw(hn.array_shapes(max_dims=4, max_side=4))
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    places = list(shape)
    places[axis] = data.draw(st.integers(1, 5))
    where = data.draw(hn.arrays(int, places, elements=st.integers(0, shape[axis] - 1)))
    assert_same(
        lambda x: F.gather(x, axis, where),
        lambda x: torch.gather(x, axis, torch.tensor(where)),
        [normal(shape)],
    )


# ---- shapes --------------------------------------------------------------------------


@sweep(max_examples=40)
@given(st.data())
def test_transpose(data):
    shape = data.draw(hn.array_shapes(max_dims=5, max_side=3))
    n = len(shape)
    axes = data.draw(st.permutations(range(n)))
    axes = [data.draw(st.sampled_from([a, a - n])) for a in axes]
    same = lambda x: x.permute(*axes)  # noqa: E731
    assert_same(lambda x: F.transpose(x, axes), same, [normal(shape)])
    assert_same(lambda x: x.transpose(*axes), same, [normal(shape)])


def test_transpose_without_axes_and_with_a_tuple():
    x = [normal((2, 3, 4))]
    back = lambda x: x.permute(2, 1, 0)  # noqa: E731
    assert_same(lambda x: x.T, back, x)
    assert_same(lambda x: x.transpose(), back, x)
    assert_same(lambda x: x.transpose((2, 1, 0)), back, x)


@pytest.mark.parametrize("to", [(4, 6), (-1, 3), (24,), (2, 1, 12), (2, 3, 4)], ids=str)
def test_reshape(to):
    assert_same(lambda x: x.reshape(to), lambda x: x.reshape(to), [normal((2, 3, 4))])
    assert_same(lambda x: x.reshape(*to), lambda x: x.reshape(to), [normal((2, 3, 4))])


@sweep(max_examples=40)
@given(pairs)
def test_broadcast_to(pair):
    shape, to = pair.input_shapes[0], pair.result_shape
    assert_same(
        lambda x: F.broadcast_to(x, to), lambda x: x.broadcast_to(to), [normal(shape)]
    )


@sweep(max_examples=40)
@given(st.data())
def test_concatenate(data):
    shape = data.draw(hn.array_shapes(max_dims=4, max_side=3))
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    parts = []
    for length in data.draw(st.lists(st.integers(0, 3), min_size=1, max_size=4)):
        part = list(shape)
        part[axis] = length
        parts.append(normal(part, len(parts)))
    assert_same(
        lambda *xs: F.concatenate(xs, axis), lambda *xs: torch.cat(xs, axis), parts
    )


@sweep(max_examples=40)
@given(st.data())
def test_stack(data):
    shape = data.draw(hn.array_shapes(min_dims=0, max_dims=3, max_side=3))
    axis = data.draw(st.integers(-len(shape) - 1, len(shape)))
    parts = [normal(shape, i) for i in range(data.draw(st.integers(1, 3)))]
    assert_same(lambda *xs: F.stack(xs, axis), lambda *xs: torch.stack(xs, axis), parts)


@sweep(max_examples=40)
@given(st.data())
def test_pad(data):
    shape = data.draw(hn.array_shapes(max_dims=4, max_side=3))
    width = st.tuples(st.integers(0, 2), st.integers(0, 2))
    widths = data.draw(st.tuples(*(width for _ in shape)))
    flat = [n for pair in reversed(widths) for n in pair]
    assert_same(
        lambda x: F.pad(x, widths, 1.5),
        lambda x: torch.nn.functional.pad(x, flat, value=1.5),
        [normal(shape)],
    )
