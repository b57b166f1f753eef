"""Generative adversarial networks: of points in the plane, and of images (DCGAN).

A generator turns random numbers into samples, a discriminator gives each sample one
number, high for real. What they play for is in adversarial.py; the loop in which they
play is the reader's.
"""

import math

import numpy as np

from .. import functional as F
from ..images import ImageModel
from ..init import check_rng, check_sizes, normal
from ..nn import (
    BatchNorm2d,
    Conv2d,
    ConvTranspose2d,
    Flatten,
    LeakyReLU,
    Linear,
    Module,
    ReLU,
    Sequential,
    SpectralNorm,
    mlp,
)
from ..tensor import Tensor, no_grad

# ---- points in the plane -------------------------------------------------------------


class _Generator(Module):
    """What both generators share: from `latent` normal numbers to samples."""

    dtype = ImageModel.dtype  # of the parameters

    def draw_latent(self, n, rng):
        """n draws of z from N(0, I), (n, latent): what `forward` takes."""
        name = type(self).__name__
        check_sizes(name, n=n)
        return check_rng(name, rng).standard_normal((n, self.latent), dtype=self.dtype)

    def check_latent(self, z):
        """z as a Tensor, if it is (N, latent)."""
        z = z if isinstance(z, Tensor) else Tensor(np.asarray(z, self.dtype))
        if z.ndim != 2 or z.shape[1] != self.latent:
            raise ValueError(
                f"{type(self).__name__}: z must be (N, {self.latent}), got shape"
                f" {z.shape}"
            )
        return z


class PointGenerator(_Generator):
    """Points (N, 2) of z (N, latent), through `hidden` layers with ReLU."""

    def __init__(self, latent=2, hidden=(128, 128), *, rng):
        check_sizes("PointGenerator", latent=latent)
        _check_tuple("PointGenerator", "hidden", hidden)
        self.latent = latent
        self.network = mlp(latent, *hidden, 2, rng=rng)

    def forward(self, z):
        return self.network(self.check_latent(z))

    def sample(self, n, *, rng):
        """n points, floats (n, 2)."""
        with no_grad():
            return self(self.draw_latent(n, rng)).data


class PointDiscriminator(Module):
    """One number (N,) for each `pack` points that lie side by side, (N, pack · 2).

    With pack = 1 it judges single points; else `adversarial.pack` makes its input (Lin
    et al. 2018). With `waves` it is given, beside the points, the sines and cosines of
    that many fixed random projections: a small network sees narrow modes in them that
    it would take long to see in the points (Tancik et al. 2020).
    """

    def __init__(self, pack=1, hidden=(128, 128), *, waves=0, rng):
        check_sizes("PointDiscriminator", pack=pack)
        _check_tuple("PointDiscriminator", "hidden", hidden)
        self.pack, self.waves = pack, waves
        if waves:
            check_sizes("PointDiscriminator", waves=waves)
            shape = (2 * pack, waves)
            self.frequencies = Tensor(normal("PointDiscriminator", shape, 1.5, rng))
        self.network = mlp(2 * (pack + waves), *hidden, 1, rng=rng)

    def forward(self, x):
        if not isinstance(x, Tensor):
            x = Tensor(np.asarray(x, self.network[0].weight.dtype))
        if x.ndim != 2 or x.shape[1] != 2 * self.pack:
            raise ValueError(
                f"PointDiscriminator: x must be (N, {2 * self.pack}), {self.pack}"
                f" points side by side (see adversarial.pack), got shape {x.shape}"
            )
        if self.waves:
            angle = x @ self.frequencies
            x = F.concatenate([x, F.sin(angle), F.cos(angle)], 1)
        return self.network(x).reshape(len(x))


# ---- images --------------------------------------------------------------------------


class _Images(ImageModel):
    """Images of bytes, `shape` (C, H, W); the networks see floats from −1 to 1."""

    def __init__(self, shape, channels):
        super().__init__(shape, 256)
        name = type(self).__name__
        _check_tuple(name, "channels", channels)
        # H and W of the image, then halved for each of channels, rounded down
        _, H, W = self.shape
        self.sizes = [(H >> i, W >> i) for i in range(len(channels) + 1)]
        if not channels or 0 in self.sizes[-1]:
            raise ValueError(
                f"{name}: each of channels halves H and W, and there must be at least"
                f" one, but shape is {shape} and channels {channels}"
            )

    def scaled(self, x):
        """Bytes as the networks see them: floats from −1 to 1."""
        return 2 * super().scaled(x) - 1


