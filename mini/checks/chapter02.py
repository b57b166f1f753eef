"""Exercises of chapter 2: gradients."""

import itertools

import numpy as np

from .. import functional as F
from ..tensor import Tensor, grad, record, value_of
from .frame import exercise, given

# ---- 2.1 -----------------------------------------------------------------------------


def _cubes(x):
    return (x**3).sum()


def _mixed(x):
    return (np.exp(x) * x.cumsum().reshape(x.shape)).sum()


def _nudges(rng):
    # Eighths are exact in binary: to add one and take it away again changes nothing.
    for f, shape in [(_cubes, (1,)), (_mixed, (1,)), (_mixed, (3,)), (_mixed, (2, 2))]:
        yield given(f, rng.integers(-8, 9, size=shape) / 8, h=0.125)


@exercise("numerical_gradient", inputs=_nudges)
def _numerical_gradient(f, x, h=1e-5):
    slopes = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        step = np.zeros(x.shape)
        step[i] = h
        slopes[i] = (f(x + step) - f(x - step)) / (2 * h)
    return slopes


@_numerical_gradient.variant
def _in_place(f, x, h=1e-5):
    slopes = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        before = x[i]
        x[i] = before + h
        right = f(x)
        x[i] = before - h
        slopes[i] = (right - f(x)) / 2 / h
        x[i] = before
    return slopes


@_numerical_gradient.mistake(
    "the difference is taken on one side only",
    hint="A tenth of the step makes the one-sided quotient ten times as good, the"
    " central one a hundred times. What cancels in f(x + h) − f(x − h)?",
)
def _(f, x, h=1e-5):
    steps = h * np.eye(x.size).reshape(x.size, *x.shape)
    return np.array([(f(x + s) - f(x)) / h for s in steps]).reshape(x.shape)


@_numerical_gradient.mistake(
    "the difference between both sides is divided by h",
    hint="How far apart are x − h and x + h?",
)
def _(f, x, h=1e-5):
    steps = h * np.eye(x.size).reshape(x.size, *x.shape)
    return np.array([(f(x + s) - f(x - s)) / h for s in steps]).reshape(x.shape)


@_numerical_gradient.mistake(
    "all entries are nudged at once",
    hint="One slope per entry is wanted. How does f move if only one of them moves?",
)
def _(f, x, h=1e-5):
    return np.full(x.shape, (f(x + h) - f(x - h)) / (2 * h))


@_numerical_gradient.mistake(
    "a nudged entry is not put back before the next is nudged",
    hint="Where does the second entry's nudge start from?",
)
def _(f, x, h=1e-5):
    x, slopes = x.copy(), np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        x[i] += h
        right = f(x)
        x[i] -= 2 * h
        slopes[i] = (right - f(x)) / (2 * h)
    return slopes


# ---- 2.2 -----------------------------------------------------------------------------


def _stretched(rng):
    for big, small in [
        ((3,), (1,)),
        ((3,), (3,)),
        ((2, 3), (3,)),
        ((2, 3), (1, 3)),
        ((2, 3), (2, 1)),
        ((2, 3), (2, 3)),
        ((4, 2, 3), (2, 1)),
        ((2, 1, 3, 2), (1, 1, 2)),
    ]:
        yield rng.normal(size=big), small


@exercise("unbroadcast", inputs=_stretched)
def _unbroadcast(g, shape):
    g = g.sum(axis=tuple(range(g.ndim - len(shape))))
    ones = tuple(i for i, n in enumerate(shape) if n == 1)
    return g.sum(axis=ones, keepdims=True)


@_unbroadcast.variant
def _by_scattering(g, shape):
    total = np.zeros(shape)
    places = np.broadcast_to(np.arange(total.size).reshape(shape), g.shape)
    np.add.at(total.reshape(-1), places.ravel(), g.ravel())
    return total


@_unbroadcast.mistake(
    "only the axes added in front are summed",
    hint="An axis of length 1 in `shape` was repeated too. Which of g's axes are"
    " those?",
)
def _(g, shape):
    return g.sum(axis=tuple(range(g.ndim - len(shape))))


