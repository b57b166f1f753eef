"""An autoencoder: squeeze an image through a few numbers and draw it again.

Rumelhart, Hinton and Williams 1986; Hinton and Salakhutdinov 2006.
"""

import math

import numpy as np

from .. import functional as F
from ..images import ImageModel
from ..init import check_sizes
from ..nn import mlp
from ..tensor import Tensor


class Autoencoder(ImageModel):
    """Images of bytes, `shape` (C, H, W), through a code of `latent` numbers.

    `hidden` layers with ReLU lead down to the code and back, a sigmoid ends in 0 … 1.
    With hidden=() both halves are one Linear each, and there is no sigmoid: the linear
    autoencoder, whose best error is that of PCA (Baldi and Hornik 1989).
    """

    def __init__(self, shape=(1, 28, 28), *, latent=2, hidden=(512,), rng):
        super().__init__(shape, 256)
        check_sizes("Autoencoder", latent=latent)
        if not isinstance(hidden, (tuple, list)):
            raise TypeError(f"Autoencoder: hidden must be a tuple, got {hidden!r}")
        check_sizes("Autoencoder", **{f"hidden[{i}]": H for i, H in enumerate(hidden)})
        self.latent, self.linear = latent, not hidden
        sizes = [math.prod(self.shape), *hidden, latent]
        self.encoder = mlp(*sizes, rng=rng)
        self.decoder = mlp(*sizes[::-1], rng=rng)

    def encode(self, x):
        """The codes (N, latent) of images (N, C, H, W).

        A Tensor x is taken as scaled to 0 … 1 already, and gradients reach it.
        """
        x = x if isinstance(x, Tensor) else Tensor(self.scaled(self.check(x)))
        self.check_shape(x)
        return self.encoder(x.reshape(len(x), -1))

    def decode(self, z):
        """Images (N, C, H, W) from 0 to 1 for codes z (N, latent)."""
        z = z if isinstance(z, Tensor) else Tensor(np.asarray(z, self.dtype))
        if z.ndim != 2 or z.shape[1] != self.latent:
            raise ValueError(
                f"Autoencoder: z must be (N, {self.latent}), got shape {z.shape}"
            )
        y = self.decoder(z).reshape(len(z), *self.shape)
        return y if self.linear else F.sigmoid(y)

    def forward(self, x):
        """Images after the round trip: (N, C, H, W) → the same, from 0 to 1."""
        return self.decode(self.encode(x))