class Generator(_Generator, _Images):
    """Images (N, C, H, W) from −1 to 1 of z (N, latent): DCGAN.

    A linear map makes small images of channels[0] channels; every 4 × 4 transposed
    convolution doubles them, or makes 3 → 7 where the image's size asks for it. Before
    each there are a batch norm and a ReLU, after the last a tanh. Radford et al. 2016,
    section 3 and figure 1.
    """

    def __init__(self, shape=(1, 28, 28), *, latent=64, channels=(128, 64), rng):
        super().__init__(shape, channels)
        check_sizes("Generator", latent=latent)
        self.latent, self.small = latent, (channels[0], *self.sizes[-1])
        flat, outputs = math.prod(self.small), (*channels[1:], self.shape[0])
        # what a batch norm follows needs no bias: it takes the mean away
        self.project = _start(Linear(latent, flat, bias=False, rng=rng), rng)
        layers = []
        for i, (few, many) in enumerate(zip(outputs, channels, strict=True)):
            last = i == len(channels) - 1
            odd = tuple(size % 2 for size in self.sizes[-i - 2])
            up = ConvTranspose2d(many, few, 4, 2, 1, odd, bias=last, rng=rng)
            layers += [BatchNorm2d(many), ReLU(), _start(up, rng)]
        self.painter = Sequential(*layers)

    def forward(self, z):
        h = self.project(self.check_latent(z))
        return F.tanh(self.painter(h.reshape(len(h), *self.small)))

    def sample(self, n, *, rng):
        """n images, uint8 (n, C, H, W), with the running statistics of batch norm."""
        training = self.training
        self.eval()
        try:
            with no_grad():
                x = self(self.draw_latent(n, rng)).data
        finally:
            self.train(training)
        return np.rint(127.5 * (x + 1)).astype(np.uint8)


class Discriminator(_Images):
    """One number (N,) for each image (N, C, H, W): DCGAN.

    An array x holds bytes; a Tensor is taken as scaled to −1 … 1 already, and gradients
    reach it. Every 4 × 4 convolution halves the image (7 → 3) and ends in a leaky ReLU
    of slope 0.2; a linear map judges what is left. `norm` is "batch", after all
    convolutions but the first (Radford et al. 2016, section 3); "spectral", in all
    layers (Miyato et al. 2018); or None. A gradient penalty wants a discriminator
    without batch norm.
    """

    def __init__(self, shape=(1, 28, 28), *, channels=(64, 128), norm="batch", rng):
        super().__init__(shape, channels)
        if norm not in ("batch", "spectral", None):
            raise ValueError(
                f"Discriminator: norm must be 'batch', 'spectral' or None, got {norm!r}"
            )
        self.norm, layers, sizes = norm, [], (self.shape[0], *channels)
        for i, outputs in enumerate(channels):
            batch = norm == "batch" and i > 0
            down = Conv2d(sizes[i], outputs, 4, 2, 1, bias=not batch, rng=rng)
            layers.append(self._limited(_start(down, rng), rng))
            layers += [BatchNorm2d(outputs)] if batch else []
            layers.append(LeakyReLU(0.2))
        self.network = Sequential(*layers, Flatten())
        judge = Linear(channels[-1] * math.prod(self.sizes[-1]), 1, rng=rng)
        self.judge = self._limited(_start(judge, rng), rng)

    def _limited(self, layer, rng):
        return SpectralNorm(layer, rng=rng) if self.norm == "spectral" else layer

    def features(self, x):
        """What the last layer sees: images → (N, D), for `feature_matching`."""
        x = x if isinstance(x, Tensor) else Tensor(self.scaled(self.check(x)))
        self.check_shape(x)
        return self.network(x)

    def forward(self, x):
        return self.judge(self.features(x)).reshape(len(x))


def _start(layer, rng):
    """The layer with weights from N(0, 0.02²), biases 0: Radford et al. 2016, 4."""
    name, weight = type(layer).__name__, layer.weight
    weight.data[...] = normal(name, weight.shape, 0.02, rng)
    if layer.bias is not None:
        layer.bias.data[...] = 0
    return layer


def _check_tuple(function, name, sizes):
    """An error unless sizes is a tuple or a list of whole numbers ≥ 1."""
    if not isinstance(sizes, (tuple, list)):
        raise TypeError(f"{function}: {name} must be a tuple of sizes, got {sizes!r}")
    check_sizes(function, **{f"{name}[{i}]": size for i, size in enumerate(sizes)})
