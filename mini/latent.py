"""What all models with hidden causes share: two bounds, an estimate, samples.

    p(x) = ∫ p(x | z) p(z) dz,    p(z) = N(0, I)

The integral cannot be done. A second network guesses which causes z an image may have,
q(z | x) = N(mean, scale²), and log p(x) is bounded from below with draws from q.
"""

import math

import numpy as np

from . import functional as F
from .distributions import Bernoulli, LogisticMixture, Normal, kl_divergence
from .images import ImageModel
from .init import check_sizes
from .tensor import Tensor, no_grad, value_of

PIXELS = {"bernoulli": 2, "gaussian": 256, "logistic": 256}  # how many levels each has
AT_ONCE = 4_000_000  # pixels that an estimate holds in memory


class LatentVariable(ImageModel):
    """Base of the models of images of `shape` (C, H, W) with `latent` hidden numbers.

    `pixels` says what the decoder's output means: "bernoulli", logits of 0 and 1;
    "gaussian", the mean of x/255, with one learnt scale for each colour (a density);
    "logistic", the same with a logistic curve cut into 256 levels (a probability).
    With `conditions` > 0 all is given so many numbers more, p(x | z, c), q(z | x, c):
    whole numbers (N,) stand for classes, floats (N, conditions) for themselves.

    An image is (N, C, H, W) with values 0 … levels − 1; a Tensor is taken as scaled to
    0 … 1 already, and gradients reach it (but logistic pixels want whole numbers).
    Subclasses define two networks: `guess`, scaled images and conditions →
    (N, 2·latent), means and log-variances of q, and `draw`, (N, latent + conditions) →
    (N, C, H, W). Kingma and Welling 2014.
    """

    def __init__(self, shape, latent, pixels="bernoulli", conditions=0):
        name = type(self).__name__
        if pixels not in PIXELS:
            known = ", ".join(map(repr, PIXELS))
            raise ValueError(f"{name}: pixels is {pixels!r}, expected one of {known}")
        super().__init__(shape, PIXELS[pixels])
        check_sizes(name, latent=latent, conditions=conditions + 1)
        self.latent, self.pixels, self.conditions = latent, pixels, conditions
        if pixels != "bernoulli":
            start = np.full((self.shape[0], 1, 1), -2, np.float32)
            self.log_scale = Tensor(start, requires_grad=True)

    # ---- the two networks ------------------------------------------------------------

    def encode(self, x, condition=None):
        """q(z | x), a Normal of shape (N, latent)."""
        x = x if isinstance(x, Tensor) else Tensor(self.scaled(self.check(x)))
        self.check_shape(x)
        h = self.guess(x, self.check_condition(condition, len(x)))
        return normal(h)

    def decode(self, z, condition=None):
        """p(x | z), z (N, latent): a distribution of images (N, C, H, W).

        A Normal is one of x/255; the others are of the values 0 … levels − 1.
        """
        return self.distribution(self._draw(z, condition))

    def mean_image(self, z, condition=None):
        """The expected image, float (N, C, H, W) from 0 to 1, for looking at."""
        with no_grad():
            y = self._draw(z, condition)
            return (
                F.sigmoid(y) if self.pixels == "bernoulli" else F.clip(y, 0, 1)
            ).data

    def _draw(self, z, condition):
        z = z if isinstance(z, Tensor) else Tensor(np.asarray(z, self.dtype))
        if z.ndim != 2 or z.shape[1] != self.latent:
            raise ValueError(
                f"{type(self).__name__}: z must be (N, {self.latent}), got shape"
                f" {z.shape}"
            )
        return self.draw(beside(z, self.check_condition(condition, len(z))))

    def distribution(self, y):
        """Of the pixels, from the decoder's output y (…, C, H, W)."""
        if self.pixels == "bernoulli":
            return Bernoulli(y)
        if self.pixels == "gaussian":
            return Normal(y, F.exp(self.log_scale))
        scale = F.broadcast_to(
            self.log_scale, y.shape
        )  # y from 0 to 1 is −1 to 1 there
        return LogisticMixture(F.stack([0 * y, 2 * y - 1, scale], -4), axis=-4)

    def values(self, x):
        """Images as `distribution` wants them."""
        if isinstance(x, Tensor):
            if self.pixels == "logistic":
                raise TypeError(
                    f"{type(self).__name__}: x is a Tensor, but logistic pixels want"
                    f" an array of whole numbers 0 … {self.levels - 1}"
                )
            return x
        x = self.check(x)
        return {"gaussian": self.scaled, "logistic": np.int64}.get(
            self.pixels, np.asarray
        )(x)

    # ---- bounds ----------------------------------------------------------------------

    def terms(self, x, condition=None, *, rng):
        """(fit, kl): log p(x | z) (N,) for one z drawn from q, and KL(q ‖ p) of each
        latent (N, latent), in nats. Their difference fit − Σ kl is the bound."""
        q = self.encode(x, condition)
        fit = self.decode(q.rsample(rng=rng), condition).log_prob(self.values(x))
        return fit.sum((1, 2, 3)), kl_divergence(q, Normal(0.0, 1.0))

    def elbo(self, x, condition=None, *, rng, k=1):
        """A lower bound of log p(x) on average, (N,) nats, from k draws of z.

        For k = 1 the evidence lower bound (Kingma and Welling 2014, equation 7); else
        the importance-weighted one, log (1/k) Σ p(x, z)/q(z | x) (Burda et al. 2016,
        equation 8), which is tighter the larger k is.
        """
        check_sizes("elbo", k=k)
        if k == 1:
            fit, kl = self.terms(x, condition, rng=rng)
            return fit - kl.sum(1)
        weights = self.log_weights(x, condition, rng=rng, k=k)
        return F.logsumexp(weights, 0) - math.log(k)

    def log_weights(self, x, condition=None, *, rng, k):
        """log p(x, z) − log q(z | x) of k draws z from q: (k, N) nats."""
        check_sizes("log_weights", k=k)
        q = self.encode(x, condition)
        return self._log_weights(q, self.values(x), condition, rng, k)

    def _log_weights(self, q, values, condition, rng, k):
        z = q.rsample((k,), rng=rng)
        prior = Normal(0.0, 1.0).log_prob(z) - q.log_prob(z)
        return self.fit_of_draws(z, values, condition) + prior.sum(2)

    def fit_of_draws(self, z, values, condition):
        """log p(x | z) for k draws of each image: z (k, N, latent) → (k, N)."""
        k, N = z.shape[:2]
        if self.conditions:
            condition = np.tile(self.check_condition(condition, N), (k, 1))
        y = self._draw(z.reshape(k * N, -1), condition)
        y = y.reshape(k, N, *self.shape)
        return self.distribution(y).log_prob(values).sum((2, 3, 4))

    def log_prob(self, x, condition=None, *, rng, k=1000):
        """log p(x) estimated with k draws by importance sampling, (N,) nats.

        A float64 Tensor without gradient. On average it lies below the truth, the less
        so the larger k is. Burda et al. 2016, section 5, take k = 5000.
        """
        check_sizes("log_prob", k=k)
        given = self.check_condition(condition, len(x))
        images = max(1, min(100, AT_ONCE // math.prod(self.shape)))
        draws = max(1, AT_ONCE // (images * math.prod(self.shape)))
        result = np.empty(len(x))
        with no_grad():
            for i in range(0, len(x), images):
                part = x[i : i + images]
                c = None if given is None else given[i : i + images]
                q, values = self.encode(part, c), self.values(part)
                logs = [
                    self._log_weights(q, values, c, rng, min(draws, k - j)).data
                    for j in range(0, k, draws)
                ]
                logs = np.concatenate(logs).astype(float)
                result[i : i + images] = F.logsumexp(Tensor(logs), 0).data
        return Tensor(result - math.log(k))

    # ---- images ----------------------------------------------------------------------

    def sample(self, n, *, rng, condition=None):
        """n images drawn pixel for pixel, uint8 (n, C, H, W), values 0 … levels − 1."""
        check_sizes("sample", n=n)
        with no_grad():
            z = self.draw_latent(n, rng)
            x = self.decode(z, condition).sample(rng=rng).data
        if self.pixels == "gaussian":
            x = np.rint(255 * np.clip(x, 0, 1))
        return x.astype(np.uint8)

    def draw_latent(self, n, rng):
        """n draws from the prior of the z that `decode` takes."""
        return rng.standard_normal((n, self.latent), dtype=self.dtype)

    def check_condition(self, condition, n):
        """Conditions as floats (n, conditions); None if the model has none."""
        name, A = type(self).__name__, self.conditions
        if not A or condition is None:
            if A or condition is not None:
                expected = f"{A} numbers for each image" if A else "None"
                raise ValueError(
                    f"{name}: condition is {condition!r}, expected {expected}"
                )
            return None
        c = np.asarray(value_of(condition))
        if (
            c.dtype.kind in "iu"
            and np.isin(c, range(A)).all()
            and c.shape in ((), (n,))
        ):
            c = np.eye(A)[np.broadcast_to(c, (n,))]
        if c.dtype.kind != "f" or c.shape != (n, A) or not np.isfinite(c).all():
            raise ValueError(
                f"{name}: condition must be whole numbers 0 … {A - 1}, one for all"
                f" images or for each of {n}, or finite floats ({n}, {A}), got"
                f" {condition!r}"
            )
        return c.astype(self.dtype)


def normal(h):
    """The Normal with the means and log-variances that are the halves of h (N, 2·K)."""
    K = h.shape[1] // 2
    return Normal(h[:, :K], F.exp(0.5 * h[:, K:]))


def beside(h, condition):
    """h (N, K) with the conditions (N, A), if there are any: (N, K + A)."""
    return h if condition is None else F.concatenate([h, condition], 1)
