"""Exercises of chapter 11 on one draw; those on many are in chapter11_bounds.py."""

import numpy as np

from .. import functional as F
from ..distributions import Bernoulli, Normal, kl_divergence
from .frame import exercise

# ---- hidden_cause --------------------------------------------------------------------


def seen_numbers(rng):
    yield 1.0, 1.0, 1.0
    yield 2.0, 1.0, 0.5
    for _ in range(6):
        x, w = 2 * rng.normal(size=2)
        yield float(x), float(w), float(rng.uniform(0.2, 2))


def summary(x, w, s, *, total=None, mean=None, var=None, constant=2 * np.pi):
    """What the reference gives, with a part of it replaced."""
    total = w * w + s * s if total is None else total
    mean = w * x / (w * w + s * s) if mean is None else mean
    var = s * s / (w * w + s * s) if var is None else var
    return -0.5 * (x * x / total + np.log(constant * total)), mean, np.sqrt(var)


@exercise("hidden_cause", inputs=seen_numbers)
def hidden_cause(x, w, s):
    return summary(x, w, s)


hidden_cause.mistake(
    "standard deviations added, where variances add",
    hint="Two independent draws with standard deviations 3 and 4: how far does their"
    " sum typically lie from its mean?",
)(lambda x, w, s: summary(x, w, s, total=(abs(w) + s) ** 2))

hidden_cause.mistake(
    "log p(x) of the noise alone",
    hint="If you do not know z, which two things make x vary?",
)(lambda x, w, s: summary(x, w, s, total=s * s))

hidden_cause.mistake(
    "z computed backwards, as x / w",
    hint="With a lot of noise, does a large x prove a large z? What does p(z) say?",
)(lambda x, w, s: summary(x, w, s, mean=x / w))

hidden_cause.mistake(
    "the prior's spread in place of the posterior's",
    hint="Before x was seen z had standard deviation 1. Do you know no more now?",
)(lambda x, w, s: summary(x, w, s, var=1.0))

hidden_cause.mistake(
    "the posterior's precision in place of its standard deviation",
    hint="The more exact the measurement (small s), the narrower p(z | x). Is yours?",
)(lambda x, w, s: summary(x, w, s, var=((w * w + s * s) / s**2) ** 2))

hidden_cause.mistake(
    "the posterior's variance in place of its standard deviation",
    hint="Which of the two did the exercise ask for?",
)(lambda x, w, s: summary(x, w, s, var=(s * s / (w * w + s * s)) ** 2))

hidden_cause.mistake(
    "the factor 1/√(2π) left out of the density",
    hint="Over all x the density must integrate to one. What is ∫ exp(−x²/2) dx?",
)(lambda x, w, s: summary(x, w, s, constant=1.0))


hidden_cause.mistake(
    "log p(x) with its sign turned, the cost",
    hint="The larger x is, the less probable. Does your first number fall or rise?",
)(lambda x, w, s: (-summary(x, w, s)[0], *summary(x, w, s)[1:]))


@hidden_cause.variant
def with_distributions(x, w, s):
    spread = np.hypot(w, s)
    log_prob = Normal(0.0, spread).log_prob(np.float64(x)).item()
    return log_prob, x * w / spread**2, s / spread


@hidden_cause.variant
def by_precisions(x, w, s):
    precision = 1 + w**2 / s**2  # of the prior, and of the measurement
    mean = w * x / s**2 / precision
    joint = -0.5 * (mean**2 + ((x - w * mean) / s) ** 2) - np.log(2 * np.pi * s)
    return joint + 0.5 * np.log(2 * np.pi / precision), mean, precision**-0.5


@hidden_cause.variant
def by_adding_up(x, w, s):
    z = np.linspace(-12, 12, 40001)
    log_joint = -0.5 * (z**2 + ((x - w * z) / s) ** 2) - np.log(2 * np.pi * s)
    share = np.exp(log_joint)
    evidence = share.sum() * (z[1] - z[0])
    mean = (share * z).sum() / share.sum()
    spread = np.sqrt((share * (z - mean) ** 2).sum() / share.sum())
    return float(np.log(evidence)), float(mean), float(spread)


# ---- reparameterise ------------------------------------------------------------------


def gaussian_batches(rng):
    for N, D in [(1, 2), (3, 4), (6, 5)]:
        yield rng.normal(size=(N, D)), rng.normal(size=(N, D))


def gaussians_and_noise(rng):
    for mu, log_var in gaussian_batches(rng):
        yield mu, log_var, rng.normal(size=mu.shape)


@exercise("reparameterise", inputs=gaussians_and_noise, tensors=True)
def reparameterise(mu, log_var, noise):
    return mu + F.exp(0.5 * log_var) * noise


reparameterise.mistake(
    "exp(log_var) taken for a standard deviation",
    hint="exp(log_var) is a variance. How does one get from there to a spread?",
)(lambda mu, log_var, noise: mu + F.exp(log_var) * noise)