@_unbroadcast.mistake(
    "the summed axes of length 1 are gone",
    hint="The cotangent of an array of shape (2, 1) has which shape? What does"
    " `keepdims` do?",
)
def _(g, shape):
    g = g.sum(axis=tuple(range(g.ndim - len(shape))))
    return g.sum(axis=tuple(i for i, n in enumerate(shape) if n == 1))


@_unbroadcast.mistake(
    "the copies' shares are averaged",
    hint="Each copy moves the result by its own share. If the original moves, all"
    " copies move together: by how much does the result move?",
)
def _(g, shape):
    g = g.mean(axis=tuple(range(g.ndim - len(shape))))
    return g.mean(axis=tuple(i for i, n in enumerate(shape) if n == 1), keepdims=True)


@_unbroadcast.mistake(
    "one copy's share is taken and the others are dropped",
    hint="Something used several times gets a share from each use. What does formula"
    " (4) do with them?",
)
def _(g, shape):
    while g.ndim > len(shape):
        g = g[0]
    return g[tuple(slice(0, 1) if n == 1 else slice(None) for n in shape)]


# ---- 2.3 -----------------------------------------------------------------------------


def _real_numbers(rng):
    yield (rng.normal(size=1),)
    yield (rng.normal(size=(2, 3)),)
    yield (np.array([-1000.0, -30, 0, 30, 1000]),)


@exercise("softplus", inputs=_real_numbers, tensors=True, order=2)
def _softplus(x):
    value = np.maximum(x.data, 0) + np.log1p(np.exp(-np.abs(x.data)))
    return record(value, (x, lambda g, out: g * F.sigmoid(x)))


@_softplus.variant
def _from_the_result(x):
    value = np.logaddexp(0, x.data)
    return record(value, (x, lambda g, out: g * (1 - F.exp(-out))))


@_softplus.mistake(
    "the rule's slope was computed from `.data`",
    hint="Its first gradients are right. To the second, is the slope more than a"
    " constant?",
)
def _(x):
    slope = 1 / (1 + np.exp(-x.data))
    return record(np.logaddexp(0, x.data), (x, lambda g, out: g * slope))


@_softplus.mistake(
    "exp(x) has become infinite",
    hint="float64 ends near exp(709). For large x, what does log(1 + exp(x)) come down"
    " to, and how can you write it with exp(−|x|) only?",
)
def _(x):
    return record(np.log1p(np.exp(x.data)), (x, lambda g, out: g * F.sigmoid(x)))


@_softplus.mistake(
    "the rule returns its slope and forgets g",
    hint="The rule is asked for dL/dx and is given g = dL/dy. What does the chain rule"
    " do with the two?",
)
def _(x):
    return record(np.logaddexp(0, x.data), (x, lambda g, out: F.sigmoid(x)))


@_softplus.mistake(
    "the slope is 1/(1 + exp(x))",
    hint="Softplus rises like x for large x. To what should its slope go there?",
)
def _(x):
    return record(np.logaddexp(0, x.data), (x, lambda g, out: g * F.sigmoid(-x)))


@_softplus.mistake(
    "there is a value and no rule",
    hint="`record(value, (parent, rule))`: which Tensor is to hear of the cotangent?",
)
def _(x):
    return record(np.logaddexp(0, x.data))


# ---- 2.4 -----------------------------------------------------------------------------

_clock = itertools.count()


class _Node:
    """The chapter's Scalar."""

    def __init__(self, value, *edges):
        self.value, self.edges, self.index = value, edges, next(_clock)

    def __add__(self, other):
        return _Node(self.value + other.value, (self, _same), (other, _same))

    def __mul__(self, other):
        a, b = self.value, other.value
        return _Node(a * b, (self, lambda g: g * b), (other, lambda g: g * a))


def _same(g):
    return g


def _a_times_b(a, b):
    return a * b


def _a_times_a(a, b):
    return a * a + b


def _a_shortcut(a, b):
    c = a * b
    return c * (c + b)


