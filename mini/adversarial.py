"""What two networks play for: the losses of GANs, and what keeps the game in bounds.

A discriminator gives each sample one number, high for real, low for fake (its logit;
for Wasserstein any number). A generator makes the fakes. Each has its loss, to be
minimised; both take the discriminator's outputs, floats (N,) or (N, 1), and give a
scalar Tensor:

    loss = non_saturating.discriminator(D(real), D(fake))    # a step of D
    loss = non_saturating.generator(D(G(z)))                 # a step of G
"""

import numpy as np

from . import functional as F
from .tensor import Tensor, as_tensor, grad, value_of

# ---- losses --------------------------------------------------------------------------


class minimax:
    """D learns log-odds, G plays for the opposite of D's loss.

    D: −E log σ(real) − E log(1 − σ(fake)); G: E log(1 − σ(fake)), which is flat where D
    is sure of itself. Goodfellow et al. 2014, equation 1. With `smoothing` s, real ones
    count as real with probability 1 − s (one-sided: Salimans et al. 2016, section 3.4).
    """

    @classmethod
    def discriminator(cls, real, fake, *, smoothing=0.0):
        real, fake = _outputs(cls, "discriminator", real=real, fake=fake)
        _check_smoothing(cls, smoothing)
        # −(1 − s) log σ(r) − s log(1 − σ(r)) = softplus(−r) + s·r
        on_real = F.softplus(-real).mean()
        if smoothing:
            on_real = on_real + smoothing * real.mean()
        return on_real + F.softplus(fake).mean()

    @classmethod
    def generator(cls, fake):
        (fake,) = _outputs(cls, "generator", fake=fake)
        return -F.softplus(fake).mean()


class non_saturating(minimax):
    """As `minimax`, but G's loss is −E log σ(fake): steep where D is sure of itself.

    Goodfellow et al. 2014, section 3.
    """

    @classmethod
    def generator(cls, fake):
        (fake,) = _outputs(cls, "generator", fake=fake)
        return F.softplus(-fake).mean()


class least_squares:
    """D: ½·E(real − 1)² + ½·E fake²; G: ½·E(fake − 1)². Mao et al. 2017.

    With `smoothing` s the real ones' target is 1 − s.
    """

    @classmethod
    def discriminator(cls, real, fake, *, smoothing=0.0):
        real, fake = _outputs(cls, "discriminator", real=real, fake=fake)
        _check_smoothing(cls, smoothing)
        target = 1 - smoothing
        return 0.5 * ((real - target) ** 2).mean() + 0.5 * (fake * fake).mean()

    @classmethod
    def generator(cls, fake):
        (fake,) = _outputs(cls, "generator", fake=fake)
        return 0.5 * ((fake - 1) ** 2).mean()


class wasserstein:
    """D: E fake − E real; G: −E fake. Arjovsky et al. 2017, equation 2.

    −D's loss is a distance of the two distributions only while D is kept from growing
    steeper than 1: see `clip_weights`, `gradient_penalty` and `spectral_norm`.
    """

    @classmethod
    def discriminator(cls, real, fake):
        real, fake = _outputs(cls, "discriminator", real=real, fake=fake)
        return fake.mean() - real.mean()

    @classmethod
    def generator(cls, fake):
        (fake,) = _outputs(cls, "generator", fake=fake)
        return -fake.mean()


class hinge(wasserstein):
    """D: E max(0, 1 − real) + E max(0, 1 + fake); G: −E fake. Lim and Ye 2017."""

    @classmethod
    def discriminator(cls, real, fake):
        real, fake = _outputs(cls, "discriminator", real=real, fake=fake)
        return F.relu(1 - real).mean() + F.relu(1 + fake).mean()


def feature_matching(real, fake):
    """|E real − E fake|², summed over features: D's inner (N, …) for real and for fake.

    A loss for the generator. Salimans et al. 2016, section 3.1.
    """
    real, fake = as_tensor(real), as_tensor(fake)
    if real.ndim < 2 or real.shape[1:] != fake.shape[1:] or not len(real) * len(fake):
        raise ValueError(
            f"feature_matching: real and fake must be features (N, …) of the same"
            f" shape but for N, got {real.shape} and {fake.shape}"
        )
    return ((real.mean(0) - fake.mean(0)) ** 2).sum()


def _outputs(loss, side, **given):
    """What a discriminator gave, as Tensors, if it is floats (N,) or (N, 1)."""
    for name, x in given.items():
        x = as_tensor(x)
        if x.shape not in ((x.size,), (x.size, 1)) or not x.size or x.dtype.kind != "f":
            raise ValueError(
                f"{loss.__name__}.{side}: {name} must be floats (N,) or (N, 1), one for"
                f" each sample, got {x.dtype} of shape {x.shape}"
            )
        yield x


def _check_smoothing(loss, smoothing):
    if not 0 <= smoothing < 1:
        raise ValueError(
            f"{loss.__name__}.discriminator: smoothing must be 0 ≤ smoothing < 1,"
            f" got {smoothing!r}"
        )


# ---- penalties -----------------------------------------------------------------------


