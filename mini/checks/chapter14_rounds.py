"""Exercises of chapter 14 on rounds of the game; those on tables are in chapter14.py.

Whether a discriminator's output is the logit of "real" or of "fake" is a matter of
taste, as long as both players agree. So an attempt whose discriminator's loss is right
for −D is run with −D.
"""

from functools import partial

import numpy as np

from .. import functional as F
from ..adversarial import non_saturating
from ..module import Module, Sequential, Tanh
from ..nn import Linear
from ..tensor import Tensor, grad, no_grad, value_of
from .frame import Unexpected, exercise

exercise = partial(exercise, chapter="chapter14")


def is_pair(result):
    return isinstance(result, (tuple, list)) and len(result) == 2


def near(a, b):
    return np.shape(value_of(a)) == () and np.isclose(value_of(a), value_of(b), 1e-6)


def in_either_order(play, real, fake):
    """play(D): (its loss, …), for the D that makes its loss the reference's.

    real and fake are what the discriminator itself gives.
    """
    expected = non_saturating.discriminator(real, fake)
    first = play(+1)
    if is_pair(first) and not near(first[0], expected):
        second = play(-1)
        if is_pair(second) and near(second[0], expected):
            return second
    return first


# ---- gan_losses ----------------------------------------------------------------------


def logits_of_both(rng):
    """Of a doubtful discriminator, and of one so sure that e to its logit overflows."""
    yield np.array([2.0, -1.0]), np.array([-2.0, 0.5])
    for N, M, scale in [(3, 3, 1), (5, 5, 4), (4, 6, 30), (6, 4, 900)]:
        yield scale * rng.normal(size=N), scale * rng.normal(size=M)


def run_losses(attempt, real, fake):
    return in_either_order(lambda s: attempt(s * real, s * fake), real, fake)


def on_real(real):
    return F.softplus(-real).mean()


def on_fake(fake):
    return F.softplus(fake).mean()


@exercise("gan_losses", inputs=logits_of_both, tensors=True, run=run_losses)
def gan_losses(real, fake):
    return on_real(real) + on_fake(fake), F.softplus(-fake).mean()


gan_losses.mistake(
    "the generator's sign: it is paid for being found out",
    hint="When the discriminator takes a fake for real, which way does your generator's"
    " loss go? And do both losses agree on what a high logit means?",
)(lambda real, fake: (on_real(real) + on_fake(fake), on_fake(fake)))

gan_losses.mistake(
    "the minimax loss for the generator, which is flat where it is losing",
    hint="At a logit of −10, what is the slope of log(1 − σ), and what of −log σ?",
)(lambda real, fake: (on_real(real) + on_fake(fake), -on_fake(fake)))

gan_losses.mistake(
    "the mean of the discriminator's two terms, where (1) has their sum",
    hint="At equilibrium, with D = ½ everywhere, (1) says log 4. What is yours?",
)(lambda real, fake: (
    0.5 * (on_real(real) + on_fake(fake)), F.softplus(-fake).mean()))  # fmt: skip

gan_losses.mistake(
    "sums over the batch in place of means",
    hint="E in (1) is a mean. Would twice the batch mean twice the step?",
)(lambda real, fake: (F.softplus(-real).sum() + F.softplus(fake).sum(),
                      F.softplus(-fake).sum()))  # fmt: skip

gan_losses.mistake(
    "one number for each sample in place of means over the batch",
    hint="`grad` wants a single number. Which reduction is E in (1)?",
)(lambda real, fake: (F.softplus(-real) + F.softplus(fake), F.softplus(-fake)))

gan_losses.mistake(
    "a discriminator that is shown no fakes",
    hint="If everything it ever sees is real, what will it answer to anything?",
)(lambda real, fake: (on_real(real) + 0 * fake.sum(), F.softplus(-fake).mean()))

gan_losses.mistake(
    "the value (1) itself, which the discriminator should make large",
    hint="The optimiser goes downhill. Is what you hand it to be made smaller?",
)(lambda real, fake: (-on_real(real) - on_fake(fake), F.softplus(-fake).mean()))