def _a_shortcut_turned(a, b):
    c = a * b
    return (c + b) * c


def _a_ladder(a, b):
    for _ in range(12):
        a, b = a + b, a * b
    return a * b


def _a_long_chain(a, b):
    c = a
    for _ in range(6_000):
        c = c + b
    return c * a


def _programs(rng):
    for program in (
        _a_times_b,
        _a_times_a,
        _a_shortcut,
        _a_shortcut_turned,
        _a_ladder,
        _a_long_chain,
    ):
        yield program, *(0.5 * rng.uniform(1, 2, size=2)).round(3).tolist()


def _slopes_of_leaves(attempt, program, a, b):
    a, b = _Node(a), _Node(b)
    bar = attempt(program(a, b))
    if not isinstance(bar, dict):
        kind = type(bar).__name__
        raise TypeError(f"a dictionary {{node: slope}} was expected, got {kind}")
    return np.array([bar.get(a, np.nan), bar.get(b, np.nan)], float)


@exercise("gradients_without_recursion", inputs=_programs, run=_slopes_of_leaves)
def _gradients_without_recursion(y):
    bar = {y: 1.0}
    for node in sorted(_made_from(y), key=lambda node: -node.index):
        _pass_on(node, bar)
    return bar


def _made_from(y):
    nodes, seen = [y], {y}
    for node in nodes:  # the list grows while we walk along it
        for parent, _ in node.edges:
            if parent not in seen:
                seen.add(parent)
                nodes.append(parent)
    return nodes


def _pass_on(node, bar):
    for parent, rule in node.edges:
        bar[parent] = bar.get(parent, 0.0) + rule(bar[node])


@_gradients_without_recursion.variant
def _by_counting_uses(y):
    missing = {}
    for node in _made_from(y):
        for parent, _ in node.edges:
            missing[parent] = missing.get(parent, 0) + 1
    bar, ready = {y: 1.0}, [y]
    while ready:
        node = ready.pop()
        _pass_on(node, bar)
        for parent, _ in node.edges:
            missing[parent] -= 1
            if not missing[parent]:
                ready.append(parent)
    return bar


@_gradients_without_recursion.mistake(
    "a second share overwrites the first",
    hint="What should happen to a node that was used twice?",
)
def _(y):
    bar = {y: 1.0}
    for node in sorted(_made_from(y), key=lambda node: -node.index):
        for parent, rule in node.edges:
            bar[parent] = rule(bar[node])
    return bar


@_gradients_without_recursion.mistake(
    "a node passes on its share before all of its children have delivered",
    hint="You go through the nodes in the order in which you found them. Which order"
    " puts every child before its parents, and which number in each node tells you?",
)
def _(y):
    bar = {y: 1.0}
    for node in _made_from(y):
        _pass_on(node, bar)
    return bar


@_gradients_without_recursion.mistake(
    "a node passes on its share before all of its children have delivered",
    hint="A stack goes deep before it goes wide. Which order puts every child before"
    " its parents, and which number in each node tells you?",
)
def _(y):
    bar, stack, seen = {y: 1.0}, [y], {y}
    while stack:
        node = stack.pop()
        for parent, rule in node.edges:
            bar[parent] = bar.get(parent, 0.0) + rule(bar[node])
            if parent not in seen:
                seen.add(parent)
                stack.append(parent)
    return bar


@_gradients_without_recursion.mistake(
    "the slope of y in itself is 0",
    hint="Everything is a multiple of the number that you begin with. If y moves by ε,"
    " by how much does y move?",
)
def _(y):
    bar = {y: 0.0}
    for node in sorted(_made_from(y), key=lambda node: -node.index):
        _pass_on(node, bar)
    return bar


# ---- 2.5 and 2.6 ---------------------------------------------------------------------


def _sum_of_cubes(x):
    return (x**3).sum()


def _neighbours(x):
    return (x[1:] * x[:-1] * x[:-1]).sum()


def _log_sum_exp(x):
    return F.logsumexp(x * 2)