reparameterise.mistake(
    "log_var itself taken for a standard deviation",
    hint="A log-variance may be negative. May a standard deviation?",
)(lambda mu, log_var, noise: mu + log_var * noise)

reparameterise.mistake(
    "noise of spread 1, whatever q says",
    hint="An encoder that is sure of z says so in log_var. Where does it count?",
)(lambda mu, log_var, noise: mu + noise + 0 * log_var)

reparameterise.mistake(
    "the mean in place of a draw",
    hint="Without noise this is the autoencoder of chapter 10. What keeps its codes"
    " from drifting apart?",
)(lambda mu, log_var, noise: mu + 0 * (log_var + noise))

reparameterise.mistake(
    "the mean multiplied by the noise too",
    hint="Which of the two numbers moves a Gaussian, and which one stretches it?",
)(lambda mu, log_var, noise: (mu + F.exp(0.5 * log_var)) * noise)

reparameterise.mistake(
    "the logarithm's base forgotten, 0.5 · log_var",
    hint="σ = √(e^log_var). Which e-power is that?",
)(lambda mu, log_var, noise: mu + 0.5 * log_var * noise)


@reparameterise.mistake(
    "a draw through which no gradient reaches log_var",
    hint="z moves when σ does. Does your tape know? What leaves it?",
)
def _(mu, log_var, noise):
    return mu + np.exp(0.5 * log_var.data) * noise


@reparameterise.mistake(
    "a draw through which no gradient reaches mu",
    hint="z moves when μ does. Does your tape know? What leaves it?",
)
def _(mu, log_var, noise):
    return mu.detach() + F.exp(0.5 * log_var) * noise


reparameterise.variant(lambda mu, log_var, noise: F.sqrt(F.exp(log_var)) * noise + mu)
reparameterise.variant(lambda mu, log_var, noise: mu - -noise * F.exp(log_var) ** 0.5)
reparameterise.variant(lambda mu, log_var, noise: mu + noise / F.exp(-log_var / 2))


# ---- kl_to_standard_normal -----------------------------------------------------------


def twice_kl(mu, log_var):
    return mu**2 + F.exp(log_var) - log_var - 1


@exercise("kl_to_standard_normal", inputs=gaussian_batches, tensors=True)
def kl_to_standard_normal(mu, log_var):
    return 0.5 * twice_kl(mu, log_var).sum(axis=1)


kl_to_standard_normal.mistake(
    "averaging over the D latent dimensions",
    hint="The reconstruction is a sum over pixels. What happens to the balance of the"
    " two if one is a sum and the other a mean?",
)(lambda mu, log_var: 0.5 * twice_kl(mu, log_var).mean(axis=1))

kl_to_standard_normal.mistake(
    "log_var taken for the logarithm of a standard deviation",
    hint="KL has −log σ in it, and −½ log σ². Which of the two logarithms is log_var?",
)(lambda mu, log_var: 0.5 * twice_kl(mu, 2 * log_var).sum(axis=1))

kl_to_standard_normal.mistake(
    "the wrong sign",
    hint="A divergence is never negative. Which sign has it in equation (4), and which"
    " in the bound?",
)(lambda mu, log_var: -0.5 * twice_kl(mu, log_var).sum(axis=1))

kl_to_standard_normal.mistake(
    "the factor ½ left out",
    hint="Where does the exponent of a Gaussian density have its ½?",
)(lambda mu, log_var: twice_kl(mu, log_var).sum(axis=1))

kl_to_standard_normal.mistake(
    "the −1 left out",
    hint="What must the divergence be when q is the prior itself, μ = 0 and σ = 1?",
)(lambda mu, log_var: 0.5 * (mu**2 + F.exp(log_var) - log_var).sum(axis=1))

kl_to_standard_normal.mistake(
    "one number for the whole batch",
    hint="Every image has a divergence of its own. Over which axis is the sum?",
)(lambda mu, log_var: 0.5 * twice_kl(mu, log_var).sum())

kl_to_standard_normal.mistake(
    "the sum over the images of the batch",
    hint="mu is (N, D), the result (N,). Which axis goes?",
)(lambda mu, log_var: 0.5 * twice_kl(mu, log_var).sum(axis=0))

kl_to_standard_normal.mistake(
    "the sign of log_var turned round",
    hint="A narrow q costs more the narrower it is. What is −log σ² for a tiny σ?",
)(lambda mu, log_var: 0.5 * (mu**2 + F.exp(log_var) + log_var - 1).sum(axis=1))


kl_to_standard_normal.mistake(
    "the variance squared once more",
    hint="(4) has σ² in it. Is exp(log_var) σ, or σ² already?",
)(lambda mu, log_var: 0.5 * (mu**2 + F.exp(2 * log_var) - log_var - 1).sum(axis=1))