gan_losses.mistake(
    "a second sigmoid: probabilities passed on as logits",
    hint="The arguments are logits, softplus takes logits. Who needs the sigmoid?",
)(lambda real, fake: gan_losses.reference(F.sigmoid(real), F.sigmoid(fake)))


@gan_losses.mistake(
    "the logarithm of a sigmoid that was rounded to 0 or 1",
    hint="σ(−800) is zero to a computer, and its logarithm −∞. How can −log σ(ℓ) be"
    " written with softplus, so that it is 800?",
)
def _(real, fake):
    discriminator = -F.log(F.sigmoid(real)).mean() - F.log(1 - F.sigmoid(fake)).mean()
    return discriminator, -F.log(F.sigmoid(fake)).mean()


@gan_losses.mistake(
    "the logarithm of a sigmoid that was cut off near 0 and 1",
    hint="It no longer overflows; but how large can the loss become, and what is its"
    " gradient where the discriminator is quite wrong?",
)
def _(real, fake):
    real, fake = (F.clip(F.sigmoid(x), 1e-7, 1 - 1e-7) for x in (real, fake))
    return -F.log(real).mean() - F.log(1 - fake).mean(), -F.log(fake).mean()


gan_losses.variant(lambda real, fake: (
    on_fake(-fake) + on_real(-real), F.softplus(fake).mean()))  # fmt: skip


@gan_losses.variant
def by_cross_entropy(real, fake):
    cost = F.binary_cross_entropy_with_logits
    ones, zeros = np.ones(real.shape), np.zeros(fake.shape)
    return cost(real, ones) + cost(fake, zeros), cost(fake, np.ones(fake.shape))


@gan_losses.variant
def by_hand(real, fake):
    def minus_log_sigmoid(x):
        size = F.relu(x) + F.relu(-x)
        return F.relu(-x) + F.log(1 + F.exp(-size))

    d = minus_log_sigmoid(real).mean() + minus_log_sigmoid(-fake).mean()
    return d, minus_log_sigmoid(fake).mean()


# ---- one_round -----------------------------------------------------------------------


def small_net(*sizes, rng):
    first, last = Linear(sizes[0], sizes[1], rng=rng), Linear(*sizes[1:], rng=rng)
    return Sequential(first, Tanh(), last).to(np.float64)


class Logits(Module):
    """A discriminator whose output is (N,), of the logit of "fake" if sign is −1."""

    def __init__(self, network, sign=+1):
        self.network, self.sign = network, sign

    def forward(self, x):
        return self.sign * self.network(x).reshape(len(x))


def players(rng):
    for N, latent, D, hidden in [(2, 1, 1, 2), (4, 2, 2, 5), (6, 3, 2, 4)]:
        generator = small_net(latent, hidden, D, rng=rng)
        discriminator = Logits(small_net(D, hidden, 1, rng=rng))
        real, z = rng.normal(size=(N, D)), rng.normal(size=(N, latent))
        yield generator, discriminator, 1 + real, z


def run_round(attempt, generator, discriminator, real, z):
    """Both losses, and who learns from them."""

    def play(sign):
        critic = Logits(discriminator.network, sign)
        return attempt(generator, critic, real, z)

    with no_grad():
        answers = discriminator(Tensor(real)), discriminator(generator(Tensor(z)))
    result = in_either_order(play, *answers)
    if not is_pair(result) or not all(isinstance(x, Tensor) for x in result):
        raise Unexpected("a pair of Tensors", result)
    d, g = result
    D, G = discriminator.parameters(), generator.parameters()
    return {
        "discriminator's loss": d.item(),
        "generator's loss": g.item(),
        "gradient of the former for the discriminator": slopes(d, D),
        "gradient of the former for the generator": slopes(d, G),
        "gradient of the latter for the generator": slopes(g, G),
    }


def slopes(loss, parameters):
    """Gradients as arrays; zeros for a loss that has left the tape."""
    if not loss.requires_grad:
        return [0 * p.data for p in parameters]
    return [g.data for g in grad(loss, parameters)]


