"""Exercises of chapter 16 on piles: how far apart two of them are, and who says so.

Those on the slope of a critic are in chapter16_slopes.py, on what bounds it and on the
smallest game in chapter16_bounds.py.
"""

import numpy as np
from scipy.optimize import linprog
from scipy.stats import wasserstein_distance

from .frame import Unexpected, exercise

# ---- earth_movers --------------------------------------------------------------------


def two_piles(rng):
    """Tables p and q (K,) at increasing places (K,), in metres."""
    yield np.array([0.75, 0.25]), np.array([0.25, 0.75]), np.array([0.0, 3.0])
    yield np.array([3, 2, 1]) / 6, np.array([1, 2, 3]) / 6, np.array([-1.0, 1.0, 4.0])
    yield np.array([0, 1.0, 0]), np.array([0.5, 0, 0.5]), np.array([0.0, 0.3, 2.0])
    for K in (4, 6, 9):
        p, q = rng.dirichlet(np.ones(K)), rng.dirichlet(np.ones(K))
        yield p, q, np.cumsum(rng.uniform(0.2, 3.0, K)) - 4


def surplus(p, q):
    """Of p over q, to the left of each gap: (K − 1,)."""
    return np.cumsum(p - q)[:-1]


@exercise("earth_movers", inputs=two_piles)
def earth_movers(p, q, places):
    return (np.abs(surplus(p, q)) * np.diff(places)).sum()


earth_movers.mistake(
    "every gap counted as one metre",
    hint="How far is it from the first place to the second? Where does your answer use"
    " that?",
)(lambda p, q, places: np.abs(surplus(p, q)).sum())

earth_movers.mistake(
    "the signed area, in which sand carried left pays for sand carried right",
    hint="Does a barrow that is wheeled to the left cost less than nothing?",
)(lambda p, q, places: (surplus(p, q) * np.diff(places)).sum())

earth_movers.mistake(
    "how much sand is moved, however far",
    hint="Half the sum of |p − q| is the same if the places lie a hundred metres apart."
    " Is the work the same?",
)(lambda p, q, places: np.abs(p - q).sum() / 2)

earth_movers.mistake(
    "|p − q| at each place, where the amounts that cross a gap are wanted",
    hint="How much must cross the gap between the second place and the third? Is it"
    " what the second place has too much of, or everything up to it?",
)(lambda p, q, places: (np.abs(p - q)[:-1] * np.diff(places)).sum())

earth_movers.mistake(
    "each gap paired with the amount that crosses the next one",
    hint="The surplus of all places up to k must cross the gap on which side of place"
    " k?",
)(lambda p, q, places: (np.abs(np.cumsum(p - q)[1:]) * np.diff(places)).sum())

earth_movers.mistake(
    "the largest gap between the cumulative sums, another distance",
    hint="That is Kolmogorov's. What has to be done with the height of every strip?",
)(lambda p, q, places: np.abs(surplus(p, q)).max())

earth_movers.mistake(
    "the distance of the two centres of gravity, sand carried left against sand carried"
    " right",
    hint="A pile in the middle, and two half piles to its left and right: the centres"
    " are the same. Are the piles?",
)(lambda p, q, places: np.abs(places @ (p - q)))

earth_movers.mistake(
    "a mean over the gaps in place of the sum",
    hint="Every metre that sand crosses is work. By what do you divide?",
)(lambda p, q, places: (np.abs(surplus(p, q)) * np.diff(places)).mean())

earth_movers.mistake(
    "squares in place of absolute values",
    hint="Two barrows across a metre: twice the work of one barrow, or four times?",
)(lambda p, q, places: (surplus(p, q) ** 2 * np.diff(places)).sum())

earth_movers.variant(lambda p, q, places: wasserstein_distance(places, places, p, q))
earth_movers.variant(
    lambda p, q, places: np.abs(np.cumsum(q) - np.cumsum(p))[:-1] @ np.diff(places)
)


@earth_movers.variant
def by_barrows(p, q, places):
    """From left to right: what is too much or too little is handed on."""
    hands, work = 0.0, 0.0
    for k in range(len(p) - 1):
        hands += p[k] - q[k]
        work += abs(hands) * (places[k + 1] - places[k])
    return work