def _with_direction(rng):
    for f, n in [
        (_sum_of_cubes, 1),
        (_sum_of_cubes, 3),
        (_neighbours, 2),
        (_neighbours, 4),
        (_log_sum_exp, 3),
    ]:
        yield f, rng.normal(size=n), rng.normal(size=n)


def _at_a_leaf(attempt, f, x, v):
    return value_of(attempt(f, Tensor(x, requires_grad=True), v))


@exercise("hessian_vector_product", inputs=_with_direction, run=_at_a_leaf)
def _hessian_vector_product(f, x, v):
    (g,) = grad(f(x), [x], create_graph=True)
    return grad((g * v).sum(), [x])[0].data


@_hessian_vector_product.mistake(
    "v is left out",
    hint="This is H times a vector of ones. Of which sum do you take the gradient?",
)
def _(f, x, v):
    (g,) = grad(f(x), [x], create_graph=True)
    return grad(g.sum(), [x])[0].data


@_hessian_vector_product.mistake(
    "v is multiplied on after the second gradient",
    hint="Then entry i is v_i Σ_j H_ij. In (Hv)_i the v stands inside the sum: where"
    " must it come in?",
)
def _(f, x, v):
    (g,) = grad(f(x), [x], create_graph=True)
    return grad(g.sum(), [x])[0].data * v


@_hessian_vector_product.mistake(
    "this is the gradient times v, entry by entry",
    hint="One gradient is there. Which number do you want the second gradient of?",
)
def _(f, x, v):
    return grad(f(x), [x])[0].data * v


@_hessian_vector_product.mistake(
    "this is the gradient of ‖∇f‖², twice H times ∇f",
    hint="Formula (8) needs ∇f · v. What stands in v's place in yours?",
)
def _(f, x, v):
    (g,) = grad(f(x), [x], create_graph=True)
    return grad((g * g).sum(), [x])[0].data


def _squares(x):
    return x * x


def _products(x):
    return x[1:] * x[:-1].exp()


def _rotating(x):
    return F.concatenate([x[1:] * x[:1], F.tanh(x[:1])])


def _weighted_sums(x):
    return F.tanh(x * 0.5) @ (np.arange(x.size * 5).reshape(x.size, 5) % 4 - 1.0)


def _maps(rng):
    for f, n in [(_squares, 1), (_squares, 3), (_products, 3)]:
        yield f, rng.normal(size=n), rng.normal(size=n)
    for f, n in [(_rotating, 3), (_weighted_sums, 2)]:
        yield f, rng.normal(size=n), rng.normal(size=n)


@exercise("jacobian_vector_product", inputs=_maps, run=_at_a_leaf)
def _jacobian_vector_product(f, x, v):
    y = f(x)
    u = Tensor(np.ones(y.shape), requires_grad=True)
    (uj,) = grad((u * y).sum(), [x], create_graph=True)
    return grad((uj * v).sum(), [u])[0].data


@_jacobian_vector_product.variant
def _column_by_column(f, x, v):
    """Not two gradients, but right: J row by row, then times v."""
    y = f(x)
    rows = [grad(y[i], [x])[0].data for i in range(y.size)]
    return np.stack(rows) @ v


@_jacobian_vector_product.mistake(
    "v is left out",
    hint="This is J times a vector of ones: all inputs move alike. Where does"
    " v come in?",
)
def _(f, x, v):
    y = f(x)
    u = Tensor(np.ones(y.shape), requires_grad=True)
    (uj,) = grad((u * y).sum(), [x], create_graph=True)
    return grad(uj.sum(), [u])[0].data


@_jacobian_vector_product.mistake(
    "v stands on the left: this is vᵀJ",
    hint="v has one entry for each input. Which of J's two sides do the inputs belong"
    " to?",
)
def _(f, x, v):
    return grad((f(x) * v).sum(), [x])[0].data


@_jacobian_vector_product.mistake(
    "only uᵀJ, multiplied by v entry by entry",
    hint="That has one entry for each input. You want one for each output: with respect"
    " to what could a second gradient be taken?",
)
def _(f, x, v):
    return grad(f(x).sum(), [x])[0].data * v
