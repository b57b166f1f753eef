"""What all models of images share: the images' shape and levels, and their checks."""

import numpy as np

from .init import check_sizes
from .nn import Module
from .tensor import value_of


class ImageModel(Module):
    """Base of the models of images of `shape` (C, H, W), values 0 … levels − 1."""

    def __init__(self, shape, levels):
        name = type(self).__name__
        if not isinstance(shape, (tuple, list)) or len(shape) != 3:
            raise ValueError(f"{name}: shape must be (C, H, W), got {shape!r}")
        C, H, W = shape
        check_sizes(name, **{"shape[0]": C, "shape[1]": H, "shape[2]": W})
        check_sizes(name, levels=levels)
        if not 2 <= levels <= 256:
            raise ValueError(f"{name}: levels must be 2 … 256, got {levels}")
        self.shape, self.levels = (C, H, W), levels

    @property
    def dtype(self):
        """Of the parameters: float32, or float64 after `to`."""
        return next(self.named_parameters())[1].dtype

    def scaled(self, x):
        """Values 0 … levels − 1 as the network sees them: floats from 0 to 1."""
        return np.asarray(value_of(x)).astype(self.dtype) / (self.levels - 1)

    def check(self, x):
        """x as an array, if it holds images of this model's shape and levels."""
        x, name, top = np.asarray(value_of(x)), type(self).__name__, self.levels - 1
        self.check_shape(x)
        if x.size and not (0 <= x.min() and x.max() <= top):
            raise ValueError(
                f"{name}: x must have values 0 … {top}, got {x.min()} … {x.max()}"
            )
        if x.dtype.kind == "f" and (x != np.floor(x)).any():
            raise ValueError(
                f"{name}: x must hold whole numbers 0 … {top}, got for instance"
                f" {x[x != np.floor(x)][0]} (see data.binarize)"
            )
        return x

    def check_shape(self, x):
        """A ValueError unless x is (N, C, H, W) with this model's shape."""
        if x.ndim != 4 or x.shape[1:] != self.shape:
            raise ValueError(
                f"{type(self).__name__}: x must be images"
                f" (N, {', '.join(map(str, self.shape))}), got shape {x.shape}"
            )