@earth_movers.variant
def by_linear_programming(p, q, places):
    K, costs = len(p), np.abs(places[:, None] - places)
    rows = np.kron(np.eye(K), np.ones(K)), np.kron(np.ones(K), np.eye(K))
    return linprog(costs.ravel(), A_eq=np.concatenate(rows), b_eq=np.append(p, q)).fun


# ---- wasserstein_1d ------------------------------------------------------------------


def two_samples(rng):
    yield np.array([0.0, 1.0]), np.array([3.0, 0.5])
    for N in (3, 6, 25):
        yield rng.normal(size=N), 1 + 2 * rng.normal(size=N)
    yield rng.normal(size=10), rng.normal(size=10) * [1] * 10 + rng.choice([-2, 2], 10)


@exercise("wasserstein_1d", inputs=two_samples)
def wasserstein_1d(x, y):
    return np.abs(np.sort(x) - np.sort(y)).mean()


wasserstein_1d.mistake(
    "pairs as they come, unsorted",
    hint="The samples are in no order. Who says that the first of x should go to the"
    " first of y?",
)(lambda x, y: np.abs(x - y).mean())

wasserstein_1d.mistake(
    "the smallest paired with the largest",
    hint="Two paths that cross on a line: what is gained by exchanging their ends?",
)(lambda x, y: np.abs(np.sort(x) - np.sort(y)[::-1]).mean())

wasserstein_1d.mistake(
    "the distance of the two means",
    hint="Samples from N(0, 1) and from N(0, 9) have about the same mean. How far"
    " apart are they?",
)(lambda x, y: np.abs(x.mean() - y.mean()))

wasserstein_1d.mistake(
    "the difference of the two means with its sign",
    hint="Is your number the same when x and y are exchanged?",
)(lambda x, y: x.mean() - y.mean())

wasserstein_1d.mistake(
    "a sum over the samples in place of the mean",
    hint="Each sample is 1/N of the sand. What if there were twice as many of both?",
)(lambda x, y: np.abs(np.sort(x) - np.sort(y)).sum())

wasserstein_1d.mistake(
    "squared distances",
    hint="Twice as far is how much more work, twice or four times?",
)(lambda x, y: ((np.sort(x) - np.sort(y)) ** 2).mean())

wasserstein_1d.mistake(
    "the root of the mean squared distance, which is W₂",
    hint="There is a distance for each power. Which power of |x − y| is in (1)?",
)(lambda x, y: np.sqrt(((np.sort(x) - np.sort(y)) ** 2).mean()))

wasserstein_1d.mistake(
    "the mean over all pairs, as if sand went everywhere at once",
    hint="Take x and y equal. How much work is there to do, and how much do you find?",
)(lambda x, y: np.abs(x[:, None] - y).mean())

wasserstein_1d.mistake(
    "each sample sent to its nearest, however many go there",
    hint="Each of y is a pile of size 1/N, and takes no more. How many of x did you"
    " send to one of them?",
)(lambda x, y: np.abs(x[:, None] - y).min(axis=1).mean())

wasserstein_1d.mistake(
    "the largest distance in place of the mean",
    hint="All of the sand has to be moved. Which part of it did you count?",
)(lambda x, y: np.abs(np.sort(x) - np.sort(y)).max())

wasserstein_1d.variant(wasserstein_distance)
wasserstein_1d.variant(lambda x, y: float(np.mean(abs(np.sort(y) - np.sort(x)))))


@wasserstein_1d.variant
def area_between_the_cumulatives(x, y):
    at = np.sort(np.concatenate([x, y]))
    below = [(z <= at[:-1, None]).mean(axis=1) for z in (x, y)]
    return (np.abs(below[0] - below[1]) * np.diff(at)).sum()


@wasserstein_1d.variant
def by_repeated_exchange(x, y):
    """Uncross two paths as long as there are any that cross."""
    y = list(y[np.argsort(np.argsort(x))])
    x = np.sort(x)
    for _ in range(len(y)):
        for i in range(len(y) - 1):
            if y[i] > y[i + 1]:
                y[i], y[i + 1] = y[i + 1], y[i]
    return sum(abs(a - b) for a, b in zip(x, y)) / len(y)


