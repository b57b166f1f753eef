"""Exercises of chapter 2: products of a vector with a Hessian and with a Jacobian."""

import numpy as np

from .. import functional as F
from ..tensor import Tensor, grad, value_of
from .frame import exercise

CHAPTER = "chapter02"

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


@exercise(
    "hessian_vector_product", chapter=CHAPTER, inputs=_with_direction, run=_at_a_leaf
)
def _hessian_vector_product(f, x, v):
    (g,) = grad(f(x), [x], create_graph=True)
    return grad((g * v).sum(), [x])[0].data


@_hessian_vector_product.variant
def _weighted_by_v(f, x, v):
    """grad's third argument does the weighting."""
    (g,) = grad(f(x), [x], create_graph=True)
    return grad(g, [x], grad_output=v)[0].data


@_hessian_vector_product.variant
def _along_a_line(f, x, v):
    t = Tensor(0.0, requires_grad=True)
    (slope,) = grad(f(x + t * v), [t], create_graph=True)  # ∇f · v
    return grad(slope, [x])[0].data


@_hessian_vector_product.variant
def _row_by_row(f, x, v):
    """Against the rules, but right: all of H, then times v."""
    (g,) = grad(f(x), [x], create_graph=True)
    return np.stack([grad(g[i], [x])[0].data for i in range(x.size)]) @ v


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


@exercise("jacobian_vector_product", chapter=CHAPTER, inputs=_maps, run=_at_a_leaf)
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


@_jacobian_vector_product.variant
def _from_u_at_zero(f, x, v):
    """uᵀJ is linear in u: its slope is the same everywhere."""
    y = f(x)
    u = Tensor(np.zeros(y.shape), requires_grad=True)
    (uj,) = grad(y, [x], create_graph=True, grad_output=u)
    return grad(uj, [u], grad_output=v)[0].data


@_jacobian_vector_product.variant
def _along_a_line_too(f, x, v):
    t = Tensor(0.0, requires_grad=True)
    y = f(x + t * v)
    return np.array([grad(y[i], [t])[0].item() for i in range(y.size)])


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
