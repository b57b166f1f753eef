"""Variational autoencoders: dense, convolutional, and with two stochastic layers.

What they have in common, the bounds and the conditions, is in latent.py; here are the
networks. Kingma and Welling 2014; Burda et al. 2016.
"""

import math

from .. import functional as F
from ..distributions import Normal
from ..init import check_sizes
from ..latent import LatentVariable, beside, normal
from ..nn import Conv2d, ConvTranspose2d, Flatten, ReLU, Sequential, mlp
from ..tensor import no_grad


class VAE(LatentVariable):
    """Dense: `hidden` layers with ReLU up to the code, the same ones back."""

    def __init__(
        self, shape=(1, 28, 28), *, latent=32, hidden=(512,), pixels="bernoulli",
        conditions=0, rng,
    ):  # fmt: skip
        super().__init__(shape, latent, pixels, conditions)
        D = math.prod(self.shape)
        sizes = _sizes("VAE", hidden)
        self.encoder = mlp(D + conditions, *sizes, 2 * latent, rng=rng)
        self.decoder = mlp(latent + conditions, *sizes[::-1], D, rng=rng)

    def guess(self, x, condition):
        return self.encoder(beside(x.reshape(len(x), -1), condition))

    def draw(self, z):
        return self.decoder(z).reshape(len(z), *self.shape)


class ConvVAE(LatentVariable):
    """4 × 4 convolutions of stride 2, a dense layer of `hidden`; and back again.

    `channels` are those of the convolutions; each halves the image, so H and W must be
    multiples of 2 to the power of their number. Conditions enter at the dense layers.
    """

    def __init__(
        self, shape=(1, 28, 28), *, latent=32, channels=(32, 64), hidden=256,
        pixels="bernoulli", conditions=0, rng,
    ):  # fmt: skip
        super().__init__(shape, latent, pixels, conditions)
        sizes = _sizes("ConvVAE", channels)
        if not sizes:
            raise ValueError(f"ConvVAE: channels must not be empty, got {channels!r}")
        C, H, W = self.shape
        shrink = 2 ** len(sizes)
        if H % shrink or W % shrink:
            raise ValueError(
                f"ConvVAE: {len(sizes)} convolutions need H and W divisible by"
                f" {shrink}, got shape {shape} and channels {channels}"
            )
        self.small = (sizes[-1], H // shrink, W // shrink)
        flat = math.prod(self.small)
        steps = list(zip((C, *sizes), sizes))  # from few channels to many
        how = {"stride": 2, "padding": 1, "rng": rng}
        down, up = [], []
        for few, many in steps:
            down += [Conv2d(few, many, 4, **how), ReLU()]
        self.features = Sequential(*down, Flatten())
        self.encoder = mlp(flat + conditions, hidden, 2 * latent, rng=rng)
        self.decoder = mlp(latent + conditions, hidden, flat, rng=rng)
        for few, many in reversed(steps):
            up += [ReLU(), ConvTranspose2d(many, few, 4, **how)]
        self.painter = Sequential(*up)

    def guess(self, x, condition):
        return self.encoder(beside(self.features(x), condition))

    def draw(self, z):
        return self.painter(self.decoder(z).reshape(len(z), *self.small))


class TwoLayerVAE(LatentVariable):
    """Causes of causes: p(x | z) p(z | y) p(y), and q(z | x) q(y | z).

    `latent` are the sizes of z and y, `hidden` those of the two dense layers of each
    network beside the one and the other. Burda et al. 2016, section 2 and figure 1.
    """

    def __init__(
        self, shape=(1, 28, 28), *, latent=(100, 50), hidden=(200, 100),
        pixels="bernoulli", rng,
    ):  # fmt: skip
        K, L = _sizes("TwoLayerVAE", latent)
        low, high = _sizes("TwoLayerVAE", hidden)
        super().__init__(shape, K, pixels)
        D, self.upper = math.prod(self.shape), L
        self.encoder = mlp(D, low, low, 2 * K, rng=rng)
        self.decoder = mlp(K, low, low, D, rng=rng)
        self.upper_encoder = mlp(K, high, high, 2 * L, rng=rng)
        self.upper_decoder = mlp(L, high, high, 2 * K, rng=rng)

    def guess(self, x, condition):
        return self.encoder(x.reshape(len(x), -1))

    def draw(self, z):
        return self.decoder(z).reshape(len(z), *self.shape)

    def terms(self, x, condition=None, *, rng):
        """(fit, kl): log p(x | z) (N,) for one draw of z and y, and log q − log p of
        that draw, (N, 2), for each. Their difference fit − Σ kl is the bound.
        """
        q = self.encode(x, condition)
        z = q.rsample((1,), rng=rng)
        fit = self.fit_of_draws(z, self.values(x), condition)
        return fit[0], -F.stack(self._prior(z, q, rng), 2)[0]

    def _log_weights(self, q, values, condition, rng, k):
        z = q.rsample((k,), rng=rng)
        lower, upper = self._prior(z, q, rng)
        return self.fit_of_draws(z, values, condition) + lower + upper

    def _prior(self, z, q, rng):
        """log p(z | y) − log q(z | x) and log p(y) − log q(y | z), each (k, N)."""
        k, N = z.shape[:2]
        flat = z.reshape(k * N, -1)
        above = normal(self.upper_encoder(flat))
        y = above.rsample(rng=rng)
        p = normal(self.upper_decoder(y))
        lower = p.log_prob(flat).sum(1).reshape(k, N) - q.log_prob(z).sum(2)
        upper = (Normal(0.0, 1.0).log_prob(y) - above.log_prob(y)).sum(1)
        return lower, upper.reshape(k, N)

    def draw_latent(self, n, rng):
        """n draws of z: first y from N(0, I), then z given y."""
        y = rng.standard_normal((n, self.upper), dtype=self.dtype)
        with no_grad():
            return normal(self.upper_decoder(F.as_tensor(y))).sample(rng=rng)


def _sizes(name, sizes):
    """A tuple of layer sizes, checked."""
    if not isinstance(sizes, (tuple, list)):
        raise TypeError(f"{name}: expected a tuple of sizes, got {sizes!r}")
    check_sizes(name, **{f"size {i}": size for i, size in enumerate(sizes)})
    return tuple(sizes)