@kl_to_standard_normal.mistake(
    "KL(p ‖ q), the two distributions exchanged",
    hint="Over which of the two is the mean taken in KL(q ‖ p), and which one do you"
    " draw from?",
)
def _(mu, log_var):
    return 0.5 * ((mu**2 + 1) * F.exp(-log_var) + log_var - 1).sum(axis=1)


@kl_to_standard_normal.variant
def from_mini(mu, log_var):
    return kl_divergence(Normal(mu, F.exp(log_var / 2)), Normal(0.0, 1.0)).sum(1)


@kl_to_standard_normal.variant
def as_in_the_paper(mu, log_var):
    return -0.5 * (1 + log_var - mu * mu - F.exp(log_var)).sum(axis=-1)


@kl_to_standard_normal.variant
def term_by_term(mu, log_var):
    D = mu.shape[1]
    squares = (mu * mu).sum(1) + F.exp(log_var).sum(1)
    return (squares - log_var.sum(1) - D) / 2


# ---- evidence_bound ------------------------------------------------------------------


def images_and_codes(rng):
    for N, C, size, D in [(1, 1, 2, 2), (3, 1, 4, 3), (4, 2, 3, 5)]:
        logits = rng.normal(size=(N, C, size, size))
        x = (rng.random(logits.shape) < 0.5).astype(np.int64)
        yield logits, x, rng.normal(size=(N, D)), rng.normal(size=(N, D))


def fit_of(logits, x):
    return Bernoulli(logits).log_prob(x).sum((1, 2, 3))


def kl_of(mu, log_var):
    return kl_to_standard_normal.reference(mu, log_var)


@exercise("evidence_bound", inputs=images_and_codes, tensors=True)
def evidence_bound(logits, x, mu, log_var):
    return fit_of(logits, x) - kl_of(mu, log_var)


evidence_bound.mistake(
    "the divergence added",
    hint="Is a z that is far from what p(z) expects good for the bound?",
)(lambda logits, x, mu, log_var: fit_of(logits, x) + kl_of(mu, log_var))

evidence_bound.mistake(
    "the loss, the bound with its sign turned",
    hint="Is a lower bound of log p(x) for binary images above or below zero?",
)(lambda logits, x, mu, log_var: kl_of(mu, log_var) - fit_of(logits, x))

evidence_bound.mistake(
    "the reconstruction averaged over pixels, the divergence summed",
    hint="log p(x | z) of independent pixels is a product's logarithm. Against a KL of"
    " a few nats, how much does a mean over pixels weigh?",
)(lambda logits, x, mu, log_var: fit_of(logits, x) / x[0].size - kl_of(mu, log_var))

evidence_bound.mistake(
    "the divergence averaged over the latents, the reconstruction summed",
    hint="Both terms are in nats per image. What is the price of D latents, if each"
    " costs one nat?",
)(lambda logits, x, mu, log_var: fit_of(logits, x) - kl_of(mu, log_var) / mu.shape[1])

evidence_bound.mistake(
    "the divergence left out",
    hint="What is left is log p(x | z) for a z that has seen x. Is it a bound?",
)(lambda logits, x, mu, log_var: fit_of(logits, x) + 0 * kl_of(mu, log_var))

evidence_bound.mistake(
    "the mean over the batch",
    hint="The exercise asks for one number per image. Which axis stays?",
)(lambda *given: evidence_bound.reference(*given).mean())

evidence_bound.mistake(
    "black and white exchanged",
    hint="The sigmoid of a logit is the probability of which value, 0 or 1?",
)(lambda logits, x, mu, log_var: fit_of(logits, 1 - x) - kl_of(mu, log_var))


evidence_bound.mistake(
    "a squared error in place of the logarithm of a probability",
    hint="What probability has a coin given to the side that fell, and its logarithm?",
)(lambda logits, x, *q: -((x - F.sigmoid(logits)) ** 2).sum((1, 2, 3)) - kl_of(*q))


@evidence_bound.mistake(
    "a sigmoid before a function that takes logits",
    hint="Bernoulli(logits) has a sigmoid of its own. How many are there in yours?",
)
def _(logits, x, mu, log_var):
    return fit_of(F.sigmoid(logits), x) - kl_of(mu, log_var)


@evidence_bound.variant
def by_cross_entropy(logits, x, mu, log_var):
    cost = (F.softplus(logits) - x * logits).reshape(len(x), -1).sum(1)
    return -cost - kl_of(mu, log_var)


@evidence_bound.variant
def with_probabilities(logits, x, mu, log_var):
    p = F.sigmoid(logits)
    fit = F.log(F.where(x == 1, p, 1 - p)).sum((1, 2, 3))
    return fit - kl_divergence(Normal(mu, F.exp(log_var / 2)), Normal(0, 1)).sum(1)


@evidence_bound.variant
def in_one_sum(logits, x, mu, log_var):
    signs = 2 * x - 1
    fit = -F.softplus(-signs * logits).sum((1, 2, 3))
    return fit + (0.5 * (1 + log_var - mu**2 - F.exp(log_var))).sum(1)
