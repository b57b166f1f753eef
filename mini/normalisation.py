"""Standardising: mean zero and variance one, over a batch or over some axes."""

from . import kernels
from .operations import reshape, sqrt
from .tensor import Tensor, as_tensor, is_recording, record


def moments(x, axes):
    """x − mean, and the variance, over some axes, which keep length one."""
    centred = x - x.mean(axes, keepdims=True)
    return centred, (centred * centred).mean(axes, keepdims=True)


def batch_norm(x, weight, bias, eps=1e-5):
    """Each channel of x (N, C, …) standardised over all else: → (y, mean, variance).

    y = weight · (x − mean) / √(variance + eps) + bias, with weight and bias (C,); mean
    and variance are arrays (C,). Ioffe and Szegedy 2015, algorithm 1.
    """
    x, weight, bias = as_tensor(x), as_tensor(weight), as_tensor(bias)
    y, mean, var = kernels.batch_norm(x.data, weight.data, bias.data, eps)
    latest = [None, None]  # the cotangent, and what it gives all three

    def shares(g):
        if is_recording():  # to be differentiated again
            return _shares(x, g, weight, eps)
        if latest[0] is not g:
            latest[0] = g
            arrays = x.data, g.data, weight.data, mean, var, eps
            latest[1] = [Tensor(a) for a in kernels.batch_norm_back(*arrays)]
        return latest[1]

    parents = [
        (parent, lambda g, out, i=i: shares(g)[i])
        for i, parent in enumerate((x, weight, bias))
    ]
    return record(y, *parents), mean, var


def _shares(x, g, weight, eps):
    """The shares of x, weight and bias in g, composed of Tensor operations."""
    axes, C = (0, *range(2, x.ndim)), x.shape[1]
    centred, var = moments(x, axes)
    rate = 1 / sqrt(var + eps)
    standard, count = centred * rate, x.size / C
    on_bias = g.sum(axes, keepdims=True)
    on_weight = (g * standard).sum(axes, keepdims=True)
    scale = reshape(weight, rate.shape) * rate
    on_x = scale * (g - (on_bias + standard * on_weight) * (1 / count))
    return on_x, reshape(on_weight, (C,)), reshape(on_bias, (C,))
