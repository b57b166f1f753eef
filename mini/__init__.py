"""Small numpy/numba reference implementations of generative models of images."""

from . import adversarial, data, distributions, functional, nn, optim
from .tensor import Tensor, grad, no_grad

__all__ = [
    "Tensor",
    "adversarial",
    "data",
    "distributions",
    "functional",
    "grad",
    "nn",
    "no_grad",
    "optim",
]
