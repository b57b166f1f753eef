"""The models of models/vae.py in torch: VAE, ConvVAE, TwoLayerVAE.

twin.load_state_dict({k: torch.tensor(v) for k, v in model.state_dict().items()})

Noise comes from a numpy Generator here too, so that a seed gives both sides the same.
"""

import math

import torch
from torch import distributions, nn
from torch.distributions import kl_divergence
from torch.nn import functional as F

from .pixelcnn import logistic_mixture


def Normal(loc, scale):
    return distributions.Normal(loc, scale, validate_args=False)  # which costs time


def mlp(*sizes):
    """Linear layers of these sizes with ReLU between them."""
    layers = []
    for inputs, outputs in zip(sizes, sizes[1:]):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def normal(h):
    """The Normal whose means and log-variances are the halves of h (N, 2·K)."""
    means, log_variances = h.chunk(2, 1)
    return Normal(means, torch.exp(log_variances / 2))


def draw(q, shape=(), *, rng):
    """Draws from a Normal through which gradients flow."""
    kind = {torch.float32: "f", torch.float64: "d"}[q.loc.dtype]
    noise = torch.from_numpy(rng.standard_normal((*shape, *q.loc.shape), dtype=kind))
    return q.loc + q.scale * noise


class LatentVariable(nn.Module):
    """Images of `shape` (C, H, W), values 0 … levels − 1, as floats or uint8."""

    def __init__(self, shape, latent, pixels="bernoulli", conditions=0):
        super().__init__()
        self.shape, self.latent = tuple(shape), latent
        self.pixels, self.conditions = pixels, conditions
        self.top = 1 if pixels == "bernoulli" else 255
        if pixels != "bernoulli":
            self.log_scale = nn.Parameter(torch.full((shape[0], 1, 1), -2.0))

    def scaled(self, x):
        """Values as the network sees them: from 0 to 1."""
        return x.to(next(self.parameters()).dtype) / self.top

    def with_condition(self, h, condition):
        """h (N, K) and the conditions beside it; whole numbers stand for classes."""
        if not self.conditions:
            return h
        c = torch.as_tensor(condition)
        if not c.is_floating_point():
            c = F.one_hot(c.long().expand(len(h)), self.conditions)
        return torch.cat([h, c.to(h.dtype)], 1)

    def encode(self, x, condition=None):
        """q(z | x), a Normal of shape (N, latent)."""
        return normal(self.guess(self.scaled(x), condition))

    def decode(self, z, condition=None):
        """What the distribution of the pixels hangs on: (N, latent) → (N, C, H, W)."""
        return self.paint(self.with_condition(z, condition))

    def fit(self, z, x, condition=None):
        """log p(x | z) in nats, (N,)."""
        y = self.decode(z, condition)
        if self.pixels == "bernoulli":
            bits = self.scaled(x)
            logs = -F.binary_cross_entropy_with_logits(y, bits, reduction="none")
        elif self.pixels == "gaussian":
            logs = Normal(y, self.log_scale.exp()).log_prob(self.scaled(x))
        else:
            log_scale = self.log_scale.expand_as(y)
            params = torch.stack([torch.zeros_like(y), 2 * y - 1, log_scale], 1)
            logs = logistic_mixture(params, x, 256)
        return logs.sum((1, 2, 3))

    def terms(self, x, condition=None, *, rng):
        """(log p(x | z) (N,) for a draw of z, KL(q ‖ p) of each latent (N, latent))."""
        q = self.encode(x, condition)
        fit = self.fit(draw(q, rng=rng), x, condition)
        return fit, kl_divergence(q, Normal(0.0, 1.0))

    def elbo(self, x, condition=None, *, rng, k=1):
        """A bound of log p(x) in nats, (N,); for k > 1 the importance-weighted one."""
        if k == 1:
            fit, kl = self.terms(x, condition, rng=rng)
            return fit - kl.sum(1)
        weights = self.log_weights(x, condition, rng=rng, k=k)
        return torch.logsumexp(weights, 0) - math.log(k)

    def log_weights(self, x, condition=None, *, rng, k):
        """log p(x, z) − log q(z | x) of k draws z from q: (k, N) nats."""
        q = self.encode(x, condition)
        z = draw(q, (k,), rng=rng)
        logs = Normal(0.0, 1.0).log_prob(z) - q.log_prob(z)
        return self.fit_of_draws(z, x, condition) + logs.sum(2)

    def fit_of_draws(self, z, x, condition):
        """log p(x | z) for k draws of each image, z (k, N, latent): (k, N)."""
        logs = [self.fit(part, x, condition) for part in z]
        return torch.stack(logs)

    @torch.no_grad()
    def log_prob(self, x, condition=None, *, rng, k=1000):
        """log p(x) estimated with k draws, (N,) nats."""
        weights = self.log_weights(x, condition, rng=rng, k=k)
        return torch.logsumexp(weights, 0) - math.log(k)


