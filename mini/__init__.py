"""Small numpy/numba reference implementations of generative models of images."""

from . import data, functional
from .tensor import Tensor, grad, no_grad

__all__ = ["Tensor", "data", "functional", "grad", "no_grad"]
