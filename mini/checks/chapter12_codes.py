"""Exercises of chapter 12 on directions among codes, and on guessing from codes."""

import numpy as np

from .frame import exercise, given

# ---- r_squared -----------------------------------------------------------------------


def guesses_and_truths(rng):
    """Factors with means and spreads of their own; guesses biased and shrunk."""
    yield given(np.array([[1.0], [2.0], [4.0]]), np.array([[1.0], [3.0], [5.0]]))
    for N, F in [(4, 2), (30, 5), (200, 15)]:
        truth = rng.normal(size=(N, F)) * rng.uniform(0.2, 2, F) + rng.normal(size=F)
        guess = 0.3 + 0.6 * truth + 0.3 * rng.normal(size=(N, F))
        yield given(guess, truth)


def errors(guess, truth):
    return ((guess - truth) ** 2).mean(axis=0)


@exercise("r_squared", chapter="chapter12", inputs=guesses_and_truths)
def r_squared(guess, truth):
    return 1 - errors(guess, truth) / truth.var(axis=0)


r_squared.mistake(
    "the square of the correlation",
    hint="A guess that is always too high by one has a correlation of 1. Is it right?",
)(
    lambda guess, truth: np.array(
        [np.corrcoef(g, t)[0, 1] ** 2 for g, t in zip(guess.T, truth.T, strict=True)]
    )
)

r_squared.mistake(
    "the truth's mean square in place of its variance",
    hint="What error has somebody who knows nothing and always says the mean?",
)(lambda guess, truth: 1 - errors(guess, truth) / (truth**2).mean(axis=0))

r_squared.mistake(
    "the share of the variance that is left, not the share that is explained",
    hint="What should a perfect guess get: 0 or 1?",
)(lambda guess, truth: errors(guess, truth) / truth.var(axis=0))

r_squared.mistake(
    "the guess's variance in place of the truth's",
    hint="Whose spread is to be explained?",
)(lambda guess, truth: 1 - errors(guess, truth) / guess.var(axis=0))

r_squared.mistake(
    "one number for all factors",
    hint="(N, F) and (N, F) → (F,): over which axis are the means?",
)(lambda guess, truth: 1 - ((guess - truth) ** 2).mean() / truth.var())

r_squared.mistake(
    "not dividing by the variance",
    hint="A factor that hardly varies is easy to guess. Should that count as knowing?",
)(lambda guess, truth: 1 - errors(guess, truth))

r_squared.mistake(
    "standard deviations in place of squares",
    hint="The name says which power is compared. Which?",
)(lambda guess, truth: 1 - np.sqrt(errors(guess, truth)) / truth.std(axis=0))

r_squared.mistake(
    "the guess's variance over the truth's",
    hint="A guess may vary as much as the truth and be wrong. Where do you compare the"
    " two, image by image?",
)(lambda guess, truth: guess.var(axis=0) / truth.var(axis=0))

r_squared.mistake(
    "a variance with N − 1 beside an error with N",
    hint="Somebody who always says the mean should get exactly 0. What do you give?",
)(lambda guess, truth: 1 - errors(guess, truth) / truth.var(axis=0, ddof=1))


@r_squared.variant
def with_sums(guess, truth):
    left = ((truth - guess) ** 2).sum(axis=0)
    return 1 - left / ((truth - truth.mean(axis=0)) ** 2).sum(axis=0)


@r_squared.variant
def standardised(guess, truth):
    mean, spread = truth.mean(axis=0), truth.std(axis=0)
    a, b = (guess - mean) / spread, (truth - mean) / spread
    return 2 * (a * b).mean(axis=0) - (a * a).mean(axis=0)


@r_squared.variant
def factor_by_factor(guess, truth):
    found = []
    for g, t in zip(guess.T, truth.T, strict=True):
        found.append(1 - np.mean((g - t) ** 2) / np.var(t))
    return np.array(found)


# ---- direction_apart -----------------------------------------------------------------