class VAE(LatentVariable):
    """Dense: `hidden` layers with ReLU up to the code, the same ones back."""

    def __init__(
        self, shape=(1, 28, 28), *, latent=32, hidden=(512,), pixels="bernoulli",
        conditions=0,
    ):  # fmt: skip
        super().__init__(shape, latent, pixels, conditions)
        D = math.prod(shape)
        self.encoder = mlp(D + conditions, *hidden, 2 * latent)
        self.decoder = mlp(latent + conditions, *hidden[::-1], D)

    def guess(self, x, condition):
        return self.encoder(self.with_condition(x.flatten(1), condition))

    def paint(self, z):
        return self.decoder(z).reshape(-1, *self.shape)


class ConvVAE(LatentVariable):
    """4 × 4 convolutions of stride 2, a dense layer of `hidden`; and back again."""

    def __init__(
        self, shape=(1, 28, 28), *, latent=32, channels=(32, 64), hidden=256,
        pixels="bernoulli", conditions=0,
    ):  # fmt: skip
        super().__init__(shape, latent, pixels, conditions)
        (C, H, W), shrink = shape, 2 ** len(channels)
        self.small = channels[-1], H // shrink, W // shrink
        flat = math.prod(self.small)
        steps, down, up = list(zip((C, *channels), channels)), [], []
        for few, many in steps:
            down += [nn.Conv2d(few, many, 4, stride=2, padding=1), nn.ReLU()]
        self.features = nn.Sequential(*down, nn.Flatten())
        self.encoder = mlp(flat + conditions, hidden, 2 * latent)
        self.decoder = mlp(latent + conditions, hidden, flat)
        for few, many in reversed(steps):
            up += [nn.ReLU(), nn.ConvTranspose2d(many, few, 4, stride=2, padding=1)]
        self.painter = nn.Sequential(*up)

    def guess(self, x, condition):
        return self.encoder(self.with_condition(self.features(x), condition))

    def paint(self, z):
        return self.painter(self.decoder(z).reshape(-1, *self.small))


class TwoLayerVAE(LatentVariable):
    """p(x | z) p(z | y) p(y), and q(z | x) q(y | z): Burda et al. 2016, section 2."""

    def __init__(
        self, shape=(1, 28, 28), *, latent=(100, 50), hidden=(200, 100),
        pixels="bernoulli",
    ):  # fmt: skip
        (K, L), (low, high), D = latent, hidden, math.prod(shape)
        super().__init__(shape, K, pixels)
        self.encoder = mlp(D, low, low, 2 * K)
        self.decoder = mlp(K, low, low, D)
        self.upper_encoder = mlp(K, high, high, 2 * L)
        self.upper_decoder = mlp(L, high, high, 2 * K)

    def guess(self, x, condition):
        return self.encoder(x.flatten(1))

    def paint(self, z):
        return self.decoder(z).reshape(-1, *self.shape)

    def terms(self, x, condition=None, *, rng):
        """(log p(x | z) (N,), log q − log p of the draws of z and y, (N, 2))."""
        q = self.encode(x)
        z = draw(q, (1,), rng=rng)
        lower, upper = self.prior(z, q, rng)
        return self.fit(z[0], x), -torch.stack([lower[0], upper[0]], 1)

    def log_weights(self, x, condition=None, *, rng, k):
        q = self.encode(x)
        z = draw(q, (k,), rng=rng)
        return self.fit_of_draws(z, x, condition) + sum(self.prior(z, q, rng))

    def prior(self, z, q, rng):
        """log p(z | y) − log q(z | x) and log p(y) − log q(y | z), each (k, N)."""
        (k, N, K), flat = z.shape, z.flatten(0, 1)
        above = normal(self.upper_encoder(flat))
        y = draw(above, rng=rng)
        below = normal(self.upper_decoder(y))
        lower = below.log_prob(flat).reshape(k, N, K) - q.log_prob(z)
        upper = Normal(0.0, 1.0).log_prob(y) - above.log_prob(y)
        return lower.sum(2), upper.sum(1).reshape(k, N)
