"""The autoencoder of models/autoencoder.py in torch.

twin.load_state_dict({k: torch.tensor(v) for k, v in model.state_dict().items()})
"""

import math

import torch
from torch import nn

from .vae import mlp


class Autoencoder(nn.Module):
    """Bytes, `shape` (C, H, W), through a code of `latent` numbers; () is linear."""

    def __init__(self, shape=(1, 28, 28), *, latent=2, hidden=(512,)):
        super().__init__()
        self.shape, self.linear = tuple(shape), not hidden
        sizes = [math.prod(shape), *hidden, latent]
        self.encoder = mlp(*sizes)
        self.decoder = mlp(*sizes[::-1])

    def encode(self, x):
        """Codes (N, latent) of bytes (N, C, H, W), as floats or uint8."""
        return self.encoder(x.to(next(self.parameters()).dtype).flatten(1) / 255)

    def decode(self, z):
        """Images (N, C, H, W) from 0 to 1 for codes z (N, latent)."""
        y = self.decoder(z).reshape(-1, *self.shape)
        return y if self.linear else torch.sigmoid(y)

    def forward(self, x):
        return self.decode(self.encode(x))