def codes_with_two_attributes(rng):
    """The two go together, so that groups have different sizes."""
    for N, K, together in [(12, 2, 0.7), (40, 3, 0.8), (90, 8, 0.7)]:
        other = np.arange(N) % 3 == 0
        has = (rng.random(N) < together) == other
        has[:2], other[:4] = [True, False], [True, True, False, False]
        has[2:4] = [True, False]
        codes = rng.normal(1.0, 1.0, size=(N, K)) + 2 * has[:, None] * rng.random(K)
        yield given(codes + 3 * other[:, None] * rng.random(K), has, other)


def between(codes, has):
    return codes[has].mean(axis=0) - codes[~has].mean(axis=0)


def in_groups(codes, has, other):
    """The direction among those with the other attribute, and among those without."""
    return np.stack([between(codes[g], has[g]) for g in (other, ~other)])


@exercise("direction_apart", chapter="chapter12", inputs=codes_with_two_attributes)
def direction_apart(codes, has, other):
    return in_groups(codes, has, other).mean(axis=0)


direction_apart.mistake(
    "leaving the other attribute in",
    hint="Among those who have the one, the other is more frequent. What else than the"
    " attribute does the difference of the two means contain?",
)(lambda codes, has, other: between(codes, has))

direction_apart.mistake(
    "groups weighted by their sizes",
    hint="Two groups, and equal weights were asked for. Which mean gives these?",
)(
    lambda codes, has, other: np.average(
        in_groups(codes, has, other), axis=0, weights=[other.sum(), (~other).sum()]
    )
)

direction_apart.mistake(
    "only those who have the other attribute",
    hint="What about the faces without the other attribute?",
)(lambda codes, has, other: in_groups(codes, has, other)[0])

direction_apart.mistake(
    "only those who do not have the other attribute",
    hint="What about the faces with the other attribute?",
)(lambda codes, has, other: in_groups(codes, has, other)[1])

direction_apart.mistake(
    "the direction turned round",
    hint="Added to a code, should the direction put the attribute in, or take it out?",
)(lambda codes, has, other: -direction_apart.reference(codes, has, other))

direction_apart.mistake(
    "the sum over the two groups",
    hint="From the middle of the faces without to the middle of those with: how far?",
)(lambda codes, has, other: 2 * direction_apart.reference(codes, has, other))

direction_apart.mistake(
    "the two attributes exchanged",
    hint="Which of the two is to be changed, and which is to be left alone?",
)(lambda codes, has, other: direction_apart.reference(codes, other, has))

direction_apart.mistake(
    "an arrow scaled to length one",
    hint="How far is it from one group to the other? The length says so; keep it?",
)(
    lambda codes, has, other: (
        direction_apart.reference(codes, has, other)
        / np.linalg.norm(direction_apart.reference(codes, has, other))
    )
)

direction_apart.mistake(
    "those with one of the two attributes against those with neither",
    hint="Two faces differ in `has` alone if they agree in what?",
)(lambda codes, has, other: between(codes, has | other))


direction_apart.mistake(
    "those with both attributes against those with neither",
    hint="These two groups differ in two things. Which of the two has the arrow got?",
)(lambda codes, has, other: codes[has & other].mean(0) - codes[~has & ~other].mean(0))


@direction_apart.variant
def four_means(codes, has, other):
    def mean(a, b):
        return codes[(has == a) & (other == b)].mean(axis=0)

    return (mean(1, 1) - mean(0, 1) + mean(1, 0) - mean(0, 0)) / 2


@direction_apart.variant
def by_weights(codes, has, other):
    weights = np.zeros(len(codes))
    for a in (False, True):
        for b in (False, True):
            cell = (has == a) & (other == b)
            weights[cell] = (0.5 if a else -0.5) / cell.sum()
    return weights @ codes


@direction_apart.variant
def by_least_squares(codes, has, other):
    """With an interaction, and the other attribute coded as −½ and ½."""
    o = other - 0.5
    columns = [np.ones(len(has)), has, o, has * o]
    return np.linalg.lstsq(np.stack(columns, 1).astype(float), codes, rcond=None)[0][1]
