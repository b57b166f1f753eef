"""The fused batch norm: equal to its composition and to torch's, to second order."""

import numpy as np
import pytest
import torch

from mini import Tensor, grad
from mini import functional as F
from mini.gradcheck import gradcheck

EPS = 1e-3


def composed(x, weight, bias, eps=EPS):
    """The same from elementary operations."""
    shape = (1, -1) + (1,) * (x.ndim - 2)
    centred, var = F.moments(x, (0, *range(2, x.ndim)))
    standard = centred / F.sqrt(var + eps)
    return standard * weight.reshape(shape) + bias.reshape(shape)


def numbers(rng, shape, dtype):
    """x, weight, bias, and a cotangent."""
    C = shape[1]
    arrays = [rng.standard_normal(s) for s in (shape, C, C, shape)]
    arrays[0] = 3 * arrays[0] + 5
    return [Tensor(a.astype(dtype), requires_grad=True) for a in arrays]


@pytest.mark.parametrize("shape", [(7, 3), (4, 2, 5), (3, 5, 4, 6), (2, 1, 1, 1)])
@pytest.mark.parametrize("dtype, tolerance", [("float32", 2e-5), ("float64", 1e-11)])
def test_fused_equals_composed(shape, dtype, tolerance, rng):
    x, weight, bias, g = numbers(rng, shape, dtype)
    y, mean, var = F.batch_norm(x, weight, bias, EPS)
    expected = composed(x, weight, bias)
    assert y.dtype == mean.dtype == var.dtype == np.dtype(dtype)
    axes = (0, *range(2, len(shape)))
    np.testing.assert_allclose(mean, x.data.mean(axes), rtol=1e-5)
    np.testing.assert_allclose(var, x.data.var(axes), rtol=1e-4)
    np.testing.assert_allclose(y.data, expected.data, rtol=tolerance, atol=tolerance)
    for ours, theirs in zip(
        grad(y, [x, weight, bias], grad_output=g),
        grad(expected, [x, weight, bias], grad_output=g),
        strict=True,
    ):
        scale = max(1, abs(theirs.data).max())
        np.testing.assert_allclose(ours.data, theirs.data, atol=3 * tolerance * scale)


def test_gradients_to_second_order(rng):
    x, weight, bias, _ = numbers(rng, (3, 2, 2, 2), "float64")
    inputs = [t.data for t in (x, weight, bias)]
    assert gradcheck(lambda *t: F.batch_norm(*t, EPS)[0], inputs, rng=rng)


def test_as_torch_to_second_order(rng):
    x, weight, bias, g = numbers(rng, (4, 3, 2, 5), "float64")
    ours = [x, weight, bias]
    theirs = [torch.tensor(t.data, requires_grad=True) for t in (*ours, g)]
    y = F.batch_norm(*ours, EPS)[0]
    first = grad((y * g).sum(), ours, create_graph=True)
    z = torch.nn.functional.batch_norm(
        theirs[0], None, None, *theirs[1:3], training=True, eps=EPS
    )
    other = torch.autograd.grad((z * theirs[3]).sum(), theirs[:3], create_graph=True)
    second = grad(sum((a * a).sum() for a in first), [*ours[:2], g])
    wanted = [theirs[0], theirs[1], theirs[3]]
    expected = torch.autograd.grad(sum((a * a).sum() for a in other), wanted)
    for a, b in zip([*first, *second], [*other, *expected], strict=True):
        np.testing.assert_allclose(a.data, b.detach().numpy(), rtol=1e-8, atol=1e-10)


def test_far_from_zero_and_without_order_in_memory(rng):
    x = (1000 + rng.standard_normal((5, 6, 50, 3))).astype(np.float32)
    x = x.transpose(0, 3, 1, 2)  # not contiguous
    one, zero = np.ones(3, np.float32), np.zeros(3, np.float32)
    y, mean, var = F.batch_norm(x, one, zero)
    exact = x.astype(float)
    np.testing.assert_allclose(var, exact.var((0, 2, 3)), rtol=1e-4)
    np.testing.assert_allclose(y.data.mean((0, 2, 3)), 0, atol=1e-3)
    np.testing.assert_allclose(y.data.std((0, 2, 3)), 1, rtol=1e-3)


def test_nan_passes_through(rng):
    x, weight, bias, _ = numbers(rng, (3, 2, 4), "float32")
    x.data[1, 1, 2] = np.nan
    y, _, _ = F.batch_norm(x, weight, bias)
    assert np.isfinite(y.data[:, 0]).all() and np.isnan(y.data[:, 1]).all()