def gradient_penalty(critic, real, fake, *, rng):
    """E (‖∇critic‖ − 1)² at random places between real and fake samples: a scalar.

    real and fake are floats (N, …) of one shape; each of the N pairs has its own place,
    and its own norm, over all its numbers. Add it λ times to the critic's loss (λ = 10:
    Gulrajani et al. 2017, equation 3). The critic must judge every sample by itself, so
    it must have no batch norm. No gradient flows to what made the samples.
    """
    real, fake = _samples("gradient_penalty", real=real, fake=fake)
    if real.shape != fake.shape or real.dtype != fake.dtype:
        raise ValueError(
            f"gradient_penalty: real and fake must be of one shape and dtype, got"
            f" {real.dtype} of {real.shape} and {fake.dtype} of {fake.shape}"
        )
    if not isinstance(rng, np.random.Generator):
        raise TypeError(
            f"gradient_penalty: rng must be a numpy random Generator, got {rng!r}"
        )
    alpha = rng.random((len(real),) + (1,) * (real.ndim - 1)).astype(real.dtype)
    squares = _squared_slopes(
        "gradient_penalty", critic, alpha * real + (1 - alpha) * fake
    )
    # the norm has no gradient at a slope of exactly zero, which is left as it is
    flat = squares.data == 0
    norms = F.where(flat, 0.0, F.sqrt(F.where(flat, 1.0, squares)))
    return ((norms - 1) ** 2).mean()


def r1_penalty(critic, real):
    """½·E‖∇critic‖² at real samples (N, …), over all numbers of each: a scalar.

    Add it γ times to the discriminator's loss. Mescheder et al. 2018.
    """
    (real,) = _samples("r1_penalty", real=real)
    return 0.5 * _squared_slopes("r1_penalty", critic, real).mean()


def _squared_slopes(function, critic, x):
    """‖∇critic(x)‖² of each sample: (N, …) → (N,), on the tape."""
    x = Tensor(x, requires_grad=True)
    y = critic(x)
    if y.shape not in ((len(x),), (len(x), 1)):
        raise ValueError(
            f"{function}: critic must give one number for each of {len(x)} samples,"
            f" got shape {y.shape}"
        )
    (slope,) = grad(y.sum(), [x], create_graph=True)
    return (slope * slope).reshape(len(x), -1).sum(1)


def _samples(function, **given):
    """The samples as arrays, if they are floats (N, …)."""
    for name, x in given.items():
        x = np.asarray(value_of(x))
        if x.ndim < 2 or not x.size or x.dtype.kind != "f":
            raise ValueError(
                f"{function}: {name} must be floats (N, …), got {x.dtype} of shape"
                f" {x.shape}"
            )
        yield x


# ---- bounds on the discriminator -----------------------------------------------------


def clip_weights(parameters, limit):
    """Move every parameter into −limit … limit, in place and off the tape.

    Arjovsky et al. 2017, algorithm 1.
    """
    if not limit > 0:
        raise ValueError(f"clip_weights: limit must be above 0, got {limit!r}")
    for parameter in parameters:
        np.clip(parameter.data, -limit, limit, out=parameter.data)


def spectral_norm(weight, u, *, axis=0, iterate=True):
    """(σ, u): the largest singular value of a weight, and its left vector, nearly.

    The weight (a Tensor) is a matrix with the outputs' axis as rows; u, an array with a
    number for each output, is where the estimate stands. One step of power iteration,
    v = Wᵀu/|Wᵀu|, u = Wv/|Wv|, brings it nearer; without `iterate` u stays. σ = uᵀWv is
    a Tensor, and u and v are constants to its gradient. Miyato et al. 2018, algorithm
    1. `nn.SpectralNorm` divides a layer's weight by it.
    """
    weight = as_tensor(weight)
    if weight.ndim < 2 or np.shape(u) != (weight.shape[axis],):
        raise ValueError(
            f"spectral_norm: u must have a number for each output, axis {axis} of the"
            f" weight {weight.shape}, got shape {np.shape(u)}"
        )
    order = (axis, *(i for i in range(weight.ndim) if i != axis))
    matrix = weight.transpose(order).reshape(len(u), -1)
    v = _unit(u @ matrix.data)
    u = _unit(matrix.data @ v) if iterate else _unit(u)
    return u @ matrix @ v, u


def _unit(x):
    return x / max(float(np.linalg.norm(x)), 1e-12)


# ---- samples in packs ----------------------------------------------------------------


def pack(x, m):
    """m samples after another as one, for a discriminator that sees m at a time.

    Points (N, D) → (N/m, m·D), images (N, C, H, W) → (N/m, m·C, H, W); an array or a
    Tensor, and stays one. Lin et al. 2018 (PacGAN).
    """
    whole = isinstance(m, (int, np.integer)) and m >= 1
    if not whole or x.ndim < 2 or len(x) % m or not x.size:
        raise ValueError(
            f"pack: x must be N samples (N, …), N a multiple of m, got shape {x.shape}"
            f" and m = {m!r}"
        )
    N, C = x.shape[:2]
    return x.reshape(N // m, m * C, *x.shape[2:])
