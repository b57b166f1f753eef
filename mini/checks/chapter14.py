"""Exercises of chapter 14 on tables.

Those on points are in chapter14_points.py, on what both players lose in
chapter14_rounds.py, on the slope of a discriminator in chapter14_slopes.py.
"""

import numpy as np
from scipy.spatial import distance
from scipy.special import expit, rel_entr

from .frame import exercise

# ---- optimal_discriminator -----------------------------------------------------------


def two_tables(rng):
    """Pairs of tables over K outcomes, some with zeros in one of the two."""
    yield np.array([0.75, 0.25]), np.array([0.25, 0.75])
    yield np.array([0.5, 0.5, 0.0]), np.array([0.25, 0.0, 0.75])
    for K in (3, 5, 8):
        yield rng.dirichlet(np.ones(K)), rng.dirichlet(np.ones(K))


@exercise("optimal_discriminator", inputs=two_tables)
def optimal_discriminator(p, q):
    return p / (p + q)


optimal_discriminator.mistake(
    "the probability of a fake, not of the real thing",
    hint="An outcome that is never forged, q = 0: what should the critic say?",
)(lambda p, q: q / (p + q))

optimal_discriminator.mistake(
    "how many times likelier real is than fake, p / q",
    hint="If there are three real ones for each fake, which part of all is real?",
)(lambda p, q: p / q)

optimal_discriminator.mistake(
    "the log-odds log(p / q)",
    hint="That is the best logit. Which function turns it into a probability?",
)(lambda p, q: np.log(p) - np.log(q))

optimal_discriminator.mistake(
    "a decision, 1 where p is larger and else 0",
    hint="If 51 of 100 are real and you swear that all are, what does log(1 − D) cost"
    " you at the other 49?",
)(lambda p, q: (p > q).astype(float))

optimal_discriminator.mistake(
    "the mean of p and q, which is how often an outcome is shown",
    hint="Of all times that an outcome is shown, how many are real?",
)(lambda p, q: (p + q) / 2)

optimal_discriminator.mistake(
    "half of the right answer",
    hint="Real and fake are equally frequent, but so they are in the denominator. Does"
    " the factor ½ stay?",
)(lambda p, q: 0.5 * p / (p + q))

optimal_discriminator.mistake(
    "the verdicts divided by their sum, as if D were a distribution over outcomes",
    hint="Must the critic's answers for different outcomes add up to anything?",
)(lambda p, q: p / (p + q) / (p / (p + q)).sum())

optimal_discriminator.mistake(
    "the softmax of p and q in place of their shares",
    hint="p and q are probabilities already. What does the exponential do there?",
)(lambda p, q: expit(p - q))

optimal_discriminator.variant(lambda p, q: 1 / (1 + q / p))
optimal_discriminator.variant(lambda p, q: expit(np.log(p) - np.log(q)))
optimal_discriminator.variant(lambda p, q: 0.5 + 0.5 * (p - q) / (p + q))


@optimal_discriminator.variant
def by_search(p, q):
    """Newton's method on p·log y + q·log(1 − y), in the middle of (0, 1)."""
    y = np.full(p.shape, 0.5)
    for _ in range(60):
        slope, bend = p / y - q / (1 - y), p / y**2 + q / (1 - y) ** 2
        y = np.clip(y + slope / bend, y / 2, (1 + y) / 2)
    return np.where(p == 0, 0.0, np.where(q == 0, 1.0, y))


# ---- jensen_shannon ------------------------------------------------------------------


def kl(p, q):
    return rel_entr(p, q).sum()


@exercise("jensen_shannon", inputs=two_tables)
def jensen_shannon(p, q):
    middle = (p + q) / 2
    return 0.5 * kl(p, middle) + 0.5 * kl(q, middle)


jensen_shannon.mistake(
    "0 · log 0 taken for not a number",
    hint="An outcome that p never shows: what does it add to a mean over p?",
)(lambda p, q: (p * np.log(2 * p / (p + q)) + q * np.log(2 * q / (p + q))).sum() / 2)

jensen_shannon.mistake(
    "twice the divergence, both halves at full weight",
    hint="Two tables with nothing in common are log 2 apart, not 2 log 2. Which factor"
    " stands before each of the two KLs?",
)(lambda p, q: kl(p, (p + q) / 2) + kl(q, (p + q) / 2))

jensen_shannon.mistake(
    "KL(p ‖ q), which is infinite where q shows nothing",
    hint="With which third distribution are p and q compared?",
)(lambda p, q: kl(p, q))

jensen_shannon.mistake(
    "the mean of KL(p ‖ q) and KL(q ‖ p)",
    hint="With which third distribution are p and q compared?",
)(lambda p, q: (kl(p, q) + kl(q, p)) / 2)

jensen_shannon.mistake(
    "only p compared with the middle",
    hint="Is your number the same when p and q are exchanged?",
)(lambda p, q: kl(p, (p + q) / 2))

jensen_shannon.mistake(
    "bits in place of nats",
    hint="Which logarithm is zero at 1 and has slope 1 there?",
)(lambda p, q: jensen_shannon.reference(p, q) / np.log(2))

jensen_shannon.mistake(
    "the root of the divergence",
    hint="The root is a distance, and some libraries return it. What did the exercise"
    " ask for?",
)(lambda p, q: np.sqrt(jensen_shannon.reference(p, q)))

jensen_shannon.mistake(
    "p + q in place of their middle",
    hint="The distribution in the middle must add up to 1. Does yours?",
)(lambda p, q: 0.5 * kl(p, p + q) + 0.5 * kl(q, p + q))

jensen_shannon.mistake(
    "the value of the game, 2·JSD − log 4",
    hint="Equal tables have divergence zero. What do yours have?",
)(lambda p, q: 2 * jensen_shannon.reference(p, q) - np.log(4))

jensen_shannon.mistake(
    "the divergences from the middle turned round, KL(middle ‖ p)",
    hint="Over which of the two distributions is the mean taken?",
)(lambda p, q: 0.5 * kl((p + q) / 2, p) + 0.5 * kl((p + q) / 2, q))

jensen_shannon.mistake(
    "a mean over the outcomes in place of the sum",
    hint="The probabilities in front of the logarithms are weights. Do they need"
    " another 1/K?",
)(lambda p, q: jensen_shannon.reference(p, q) / len(p))


@jensen_shannon.variant
def by_entropies(p, q):
    def entropy(table):
        kept = table[table > 0]
        return -(kept * np.log(kept)).sum()

    return entropy((p + q) / 2) - (entropy(p) + entropy(q)) / 2


@jensen_shannon.variant
def by_the_game(p, q):
    best = p / (p + q)
    real, fake = p > 0, q > 0
    value = (p * np.log(best, where=real, out=np.zeros_like(p))).sum()
    value += (q * np.log(1 - best, where=fake, out=np.zeros_like(q))).sum()
    return (value + np.log(4)) / 2


@jensen_shannon.variant
def by_a_library(p, q):
    return distance.jensenshannon(p, q) ** 2
