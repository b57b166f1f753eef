"""The models of models/gan.py in torch, and spectral normalisation.

twin.load_state_dict({k: torch.tensor(v) for k, v in model.state_dict().items()})
"""

import math

import torch
from torch import nn
from torch.func import functional_call
from torch.nn import functional as F


def mlp(*sizes):
    """Linear layers of these sizes with ReLU between them."""
    layers = []
    for inputs, outputs in zip(sizes, sizes[1:]):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


class PointGenerator(nn.Module):
    """z (N, latent) → points (N, 2)."""

    def __init__(self, latent=2, hidden=(128, 128)):
        super().__init__()
        self.network = mlp(latent, *hidden, 2)

    def forward(self, z):
        return self.network(z)


class PointDiscriminator(nn.Module):
    """Points side by side (N, pack · 2) → numbers (N,)."""

    def __init__(self, pack=1, hidden=(128, 128), *, waves=0):
        super().__init__()
        if waves:
            self.register_buffer("frequencies", 1.5 * torch.randn(2 * pack, waves))
        self.waves, self.network = waves, mlp(2 * (pack + waves), *hidden, 1)

    def forward(self, x):
        if self.waves:
            angle = x @ self.frequencies
            x = torch.cat([x, angle.sin(), angle.cos()], 1)
        return self.network(x)[:, 0]


class SpectralNorm(nn.Module):
    """A layer with its weight divided by its largest singular value, nearly."""

    def __init__(self, layer):
        super().__init__()
        self.layer, self.axis = layer, int(isinstance(layer, nn.ConvTranspose2d))
        u = torch.randn(layer.weight.shape[self.axis])
        self.register_buffer("u", F.normalize(u, dim=0))

    def forward(self, x):
        weight = self.layer.weight
        matrix = weight.transpose(0, self.axis).flatten(1)
        with torch.no_grad():
            v = F.normalize(matrix.T @ self.u, dim=0)
            u = F.normalize(matrix @ v if self.training else self.u, dim=0)
            if self.training:
                self.u.copy_(u)
        sigma = torch.dot(u, matrix @ v)
        return functional_call(self.layer, {"weight": weight / sigma}, x)


class Generator(nn.Module):
    """z (N, latent) → images (N, C, H, W) from −1 to 1."""

    def __init__(self, shape=(1, 28, 28), *, latent=64, channels=(128, 64)):
        super().__init__()
        (C, H, W), n = shape, len(channels)
        self.small = (channels[0], H >> n, W >> n)
        self.project = nn.Linear(latent, math.prod(self.small), bias=False)
        layers = []
        for i, (few, many) in enumerate(zip((*channels[1:], C), channels), 1):
            odd, last = ((H >> n - i) % 2, (W >> n - i) % 2), i == n
            up = nn.ConvTranspose2d(many, few, 4, 2, 1, odd, bias=last)
            layers += [nn.BatchNorm2d(many), nn.ReLU(), up]
        self.painter = nn.Sequential(*layers)

    def forward(self, z):
        return torch.tanh(self.painter(self.project(z).reshape(-1, *self.small)))


class Discriminator(nn.Module):
    """Images (N, C, H, W) from −1 to 1 → numbers (N,)."""

    def __init__(self, shape=(1, 28, 28), *, channels=(64, 128), norm="batch"):
        super().__init__()
        C, H, W = shape

        def limited(layer):
            return SpectralNorm(layer) if norm == "spectral" else layer

        layers = [limited(nn.Conv2d(C, channels[0], 4, 2, 1)), nn.LeakyReLU(0.2)]
        for few, many in zip(channels, channels[1:]):
            batch = norm == "batch"
            down = nn.Conv2d(few, many, 4, 2, 1, bias=not batch)
            layers += [limited(down)] + [nn.BatchNorm2d(many)] * batch
            layers += [nn.LeakyReLU(0.2)]
        n = len(channels)
        flat = channels[-1] * (H >> n) * (W >> n)
        self.network = nn.Sequential(*layers, nn.Flatten())
        self.judge = limited(nn.Linear(flat, 1))

    def features(self, x):
        return self.network(x)

    def forward(self, x):
        return self.judge(self.network(x))[:, 0]