# ---- best_critic ---------------------------------------------------------------------


def run_critic(attempt, p, q, places):
    """What a critic reads, and how steep it is: all that a constant does not change."""
    f = attempt(p, q, places)
    if not isinstance(f, np.ndarray) or f.shape != p.shape:
        raise Unexpected(f"an array of shape {p.shape}", f)
    slopes = np.abs(np.diff(f) / np.diff(places))
    return {"mean over p minus mean over q": f @ (p - q), "steepest": slopes.max()}


def critic_of_slopes(slopes, places):
    return np.append(0.0, np.cumsum(slopes * np.diff(places)))


@exercise("best_critic", inputs=two_piles, run=run_critic)
def best_critic(p, q, places):
    return critic_of_slopes(-np.sign(surplus(p, q)), places)


best_critic.mistake(
    "the opposite critic, high where q is",
    hint="p lies to the left of q, say. Should f go up or down from left to right, so"
    " that the mean over p is the larger?",
)(lambda p, q, places: critic_of_slopes(np.sign(surplus(p, q)), places))

best_critic.mistake(
    "steps of one from place to place, whatever the gap",
    hint="Between two places three metres apart, by how much may a critic of slope 1"
    " change?",
)(lambda p, q, places: np.append(0.0, np.cumsum(-np.sign(surplus(p, q)))))

best_critic.mistake(
    "the surplus itself as the slope, not its sign",
    hint="Where the slope is below 1 although sand crosses, could the critic read"
    " more?",
)(lambda p, q, places: critic_of_slopes(-surplus(p, q), places))

best_critic.mistake(
    "the slopes, not yet added up to a function",
    hint="You have a slope for each gap. What is f at the places?",
)(lambda p, q, places: np.append(-np.sign(surplus(p, q)), 0.0))

best_critic.mistake(
    "a decision at each place, 1 where p has more than q",
    hint="The critic of chapter 14 has steps. How steep is a step, and how steep may f"
    " be?",
)(lambda p, q, places: np.sign(p - q))

best_critic.mistake(
    "up where p has more than q, the sign of p − q at a place as the slope",
    hint="Which way the sand crosses a gap depends on everything to the left of it."
    " What did you look at?",
)(lambda p, q, places: critic_of_slopes(-np.sign(p - q)[:-1], places))

best_critic.mistake(
    "one straight line",
    hint="A pile in the middle, half piles on both sides: can a critic that only rises"
    " tell them apart?",
)(lambda p, q, places: np.sign(places @ (p - q)) * places)

best_critic.mistake(
    "twice as steep as allowed",
    hint="What is the largest slope of your f, and what is 1-Lipschitz?",
)(lambda p, q, places: critic_of_slopes(-2 * np.sign(surplus(p, q)), places))

best_critic.variant(lambda p, q, places: 7 + best_critic.reference(p, q, places))


@best_critic.variant
def from_the_right(p, q, places):
    to_the_right = np.cumsum((p - q)[::-1])[::-1][1:]
    climbs = np.sign(to_the_right) * np.diff(places)
    return -np.append(np.cumsum(climbs[::-1])[::-1], 0.0)


@best_critic.variant
def one_place_after_another(p, q, places):
    f, left = np.zeros(len(p)), 0.0
    for k in range(1, len(p)):
        left += p[k - 1] - q[k - 1]
        gap = places[k] - places[k - 1]
        f[k] = f[k - 1] - gap if left > 0 else f[k - 1] + gap
    return f


@best_critic.variant
def by_the_dual_programme(p, q, places):
    """The largest f·(p − q) with every climb at most its gap."""
    K = len(p)
    climbs = np.diff(np.eye(K), axis=0)
    limits = np.tile(np.diff(places), 2)
    bounds = [(0, 0)] + [(None, None)] * (K - 1)
    best = linprog(q - p, np.concatenate([climbs, -climbs]), limits, bounds=bounds)
    return best.x