def for_discriminator(D, real, fake):
    return non_saturating.discriminator(D(Tensor(real)), D(fake.detach()))


def for_generator(D, real, fake):
    return non_saturating.generator(D(fake))


def without_detach(D, real, fake):
    return non_saturating.discriminator(D(Tensor(real)), D(fake))


def with_detach(D, real, fake):
    return non_saturating.generator(D(fake.detach()))


@exercise("one_round", inputs=players, run=run_round)
def one_round(generator, discriminator, real, z):
    fake = generator(Tensor(z))
    d = for_discriminator(discriminator, real, fake)
    return d, for_generator(discriminator, real, fake)


def wrong_round(title, hint, first=for_discriminator, second=for_generator):
    """A round in which one of the losses is replaced."""

    @one_round.mistake(title, hint=hint)
    def _(generator, discriminator, real, z):
        fake = generator(Tensor(z))
        return first(discriminator, real, fake), second(discriminator, real, fake)


wrong_round(
    "no detach in the discriminator's loss",
    "From the discriminator's loss the generator could learn to be recognised better."
    " Where must the tape be cut?",
    first=without_detach,
)
wrong_round(
    "a detach in the generator's loss, so that nothing reaches the generator",
    "The generator learns through the discriminator. What is left of that path if the"
    " fakes are off the tape?",
    second=with_detach,
)
wrong_round(
    "the detach in the wrong one of the two losses",
    "Which of the two players is to learn nothing from which loss?",
    first=without_detach,
    second=with_detach,
)
wrong_round(
    "the generator's sign: it is paid for being found out",
    "When the discriminator takes a fake for real, which way does your generator's loss"
    " go? And do both losses agree on what a high logit means?",
    second=lambda D, real, fake: F.softplus(D(fake)).mean(),
)
wrong_round(
    "the minimax loss for the generator, which is flat where it is losing",
    "At a logit of −10, what is the slope of log(1 − σ), and what of −log σ?",
    second=lambda D, real, fake: -F.softplus(D(fake)).mean(),
)
wrong_round(
    "one loss for both players",
    "Two players who both make the same number small are a team. Are these?",
    second=without_detach,
)
wrong_round(
    "the generator's loss on real samples",
    "Which samples can the generator change?",
    second=lambda D, real, fake: for_generator(D, real, Tensor(real)),
)
wrong_round(
    "a discriminator that is shown no fakes",
    "If everything it ever sees is real, what will it answer to anything?",
    first=lambda D, real, fake: F.softplus(-D(Tensor(real))).mean(),
)
wrong_round(
    "the mean of the discriminator's two terms, where (1) has their sum",
    "At equilibrium, with D = ½ everywhere, (1) says log 4. What is yours?",
    first=lambda *given: 0.5 * for_discriminator(*given),
)


@one_round.variant
def with_labels_exchanged(generator, discriminator, real, z):
    with no_grad():
        fake = generator(Tensor(z))
    d = F.softplus(discriminator(Tensor(real))).mean()
    d = d + F.softplus(-discriminator(fake)).mean()
    return d, F.softplus(discriminator(generator(Tensor(z)))).mean()


@one_round.variant
def as_one_batch(generator, discriminator, real, z):
    fake, cost = generator(Tensor(z)), F.binary_cross_entropy_with_logits
    both = np.concatenate([real, fake.data])
    labels = np.repeat([1.0, 0.0], [len(real), len(z)])
    d = 2 * cost(discriminator(Tensor(both)), labels)  # as many fake as real ones
    return d, cost(discriminator(fake), np.ones(len(z)))


@one_round.variant
def by_probabilities(generator, discriminator, real, z):
    fake = generator(Tensor(z))
    on_real = F.sigmoid(discriminator(Tensor(real)))
    on_fake = F.sigmoid(discriminator(Tensor(fake.data)))
    d = -F.log(on_real).mean() - F.log(1 - on_fake).mean()
    return d, -F.log(F.sigmoid(discriminator(fake))).mean()
